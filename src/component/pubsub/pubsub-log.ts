import { type Clock, type ErrorCode, type Logger, LogRation } from '../../core/index.ts'
import type { Storage } from '../../storage/index.ts'
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

/** Logs what an admin has to see to, at most once a minute. Whoever asked was refused. */
export function logStorage(storage: Storage, logger: Logger, clock: Clock): void {
  const ration = new LogRation<'rolled back'>(clock)
  storage.on('strained', (err) => logger.warn({ err }, 'the log of the database cannot be copied into it, and grows'))
  storage.on('rolledBack', (err) => {
    const suppressed = ration.take('rolled back')
    if (suppressed !== undefined) logger.error({ err, suppressed }, 'what was asked could not be kept')
  })
}
