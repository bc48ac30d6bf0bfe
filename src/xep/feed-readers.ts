import { BytestreamError, prepareJid } from '../core/index.ts'
import { requiredAttribute } from './bounded.ts'
import { type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** What a service shows that says who may read (XEP-0030). */
export const feedReadersFeature = `${NS.feeds}-readers`

/** Accounts that are asked about at once: so few that their names, however long, are one stanza. */
export const ACCOUNTS_MAX = 64

/** Accounts, asked about: may they have the items of a node? In the answer those that may. */
export interface FeedReaders {
  readonly node: string
  /** Bare JIDs, prepared; at most {@link ACCOUNTS_MAX}. */
  readonly accounts: readonly string[]
}

/**
 * Both the question, an IQ of type get from who publishes at the node, and its answer.
 *
 * ```xml
 * <readers xmlns='https://www.npmjs.com/package/streamhost#feeds' node='builds/nightly'>
 *   <account jid='wall7@example.org'/>
 * </readers>
 * ```
 * @see docs/feeds.md
 */
export function buildFeedReaders({ node, accounts }: FeedReaders): Element {
  return xml('readers', { xmlns: NS.feeds, node }, ...accounts.map((jid) => xml('account', { jid })))
}

/** @throws BytestreamError `ERR_BAD_REQUEST` without a node, and for too many accounts; `ERR_JID_MALFORMED` */
export function parseFeedReaders(readers: Element): FeedReaders {
  const accounts = readers.getChildren('account', NS.feeds)
  if (accounts.length > ACCOUNTS_MAX)
    throw new BytestreamError('ERR_BAD_REQUEST', `at most ${ACCOUNTS_MAX} accounts are asked about at once`)
  return { node: requiredAttribute(readers, 'node'), accounts: accounts.map((account) => prepareJid(requiredAttribute(account, 'jid'))) }
}
