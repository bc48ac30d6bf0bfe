import type { Session } from '../../src/session/index.ts'
import { buildPresence } from '../../src/xep/index.ts'

/** The presence of a session that has no client around it. */
export const announcing = (session: Session) => ({
  announce: (to: string) => session.send(buildPresence({ type: 'available', to, priority: -1 })),
})
