import { BytestreamError } from '../core/index.ts'
import { boundedAttribute, chosenAttribute, requiredAttribute, wholeNumber } from './bounded.ts'
import { formatDateTime, parseDateTime } from './date-time.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'
import { buildPage, buildPageRequest, type Page, type PageRequest, parsePage, parsePageRequest } from './result-set.ts'

/** What an owner asks of a feed: how much waits for whom, or what could not be delivered. */
export interface FeedQueueRequest {
  readonly about: 'queue' | 'dead'
  readonly node: string
  readonly page?: PageRequest | undefined
}

/** How much waits for one subscriber. Times are milliseconds since 1970; on the wire to the second. */
export interface WaitingSubscriber {
  /** A bare JID. */
  readonly account: string
  /** To be handed over. */
  readonly waiting: number
  /** Handed over, and not acknowledged yet. */
  readonly handed: number
  /** When the oldest of both was published. */
  readonly oldestMs?: number | undefined
}

const KINDS = ['published', 'retracted'] as const

/** A message that was given up for one subscriber. */
export interface FeedDeadLetter {
  /** What tells it from others. */
  readonly id: string
  readonly account: string
  readonly kind: (typeof KINDS)[number]
  /** Of the item in the node. */
  readonly itemId: string
  readonly publishedMs: number
  readonly diedMs: number
  /** How often it was handed over. */
  readonly attempts: number
  /** What came back, or a word of the service. */
  readonly reason: string
}

/** Part of a list. */
export interface FeedQueuePart<Entry> {
  readonly node: string
  readonly entries: readonly Entry[]
  readonly page?: Page | undefined
}

/**
 * ```xml
 * <dead xmlns='https://www.npmjs.com/package/streamhost#feeds' node='builds/nightly'>
 *   <set xmlns='http://jabber.org/protocol/rsm'><max>10</max></set>
 * </dead>
 * ```
 * @see docs/feeds.md; XEP-0059 §3 for the page
 */
export function buildFeedQueueRequest({ about, node, page }: FeedQueueRequest): Element {
  return xml(about, { xmlns: NS.feeds, node }, page && buildPageRequest(page))
}

/** @throws BytestreamError `ERR_BAD_REQUEST` without a node, and as {@link parsePageRequest} */
export function parseFeedQueueRequest(element: Element): FeedQueueRequest {
  const about = element.getName() === 'dead' ? 'dead' : 'queue'
  return { about, node: requiredAttribute(element, 'node'), page: parsePageRequest(element) }
}

/**
 * ```xml
 * <queue xmlns='https://www.npmjs.com/package/streamhost#feeds' node='builds/nightly'>
 *   <subscriber account='wall7@example.org' waiting='3' handed='1' oldest='2026-11-22T05:00:00Z'/>
 * </queue>
 * ```
 * @see docs/feeds.md
 */
export function buildFeedQueue({ node, entries, page }: FeedQueuePart<WaitingSubscriber>): Element {
  const rows = entries.map(({ account, waiting, handed, oldestMs }) =>
    xml('subscriber', { account, waiting, handed, oldest: oldestMs === undefined ? undefined : formatDateTime(oldestMs) }),
  )
  return xml('queue', { xmlns: NS.feeds, node }, ...rows, page && buildPage(page))
}

/** @throws BytestreamError `ERR_BAD_REQUEST` for an answer that does not say what it is about */
export function parseFeedQueue(queue: Element): FeedQueuePart<WaitingSubscriber> {
  const entries = queue.getChildren('subscriber', NS.feeds).map((row) => ({
    account: requiredAttribute(row, 'account'),
    waiting: countOf(row, 'waiting'),
    handed: countOf(row, 'handed'),
    oldestMs: attribute(row, 'oldest') === undefined ? undefined : timeOf(row, 'oldest'),
  }))
  return { node: requiredAttribute(queue, 'node'), entries, page: parsePage(queue) }
}

/**
 * ```xml
 * <dead xmlns='https://www.npmjs.com/package/streamhost#feeds' node='builds/nightly'>
 *   <letter id='7' account='wall7@example.org' kind='published' item='9559976B' published='2026-11-22T05:00:00Z'
 *           died='2026-11-27T05:00:00Z' attempts='16' reason='not-acknowledged'/>
 * </dead>
 * ```
 * @see docs/feeds.md
 */
export function buildDeadLetters({ node, entries, page }: FeedQueuePart<FeedDeadLetter>): Element {
  const rows = entries.map(({ id, account, kind, itemId, publishedMs, diedMs, attempts, reason }) => {
    const [published, died] = [formatDateTime(publishedMs), formatDateTime(diedMs)]
    return xml('letter', { id, account, kind, item: itemId, published, died, attempts, reason })
  })
  return xml('dead', { xmlns: NS.feeds, node }, ...rows, page && buildPage(page))
}

/** @throws BytestreamError `ERR_BAD_REQUEST` for an answer that does not say what it is about */
export function parseDeadLetters(dead: Element): FeedQueuePart<FeedDeadLetter> {
  const entries = dead.getChildren('letter', NS.feeds).map((row) => ({
    id: requiredAttribute(row, 'id'),
    account: requiredAttribute(row, 'account'),
    kind: chosenAttribute(row, 'kind', KINDS) ?? 'published',
    itemId: requiredAttribute(row, 'item'),
    publishedMs: timeOf(row, 'published'),
    diedMs: timeOf(row, 'died'),
    attempts: countOf(row, 'attempts'),
    reason: boundedAttribute(row, 'reason') ?? '',
  }))
  return { node: requiredAttribute(dead, 'node'), entries, page: parsePage(dead) }
}

/** @throws BytestreamError `ERR_BAD_REQUEST` */
const countOf = (row: Element, name: string) => wholeNumber(attribute(row, name), name) ?? 0

/** @throws BytestreamError `ERR_BAD_REQUEST` */
function timeOf(row: Element, name: string): number {
  const ms = parseDateTime(attribute(row, name) ?? '')
  if (ms === undefined) throw new BytestreamError('ERR_BAD_REQUEST', `${name} is no DateTime of XEP-0082`)
  return ms
}

/** What an owner does with what could not be delivered: has it delivered again, or drops it. */
export interface DeadLetterOrder {
  readonly order: 'again' | 'drop'
  readonly node: string
  /** As the list has it. */
  readonly id: string
}

/**
 * ```xml
 * <again xmlns='https://www.npmjs.com/package/streamhost#feeds' node='builds/nightly' id='7'/>
 * ```
 * @see docs/feeds.md
 */
export function buildDeadLetterOrder({ order, node, id }: DeadLetterOrder): Element {
  return xml(order, { xmlns: NS.feeds, node, id })
}

/** @throws BytestreamError `ERR_BAD_REQUEST` without a node or an id */
export function parseDeadLetterOrder(element: Element): DeadLetterOrder {
  const order = element.getName() === 'drop' ? 'drop' : 'again'
  return { order, node: requiredAttribute(element, 'node'), id: requiredAttribute(element, 'id') }
}
