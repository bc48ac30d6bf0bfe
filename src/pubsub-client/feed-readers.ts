import { BytestreamError } from '../core/index.ts'
import type { QuestionOptions } from '../session/index.ts'
import { buildFeedReaders, FEED_READERS_MAX, feedReadersFeature, parseFeedReaders } from '../xep/index.ts'
import type { Asking } from './asking.ts'

/** Those of some accounts that may have the items of a node, in as many questions as it takes; `undefined` where the service does not tell. */
export async function readersAt(
  asking: Asking,
  node: string,
  accounts: readonly string[],
  options: QuestionOptions,
): Promise<ReadonlySet<string> | undefined> {
  if (!(await asking.shows(feedReadersFeature, options))) return undefined
  const { session, service: to } = asking
  const readers = new Set<string>()
  for (let at = 0; at < accounts.length; at += FEED_READERS_MAX) {
    const payload = buildFeedReaders({ node, accounts: accounts.slice(at, at + FEED_READERS_MAX) })
    const answer = await session.request({ type: 'get', to, payload }, options)
    if (!answer) throw new BytestreamError('ERR_BAD_REQUEST', 'the answer does not say who may read')
    for (const account of parseFeedReaders(answer).accounts) readers.add(account)
  }
  return readers
}
