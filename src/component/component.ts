import { bareJid, type Clock } from '../core/index.ts'
import { answerEntityQueries, ServiceDiscovery, type ServiceDiscoveryInit, type ServicePart, type Session } from '../session/index.ts'
import type { SoftwareVersion } from '../xep/index.ts'

/**
 * Gives a component's session its face: service discovery over `parts`, and what is asked of every entity. IQs to any
 * resource of the component's address are answered, since clients that met another proxy first send them there; at
 * its domain nobody lives, so far.
 */
export function presentComponent(
  session: Session,
  clock: Clock,
  { version, parts, onAsked }: { version: SoftwareVersion; parts: readonly ServicePart[]; onAsked?: ServiceDiscoveryInit['onAsked'] },
): void {
  const discovery = new ServiceDiscovery(session.iqs, { isOurs: (to) => !bareJid(to).includes('@'), ...(onAsked && { onAsked }) })
  for (const part of [...parts, answerEntityQueries(session.iqs, clock, version)]) discovery.add(part)
}
