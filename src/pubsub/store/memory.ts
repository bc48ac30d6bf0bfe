import type {
  Affiliation,
  AffiliationRecord,
  Bounce,
  BouncingSubscription,
  ItemRecord,
  MovedRecord,
  NodeRecord,
  SubscriptionRecord,
} from '../records.ts'
import { Due } from './due.ts'
import { MemoryNode } from './memory-node.ts'
import { MovedNodes } from './moved-nodes.ts'
import { Ordered } from './ordered.ts'
import type { ItemRange, PubsubStore, Range } from './store.ts'

/** Keeps everything in the memory of this process, and nothing beyond its end. */
export class MemoryStore implements PubsubStore {
  readonly #byName = new Map<string, MemoryNode>()
  readonly #byId = new Map<number, MemoryNode>()
  readonly #ordered = new Ordered<NodeRecord>((node) => node.id)
  readonly #retired = new Map<number, MemoryNode>()
  readonly #children = new Map<number, Map<number, NodeRecord>>()
  readonly #created = new Map<string, number>()
  readonly #affiliations = new Map<string, Map<number, AffiliationRecord>>()
  /** Of each account; most have one. */
  readonly #subscriptions = new Map<string, SubscriptionRecord | Ordered<SubscriptionRecord>>()
  readonly #dueItems = new Due<ItemRecord>()
  readonly #dueSubscriptions = new Due<SubscriptionRecord>()
  readonly #moved = new MovedNodes()
  /** By the id of the subscription. */
  readonly #bouncing = new Map<number, BouncingSubscription>()
  #subscriptionCount = 0
  #itemCount = 0
  #lastNode = 0
  #lastSubscription = 0
  #lastItem = 0

  addNode(given: Omit<NodeRecord, 'id'>): NodeRecord {
    const node = { ...given, id: ++this.#lastNode }
    const kept = new MemoryNode(node)
    this.#byName.set(node.name, kept)
    this.#byId.set(node.id, kept)
    this.#ordered.add(node)
    this.#created.set(node.creator, this.countNodesOf(node.creator) + 1)
    this.#hang(node)
    return node
  }

  node(name: string): NodeRecord | undefined {
    return this.#byName.get(name)?.record
  }

  nodeById(id: number): NodeRecord | undefined {
    return this.#byId.get(id)?.record
  }

  replaceNode(node: NodeRecord): void {
    const kept = this.#byId.get(node.id)
    if (!kept) return
    this.#cutOff(kept.record)
    kept.record = node
    this.#ordered.replace(node)
    this.#hang(node)
  }

  retireNode(id: number): void {
    const kept = this.#byId.get(id)
    if (!kept) return
    const { name, creator } = kept.record
    this.#byId.delete(id)
    this.#byName.delete(name)
    this.#ordered.remove(kept.record)
    this.#cutOff(kept.record)
    count(this.#created, creator, this.countNodesOf(creator) - 1)
    for (const account of kept.affiliations.keys()) this.#forgetAffiliation(id, account)
    kept.affiliations.clear()
    this.#clearItems(kept)
    this.#retired.set(id, kept)
  }

  sweepRetired(limit: number, keep: ReadonlySet<number>): number {
    let swept = 0
    for (const [id, kept] of this.#retired) {
      if (keep.has(id)) continue
      for (const subscription of kept.subscriptions.page({ limit: limit - swept })) {
        this.removeSubscription(subscription)
        swept++
      }
      if (swept === limit) return swept
      this.#retired.delete(id)
      if (++swept === limit) return swept
    }
    return swept
  }

  nodes(range: Range): readonly NodeRecord[] {
    return this.#ordered.page(range)
  }

  children(parent: number, { after = 0, limit }: Range): readonly NodeRecord[] {
    const children = [...(this.#children.get(parent)?.values() ?? [])]
    return children
      .filter(({ id }) => id > after)
      .sort((one, other) => one.id - other.id)
      .slice(0, limit)
  }

  countNodes(): number {
    return this.#ordered.size
  }

  countNodesOf(creator: string): number {
    return this.#created.get(creator) ?? 0
  }

  countChildren(parent: number): number {
    return this.#children.get(parent)?.size ?? 0
  }

  putMoved(moved: MovedRecord): void {
    this.#moved.put(moved)
  }

  moved(name: string): MovedRecord | undefined {
    return this.#moved.get(name)
  }

  removeMoved(name: string): void {
    this.#moved.remove(name)
  }

  countMoved(): number {
    return this.#moved.size
  }

  countMovedOf(creator: string): number {
    return this.#moved.countOf(creator)
  }

  dueMoved(nowMs: number, limit: number): readonly MovedRecord[] {
    return this.#moved.due(nowMs, limit)
  }

  dueMovedOf(creator: string, limit: number): readonly MovedRecord[] {
    return this.#moved.dueOf(creator, limit)
  }

  affiliation(nodeId: number, account: string): Affiliation {
    return this.#byId.get(nodeId)?.affiliations.get(account)?.affiliation ?? 'none'
  }

  setAffiliation(nodeId: number, account: string, affiliation: Affiliation): void {
    const kept = this.#byId.get(nodeId)
    if (!kept) return
    if (affiliation === 'none') {
      kept.affiliations.delete(account)
      this.#forgetAffiliation(nodeId, account)
      return
    }
    const record = { nodeId, account, affiliation }
    kept.affiliations.set(account, record)
    const nodes = this.#affiliations.get(account) ?? new Map<number, AffiliationRecord>()
    this.#affiliations.set(account, nodes.set(nodeId, record))
  }

  affiliations(nodeId: number, range: { readonly after?: string | undefined; readonly limit: number }): readonly AffiliationRecord[] {
    return this.#byId.get(nodeId)?.affiliationsBehind(range.after).slice(0, range.limit) ?? []
  }

  affiliationsOf(account: string, { after = 0, limit }: Range): readonly AffiliationRecord[] {
    return [...(this.#affiliations.get(account)?.values() ?? [])]
      .filter(({ nodeId }) => nodeId > after)
      .sort((one, other) => one.nodeId - other.nodeId)
      .slice(0, limit)
  }

  owners(nodeId: number, limit: number): readonly string[] {
    const owners = this.#byId.get(nodeId)?.affiliationsBehind(undefined, 'owner') ?? []
    return owners.slice(0, limit).map(({ account }) => account)
  }

  countAffiliations(nodeId: number): number {
    return this.#byId.get(nodeId)?.affiliations.size ?? 0
  }

  countOwners(nodeId: number): number {
    return this.#byId.get(nodeId)?.affiliationsBehind(undefined, 'owner').length ?? 0
  }

  addSubscription(given: Omit<SubscriptionRecord, 'id'>): SubscriptionRecord {
    const { nodeId, jid, account, state, options, expiresMs } = given
    const subscription = { id: ++this.#lastSubscription, nodeId, jid, account, state, options, expiresMs }
    this.#byId.get(nodeId)?.addSubscription(subscription)
    this.#subscriptionCount++
    const own = this.#subscriptions.get(account)
    if (own instanceof Ordered) own.add(subscription)
    else this.#subscriptions.set(account, own ? ordered([own, subscription]) : subscription)
    this.#dueSubscriptions.add(subscription)
    return subscription
  }

  replaceSubscription(subscription: SubscriptionRecord): void {
    const before = this.#byId.get(subscription.nodeId)?.replaceSubscription(subscription)
    if (!before) return
    const own = this.#subscriptions.get(subscription.account)
    if (own instanceof Ordered) own.replace(subscription)
    else this.#subscriptions.set(subscription.account, subscription)
    this.#dueSubscriptions.remove(before)
    this.#dueSubscriptions.add(subscription)
  }

  removeSubscription({ id, nodeId, account }: SubscriptionRecord): void {
    const removed = this.#keeper(nodeId)?.removeSubscription(account, id)
    if (!removed) return
    const own = this.#subscriptions.get(account)
    if (own instanceof Ordered) own.remove(removed)
    if (!(own instanceof Ordered) || own.size === 0) this.#subscriptions.delete(account)
    this.#dueSubscriptions.remove(removed)
    this.#bouncing.delete(id)
    this.#subscriptionCount--
  }

  subscriptionsAt(nodeId: number, account: string): readonly SubscriptionRecord[] {
    return this.#keeper(nodeId)?.subscriptionsAt(account) ?? []
  }

  subscriptions(nodeId: number, range: Range): readonly SubscriptionRecord[] {
    return this.#keeper(nodeId)?.subscriptions.page(range) ?? []
  }

  pending(nodeId: number, range: Range): readonly SubscriptionRecord[] {
    return this.#byId.get(nodeId)?.pendingBehind(range.after).slice(0, range.limit) ?? []
  }

  subscriptionsOf(account: string, { after, limit }: Range): readonly SubscriptionRecord[] {
    const own = this.#subscriptions.get(account) ?? new Ordered<SubscriptionRecord>(({ id }) => id)
    const all = own instanceof Ordered ? own : ordered([own])
    const page: SubscriptionRecord[] = []
    let last = after
    for (let more = true; more && page.length < limit; ) {
      const some = all.page({ after: last, limit: limit - page.length })
      page.push(...some.filter(({ nodeId }) => this.#byId.has(nodeId)))
      more = some.length > 0
      last = some.at(-1)?.id ?? last
    }
    return page
  }

  countSubscriptions(nodeId: number): number {
    return this.#keeper(nodeId)?.subscriptions.size ?? 0
  }

  countPending(nodeId: number): number {
    return this.#byId.get(nodeId)?.pendingCount ?? 0
  }

  countSubscriptionsOf(account: string): number {
    const own = this.#subscriptions.get(account)
    return own instanceof Ordered ? own.size : own ? 1 : 0
  }

  countAllSubscriptions(): number {
    return this.#subscriptionCount
  }

  setBounce({ id, nodeId }: Pick<SubscriptionRecord, 'id' | 'nodeId'>, bounce: Bounce | undefined): void {
    const subscription = this.#keeper(nodeId)?.subscription(id)
    if (!subscription) return
    if (bounce) this.#bouncing.set(id, { id, nodeId, jid: subscription.jid, bounce })
    else this.#bouncing.delete(id)
  }

  bouncing({ after = 0, limit }: Range): readonly BouncingSubscription[] {
    return [...this.#bouncing.values()]
      .filter(({ id, nodeId }) => id > after && this.#byId.has(nodeId))
      .sort((one, other) => one.id - other.id)
      .slice(0, limit)
  }

  putItem(given: Omit<ItemRecord, 'seq'>): ItemRecord {
    const item = { ...given, seq: ++this.#lastItem }
    this.removeItem(item.nodeId, item.id)
    const kept = this.#byId.get(item.nodeId)
    if (!kept) return item
    kept.addItem(item)
    this.#itemCount++
    this.#dueItems.add(item)
    return item
  }

  item(nodeId: number, id: string): ItemRecord | undefined {
    return this.#byId.get(nodeId)?.item(id)
  }

  hasItem(nodeId: number, id: string): boolean {
    return this.item(nodeId, id) !== undefined
  }

  removeItem(nodeId: number, id: string): void {
    const removed = this.#byId.get(nodeId)?.removeItem(id)
    if (!removed) return
    this.#dueItems.remove(removed)
    this.#itemCount--
  }

  removeItems(nodeId: number): void {
    const kept = this.#byId.get(nodeId)
    if (kept) this.#clearItems(kept)
  }

  items(nodeId: number, range: ItemRange): readonly ItemRecord[] {
    return this.#byId.get(nodeId)?.items(range) ?? []
  }

  oldestItemIds(nodeId: number, limit: number): readonly string[] {
    return this.items(nodeId, { limit }).map(({ id }) => id)
  }

  countItems(nodeId: number): number {
    return this.#byId.get(nodeId)?.itemCount ?? 0
  }

  countAllItems(): number {
    return this.#itemCount
  }

  countItemsBefore(nodeId: number, seq: number): number {
    return this.#byId.get(nodeId)?.countItemsBefore(seq) ?? 0
  }

  itemAt(nodeId: number, index: number): ItemRecord | undefined {
    return this.#byId.get(nodeId)?.itemAt(index)
  }

  dueItems(nowMs: number, limit: number): readonly ItemRecord[] {
    return this.#dueItems.page(nowMs, limit)
  }

  dueSubscriptions(nowMs: number, limit: number): readonly SubscriptionRecord[] {
    return this.#dueSubscriptions.page(nowMs, limit)
  }

  committed(): Promise<void> {
    return Promise.resolve()
  }

  settled(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** A retired node still has its subscriptions. */
  #keeper(nodeId: number): MemoryNode | undefined {
    return this.#byId.get(nodeId) ?? this.#retired.get(nodeId)
  }

  #clearItems(kept: MemoryNode): void {
    for (const item of kept.clearItems()) {
      this.#dueItems.remove(item)
      this.#itemCount--
    }
  }

  #hang(node: NodeRecord): void {
    if (node.parent === undefined) return
    const siblings = this.#children.get(node.parent) ?? new Map<number, NodeRecord>()
    this.#children.set(node.parent, siblings.set(node.id, node))
  }

  #cutOff({ id, parent }: NodeRecord): void {
    if (parent === undefined) return
    const siblings = this.#children.get(parent)
    siblings?.delete(id)
    if (siblings?.size === 0) this.#children.delete(parent)
  }

  #forgetAffiliation(nodeId: number, account: string): void {
    const nodes = this.#affiliations.get(account)
    nodes?.delete(nodeId)
    if (nodes?.size === 0) this.#affiliations.delete(account)
  }
}

function ordered(subscriptions: readonly SubscriptionRecord[]): Ordered<SubscriptionRecord> {
  const all = new Ordered<SubscriptionRecord>(({ id }) => id)
  for (const subscription of subscriptions) all.add(subscription)
  return all
}

function count(counts: Map<string, number>, key: string, value: number): void {
  if (value > 0) counts.set(key, value)
  else counts.delete(key)
}
