import type { Session } from '../../session/index.ts'
import { buildFeedReaders, NS, parseFeedReaders } from '../../xep/index.ts'
import { type AskersComponents, askerOf } from '../pubsub/askers.ts'

export interface ReadersComponents extends AskersComponents {
  /** Borrowed. */
  readonly session: Session
}

/** Tells who publishes on a feed, if `readersAmong` lets him know, which of some accounts may have what is announced there. */
export function answerReaders(components: ReadersComponents): void {
  const { session, pubsub } = components
  session.iqs.handle('get', NS.feeds, 'readers', async ({ from, payload }) => {
    const { node, accounts } = parseFeedReaders(payload)
    const asker = await askerOf(components, from, node)
    pubsub.readersAmong(asker, node, []) // Who may not know has nobody's roster asked.
    const others = await Promise.all(accounts.map((jid) => askerOf(components, jid, node)))
    return buildFeedReaders({ node, accounts: pubsub.readersAmong(asker, node, others) })
  })
}
