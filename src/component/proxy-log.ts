import { type Clock, type Logger, LogRation } from '../core/index.ts'
import type { BytestreamProxy } from './bytestreams.ts'

/**
 * Logs what a proxy is asked: at `debug`, and of what it refuses each reason at `info`, at most once a minute, since
 * strangers may ask as often as they like.
 */
export function logProxy(proxy: BytestreamProxy, logger: Logger, clock: Clock): void {
  const addresses = new LogRation(clock)
  const activations = new LogRation(clock)
  proxy.on('addressAsked', (facts) => {
    if (facts.code === undefined) return logger.debug(facts, 'told the address')
    const suppressed = addresses.take(facts.code)
    if (suppressed === undefined) logger.debug(facts, 'refused to tell the address')
    else logger.info({ ...facts, suppressed }, 'refused to tell the address')
  })
  proxy.on('activationRefused', (facts) => {
    const suppressed = activations.take(facts.code)
    if (suppressed === undefined) logger.debug(facts, 'refused to activate a bytestream')
    else logger.info({ ...facts, suppressed }, 'refused to activate a bytestream')
  })
  proxy.on('activationAsked', (facts) => {
    if (facts.code === undefined) return logger.debug(facts, 'activated a bytestream')
    const suppressed = activations.take(facts.code)
    if (suppressed === undefined) logger.debug(facts, 'could not activate a bytestream')
    else logger.info({ ...facts, suppressed }, 'could not activate a bytestream')
  })
}
