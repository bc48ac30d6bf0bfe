import type { Query, Storage } from '../../storage/index.ts'
import { SqliteQueues } from '../queues/sqlite-queues.ts'
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
import type { KnownItems } from './known-items.ts'
import { KnownNodes } from './known-nodes.ts'
import { RetiredNodes } from './retired-nodes.ts'
import { decided, toAffiliation, toBouncing, toItem, toMoved, toNode, toSubscription } from './rows.ts'
import type { Range, Section } from './section.ts'
import { Sequence } from './sequence.ts'
import { type AccountRow, type Changes, type Count, mapValues, numbers, type Queries, type Rows, texts } from './sqlite-queries.ts'
import { changes, queries } from './statements.ts'
import type { PubsubStore } from './store.ts'
import { Tallies } from './tallies.ts'

/** Keeps everything in a database. What it remembers of nodes is forgotten when something is rolled back: then it is read again. */
export class SqliteStore implements PubsubStore {
  readonly queues: SqliteQueues
  readonly #storage: Storage
  readonly #read: Queries
  readonly #write: Changes
  readonly #nodeIds: Sequence
  readonly #subscriptionIds: Sequence
  readonly #itemNumbers: Sequence
  readonly #known = new KnownNodes()
  readonly #tallies = new Tallies()
  readonly #retired: RetiredNodes
  /** Of the account that was looked for last: whoever asks for a subscription is looked for several times. */
  #account: { readonly jid: string; readonly row: AccountRow | undefined } | undefined

  /** @param storage opened with `pubsubMigrations`; closed with the store */
  constructor(storage: Storage) {
    this.#storage = storage
    this.queues = new SqliteQueues(storage, () => {
      this.#account = undefined
    })
    this.#read = mapValues(queries, (sql) => storage.query(sql)) as Queries
    this.#write = mapValues(changes, (sql) => storage.change(sql))
    this.#retired = new RetiredNodes({ read: this.#read, write: this.#write, tallies: this.#tallies })
    const sequence = (name: string) => new Sequence(name, this.#read.reserved, this.#write.reserve)
    this.#nodeIds = sequence('node')
    this.#subscriptionIds = sequence('subscription')
    this.#itemNumbers = sequence('item')
    storage.on('committing', () => this.#tallies.write(this.#write))
    storage.on('rolledBack', () => {
      this.#tallies.forget()
      for (const each of [this.#nodeIds, this.#subscriptionIds, this.#itemNumbers]) each.forget()
      this.#known.clear()
      this.#account = undefined
    })
  }

  addNode(given: Omit<NodeRecord, 'id'>): NodeRecord {
    const node = { ...given, id: this.#nodeIds.next() }
    const { id, name, kind, parent, creator, createdMs, config, isListed } = node
    this.#account = undefined
    this.#write.addNode.run(id, name, kind, parent ?? null, creator, createdMs, JSON.stringify(config), Number(isListed))
    return node
  }

  node(name: string): NodeRecord | undefined {
    const known = this.#known.named(name)
    if (known) return known
    const node = map(this.#read.node.get(name), toNode)
    if (node) this.#known.add(node)
    return node
  }

  nodeById(id: number): NodeRecord | undefined {
    return this.#known.ofId(id) ?? map(this.#read.nodeById.get(id), toNode)
  }

  replaceNode({ id, parent, config, isListed }: NodeRecord): void {
    this.#known.forget(id)
    this.#write.replaceNode.run(parent ?? null, JSON.stringify(config), Number(isListed), id)
  }

  retireNode(id: number): void {
    this.#known.forget(id)
    this.#account = undefined
    this.#write.retireNode.run(id)
  }

  sweepRetired(limit: number, keep: ReadonlySet<number>): number {
    this.#account = undefined
    return this.#retired.sweep(limit, keep)
  }

  listedNodes(section: Section): readonly NodeRecord[] {
    return this.#section(['listedNodes', 'listedNodesFromEnd'], [], numbers(section)).map(toNode)
  }

  affiliatedNodes(account: string, section: Section): readonly NodeRecord[] {
    return this.#section(['affiliatedNodes', 'affiliatedNodesFromEnd'], [account], numbers(section)).map(toNode)
  }

  subscribedNodes(account: string, section: Section): readonly NodeRecord[] {
    return this.#section(['subscribedNodes', 'subscribedNodesFromEnd'], [account], numbers(section)).map(toNode)
  }

  children(parent: number, { after = 0, limit }: Range): readonly NodeRecord[] {
    return this.#read.children.all(parent, after, limit).map(toNode)
  }

  countNodes(): number {
    return count(this.#read.countNodes.get())
  }

  countListedNodes(): number {
    return count(this.#read.countListedNodes.get())
  }

  countNodesOf(creator: string): number {
    return count(this.#read.countNodesOf.get(creator))
  }

  countChildren(parent: number): number {
    return count(this.#read.countChildren.get(parent))
  }

  putMoved({ name, uri, creator, expiresMs }: MovedRecord): void {
    this.#write.putMoved.run(name, uri, creator, expiresMs)
  }

  moved(name: string): MovedRecord | undefined {
    return map(this.#read.moved.get(name), toMoved)
  }

  removeMoved(name: string): void {
    this.#write.removeMoved.run(name)
  }

  countMoved(): number {
    return count(this.#read.countMoved.get())
  }

  countMovedOf(creator: string): number {
    return count(this.#read.countMovedOf.get(creator))
  }

  dueMoved(nowMs: number, limit: number): readonly MovedRecord[] {
    return this.#read.dueMoved.all(nowMs, limit).map(toMoved)
  }

  dueMovedOf(creator: string, limit: number): readonly MovedRecord[] {
    return this.#read.dueMovedOf.all(creator, limit).map(toMoved)
  }

  affiliation(nodeId: number, account: string): Affiliation {
    const known = this.#known.affiliationsOf(nodeId, (limit) => this.affiliations(nodeId, { limit }))
    return (known ? known.get(account) : this.#read.affiliation.get(nodeId, account)?.[0]) ?? 'none'
  }

  setAffiliation(nodeId: number, account: string, affiliation: Affiliation): void {
    this.#known.forgetAffiliations(nodeId)
    if (affiliation === 'none') this.#write.removeAffiliation.run(nodeId, account)
    else this.#write.setAffiliation.run(nodeId, account, affiliation)
  }

  affiliations(nodeId: number, section: Section<string>): readonly AffiliationRecord[] {
    return this.#section(['affiliations', 'affiliationsFromEnd'], [nodeId], texts(section)).map(toAffiliation)
  }

  affiliationsOf(account: string, section: Section): readonly AffiliationRecord[] {
    return this.#section(['affiliationsOf', 'affiliationsOfFromEnd'], [account], numbers(section)).map(toAffiliation)
  }

  owners(nodeId: number, limit: number): readonly string[] {
    return this.#read.owners.all(nodeId, limit).map(([account]) => account)
  }

  countAffiliations(nodeId: number): number {
    return count(this.#read.countAffiliations.get(nodeId))
  }

  countAffiliationsOf(account: string): number {
    return count(this.#read.countAffiliationsOf.get(account))
  }

  countOwners(nodeId: number): number {
    return count(this.#read.countOwners.get(nodeId))
  }

  addSubscription(given: Omit<SubscriptionRecord, 'id'>): SubscriptionRecord {
    const subscription = { ...given, id: this.#subscriptionIds.next() }
    const { id, nodeId, jid, account, expiresMs } = subscription
    if (!this.#findAccount(account)) this.#write.addAccount.run(account)
    this.#write.addSubscription.run(nodeId, id, account, jid, ...decided(subscription), expiresMs ?? null)
    this.#countSubscription(nodeId, 1)
    return subscription
  }

  replaceSubscription(subscription: SubscriptionRecord): void {
    const { id, nodeId, expiresMs } = subscription
    this.#write.replaceSubscription.run(...decided(subscription), expiresMs ?? null, nodeId, id)
  }

  removeSubscription({ id, nodeId }: SubscriptionRecord): void {
    this.#countSubscription(nodeId, -this.#write.removeSubscription.run(nodeId, id))
  }

  #countSubscription(nodeId: number, more: number): void {
    this.#account = undefined
    this.#tallies.add(nodeId, 'subscriptions', more)
    this.#known.addSubscriptions(nodeId, more)
  }

  subscriptionsAt(nodeId: number, account: string): readonly SubscriptionRecord[] {
    const row = this.#findAccount(account)
    return row ? this.#read.subscriptionsAt.all(row[0], nodeId).map(toSubscription) : []
  }

  #findAccount(jid: string): AccountRow | undefined {
    if (this.#account?.jid !== jid) this.#account = { jid, row: this.#read.account.get(jid) }
    return this.#account.row
  }

  subscriptions(nodeId: number, { after = 0, limit }: Range): readonly SubscriptionRecord[] {
    return this.#read.subscriptions.all(nodeId, after, limit).map(toSubscription)
  }

  subscribed(nodeId: number, section: Section): readonly SubscriptionRecord[] {
    return this.#section(['subscribed', 'subscribedFromEnd'], [nodeId], numbers(section)).map(toSubscription)
  }

  queueSubscriptions(nodeId: number, section: Section): readonly SubscriptionRecord[] {
    return this.#section(['queueSubscriptions', 'queueSubscriptionsFromEnd'], [nodeId], numbers(section)).map(toSubscription)
  }

  pending(nodeId: number, { after = 0, limit }: Range): readonly SubscriptionRecord[] {
    return this.#read.pending.all(nodeId, after, limit).map(toSubscription)
  }

  subscriptionsOf(account: string, section: Section): readonly SubscriptionRecord[] {
    return this.#section(['subscriptionsOf', 'subscriptionsOfFromEnd'], [account], numbers(section)).map(toSubscription)
  }

  countSubscriptions(nodeId: number): number {
    return this.#known.countSubscriptions(nodeId, () => {
      const row = this.#read.countSubscriptions.get(nodeId)
      return row ? row[0] + this.#tallies.at(nodeId, 'subscriptions') : 0
    })
  }

  countPending(nodeId: number): number {
    return count(this.#read.countPending.get(nodeId))
  }

  countSubscriptionsOf(account: string): number {
    return this.#findAccount(account)?.[1] ?? 0
  }

  countAllSubscriptions(): number {
    return count(this.#read.countAllSubscriptions.get()) + this.#tallies.all.subscriptions
  }

  setBounce({ id, nodeId }: Pick<SubscriptionRecord, 'id' | 'nodeId'>, bounce: Bounce | undefined): void {
    this.#write.setBounce.run(bounce ? JSON.stringify(bounce) : null, nodeId, id)
  }

  bouncing({ after = 0, limit }: Range): readonly BouncingSubscription[] {
    return this.#read.bouncing.all(after, limit).map(toBouncing)
  }

  putItem(given: Omit<ItemRecord, 'seq'>): ItemRecord {
    const item = { ...given, seq: this.#itemNumbers.next() }
    const { nodeId, seq, id, publisher, publishedMs, expiresMs, payload, routingKey, isExpiryTold } = item
    const more = this.hasItem(nodeId, id) ? 0 : 1
    const words = [nodeId, seq, id, publisher, publishedMs, expiresMs ?? null, payload ?? null] as const
    this.#write.putItem.run(...words, routingKey ?? null, Number(isExpiryTold))
    this.#tallies.add(nodeId, 'items', more)
    this.#known.putItem(nodeId, id)
    return item
  }

  item(nodeId: number, id: string): ItemRecord | undefined {
    return map(this.#read.item.get(nodeId, id), toItem)
  }

  hasItem(nodeId: number, id: string): boolean {
    return this.#itemsOf(nodeId)?.has(id) ?? this.#read.hasItem.get(nodeId, id) !== undefined
  }

  #itemsOf(nodeId: number): KnownItems | undefined {
    return this.#known.itemsOf(nodeId, {
      count: () => this.#readItemCount(nodeId),
      oldest: (limit) => this.#readOldestItemIds(nodeId, limit),
    })
  }

  removeItem(nodeId: number, id: string): void {
    this.#tallies.add(nodeId, 'items', -this.#write.removeItem.run(nodeId, id))
    this.#known.removeItem(nodeId, id)
  }

  removeItems(nodeId: number): void {
    this.#tallies.add(nodeId, 'items', -this.#write.removeItems.run(nodeId))
    this.#known.forgetItems(nodeId)
  }

  items(nodeId: number, section: Section): readonly ItemRecord[] {
    return this.#section(['items', 'itemsFromEnd'], [nodeId], numbers(section)).map(toItem)
  }

  oldestItemIds(nodeId: number, limit: number): readonly string[] {
    return this.#itemsOf(nodeId)?.oldest(limit) ?? this.#readOldestItemIds(nodeId, limit)
  }

  #readOldestItemIds(nodeId: number, limit: number): readonly string[] {
    return this.#read.oldestItemIds.all(nodeId, limit).map(([id]) => id)
  }

  countItems(nodeId: number): number {
    return this.#known.countItems(nodeId) ?? this.#readItemCount(nodeId)
  }

  #readItemCount(nodeId: number): number {
    const row = this.#read.countItems.get(nodeId)
    return row ? row[0] + this.#tallies.at(nodeId, 'items') : 0
  }

  countAllItems(): number {
    return count(this.#read.countAllItems.get()) + this.#tallies.all.items
  }

  countItemsBefore(nodeId: number, seq: number): number {
    return count(this.#read.countItemsBefore.get(nodeId, seq))
  }

  itemAt(nodeId: number, index: number): ItemRecord | undefined {
    return map(this.#read.itemAt.get(nodeId, index), toItem)
  }

  dueItems(nowMs: number, limit: number): readonly ItemRecord[] {
    return this.#read.dueItems.all(nowMs, limit).map(toItem)
  }

  dueSubscriptions(nowMs: number, limit: number): readonly SubscriptionRecord[] {
    return this.#read.dueSubscriptions.all(nowMs, limit).map(toSubscription)
  }

  get bytes(): number {
    return this.#storage.bytes
  }

  hasRoomFor(): boolean {
    return true
  }

  committed(): Promise<void> {
    return this.#storage.committed()
  }

  /** @param names of the query from the beginning, and of that from the end */
  #section<Name extends keyof Rows>(
    [forwards, backwards]: readonly [Name, Name],
    of: readonly (string | number)[],
    { after, before, limit, fromEnd }: Section<string | number>,
  ): Rows[Name][] {
    const query = this.#read[fromEnd ? backwards : forwards] as Query<Rows[Name]>
    const rows = query.all(...of, after ?? null, before ?? null, limit)
    return fromEnd ? rows.reverse() : rows
  }

  settled(): Promise<void> {
    return this.#storage.settled()
  }

  close(): Promise<void> {
    return this.#storage[Symbol.asyncDispose]()
  }
}

const count = (row: Count | undefined): number => row?.[0] ?? 0

function map<Row, Result>(row: Row | undefined, to: (row: Row) => Result): Result | undefined {
  return row && to(row)
}
