import { BytestreamError } from '../core/index.ts'
import { type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'
import type { PubsubRequestCodec } from './pubsub.ts'
import { entityRequests, type PubsubEntityRequests } from './pubsub-entity-requests.ts'
import { ownerRequests, type PubsubOwnerRequests } from './pubsub-owner-requests.ts'
import { buildPageRequest, type PageRequest, parsePageRequest } from './result-set.ts'

/** What each request says. */
export interface PubsubRequests extends PubsubEntityRequests, PubsubOwnerRequests {}

/** What is asked for: `publish`, `subscribe`, … of XEP-0060, by the name of its element, owners' ones apart. */
export type PubsubAction = keyof PubsubRequests

/** A request of a kind. */
export type PubsubRequestOf<A extends PubsubAction> = { readonly action: A; readonly page?: PageRequest | undefined } & PubsubRequests[A]

/** Any request of XEP-0060, told apart by its `action`. */
export type PubsubRequest = { [A in PubsubAction]: PubsubRequestOf<A> }[PubsubAction]

interface Named {
  readonly action: PubsubAction
  readonly codec: PubsubRequestCodec<object>
}

/** The requests of a namespace, and the names of the elements they are made of. */
interface Vocabulary {
  readonly requests: readonly Named[]
  readonly words: ReadonlySet<string | undefined>
}

function vocabularyOf(codecs: object): Vocabulary {
  const requests = Object.entries(codecs).map(([action, codec]) => ({ action, codec }) as Named)
  return { requests, words: new Set(requests.flatMap(({ codec }) => [codec.name, codec.companion])) }
}

const vocabularies: ReadonlyMap<string, Vocabulary> = new Map([
  [NS.pubsub, vocabularyOf(entityRequests)],
  [NS.pubsubOwner, vocabularyOf(ownerRequests)],
])
const codecs = { ...entityRequests, ...ownerRequests }

/** The namespace of a request and of its answer. */
export function pubsubNamespace(action: PubsubAction): string {
  return Object.hasOwn(ownerRequests, action) ? NS.pubsubOwner : NS.pubsub
}

/**
 * ```xml
 * <pubsub xmlns='http://jabber.org/protocol/pubsub'>
 *   <subscribe node='princely_musings' jid='francisco@denmark.lit'/>
 * </pubsub>
 * ```
 * @returns what an IQ asks with, and its type
 * @see XEP-0060 §5-§8, XEP-0059
 */
export function buildPubsubRequest(request: PubsubRequest): { readonly type: 'get' | 'set'; readonly payload: Element } {
  const { action, page } = request
  const codec = codecs[action] as PubsubRequestCodec<object>
  const payload = xml('pubsub', { xmlns: pubsubNamespace(action) }, ...codec.build(request), page && buildPageRequest(page))
  return { type: codec.type, payload }
}

/**
 * Reads the payload of an IQ: exactly one thing that is asked for, with what may come along. What nobody knows is passed over.
 *
 * @throws BytestreamError the code for what the syntax of XEP-0060 alone shows to be wrong: `ERR_BAD_REQUEST`,
 *   `ERR_PUBSUB_NODEID_REQUIRED`, `ERR_PUBSUB_JID_REQUIRED`, `ERR_PUBSUB_ITEM_REQUIRED`, `ERR_PUBSUB_INVALID_PAYLOAD`,
 *   `ERR_PUBSUB_INVALID_OPTIONS`
 */
export function parsePubsubRequest(type: 'get' | 'set', pubsub: Element): PubsubRequest {
  const xmlns = pubsub.getNS() ?? ''
  const { requests = [], words } = vocabularies.get(xmlns) ?? {}
  const [asking, companion, ...others] = pubsub.getChildElements().filter((child) => words?.has(child.getName()) && child.getNS() === xmlns)
  if (!asking) throw new BytestreamError('ERR_BAD_REQUEST', 'nothing is asked for that this protocol knows')
  const found = requests.find(({ codec }) => codec.type === type && codec.name === asking.getName())
  if (!found) throw new BytestreamError('ERR_BAD_REQUEST', `${asking.getName()} is nothing to ${type}`)
  if (others.length > 0 || (companion && companion.getName() !== found.codec.companion)) {
    throw new BytestreamError('ERR_BAD_REQUEST', 'one thing is asked for at a time, and what comes along follows it')
  }
  return { action: found.action, page: parsePageRequest(pubsub), ...found.codec.parse(asking, companion) } as PubsubRequest
}
