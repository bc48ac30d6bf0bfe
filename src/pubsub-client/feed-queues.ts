import { BytestreamError } from '../core/index.ts'
import type { QuestionOptions } from '../session/index.ts'
import {
  buildDeadLetterOrder,
  buildFeedQueueRequest,
  type DeadLetterOrder,
  type Element,
  type FeedDeadLetter,
  type FeedQueuePart,
  type FeedQueueRequest,
  parseDeadLetters,
  parseFeedQueue,
  type WaitingSubscriber,
} from '../xep/index.ts'
import type { Asking, ListInit } from './asking.ts'
import { walkPages } from './pages.ts'

/** How much waits for each subscriber that has a queue at a node of ours. */
export function waitingAt(asking: Asking, node: string, init: ListInit): AsyncIterable<WaitingSubscriber> {
  return walk(asking, { about: 'queue', node }, init, parseFeedQueue)
}

/** What could not be delivered of a node of ours. */
export function deadLettersAt(asking: Asking, node: string, init: ListInit): AsyncIterable<FeedDeadLetter> {
  return walk(asking, { about: 'dead', node }, init, parseDeadLetters)
}

export async function orderDeadLetter({ session, service }: Asking, order: DeadLetterOrder, options: QuestionOptions): Promise<void> {
  await session.request({ type: 'set', to: service, payload: buildDeadLetterOrder(order) }, options)
}

function walk<Entry>(
  { session, service }: Asking,
  request: Omit<FeedQueueRequest, 'page'>,
  init: ListInit,
  parse: (answer: Element) => FeedQueuePart<Entry>,
): AsyncGenerator<Entry, void, undefined> {
  return walkPages(
    async (page) => {
      const answer = await session.request({ type: 'get', to: service, payload: buildFeedQueueRequest({ ...request, page }) }, init)
      if (!answer) throw new BytestreamError('ERR_BAD_REQUEST', 'the answer does not say what is in the queues')
      return parse(answer)
    },
    true,
    init,
  )
}
