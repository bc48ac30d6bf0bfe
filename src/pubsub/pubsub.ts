import { randomUUID } from 'node:crypto'
import { audienceOf, type ContactsOf, type Recipient, RememberedAudiences } from './audience.ts'
import { Bounces } from './bounces.ts'
import { type PubsubLimits, pubsubLimits } from './bounds.ts'
import { type Asker, type AudienceWatch, type Core, findNode, mayFind, settingOf } from './core.ts'
import { type AccessModel, type NodeConfig, nodeDefaults } from './node-config.ts'
import type { Broadcast } from './notices.ts'
import { type AffiliationChange, affiliationsAt, affiliationsOf, setAffiliations } from './operations/affiliations.ts'
import { decide, nodesWithPending, pendingAt } from './operations/approvals.ts'
import { type ItemsPage, type ItemsQuery, itemsOf } from './operations/items.ts'
import { childrenFor, nodesFor } from './operations/lists.ts'
import { configuration, metadata } from './operations/metadata.ts'
import { type ConfigChange, configureNode, createNode, deleteNode, type NodeToCreate } from './operations/nodes.ts'
import type { Page } from './operations/parts.ts'
import { type Publication, publish } from './operations/publish.ts'
import { readersAmong } from './operations/readers.ts'
import { purge, type Retraction, retract } from './operations/retract.ts'
import { rostersFor, rostersToTell } from './operations/rosters.ts'
import { readOptions, type SubscriptionName, setOptions, subscribe, unsubscribe } from './operations/subscribe.ts'
import {
  endSubscriptionsOf,
  type SubscriptionChange,
  setSubscriptions,
  subscribedNode,
  subscriptionsOf,
  subscriptionsOfNode,
} from './operations/subscriptions.ts'
import { sweep } from './operations/sweep.ts'
import { parentOf } from './operations/tree.ts'
import { Contacts } from './presence/contacts.ts'
import { MemoryPresence } from './presence/memory-presence.ts'
import type { PresenceStore } from './presence/presence-store.ts'
import type { Bindings } from './queues/bindings.ts'
import { Queues } from './queues/queues.ts'
import type { ItemRecord, NodeRecord } from './records.ts'
import { accountOf } from './rules/names.ts'
import { type OptionsChange, optionDefaults } from './rules/options.ts'
import type { PubsubStore } from './store/store.ts'

export interface PubsubComponents {
  /** Borrowed. */
  readonly store: PubsubStore
  /** Borrowed: of one place with `store`, so that both are committed together. Default in memory. */
  readonly presence?: PresenceStore
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** For what is not named: instant nodes, items. */
  readonly newId?: () => string
}

export interface PubsubInit {
  readonly limits?: Partial<PubsubLimits>
  /** What a node has unless its owner says otherwise. */
  readonly defaults?: Partial<NodeConfig>
  /** Publishing to a node that does not exist creates it (XEP-0060 §7.1.4). Default no. */
  readonly autoCreate?: boolean
  /** Which accounts, by their bare JID, may create nodes. Default all. */
  readonly mayCreate?: (account: string) => boolean
  /** Whether owners' rosters can be asked, now: without them there are no access models `presence` and `roster`. Default no. */
  readonly hasRosters?: () => boolean
  /** Hears why it is not in the store who sends notifications back. */
  readonly onBounceUnsaved?: (error: unknown) => void
}

const WITHOUT_ROSTERS: readonly AccessModel[] = ['open', 'authorize', 'whitelist']
const WITH_ROSTERS: readonly AccessModel[] = ['open', 'presence', 'roster', 'authorize', 'whitelist']

/**
 * Publish-subscribe without its XML (XEP-0060, XEP-0248): every use case is a method, which either throws a coded error and has changed
 * nothing, or gives what to answer and whom to tell. Nobody may be told before it is {@link committed}, and nobody answered who
 * relies on it before it is {@link settled}.
 */
export class Pubsub {
  readonly limits: PubsubLimits
  /** Who sends notifications back. */
  readonly bounces: Bounces
  /** Who has which feed in its roster. */
  readonly contacts: Contacts
  /** What waits for accounts. */
  readonly queues: Queues
  readonly #core: Core
  readonly #audiences: RememberedAudiences

  constructor({ store, presence = new MemoryPresence(), now = Date.now, newId = randomUUID }: PubsubComponents, init: PubsubInit = {}) {
    const { autoCreate = false, mayCreate = () => true, hasRosters = () => false } = init
    const { onBounceUnsaved: onUnsaved = () => {} } = init
    this.limits = { ...pubsubLimits, ...init.limits }
    this.#audiences = new RememberedAudiences(this.limits.cachedRecipientsMax)
    const accessModels = () => (hasRosters() ? WITH_ROSTERS : WITHOUT_ROSTERS)
    const defaults = { ...nodeDefaults, ...init.defaults }
    const bounces = new Bounces({ store, now }, { bounceMsMax: this.limits.bounceMsMax, onUnsaved })
    this.bounces = bounces
    const contacts = new Contacts({ store: presence, pubsub: store })
    this.contacts = contacts
    const most = { store, limits: this.limits, defaults, autoCreate, mayCreate, accessModels, now, newId }
    const queues = new Queues(most)
    this.queues = queues
    this.#core = { ...most, audiences: watchedByBoth(this.#audiences, queues.bindings), bounces, contacts, queues }
  }

  /** Settles once everything so far has happened, however this process ends; rejects when it has not. */
  committed(): Promise<void> {
    return this.#unlessUndone(this.#core.store.committed())
  }

  /** Settles once everything so far is durable, whatever becomes of the machine; rejects when it is not. */
  settled(): Promise<void> {
    return this.#unlessUndone(this.#core.store.settled())
  }

  /** Both, of what there is now: what is written while one waits for the first is no matter of the second. Neither has to be awaited. */
  kept(): { readonly committed: Promise<void>; readonly settled: Promise<void> } {
    const kept = { committed: this.committed(), settled: this.settled() }
    for (const promise of Object.values(kept)) promise.catch(() => {})
    return kept
  }

  async #unlessUndone(done: Promise<void>): Promise<void> {
    try {
      await done
    } catch (error) {
      this.queues.bindings.forgetAll()
      this.#audiences.forgetAll() // Some of them may have been made of what has not happened.
      throw error
    }
  }

  get accessModels(): readonly AccessModel[] {
    return this.#core.accessModels()
  }

  get autoCreate(): boolean {
    return this.#core.autoCreate
  }

  /** What a new node has (XEP-0060 §8.3). */
  get defaultConfig(): NodeConfig {
    return this.#core.defaults
  }

  /** What a new subscription has (XEP-0060 §6.4). */
  readonly defaultOptions = { ...optionDefaults, expiresMs: undefined } as const

  create(asker: Asker, node: NodeToCreate) {
    return createNode(this.#core, asker, node)
  }

  configure(asker: Asker, name: string, change: ConfigChange) {
    return configureNode(this.#core, asker, name, change)
  }

  delete(asker: Asker, name: string, redirectUri?: string) {
    return deleteNode(this.#core, asker, name, redirectUri)
  }

  purge(asker: Asker, name: string) {
    return purge(this.#core, asker, name)
  }

  publish(asker: Asker, publication: Publication) {
    return publish(this.#core, asker, publication)
  }

  retract(asker: Asker, retraction: Retraction) {
    return retract(this.#core, asker, retraction)
  }

  items(asker: Asker, query: ItemsQuery): ItemsPage {
    return itemsOf(this.#core, asker, query)
  }

  /** Those of some accounts that may have the items of a node; for publishers of it, and whoever may publish there and have them. */
  readersAmong(asker: Asker, name: string, others: readonly Asker[]): readonly string[] {
    return readersAmong(this.#core, asker, name, others)
  }

  subscribe(asker: Asker, request: { readonly node: string; readonly jid: string; readonly options?: OptionsChange | undefined }) {
    return subscribe(this.#core, asker, request)
  }

  unsubscribe(asker: Asker, subscription: SubscriptionName) {
    return unsubscribe(this.#core, asker, subscription)
  }

  options(asker: Asker, subscription: SubscriptionName) {
    return readOptions(this.#core, asker, subscription)
  }

  setOptions(asker: Asker, subscription: SubscriptionName, change: OptionsChange) {
    return setOptions(this.#core, asker, subscription, change)
  }

  /** Of the account that asks: at one node, or a part of all. */
  subscriptions(asker: Asker, which: { readonly node?: string; readonly page?: Page | undefined } = {}) {
    return subscriptionsOf(this.#core, asker, which)
  }

  /** Of the account that asks: at one node, or a part of all. */
  affiliations(asker: Asker, which: { readonly node?: string; readonly page?: Page | undefined } = {}) {
    return affiliationsOf(this.#core, asker, which)
  }

  /** For owners. */
  nodeSubscriptions(asker: Asker, name: string, page?: Page) {
    return subscriptionsOfNode(this.#core, asker, name, page)
  }

  setNodeSubscriptions(asker: Asker, name: string, changes: readonly SubscriptionChange[]) {
    return setSubscriptions(this.#core, asker, name, changes)
  }

  /** For owners. */
  nodeAffiliations(asker: Asker, name: string, page?: Page) {
    return affiliationsAt(this.#core, asker, name, page)
  }

  setNodeAffiliations(asker: Asker, name: string, changes: readonly AffiliationChange[]) {
    return setAffiliations(this.#core, asker, name, changes)
  }

  /** The nodes at which somebody waits for a decision of the account that asks. */
  nodesWithPending(asker: Asker, after?: number) {
    return nodesWithPending(this.#core, asker, after)
  }

  pending(asker: Asker, name: string, after?: number) {
    return pendingAt(this.#core, asker, name, after)
  }

  decide(asker: Asker, subscription: SubscriptionName, isAllowed: boolean) {
    return decide(this.#core, asker, subscription, isAllowed)
  }

  /** Whether an account has any subscription. */
  isSubscriber(account: string): boolean {
    return this.#core.store.countSubscriptionsOf(account) > 0
  }

  /** The name of the node of that id, where this JID, and not only another of its account, has a subscription. */
  subscribedNode(nodeId: number, jid: string): string | undefined {
    return subscribedNode(this.#core, nodeId, jid)
  }

  /** Ends the subscriptions of a JID whose notifications come back. */
  endSubscriptions(name: string, jid: string): void {
    endSubscriptionsOf(this.#core, name, jid)
  }

  /** @throws BytestreamError `ERR_ITEM_NOT_FOUND` */
  node(name: string): NodeRecord {
    return findNode(this.#core, name)
  }

  /** The node of that name, if there is one. */
  find(name: string): NodeRecord | undefined {
    return this.#core.store.node(name)
  }

  /** What who asks may find, in the order of creation: of all nodes, or of those in a collection. */
  nodes(asker: Asker, { collection, page }: { readonly collection?: string | undefined; readonly page?: Page | undefined } = {}) {
    return collection === undefined ? nodesFor(this.#core, asker, page) : childrenFor(this.#core, asker, collection, page)
  }

  /** Whether who asks may know of a node what {@link metadata} tells. */
  mayFind(asker: Asker, name: string): boolean {
    return mayFind(this.#core, this.node(name), asker)
  }

  /** The whole configuration of a node. */
  configOf(node: NodeRecord): NodeConfig {
    return { ...this.#core.defaults, ...node.config }
  }

  /** The configuration, for those who may change it (XEP-0060 §8.2). */
  configuration(asker: Asker, name: string) {
    return configuration(this.#core, asker, name)
  }

  /** What whoever may find a node may know of it (XEP-0060 §5.4). */
  metadata(name: string) {
    return metadata(this.#core, this.node(name))
  }

  /** The name of the collection a node is in. */
  collectionOf(node: NodeRecord): string | undefined {
    return parentOf(this.#core, node)?.name
  }

  /** Whom an item names as its publisher (XEP-0060 §7.1.2.3), if anybody. */
  publisherOf(node: NodeRecord, item: ItemRecord): string | undefined {
    const whose = settingOf(this.#core, node, 'itemReply')
    if (whose === 'owner') return this.#core.store.owners(node.id, 1)[0]
    return whose === 'publisher' ? item.publisher : undefined
  }

  /** The accounts whose rosters have to be asked about whoever wants something of the node; mostly none. */
  rostersFor(asker: Asker, name: string): readonly string[] {
    return rostersFor(this.#core, asker, name)
  }

  /** The accounts whose rosters have to be asked before anybody is told; mostly none. */
  rostersToTell(notice: Broadcast): readonly string[] {
    return rostersToTell(this.#core, notice)
  }

  /**
   * Whom a broadcast is for, page by page: nobody twice. Of a deleted node, call {@link told} when done.
   *
   * @param contactsOf what the rosters of {@link rostersToTell} say of an account
   */
  audience(notice: Broadcast, contactsOf?: ContactsOf): Iterable<readonly Recipient[]> {
    return audienceOf(this.#core, this.#audiences, notice, contactsOf)
  }

  /** All of the audience has been told, or never will be. */
  told(notice: Broadcast): void {
    if (notice.kind === 'deleted') this.#audiences.kept.delete(notice.node.id)
  }

  /** How many there are; of deleted nodes, what is not swept yet is among them. */
  get totals() {
    const { store } = this.#core
    return { nodes: store.countNodes(), subscriptions: store.countAllSubscriptions(), items: store.countAllItems(), bytes: store.bytes }
  }

  /** One bounded step of taking away what has expired, and what is left of deleted nodes. */
  sweep() {
    return sweep(this.#core, this.#audiences.kept)
  }

  /** The bare JID by which an account is known here. */
  static accountOf(jid: string): string {
    return accountOf(jid)
  }
}

function watchedByBoth(audiences: AudienceWatch, bindings: Bindings): AudienceWatch {
  return {
    added(subscription) {
      audiences.added(subscription)
      bindings.added(subscription)
    },
    removed(subscription) {
      audiences.removed(subscription)
      bindings.removed(subscription)
    },
    forget(nodeId) {
      audiences.forget(nodeId)
      bindings.forget(nodeId)
    },
    keep: (nodeId) => audiences.keep(nodeId),
  }
}
