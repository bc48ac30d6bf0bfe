import type { Session } from '../../session/index.ts'
import { buildFeedReaders, NS, parseFeedReaders } from '../../xep/index.ts'
import { type AskersComponents, askerOf } from '../pubsub/askers.ts'

export interface ReadersComponents extends AskersComponents {
  /** Borrowed. */
  readonly session: Session
}

/** Tells whoever may publish on a feed which of some accounts may have what is announced there. */
export function answerReaders(components: ReadersComponents): void {
  const { session, pubsub } = components
  session.iqs.handle('get', NS.feeds, 'readers', async ({ from, payload }) => {
    const { node, accounts } = parseFeedReaders(payload)
    const asker = await askerOf(components, from, node)
    const others = await Promise.all(accounts.map((jid) => askerOf(components, jid, node)))
    return buildFeedReaders({ node, accounts: pubsub.readersAmong(asker, node, others) })
  })
}
