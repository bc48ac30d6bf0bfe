import { type Clock, type ErrorCode, type Logger, LogRation } from '../../core/index.ts'
import type { AskedFor, PubsubService } from './pubsub-service.ts'

/** Logs what a service is asked: at `debug`, and of what it refuses each reason of each request at `info`, at most once a minute. */
export function logPubsub(service: PubsubService, logger: Logger, clock: Clock): void {
  const refusals = new LogRation<`${AskedFor} ${ErrorCode}`>(clock)
  service.on('asked', (facts) => {
    if (facts.code === undefined) return logger.debug(facts, 'answered a request of publish-subscribe')
    const suppressed = refusals.take(`${facts.action} ${facts.code}`)
    if (suppressed === undefined) logger.debug(facts, 'refused a request of publish-subscribe')
    else logger.info({ ...facts, suppressed }, 'refused a request of publish-subscribe')
  })
}
