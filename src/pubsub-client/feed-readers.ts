import { BytestreamError } from '../core/index.ts'
import type { QuestionOptions } from '../session/index.ts'
import { buildFeedReaders, FEED_READERS_MAX, feedReadersFeature, parseFeedReaders } from '../xep/index.ts'
import type { Asking } from './asking.ts'

/** Those of some accounts that may have the items of a node, in as many questions at once as it takes; `undefined` where the service does not tell. */
export async function readersAt(
  asking: Asking,
  node: string,
  accounts: readonly string[],
  options: QuestionOptions,
): Promise<ReadonlySet<string> | undefined> {
  if (!(await asking.shows(feedReadersFeature, options))) return undefined
  const { session, service: to } = asking
  const ask = async (some: readonly string[]) => {
    const payload = buildFeedReaders({ node, accounts: some })
    const answer = await session.request({ type: 'get', to, payload }, options)
    if (!answer) throw new BytestreamError('ERR_BAD_REQUEST', 'the answer does not say who may read')
    return parseFeedReaders(answer).accounts
  }
  const parts = Array.from({ length: Math.ceil(accounts.length / FEED_READERS_MAX) }, (_, at) =>
    ask(accounts.slice(at * FEED_READERS_MAX, (at + 1) * FEED_READERS_MAX)),
  )
  return new Set((await Promise.all(parts)).flat())
}
