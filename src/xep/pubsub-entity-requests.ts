import { BytestreamError, type ErrorCode, toBytestreamError } from '../core/index.ts'
import { boundedAttribute, parseBoolean, wholeNumber } from './bounded.ts'
import { buildForm, type DataForm, parseSubmission } from './data-forms.ts'
import { declareNamespaces } from './declare-namespaces.ts'
import { attribute, type Element, xml } from './element.ts'
import {
  buildItem,
  type PubsubItem,
  type PubsubRequestCodec,
  type PubsubSubscriber,
  pubsubForms,
  requiredJid,
  requiredNode,
  subscriberOf,
} from './pubsub.ts'

/** Items, subscriptions or affiliations in one request. */
const ENTRIES_MAX = 1_000

/** What anybody may ask a service (XEP-0060 §5-§7, §8.1), in its namespace `http://jabber.org/protocol/pubsub`. */
export interface PubsubEntityRequests {
  readonly create: { readonly node?: string | undefined; readonly config?: DataForm | undefined }
  readonly subscribe: { readonly node: string; readonly jid: string; readonly options?: DataForm | undefined }
  readonly unsubscribe: PubsubSubscriber
  readonly 'get-options': PubsubSubscriber
  /** A form that is cancelled changes nothing. */
  readonly 'set-options': PubsubSubscriber & { readonly options: DataForm }
  readonly 'get-default-options': { readonly node?: string | undefined }
  /** The subscriptions of whoever asks, to one node or all. */
  readonly 'get-subscriptions': { readonly node?: string | undefined }
  readonly 'get-affiliations': { readonly node?: string | undefined }
  readonly 'get-items': {
    readonly node: string
    readonly subid?: string | undefined
    /** Those of these ids; without any, all. */
    readonly ids: readonly string[]
    /** The most recent ones, so many. */
    readonly max?: number | undefined
  }
  readonly publish: { readonly node: string; readonly items: readonly PubsubItem[]; readonly options?: DataForm | undefined }
  readonly retract: { readonly node: string; readonly ids: readonly string[]; readonly isNotified: boolean }
}

/** @throws BytestreamError with `code` in place of ERR_BAD_REQUEST, as XEP-0060 has a condition of its own for that form */
function submission(parent: Element, formType: string, code: ErrorCode = 'ERR_BAD_REQUEST'): DataForm | undefined {
  try {
    return parseSubmission(parent, formType)
  } catch (error) {
    throw new BytestreamError(code, toBytestreamError(error).message, { cause: error })
  }
}

/** What comes along with another request has to be submitted, and says no more of whom it is for (XEP-0060 §6.3.7, §8.1.3). */
function accompanying(companion: Element | undefined, formType: string, code?: ErrorCode): DataForm | undefined {
  if (!companion) return undefined
  if (attribute(companion, 'node') !== undefined || attribute(companion, 'jid') !== undefined) {
    throw new BytestreamError('ERR_BAD_REQUEST', `the ${companion.getName()} element names a node or a JID of its own`)
  }
  const form = submission(companion, formType, code)
  if (form?.type === 'cancel') throw new BytestreamError(code ?? 'ERR_BAD_REQUEST', 'the form is cancelled while its request is not')
  return form
}

/** @throws BytestreamError `ERR_BAD_REQUEST` for more than can be looked at, and for one that comes twice */
export function checkEntries(names: readonly string[]): void {
  if (names.length > ENTRIES_MAX) throw new BytestreamError('ERR_BAD_REQUEST', `a request has at most ${ENTRIES_MAX} entries`)
  if (new Set(names).size < names.length) throw new BytestreamError('ERR_BAD_REQUEST', 'an entry comes twice')
}

/** @throws BytestreamError `ERR_PUBSUB_ITEM_REQUIRED` for an item without an id (XEP-0060 §7.2.3.4) */
function idsOf(element: Element): string[] {
  const ids = element.getChildren('item', element.getNS()).map((item) => {
    const id = boundedAttribute(item, 'id')
    if (!id) throw new BytestreamError('ERR_PUBSUB_ITEM_REQUIRED', 'an item has no id')
    return id
  })
  checkEntries(ids)
  return ids
}

/** @throws BytestreamError `ERR_PUBSUB_INVALID_PAYLOAD` for anything but one element, or none (XEP-0060 §7.1.3.6) */
function publishedItem(item: Element): PubsubItem {
  const [payload, ...others] = item.getChildElements()
  if (others.length > 0 || item.text().trim()) {
    throw new BytestreamError('ERR_PUBSUB_INVALID_PAYLOAD', 'the payload of an item is one element')
  }
  if (payload && !declareNamespaces(payload)) {
    throw new BytestreamError('ERR_PUBSUB_INVALID_PAYLOAD', 'the payload has a prefix without a namespace, or is too deep')
  }
  return { id: boundedAttribute(item, 'id'), payload }
}

function publishedItems(publish: Element): PubsubItem[] {
  const elements = publish.getChildren('item', publish.getNS())
  checkEntries(elements.flatMap((item) => attribute(item, 'id') || []))
  if (elements.length > ENTRIES_MAX) throw new BytestreamError('ERR_BAD_REQUEST', `a request has at most ${ENTRIES_MAX} entries`)
  return elements.map(publishedItem)
}

/** @throws BytestreamError `ERR_BAD_REQUEST` for what is no boolean */
function notifies(retract: Element): boolean {
  const isNotified = parseBoolean(attribute(retract, 'notify') ?? 'false')
  if (isNotified === undefined) throw new BytestreamError('ERR_BAD_REQUEST', 'notify is neither true nor false')
  return isNotified
}

const only = (name: string): PubsubRequestCodec<{ readonly node?: string | undefined }> => ({
  type: 'get',
  name,
  build: ({ node }) => [xml(name, { node })],
  parse: (element) => ({ node: boundedAttribute(element, 'node') }),
})

export const entityRequests: { readonly [A in keyof PubsubEntityRequests]: PubsubRequestCodec<PubsubEntityRequests[A]> } = {
  create: {
    type: 'set',
    name: 'create',
    companion: 'configure',
    build: ({ node, config }) => [xml('create', { node }), config && xml('configure', {}, buildForm(config))],
    parse: (create, configure) => ({ node: boundedAttribute(create, 'node'), config: accompanying(configure, pubsubForms.nodeConfig) }),
  },
  subscribe: {
    type: 'set',
    name: 'subscribe',
    companion: 'options',
    build: ({ node, jid, options }) => [xml('subscribe', { node, jid }), options && xml('options', {}, buildForm(options))],
    parse: (subscribe, options) => ({
      node: requiredNode(subscribe),
      jid: requiredJid(subscribe),
      options: accompanying(options, pubsubForms.subscribeOptions, 'ERR_PUBSUB_INVALID_OPTIONS'),
    }),
  },
  unsubscribe: {
    type: 'set',
    name: 'unsubscribe',
    build: ({ node, jid, subid }) => [xml('unsubscribe', { node, jid, subid })],
    parse: subscriberOf,
  },
  'get-options': {
    type: 'get',
    name: 'options',
    build: ({ node, jid, subid }) => [xml('options', { node, jid, subid })],
    parse: subscriberOf,
  },
  'set-options': {
    type: 'set',
    name: 'options',
    build: ({ node, jid, subid, options }) => [xml('options', { node, jid, subid }, buildForm(options))],
    parse: (element) => {
      const options = submission(element, pubsubForms.subscribeOptions, 'ERR_PUBSUB_INVALID_OPTIONS')
      const subscriber = subscriberOf(element)
      if (!options) throw new BytestreamError('ERR_PUBSUB_INVALID_OPTIONS', 'there are no options')
      return { ...subscriber, options }
    },
  },
  'get-default-options': only('default'),
  'get-subscriptions': only('subscriptions'),
  'get-affiliations': only('affiliations'),
  'get-items': {
    type: 'get',
    name: 'items',
    build: ({ node, subid, ids, max }) => [xml('items', { node, subid, max_items: max }, ...ids.map((id) => buildItem('item', { id })))],
    parse: (items) => {
      const max = wholeNumber(attribute(items, 'max_items'), 'max_items')
      if (max === 0) throw new BytestreamError('ERR_BAD_REQUEST', 'max_items is at least 1')
      return { node: requiredNode(items), subid: boundedAttribute(items, 'subid'), ids: idsOf(items), max }
    },
  },
  publish: {
    type: 'set',
    name: 'publish',
    companion: 'publish-options',
    build: ({ node, items, options }) => [
      xml('publish', { node }, ...items.map(({ id, payload }) => buildItem('item', { id, payload }))),
      options && xml('publish-options', {}, buildForm(options)),
    ],
    parse: (publish, options) => ({
      node: requiredNode(publish),
      items: publishedItems(publish),
      options: accompanying(options, pubsubForms.publishOptions),
    }),
  },
  retract: {
    type: 'set',
    name: 'retract',
    build: ({ node, ids, isNotified }) => [
      xml('retract', { node, notify: isNotified ? 'true' : undefined }, ...ids.map((id) => buildItem('item', { id }))),
    ],
    parse: (retract) => {
      const [node, ids, isNotified] = [requiredNode(retract), idsOf(retract), notifies(retract)]
      if (ids.length === 0) throw new BytestreamError('ERR_PUBSUB_ITEM_REQUIRED', 'nothing is to be retracted')
      return { node, ids, isNotified }
    },
  },
}
