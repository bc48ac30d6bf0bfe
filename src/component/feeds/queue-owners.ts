import { BytestreamError } from '../../core/index.ts'
import type { DeadLetter, Notice, Pubsub } from '../../pubsub/index.ts'
import type { Session } from '../../session/index.ts'
import { buildDeadLetters, buildFeedQueue, type FeedDeadLetter, NS, parseDeadLetterOrder, parseFeedQueueRequest } from '../../xep/index.ts'
import { pageOf } from '../pubsub/pages.ts'

export interface QueueOwnersComponents {
  /** Borrowed. */
  readonly session: Session
  /** Borrowed. */
  readonly pubsub: Pubsub
  /** Is given what is delivered again. */
  readonly tell: (notices: readonly Notice[]) => void
}

/** Answers owners of feeds: what waits for whom, what could not be delivered, and that it is delivered again, or dropped. */
export function answerQueueOwners({ session, pubsub, tell }: QueueOwnersComponents): void {
  const { queues } = pubsub
  session.iqs.handle('get', NS.feeds, 'queue', ({ from, payload }) => {
    const { node, page } = parseFeedQueueRequest(payload)
    const part = queues.waiting({ jid: from }, node, page)
    return buildFeedQueue({ node, entries: part.found, page: pageOf(part, page) })
  })
  session.iqs.handle('get', NS.feeds, 'dead', ({ from, payload }) => {
    const { node, page } = parseFeedQueueRequest(payload)
    const part = queues.deadLetters({ jid: from }, node, page)
    return buildDeadLetters({ node, entries: part.found.map(toLetter), page: pageOf(part, page) })
  })
  session.iqs.handle('set', NS.feeds, 'again', async ({ from, payload }) => {
    const { node, id } = parseDeadLetterOrder(payload)
    const { notices } = queues.redeliver({ jid: from }, node, numberOf(id))
    await pubsub.settled()
    tell(notices)
    return undefined
  })
  session.iqs.handle('set', NS.feeds, 'drop', async ({ from, payload }) => {
    const { node, id } = parseDeadLetterOrder(payload)
    queues.dropDead({ jid: from }, node, numberOf(id))
    await pubsub.settled()
    return undefined
  })
}

/** @throws BytestreamError `ERR_ITEM_NOT_FOUND` for what no dead letter is called */
function numberOf(id: string): number {
  if (!/^\d{1,15}$/.test(id)) throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is no such dead letter')
  return Number(id)
}

const toLetter = ({ id, account, message, attempts, reason, diedMs }: DeadLetter): FeedDeadLetter => {
  const { kind, itemId, publishedMs } = message
  return { id: String(id), account, kind, itemId, publishedMs, diedMs, attempts, reason }
}
