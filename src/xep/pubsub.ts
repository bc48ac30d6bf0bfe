import { BytestreamError } from '../core/index.ts'
import { boundedAttribute, chosenAttribute } from './bounded.ts'
import { declareNamespaces } from './declare-namespaces.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** XEP-0060 §4.1. */
export type PubsubAffiliation = 'owner' | 'publisher' | 'publish-only' | 'member' | 'none' | 'outcast'
/** XEP-0060 §4.2. */
export type PubsubSubscriptionState = 'none' | 'pending' | 'unconfigured' | 'subscribed'

const AFFILIATIONS: readonly PubsubAffiliation[] = ['owner', 'publisher', 'publish-only', 'member', 'none', 'outcast']
const STATES: readonly PubsubSubscriptionState[] = ['none', 'pending', 'unconfigured', 'subscribed']

/** What the fields of each form of publish-subscribe mean: its FORM_TYPE (XEP-0060 §16.4). */
export const pubsubForms = {
  metaData: `${NS.pubsub}#meta-data`,
  nodeConfig: `${NS.pubsub}#node_config`,
  publishOptions: `${NS.pubsub}#publish-options`,
  subscribeAuthorization: `${NS.pubsub}#subscribe_authorization`,
  subscribeOptions: `${NS.pubsub}#subscribe_options`,
} as const

/** An item as it is published, fetched or told of. */
export interface PubsubItem {
  readonly id?: string | undefined
  /** Who published it: the service tells, nobody else is believed (XEP-0060 §7.1.2.3). */
  readonly publisher?: string | undefined
  /** One element, which declares its namespaces itself. */
  readonly payload?: Element | undefined
}

/** Who is subscribed to a node, and how (XEP-0060 §6.1.2). */
export interface PubsubSubscription {
  readonly node?: string | undefined
  readonly jid: string
  readonly state: PubsubSubscriptionState
  readonly subid?: string | undefined
  /** Whether it can be configured, or has to be before anything is told (XEP-0060 §6.1.5). */
  readonly options?: 'supported' | 'required' | undefined
  /** When it ends, as a dateTime of XEP-0082 (XEP-0060 §12.19). */
  readonly expiry?: string | undefined
}

/** Whose affiliation with which node: a service tells an account its nodes, and an owner the accounts of its node. */
export interface PubsubNodeAffiliation {
  readonly node: string
  readonly affiliation: PubsubAffiliation
}
/** The affiliation of an account with the node that was asked about (XEP-0060 §8.9.1). */
export interface PubsubAccountAffiliation {
  readonly jid: string
  readonly affiliation: PubsubAffiliation
}

export function buildItem(name: 'item' | 'retract', { id, publisher, payload }: PubsubItem): Element {
  return xml(name, { id, publisher }, payload)
}

/** The item another entity tells of: the first element inside is its payload, if it can stand anywhere else. */
export function parseItem(item: Element): PubsubItem {
  const [payload] = item.getChildElements()
  return {
    id: attribute(item, 'id') || undefined,
    publisher: attribute(item, 'publisher'),
    payload: payload && declareNamespaces(payload) ? payload : undefined,
  }
}

export function buildSubscription({ node, jid, state, subid, options, expiry }: PubsubSubscription): Element {
  const inner = options && xml('subscribe-options', {}, options === 'required' ? xml('required') : undefined)
  return xml('subscription', { node, jid, subid, subscription: state, expiry }, inner)
}

/** @returns `undefined` without a JID; a state that is not told, or that nobody knows, is `none` */
export function parseSubscription(subscription: Element): PubsubSubscription | undefined {
  const jid = attribute(subscription, 'jid')
  if (!jid) return undefined
  const state = STATES.find((one) => one === attribute(subscription, 'subscription')) ?? 'none'
  const inner = subscription.getChild('subscribe-options', subscription.getNS())
  const options = inner && (inner.getChild('required', inner.getNS()) ? 'required' : 'supported')
  return {
    node: attribute(subscription, 'node'),
    jid,
    state,
    subid: attribute(subscription, 'subid'),
    options,
    expiry: attribute(subscription, 'expiry'),
  }
}

/** The subscriptions of a list; those without a JID are left out. */
export function parseSubscriptions(list: Element): PubsubSubscription[] {
  return list.getChildren('subscription', list.getNS()).flatMap((subscription) => parseSubscription(subscription) ?? [])
}

export function buildAffiliation(named: PubsubNodeAffiliation | PubsubAccountAffiliation): Element {
  return xml('affiliation', { ...named })
}

/** The affiliations of a list with the attribute that tells whose, or of which node, they are; an affiliation nobody knows is left out. */
export function parseAffiliations(list: Element, of: 'jid' | 'node'): { readonly of: string; readonly affiliation: PubsubAffiliation }[] {
  return list.getChildren('affiliation', list.getNS()).flatMap((element) => {
    const affiliation = AFFILIATIONS.find((one) => one === attribute(element, 'affiliation'))
    const named = attribute(element, of)
    return named && affiliation ? [{ of: named, affiliation }] : []
  })
}

/** The affiliation an owner asks for; `undefined` where it asks for none (XEP-0060 §8.9.2.1). @throws BytestreamError `ERR_BAD_REQUEST` */
export function requestedAffiliation(element: Element): PubsubAffiliation | undefined {
  return chosenAttribute(element, 'affiliation', AFFILIATIONS)
}

/** The state an owner asks for; `undefined` where it asks for none (XEP-0060 §8.8.2.1). @throws BytestreamError `ERR_BAD_REQUEST` */
export function requestedState(element: Element): PubsubSubscriptionState | undefined {
  return chosenAttribute(element, 'subscription', STATES)
}

/** @throws BytestreamError `ERR_PUBSUB_NODEID_REQUIRED` without a node, `ERR_BAD_REQUEST` for one that is too long to be kept */
export function requiredNode(element: Element): string {
  const node = boundedAttribute(element, 'node')
  if (!node) throw new BytestreamError('ERR_PUBSUB_NODEID_REQUIRED', `the ${element.getName()} element names no node`)
  return node
}

/** @throws BytestreamError `ERR_PUBSUB_JID_REQUIRED` without a JID, `ERR_BAD_REQUEST` for one that is too long to be kept */
export function requiredJid(element: Element): string {
  const jid = boundedAttribute(element, 'jid')
  if (!jid) throw new BytestreamError('ERR_PUBSUB_JID_REQUIRED', `the ${element.getName()} element names no JID`)
  return jid
}

/** Which subscription something is about (XEP-0060 §6.2, §6.3). */
export interface PubsubSubscriber {
  readonly node: string
  readonly jid: string
  readonly subid?: string | undefined
}

export function subscriberOf(element: Element): PubsubSubscriber {
  return { node: requiredNode(element), jid: requiredJid(element), subid: boundedAttribute(element, 'subid') }
}

/** One kind of request: what it looks like, and how it is read. */
export interface PubsubRequestCodec<R> {
  readonly type: 'get' | 'set'
  /** The element that asks, inside `<pubsub/>`. */
  readonly name: string
  /** The element that may follow it (XEP-0060 §6.3.7, §7.1.5, §8.1.3). */
  readonly companion?: string
  /** Children of `<pubsub/>`. */
  build(request: R): (Element | undefined)[]
  /** @param companion where it came along */
  parse(element: Element, companion: Element | undefined): R
}
