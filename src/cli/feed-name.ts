import { BytestreamError, throwIfAborted } from '../core/index.ts'
import { type FeedAddress, feedAt } from '../feeds/index.ts'
import { PubsubClient } from '../pubsub-client/index.ts'
import type { TransferClient } from '../transfer/index.ts'
import { parseNodeUri } from '../xep/index.ts'
import { CommandFailure } from './command-line.ts'
import { EXIT } from './exit-codes.ts'

/** A feed as it was named: some are named without their service. */
export type NamedFeed = Pick<FeedAddress, 'node'> & Partial<FeedAddress>

/**
 * Reads the name of a feed as people write it: that of its node, or with its service as `xmpp:SERVICE?;node=NODE`. An address, as in rosters,
 * looks like a name until it is asked what is there: {@link locateFeeds}.
 *
 * @param service of a node that is named alone
 * @throws BytestreamError `ERR_CONFIG`, `ERR_JID_MALFORMED`
 */
export function parseFeedName(text: string, service: string | undefined): NamedFeed {
  if (text === '') throw new BytestreamError('ERR_CONFIG', 'a feed has a name: that of its node')
  if (!/^xmpp:/i.test(text)) return { node: text, ...(service !== undefined && { service }) }
  const { jid, node } = parseNodeUri(text)
  if (service === undefined || service === jid) return { service: jid, node }
  throw new BytestreamError('ERR_CONFIG', `${text} is at ${jid}, and --at says ${service}: leave --at out`)
}

/**
 * Finds where feeds are.
 *
 * @throws CommandFailure when the account's server names no service; as {@link PubsubClient.find}
 */
export async function locateFeeds(
  { session }: TransferClient,
  feeds: readonly NamedFeed[],
  signal: AbortSignal,
): Promise<readonly FeedAddress[]> {
  const addressed = await Promise.all(
    feeds.map(async (feed) => (feed.service === undefined && (await feedAt(session, feed.node, { signal }))) || feed),
  )
  const isSearched = addressed.some(({ service }) => service === undefined)
  const found = isSearched ? await find(session, signal) : ''
  return addressed.map(({ node, service = found }) => ({ node, service }))
}

async function find(session: TransferClient['session'], signal: AbortSignal): Promise<string> {
  try {
    return (await PubsubClient.find(session, { signal })).service
  } catch (thrown) {
    throwIfAborted(signal)
    if (!(thrown instanceof BytestreamError) || thrown.code !== 'ERR_SERVICE_UNAVAILABLE') throw thrown
    throw new CommandFailure(new BytestreamError(thrown.code, `${thrown.message}; name one with --at`, { cause: thrown }), EXIT.absent)
  }
}
