import type { Clock } from '../core/index.ts'
import { buildLastActivity, buildTime, buildVersion, NS, type SoftwareVersion } from '../xep/index.ts'
import type { IqRouter } from './iq-router.ts'
import type { ServicePart } from './service-discovery.ts'

/**
 * Answers what clients and admins ask of every entity: ping (XEP-0199), software version (XEP-0092), uptime as last
 * activity (XEP-0012 §5), time (XEP-0202).
 */
export function answerEntityQueries(iqs: IqRouter, clock: Clock, version: SoftwareVersion): ServicePart {
  const startedMs = clock.now()
  iqs.handle('get', NS.ping, 'ping', () => undefined)
  iqs.handle('get', NS.version, 'query', () => buildVersion(version))
  iqs.handle('get', NS.activity, 'query', () => buildLastActivity((clock.now() - startedMs) / 1000))
  iqs.handle('get', NS.time, 'time', () => buildTime(new Date()))
  return { identities: [], features: [NS.ping, NS.version, NS.activity, NS.time] }
}
