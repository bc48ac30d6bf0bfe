import { BytestreamError } from '../core/index.ts'
import { buildForm, type DataForm, parseForm } from './data-forms.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'
import {
  buildAffiliation,
  buildItem,
  buildSubscription,
  type PubsubAccountAffiliation,
  type PubsubItem,
  type PubsubNodeAffiliation,
  type PubsubSubscription,
  parseAffiliations,
  parseItem,
  parseSubscription,
  parseSubscriptions,
} from './pubsub.ts'
import { type PubsubAction, pubsubNamespace } from './pubsub-request.ts'
import { buildPage, type Page, parsePage } from './result-set.ts'

interface Paged {
  readonly page?: Page | undefined
}
interface Subscribed {
  /** None where the service does not tell. */
  readonly subscription?: PubsubSubscription | undefined
  readonly options?: DataForm | undefined
}
/** Answered with an IQ that has no payload. */
type Done = Readonly<Record<string, never>>

/** What a service answers each request with. */
export interface PubsubAnswers {
  /** The node, where the service chose its name. */
  readonly create: { readonly node?: string | undefined }
  readonly subscribe: Subscribed
  readonly unsubscribe: Subscribed
  readonly 'get-options': { readonly node: string; readonly jid: string; readonly subid?: string | undefined; readonly options: DataForm }
  readonly 'set-options': Done
  readonly 'get-default-options': { readonly node?: string | undefined; readonly options: DataForm }
  readonly 'get-subscriptions': Paged & { readonly node?: string | undefined; readonly subscriptions: readonly PubsubSubscription[] }
  readonly 'get-affiliations': Paged & { readonly node?: string | undefined; readonly affiliations: readonly PubsubNodeAffiliation[] }
  readonly 'get-items': Paged & { readonly node: string; readonly items: readonly PubsubItem[] }
  /** The ids the service gave, or repeats. */
  readonly publish: { readonly node: string; readonly ids: readonly string[] }
  readonly retract: Done
  readonly 'get-config': { readonly node: string; readonly config: DataForm }
  readonly 'set-config': Done
  readonly 'get-default-config': { readonly config: DataForm }
  readonly delete: Done
  readonly purge: Done
  readonly 'get-node-subscriptions': Paged & { readonly node: string; readonly subscriptions: readonly PubsubSubscription[] }
  readonly 'set-node-subscriptions': Done
  readonly 'get-node-affiliations': Paged & { readonly node: string; readonly affiliations: readonly PubsubAccountAffiliation[] }
  readonly 'set-node-affiliations': Done
}

interface AnswerCodec<A> {
  /** Children of `<pubsub/>`; none for an answer without a payload. */
  build(answer: A): (Element | undefined)[]
  /** @param pubsub an empty one where the answer has no payload */
  parse(pubsub: Element): A
}

/** @throws BytestreamError `ERR_BAD_REQUEST` where the answer lacks what it is about */
function the(name: string, pubsub: Element): Element {
  const element = pubsub.getChild(name, pubsub.getNS())
  if (!element) throw new BytestreamError('ERR_BAD_REQUEST', `the answer has no ${name} element`)
  return element
}

/** @throws BytestreamError `ERR_BAD_REQUEST` where there is no form */
function formIn(element: Element): DataForm {
  const form = element.getChild('x', NS.dataForms)
  if (!form) throw new BytestreamError('ERR_BAD_REQUEST', 'the answer has no form')
  return parseForm(form)
}

const nodeOf = (element: Element) => attribute(element, 'node') ?? ''
const paged = (list: Element, page: Page | undefined) => [list, page && buildPage(page)]

const done: AnswerCodec<Done> = { build: () => [], parse: () => ({}) }

const subscribed: AnswerCodec<Subscribed> = {
  build: ({ subscription, options }) => [
    subscription && buildSubscription(subscription),
    options && xml('options', {}, buildForm(options)),
  ],
  parse: (pubsub) => {
    const subscription = pubsub.getChild('subscription', pubsub.getNS())
    const form = pubsub.getChild('options', pubsub.getNS())?.getChild('x', NS.dataForms)
    return { subscription: subscription && parseSubscription(subscription), options: form && parseForm(form) }
  },
}

const codecs: { readonly [A in PubsubAction]: AnswerCodec<PubsubAnswers[A]> } = {
  create: {
    build: ({ node }) => (node === undefined ? [] : [xml('create', { node })]),
    parse: (pubsub) => {
      const create = pubsub.getChild('create', pubsub.getNS())
      return { node: create && attribute(create, 'node') }
    },
  },
  subscribe: subscribed,
  unsubscribe: subscribed,
  'get-options': {
    build: ({ node, jid, subid, options }) => [xml('options', { node, jid, subid }, buildForm(options))],
    parse: (pubsub) => {
      const element = the('options', pubsub)
      return { node: nodeOf(element), jid: attribute(element, 'jid') ?? '', subid: attribute(element, 'subid'), options: formIn(element) }
    },
  },
  'set-options': done,
  'get-default-options': {
    build: ({ node, options }) => [xml('default', { node }, buildForm(options))],
    parse: (pubsub) => {
      const element = the('default', pubsub)
      return { node: attribute(element, 'node'), options: formIn(element) }
    },
  },
  'get-subscriptions': {
    build: ({ node, subscriptions, page }) => paged(xml('subscriptions', { node }, ...subscriptions.map(buildSubscription)), page),
    parse: (pubsub) => {
      const list = the('subscriptions', pubsub)
      return { node: attribute(list, 'node'), subscriptions: parseSubscriptions(list), page: parsePage(pubsub) }
    },
  },
  'get-affiliations': {
    build: ({ node, affiliations, page }) => paged(xml('affiliations', { node }, ...affiliations.map(buildAffiliation)), page),
    parse: (pubsub) => {
      const list = the('affiliations', pubsub)
      const affiliations = parseAffiliations(list, 'node').map(({ of, affiliation }) => ({ node: of, affiliation }))
      return { node: attribute(list, 'node'), affiliations, page: parsePage(pubsub) }
    },
  },
  'get-items': {
    build: ({ node, items, page }) => paged(xml('items', { node }, ...items.map((item) => buildItem('item', item))), page),
    parse: (pubsub) => {
      const list = the('items', pubsub)
      return { node: nodeOf(list), items: list.getChildren('item', list.getNS()).map(parseItem), page: parsePage(pubsub) }
    },
  },
  publish: {
    build: ({ node, ids }) => [xml('publish', { node }, ...ids.map((id) => buildItem('item', { id })))],
    parse: (pubsub) => {
      const publish = pubsub.getChild('publish', pubsub.getNS())
      if (!publish) return { node: '', ids: [] }
      const ids = publish.getChildren('item', publish.getNS()).flatMap((item) => attribute(item, 'id') || [])
      return { node: nodeOf(publish), ids }
    },
  },
  retract: done,
  'get-config': {
    build: ({ node, config }) => [xml('configure', { node }, buildForm(config))],
    parse: (pubsub) => {
      const configure = the('configure', pubsub)
      return { node: nodeOf(configure), config: formIn(configure) }
    },
  },
  'set-config': done,
  'get-default-config': {
    build: ({ config }) => [xml('default', {}, buildForm(config))],
    parse: (pubsub) => ({ config: formIn(the('default', pubsub)) }),
  },
  delete: done,
  purge: done,
  'get-node-subscriptions': {
    build: ({ node, subscriptions, page }) => paged(xml('subscriptions', { node }, ...subscriptions.map(buildSubscription)), page),
    parse: (pubsub) => {
      const list = the('subscriptions', pubsub)
      return { node: nodeOf(list), subscriptions: parseSubscriptions(list), page: parsePage(pubsub) }
    },
  },
  'set-node-subscriptions': done,
  'get-node-affiliations': {
    build: ({ node, affiliations, page }) => paged(xml('affiliations', { node }, ...affiliations.map(buildAffiliation)), page),
    parse: (pubsub) => {
      const list = the('affiliations', pubsub)
      const affiliations = parseAffiliations(list, 'jid').map(({ of, affiliation }) => ({ jid: of, affiliation }))
      return { node: nodeOf(list), affiliations, page: parsePage(pubsub) }
    },
  },
  'set-node-affiliations': done,
}

/**
 * ```xml
 * <pubsub xmlns='http://jabber.org/protocol/pubsub'>
 *   <subscription node='princely_musings' jid='francisco@denmark.lit' subid='ba49252a' subscription='subscribed'/>
 * </pubsub>
 * ```
 * @returns the payload of the IQ that answers, or `undefined` for an answer without one
 * @see XEP-0060 §5-§8
 */
export function buildPubsubAnswer<A extends PubsubAction>(action: A, answer: PubsubAnswers[A]): Element | undefined {
  const children = codecs[action].build(answer).filter((child) => child !== undefined)
  return children.length === 0 ? undefined : xml('pubsub', { xmlns: pubsubNamespace(action) }, ...children)
}

/**
 * Reads what a service answered; what it told beyond that, or wrongly, is left out.
 *
 * @throws BytestreamError `ERR_BAD_REQUEST` where what was asked for is missing
 */
export function parsePubsubAnswer<A extends PubsubAction>(action: A, payload: Element | undefined): PubsubAnswers[A] {
  const xmlns = pubsubNamespace(action)
  return codecs[action].parse(payload?.is('pubsub', xmlns) ? payload : xml('pubsub', { xmlns }))
}
