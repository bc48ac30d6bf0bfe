import { MemoryQueues } from '../queues/memory-queues.ts'
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
import { affiliationBytes, itemBytes, nodeBytes, subscriptionBytes } from '../weights.ts'
import { AccountAffiliations } from './account-affiliations.ts'
import { AccountSubscriptions } from './account-subscriptions.ts'
import { Bouncing } from './bouncing.ts'
import { Children } from './children.ts'
import { Creators } from './creators.ts'
import { byNumber, cut } from './cut.ts'
import { Due, expiryOf } from './due.ts'
import { MemoryNode } from './memory-node.ts'
import { MovedNodes } from './moved-nodes.ts'
import { Ordered } from './ordered.ts'
import type { Range, Section } from './section.ts'
import type { PubsubStore } from './store.ts'

/** Keeps everything in the memory of this process, and nothing beyond its end. */
export class MemoryStore implements PubsubStore {
  readonly #byName = new Map<string, MemoryNode>()
  readonly #byId = new Map<number, MemoryNode>()
  readonly #listed = new Ordered<NodeRecord>((node) => node.id)
  readonly #retired = new Map<number, MemoryNode>()
  readonly #children = new Children()
  readonly #creators = new Creators()
  readonly #affiliations = new AccountAffiliations()
  readonly #subscriptions = new AccountSubscriptions()
  readonly #dueItems = new Due<ItemRecord>(expiryOf)
  readonly #dueSubscriptions = new Due<SubscriptionRecord>(expiryOf)
  readonly #moved = new MovedNodes()
  readonly #bouncing = new Bouncing()
  readonly queues = new MemoryQueues()
  #subscriptionCount = 0
  #itemCount = 0
  #bytes = 0
  readonly #bytesMax: number
  #lastNode = 0
  #lastSubscription = 0
  #lastItem = 0

  /** @param bytesMax of what is kept, about */
  constructor(bytesMax = Number.POSITIVE_INFINITY) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes + this.queues.bytes
  }

  hasRoomFor(bytes: number): boolean {
    return this.bytes + bytes <= this.#bytesMax
  }

  addNode(given: Omit<NodeRecord, 'id'>): NodeRecord {
    const node = { ...given, id: ++this.#lastNode }
    const kept = new MemoryNode(node)
    this.#byName.set(node.name, kept)
    this.#byId.set(node.id, kept)
    if (node.isListed) this.#listed.add(node)
    this.#creators.add(node.creator)
    this.#children.add(node)
    this.#bytes += nodeBytes(node)
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
    this.#children.remove(kept.record)
    if (kept.record.isListed && node.isListed) this.#listed.replace(node)
    else if (node.isListed) this.#listed.add(node)
    else this.#listed.remove(kept.record)
    this.#bytes += nodeBytes(node) - nodeBytes(kept.record)
    kept.record = node
    this.#children.add(node)
  }

  retireNode(id: number): void {
    const kept = this.#byId.get(id)
    if (!kept) return
    const { name, creator } = kept.record
    this.removeItems(id)
    this.#byId.delete(id)
    this.#byName.delete(name)
    this.#listed.remove(kept.record)
    this.#children.remove(kept.record)
    this.#creators.remove(creator)
    this.#bytes -= nodeBytes(kept.record)
    for (const account of kept.affiliations.keys()) this.#removeAffiliation(kept, account)
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

  listedNodes(section: Section): readonly NodeRecord[] {
    return this.#listed.section(section)
  }

  affiliatedNodes(account: string, section: Section): readonly NodeRecord[] {
    const own = this.#affiliations.of(account).filter(({ affiliation }) => affiliation !== 'outcast')
    const ids = own.map(({ nodeId }) => nodeId)
    return this.#nodesIn(ids, section)
  }

  subscribedNodes(account: string, section: Section): readonly NodeRecord[] {
    const ids = this.#subscriptions.of(account).map(({ nodeId }) => nodeId)
    return this.#nodesIn([...new Set(ids)], section)
  }

  children(parent: number, range: Range): readonly NodeRecord[] {
    return this.#children.page(parent, range)
  }

  countNodes(): number {
    return this.#byId.size
  }

  countListedNodes(): number {
    return this.#listed.size
  }

  countNodesOf(creator: string): number {
    return this.#creators.countOf(creator)
  }

  countChildren(parent: number): number {
    return this.#children.countOf(parent)
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
    this.#removeAffiliation(kept, account)
    if (affiliation === 'none') return
    const record = { nodeId, account, affiliation }
    kept.affiliations.set(account, record)
    this.#affiliations.set(record)
    this.#bytes += affiliationBytes(record)
  }

  #removeAffiliation(kept: MemoryNode, account: string): void {
    if (!kept.affiliations.delete(account)) return
    this.#affiliations.remove(kept.record.id, account)
    this.#bytes -= affiliationBytes({ account })
  }

  affiliations(nodeId: number, section: Section<string>): readonly AffiliationRecord[] {
    return this.#byId.get(nodeId)?.affiliationsIn(section) ?? []
  }

  affiliationsOf(account: string, section: Section): readonly AffiliationRecord[] {
    return cut(this.#affiliations.of(account), section, ({ nodeId }) => nodeId, byNumber)
  }

  owners(nodeId: number, limit: number): readonly string[] {
    return (this.#byId.get(nodeId)?.affiliationsIn({ limit }, 'owner') ?? []).map(({ account }) => account)
  }

  countAffiliations(nodeId: number): number {
    return this.#byId.get(nodeId)?.affiliations.size ?? 0
  }

  countAffiliationsOf(account: string): number {
    return this.#affiliations.countOf(account)
  }

  countOwners(nodeId: number): number {
    return this.#byId.get(nodeId)?.affiliationsIn({ limit: Number.POSITIVE_INFINITY }, 'owner').length ?? 0
  }

  addSubscription(given: Omit<SubscriptionRecord, 'id'>): SubscriptionRecord {
    const { nodeId, jid, account, state, options, expiresMs } = given
    const subscription = { id: ++this.#lastSubscription, nodeId, jid, account, state, options, expiresMs }
    this.#byId.get(nodeId)?.addSubscription(subscription)
    this.#subscriptionCount++
    this.#subscriptions.add(subscription)
    this.#dueSubscriptions.add(subscription)
    this.#bytes += subscriptionBytes(subscription)
    return subscription
  }

  replaceSubscription(subscription: SubscriptionRecord): void {
    const before = this.#byId.get(subscription.nodeId)?.replaceSubscription(subscription)
    if (!before) return
    this.#subscriptions.replace(subscription)
    this.#dueSubscriptions.remove(before)
    this.#dueSubscriptions.add(subscription)
  }

  removeSubscription({ id, nodeId, account }: SubscriptionRecord): void {
    const removed = this.#keeper(nodeId)?.removeSubscription(account, id)
    if (!removed) return
    this.#subscriptions.remove(removed)
    this.#dueSubscriptions.remove(removed)
    this.#bouncing.delete(id)
    this.#subscriptionCount--
    this.#bytes -= subscriptionBytes(removed)
  }

  subscriptionsAt(nodeId: number, account: string): readonly SubscriptionRecord[] {
    return this.#keeper(nodeId)?.subscriptionsAt(account) ?? []
  }

  subscriptions(nodeId: number, range: Range): readonly SubscriptionRecord[] {
    return this.#keeper(nodeId)?.subscriptions.page(range) ?? []
  }

  subscribed(nodeId: number, section: Section): readonly SubscriptionRecord[] {
    return this.#byId.get(nodeId)?.subscribedIn(section) ?? []
  }

  queueSubscriptions(nodeId: number, section: Section): readonly SubscriptionRecord[] {
    return this.#byId.get(nodeId)?.queuesIn(section) ?? []
  }

  pending(nodeId: number, range: Range): readonly SubscriptionRecord[] {
    return this.#byId.get(nodeId)?.pendingBehind(range.after).slice(0, range.limit) ?? []
  }

  subscriptionsOf(account: string, section: Section): readonly SubscriptionRecord[] {
    const live = this.#subscriptions.of(account).filter(({ nodeId }) => this.#byId.has(nodeId))
    return cut(live, section, ({ id }) => id, byNumber)
  }

  countSubscriptions(nodeId: number): number {
    return this.#keeper(nodeId)?.subscriptions.size ?? 0
  }

  countPending(nodeId: number): number {
    return this.#byId.get(nodeId)?.pendingCount ?? 0
  }

  countSubscriptionsOf(account: string): number {
    return this.#subscriptions.countOf(account)
  }

  countAllSubscriptions(): number {
    return this.#subscriptionCount
  }

  setBounce({ id, nodeId }: Pick<SubscriptionRecord, 'id' | 'nodeId'>, bounce: Bounce | undefined): void {
    const subscription = this.#keeper(nodeId)?.subscription(id)
    if (subscription) this.#bouncing.set(subscription, bounce)
  }

  bouncing(range: Range): readonly BouncingSubscription[] {
    return this.#bouncing.page(range, (nodeId) => this.#byId.has(nodeId))
  }

  putItem(given: Omit<ItemRecord, 'seq'>): ItemRecord {
    const item = { ...given, seq: ++this.#lastItem }
    this.removeItem(item.nodeId, item.id)
    const kept = this.#byId.get(item.nodeId)
    if (!kept) return item
    kept.addItem(item)
    this.#itemCount++
    this.#bytes += itemBytes(item)
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
    if (removed) this.#discount(removed)
  }

  removeItems(nodeId: number): void {
    for (const item of this.#byId.get(nodeId)?.clearItems() ?? []) this.#discount(item)
  }

  items(nodeId: number, section: Section): readonly ItemRecord[] {
    return this.#byId.get(nodeId)?.items(section) ?? []
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

  #nodesIn(ids: readonly number[], section: Section): readonly NodeRecord[] {
    const all = ids.flatMap((id) => this.#byId.get(id)?.record ?? []).sort((one, other) => one.id - other.id)
    return cut(all, section, ({ id }) => id, byNumber)
  }

  /** A retired node still has its subscriptions. */
  #keeper(nodeId: number): MemoryNode | undefined {
    return this.#byId.get(nodeId) ?? this.#retired.get(nodeId)
  }

  #discount(item: ItemRecord): void {
    this.#dueItems.remove(item)
    this.#itemCount--
    this.#bytes -= itemBytes(item)
  }
}
