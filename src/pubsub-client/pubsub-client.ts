import { BytestreamError, bareJid, prepareJid, StanzaError, UnsupportedFeature } from '../core/index.ts'
import type { QuestionOptions, Session } from '../session/index.ts'
import {
  buildDiscoItemsRequest,
  type DataForm,
  type DeadLetterOrder,
  type DiscoInfo,
  type FeedDeadLetter,
  type Notification,
  type PageRequest,
  type PubsubAccountAffiliation,
  type PubsubAccountSubscription,
  type PubsubItem,
  type PubsubNodeAffiliation,
  type PubsubSubscriber,
  type PubsubSubscription,
  parseDiscoItems,
  parsePage,
  pubsubForms,
  type WaitingSubscriber,
} from '../xep/index.ts'
import { decide, pendingAt } from './approvals.ts'
import { Asking, type ListInit } from './asking.ts'
import { deadLettersAt, orderDeadLetter, waitingAt } from './feed-queues.ts'
import { readersAt } from './feed-readers.ts'
import { type FieldChanges, fillForm, submitFields } from './fields.ts'
import { findPubsubServices } from './find-services.ts'
import { type EventsInit, Notifications } from './notifications.ts'
import { walkPages } from './pages.ts'

/** A node as a list shows it. */
export interface PubsubNode {
  readonly node: string
  readonly title?: string | undefined
}

/** Which items, all of them where nothing is said. */
export interface ItemsInit extends ListInit {
  /** Those behind this one. */
  readonly after?: string | undefined
  /** These, and no others. */
  readonly ids?: readonly string[] | undefined
  /** So many: the newest, or the first ones after `after`. */
  readonly max?: number | undefined
  /** Which of our subscriptions is meant, where there are several (XEP-0060 §6.5.9.1). */
  readonly subid?: string | undefined
}

/** Whose subscription. */
export interface SubscriberInit {
  /** Default: the bare JID of the account. */
  readonly jid?: string | undefined
  readonly subid?: string | undefined
}

/**
 * An account's view of a publish-subscribe service (XEP-0060), whoever runs it. Every call fails with a {@link StanzaError}
 * that holds what the service answered, or with `ERR_TIMEOUT`, `ERR_SESSION_CLOSED`, `ERR_ABORTED`, and `ERR_BAD_REQUEST` for an
 * answer that is none. Lists are walked as they are looked at, a page at a time where the service has pages (XEP-0059).
 *
 * ```ts
 * const pubsub = new PubsubClient(client.session, 'pubsub.example.org')
 * await pubsub.publish('builds', { payload: xml('build', { xmlns: 'urn:example:builds', number: 12 }) })
 * ```
 */
export class PubsubClient {
  readonly #asking: Asking

  /** @throws BytestreamError `ERR_JID_MALFORMED` */
  constructor(session: Session, service: string) {
    this.#asking = new Asking(session, prepareJid(service))
  }

  /**
   * The first publish-subscribe service of the account's server.
   *
   * @throws BytestreamError `ERR_SERVICE_UNAVAILABLE` where there is none
   */
  static async find(session: Session, options: QuestionOptions = {}): Promise<PubsubClient> {
    const [service] = await findPubsubServices(session, options)
    if (service !== undefined) return new PubsubClient(session, service)
    throw new BytestreamError('ERR_SERVICE_UNAVAILABLE', 'the server names no publish-subscribe service')
  }

  /** The JID of the service. */
  get service(): string {
    return this.#asking.service
  }

  /** The full JID that asks: a subscription of it is of this program alone. */
  get address(): string {
    return this.#asking.session.jid
  }

  /** The bare JID of the account that asks. */
  get account(): string {
    return bareJid(this.#asking.session.jid)
  }

  /** What the service, or one of its nodes, says of itself; the meta-data of a node is a form (XEP-0060 §5.4). */
  describe(node?: string, options: QuestionOptions = {}): Promise<DiscoInfo> {
    return this.#asking.describe(node, options)
  }

  /** Whether the service does something of XEP-0060 §16.3, such as `retract-items`. It is asked once. */
  supports(feature: string, options: QuestionOptions = {}): Promise<boolean> {
    return this.#asking.supports(feature, options)
  }

  /** The nodes of the service, or of a collection (XEP-0060 §5.2). */
  nodes(collection?: string, init: ListInit = {}): AsyncIterable<PubsubNode> {
    const { session, service } = this.#asking
    return this.#asking.list(async (page) => {
      const answer = await session.request({ type: 'get', to: service, payload: buildDiscoItemsRequest(collection, page) }, init)
      const items = answer ? parseDiscoItems(answer) : []
      const entries = items.flatMap(({ node, name }) => (node === undefined ? [] : [{ node, title: name }]))
      return { entries, page: answer && parsePage(answer) }
    }, init)
  }

  /**
   * Creates a node (XEP-0060 §8.1). Where the service tells its default configuration, `config` is checked against that.
   *
   * @param node the service chooses a name where there is none
   * @returns the name of the node
   * @throws BytestreamError `ERR_CONFIG` for a configuration that cannot be
   */
  async create(node?: string, config: FieldChanges = {}, options: QuestionOptions = {}): Promise<string> {
    const form = Object.keys(config).length === 0 ? undefined : await this.#initialConfig(config, options)
    const { node: created = node } = await this.#asking.ask<'create'>({ action: 'create', node, config: form }, options)
    if (created === undefined) throw new BytestreamError('ERR_BAD_REQUEST', `${this.service} did not say what the new node is called`)
    return created
  }

  async #initialConfig(config: FieldChanges, options: QuestionOptions): Promise<DataForm> {
    try {
      const { formType = pubsubForms.nodeConfig, fields } = fillForm(await this.defaultConfig('leaf', options), config)
      const { fields: wanted } = submitFields(formType, config)
      const names = new Set(wanted.map((field) => field.var))
      return { type: 'submit', formType, fields: fields.filter((field) => names.has(field.var)) }
    } catch (thrown) {
      // Nobody has to tell defaults (XEP-0060 §8.3), and what they are to a collection is another form.
      if (thrown instanceof StanzaError || config['node_type'] !== undefined) return submitFields(pubsubForms.nodeConfig, config)
      throw thrown
    }
  }

  /** The configuration of a node, as a form (XEP-0060 §8.2.1). */
  async config(node: string, options: QuestionOptions = {}): Promise<DataForm> {
    return (await this.#asking.ask<'get-config'>({ action: 'get-config', node }, options)).config
  }

  /**
   * Changes the configuration of a node (XEP-0060 §8.2.4): asks for the form, fills it in, submits it.
   *
   * @throws BytestreamError `ERR_CONFIG` for a field that is not in the form, and for a value it cannot hold
   */
  async configure(node: string, changes: FieldChanges, options: QuestionOptions = {}): Promise<void> {
    const config = fillForm(await this.config(node, options), changes)
    await this.#asking.ask<'set-config'>({ action: 'set-config', node, config }, options)
  }

  /** What a new node is like (XEP-0060 §8.3). */
  async defaultConfig(kind: 'leaf' | 'collection' = 'leaf', options: QuestionOptions = {}): Promise<DataForm> {
    return (await this.#asking.ask<'get-default-config'>({ action: 'get-default-config', kind }, options)).config
  }

  /**
   * Deletes a node (XEP-0060 §8.4).
   *
   * @param redirect a URI that subscribers are told, where what it was for is now, `xmpp:…`
   */
  async delete(node: string, redirect?: string, options: QuestionOptions = {}): Promise<void> {
    await this.#asking.ask<'delete'>({ action: 'delete', node, redirect }, options)
  }

  /** Takes all items out of a node (XEP-0060 §8.5). */
  async purge(node: string, options: QuestionOptions = {}): Promise<void> {
    await this.#asking.ask<'purge'>({ action: 'purge', node }, options)
  }

  /**
   * Publishes items (XEP-0060 §7.1).
   *
   * @param preconditions what the node has to be like, or is to be like when the service creates it (XEP-0060 §7.1.5)
   * @returns their ids, as far as the service tells, or they were given
   */
  async publish(
    node: string,
    items: PubsubItem | readonly PubsubItem[],
    { preconditions, ...options }: QuestionOptions & { readonly preconditions?: FieldChanges | undefined } = {},
  ): Promise<readonly string[]> {
    const all = 'length' in items ? items : [items]
    const form = preconditions && submitFields(pubsubForms.publishOptions, preconditions)
    const { ids } = await this.#asking.ask<'publish'>({ action: 'publish', node, items: all, options: form }, options)
    return ids.length > 0 ? ids : all.flatMap(({ id }) => id ?? [])
  }

  /**
   * The items of a node (XEP-0060 §6.5), in the order of the service.
   *
   * @throws UnsupportedFeature for `after`, where the service has no pages
   */
  async *items(node: string, init: ItemsInit = {}): AsyncGenerator<PubsubItem, void, undefined> {
    const { ids = [], max = Infinity, after, subid, pageSize = Infinity } = init
    // The newest ones are asked for by their number, which any service understands.
    const isWalked = ids.length === 0 && (max === Infinity || after !== undefined)
    const isPaged = isWalked && (await this.#asking.knowsPages(init))
    if (after !== undefined && !isPaged)
      throw new UnsupportedFeature('rsm', `${this.service} cannot tell what comes after an item: it has no pages`)
    const size = Math.min(max, pageSize)
    const ask = async (page: PageRequest | undefined) => {
      const newest = page || max === Infinity ? undefined : max
      const answer = await this.#asking.ask<'get-items'>({ action: 'get-items', node, subid, ids, max: newest, page }, init)
      return { entries: answer.items, page: answer.page }
    }
    let left = max
    for await (const item of walkPages(ask, isPaged, { after, pageSize: size === Infinity ? undefined : size })) {
      yield item
      left -= 1
      if (left <= 0) return
    }
  }

  /**
   * Takes an item out of its node (XEP-0060 §7.2).
   *
   * @param init `isNotified`: whether subscribers are told, where the node leaves that to whoever retracts
   */
  async retract(
    node: string,
    ids: string | readonly string[],
    { isNotified = false, ...options }: QuestionOptions & { readonly isNotified?: boolean | undefined } = {},
  ): Promise<void> {
    const all = typeof ids === 'string' ? [ids] : ids
    await this.#asking.ask<'retract'>({ action: 'retract', node, ids: all, isNotified }, options)
  }

  /**
   * Subscribes to a node (XEP-0060 §6.1).
   *
   * @param init `settings`: options of the subscription (§6.3.7)
   * @returns the subscription, which may be pending
   */
  async subscribe(
    node: string,
    {
      jid = this.account,
      settings,
      ...options
    }: QuestionOptions & { readonly jid?: string | undefined; readonly settings?: FieldChanges | undefined } = {},
  ): Promise<PubsubSubscription> {
    const form = settings && submitFields(pubsubForms.subscribeOptions, settings)
    const { subscription } = await this.#asking.ask<'subscribe'>({ action: 'subscribe', node, jid, options: form }, options)
    return subscription ?? { node, jid, state: 'subscribed' }
  }

  /** @throws StanzaError with the condition `subid-required`, where there are several subscriptions, and none is named */
  async unsubscribe(node: string, { jid = this.account, subid, ...options }: QuestionOptions & SubscriberInit = {}): Promise<void> {
    await this.#asking.ask<'unsubscribe'>({ action: 'unsubscribe', node, jid, subid }, options)
  }

  /** The options of a subscription, as a form (XEP-0060 §6.3.2). */
  async settings(node: string, { jid = this.account, subid, ...options }: QuestionOptions & SubscriberInit = {}): Promise<DataForm> {
    return (await this.#asking.ask<'get-options'>({ action: 'get-options', node, jid, subid }, options)).options
  }

  /**
   * Changes the options of a subscription (XEP-0060 §6.3.5).
   *
   * @throws BytestreamError `ERR_CONFIG` for an option that is not in the form, and for a value it cannot hold
   */
  async changeSettings(
    node: string,
    changes: FieldChanges,
    { jid = this.account, subid, ...options }: QuestionOptions & SubscriberInit = {},
  ): Promise<void> {
    const form = fillForm(await this.settings(node, { jid, subid, ...options }), changes)
    await this.#asking.ask<'set-options'>({ action: 'set-options', node, jid, subid, options: form }, options)
  }

  /** The subscriptions of the account, to one node or all (XEP-0060 §5.6). */
  subscriptions(node?: string, init: ListInit = {}): AsyncIterable<PubsubSubscription> {
    return this.#asking.list(async (page) => {
      const answer = await this.#asking.ask<'get-subscriptions'>({ action: 'get-subscriptions', node, page }, init)
      return { entries: answer.subscriptions.map((each) => ({ ...each, node: each.node ?? answer.node })), page: answer.page }
    }, init)
  }

  /** The affiliations of the account, with one node or all (XEP-0060 §5.7). */
  affiliations(node?: string, init: ListInit = {}): AsyncIterable<PubsubNodeAffiliation> {
    return this.#asking.list(async (page) => {
      const answer = await this.#asking.ask<'get-affiliations'>({ action: 'get-affiliations', node, page }, init)
      return { entries: answer.affiliations, page: answer.page }
    }, init)
  }

  /** Everybody's subscriptions to a node of ours, without those that wait for us to approve them (XEP-0060 §8.8.1). */
  subscribers(node: string, init: ListInit = {}): AsyncIterable<PubsubSubscription> {
    return this.#asking.list(async (page) => {
      const answer = await this.#asking.ask<'get-node-subscriptions'>({ action: 'get-node-subscriptions', node, page }, init)
      return { entries: answer.subscriptions, page: answer.page }
    }, init)
  }

  /** Changes subscriptions to a node of ours: `subscribed` approves one that waits, `none` ends one (XEP-0060 §8.8.2). */
  async setSubscribers(node: string, subscriptions: readonly PubsubAccountSubscription[], options: QuestionOptions = {}): Promise<void> {
    await this.#asking.ask<'set-node-subscriptions'>({ action: 'set-node-subscriptions', node, subscriptions }, options)
  }

  /**
   * Who waits for us to let them subscribe: to one node of ours, or to any (XEP-0060 §8.7).
   *
   * @throws StanzaError `forbidden` from whoever owns nothing, another where the service does not have it
   */
  pending(node?: string, options: QuestionOptions = {}): AsyncIterable<PubsubSubscriber> {
    return pendingAt(this.#asking, node, options)
  }

  /** Lets somebody who waits subscribe to a node of ours (XEP-0060 §8.6). @throws StanzaError where nobody of that JID waits, as far as the service says so */
  async approve(
    node: string,
    jid: string,
    { subid, ...options }: QuestionOptions & { readonly subid?: string | undefined } = {},
  ): Promise<void> {
    await decide(this.#asking, { node, jid, subid, isAllowed: true }, options)
  }

  /** Refuses somebody who waits (XEP-0060 §8.6). @throws StanzaError as {@link approve} */
  async deny(
    node: string,
    jid: string,
    { subid, ...options }: QuestionOptions & { readonly subid?: string | undefined } = {},
  ): Promise<void> {
    await decide(this.#asking, { node, jid, subid, isAllowed: false }, options)
  }

  /** Everybody's affiliations with a node of ours (XEP-0060 §8.9.1). */
  affiliates(node: string, init: ListInit = {}): AsyncIterable<PubsubAccountAffiliation> {
    return this.#asking.list(async (page) => {
      const answer = await this.#asking.ask<'get-node-affiliations'>({ action: 'get-node-affiliations', node, page }, init)
      return { entries: answer.affiliations, page: answer.page }
    }, init)
  }

  /** Changes affiliations with a node of ours; `none` takes one away (XEP-0060 §8.9.2). */
  async setAffiliates(node: string, affiliations: readonly PubsubAccountAffiliation[], options: QuestionOptions = {}): Promise<void> {
    await this.#asking.ask<'set-node-affiliations'>({ action: 'set-node-affiliations', node, affiliations }, options)
  }

  /** How much waits for whom at a node of ours, where the service has queues: ours does (docs/feeds.md). */
  waiting(node: string, init: ListInit = {}): AsyncIterable<WaitingSubscriber> {
    return waitingAt(this.#asking, node, init)
  }

  /** What could not be delivered to subscribers with queues, oldest first. */
  deadLetters(node: string, init: ListInit = {}): AsyncIterable<FeedDeadLetter> {
    return deadLettersAt(this.#asking, node, init)
  }

  /** Has a dead letter delivered again, or drops it. @param id as {@link deadLetters} tells it */
  async settleDeadLetter(node: string, id: string, order: DeadLetterOrder['order'], options: QuestionOptions = {}): Promise<void> {
    await orderDeadLetter(this.#asking, { order, node, id }, options)
  }

  /**
   * Which of some accounts may have the items of a node at which we may publish, where the service tells: ours does (docs/feeds.md).
   *
   * @param accounts bare JIDs
   * @returns those that may, prepared; `undefined` where it does not tell
   */
  readersAmong(node: string, accounts: readonly string[], options: QuestionOptions = {}): Promise<ReadonlySet<string> | undefined> {
    return readersAt(this.#asking, node, accounts, options)
  }

  /** What the service tells us of nodes, from now on; who listens before subscribing misses nothing. */
  events(init: EventsInit = {}): AsyncIterableIterator<Notification> {
    return new Notifications(this.#asking.session, this.service, init)
  }
}
