import { isDeepStrictEqual } from 'node:util'
import { reloadableOptions, type ServiceSettings, type serveOptions } from '../config/index.ts'
import { type Logger, toBytestreamError } from '../core/index.ts'
import type { Service } from '../service.ts'
import type { LeveledLogger } from './logging.ts'

/** A service that runs, the settings it was started with, and its log. */
export interface Running {
  readonly service: Service
  readonly settings: ServiceSettings
  readonly leveled: LeveledLogger
}

/**
 * Has a running service adopt the settings that `read` returns, as far as they can change while it runs. What is wrong
 * with them is logged, and then nothing changes.
 */
export function adopt(read: () => ServiceSettings, { service, settings, leveled }: Running): void {
  const logger: Logger = leveled
  try {
    const next = read()
    service.changeAccess({ ...next, domain: settings.domain })
    service.changeRates(next)
    leveled.level = next['log-level']
    logger.info({}, 'the settings were read again: who may use the proxy and create nodes, the rates and the log level are as they say')
    const others = changedOthers(settings, next)
    if (others.length > 0) logger.warn({ settings: others.join(', ') }, 'some settings have changed that need a restart')
  } catch (thrown) {
    const { code, message } = toBytestreamError(thrown)
    logger.error({ code, reason: message }, 'the settings could not be read again; the old ones stay')
  }
}

/** Names of the settings that have changed, and take effect with a restart only. */
function changedOthers(settings: ServiceSettings, next: ServiceSettings): readonly string[] {
  const names = Object.keys(settings) as (keyof typeof serveOptions)[]
  return names.filter((name) => !reloadableOptions.some((other) => other === name) && !isDeepStrictEqual(settings[name], next[name]))
}
