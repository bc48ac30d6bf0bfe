import type { Affiliation, AffiliationRecord, ItemRecord, NodeRecord, SubscriptionRecord } from '../records.ts'
import { byCodePoint, byNumber, cut, sift } from './cut.ts'
import { Ordered } from './ordered.ts'
import type { Section } from './section.ts'

interface Items {
  readonly byId: Map<string, ItemRecord>
  readonly ordered: Ordered<ItemRecord>
}

/** What a {@link MemoryStore} keeps of one node. What most nodes have none of is made when there is some. */
export class MemoryNode {
  record: NodeRecord
  readonly affiliations = new Map<string, AffiliationRecord>()
  #subscriptions: Ordered<SubscriptionRecord> | undefined
  /** Most accounts have one. */
  #byAccount: Map<string, SubscriptionRecord | readonly SubscriptionRecord[]> | undefined
  #pending: Map<number, SubscriptionRecord> | undefined
  #queues: Map<number, SubscriptionRecord> | undefined
  #items: Items | undefined

  constructor(record: NodeRecord) {
    this.record = record
  }

  affiliationsIn(section: Section<string>, which?: Affiliation): AffiliationRecord[] {
    const all = [...this.affiliations.values()]
      .filter(({ affiliation }) => (which ?? affiliation) === affiliation)
      .sort((one, other) => byCodePoint(one.account, other.account))
    return cut(all, section, ({ account }) => account, byCodePoint)
  }

  /** Without those that are pending, which are passed over. */
  subscribedIn(section: Section): SubscriptionRecord[] {
    return sift(
      (some) => this.subscriptions.section(some),
      section,
      ({ id }) => id,
      ({ state }) => state === 'subscribed',
    )
  }

  get subscriptions(): Ordered<SubscriptionRecord> {
    this.#subscriptions ??= new Ordered<SubscriptionRecord>(({ id }) => id)
    return this.#subscriptions
  }

  subscription(id: number): SubscriptionRecord | undefined {
    const [found] = this.subscriptions.page({ after: id - 1, limit: 1 })
    return found?.id === id ? found : undefined
  }

  subscriptionsAt(account: string): readonly SubscriptionRecord[] {
    const found = this.#byAccount?.get(account)
    return found === undefined ? [] : 'id' in found ? [found] : found
  }

  addSubscription(subscription: SubscriptionRecord): void {
    this.subscriptions.add(subscription)
    this.#setAt(subscription.account, [...this.subscriptionsAt(subscription.account), subscription])
    this.#setSpecial(subscription)
  }

  /** @returns the one whose place it took */
  replaceSubscription(subscription: SubscriptionRecord): SubscriptionRecord | undefined {
    const own = this.subscriptionsAt(subscription.account)
    const before = own.find(({ id }) => id === subscription.id)
    if (!before) return undefined
    this.subscriptions.replace(subscription)
    this.#setAt(
      subscription.account,
      own.map((each) => (each === before ? subscription : each)),
    )
    this.#setSpecial(subscription)
    return before
  }

  removeSubscription(account: string, id: number): SubscriptionRecord | undefined {
    const own = this.subscriptionsAt(account)
    const removed = own.find((each) => each.id === id)
    if (!removed) return undefined
    this.subscriptions.remove(removed)
    this.#setAt(
      account,
      own.filter((each) => each !== removed),
    )
    this.#pending?.delete(id)
    this.#queues?.delete(id)
    return removed
  }

  pendingBehind(after = 0): SubscriptionRecord[] {
    return behind(this.#pending, after)
  }

  queuesIn(section: Section): SubscriptionRecord[] {
    return cut(behind(this.#queues, 0), section, ({ id }) => id, byNumber)
  }

  get pendingCount(): number {
    return this.#pending?.size ?? 0
  }

  get itemCount(): number {
    return this.#items?.ordered.size ?? 0
  }

  addItem(item: ItemRecord): void {
    this.#items ??= { byId: new Map(), ordered: new Ordered<ItemRecord>(({ seq }) => seq) }
    this.#items.byId.set(item.id, item)
    this.#items.ordered.add(item)
  }

  item(id: string): ItemRecord | undefined {
    return this.#items?.byId.get(id)
  }

  removeItem(id: string): ItemRecord | undefined {
    const item = this.item(id)
    if (!item) return undefined
    this.#items?.byId.delete(id)
    this.#items?.ordered.remove(item)
    return item
  }

  /** @returns what was there */
  clearItems(): readonly ItemRecord[] {
    const items = this.#items ? [...this.#items.byId.values()] : []
    this.#items = undefined
    return items
  }

  items(section: Section): readonly ItemRecord[] {
    return this.#items?.ordered.section(section) ?? []
  }

  countItemsBefore(seq: number): number {
    return this.#items?.ordered.countBefore(seq) ?? 0
  }

  itemAt(index: number): ItemRecord | undefined {
    return this.#items?.ordered.at(index)
  }

  #setSpecial(subscription: SubscriptionRecord): void {
    const { id, state, options } = subscription
    this.#pending?.delete(id)
    this.#queues?.delete(id)
    if (state === 'pending') this.#pending = (this.#pending ?? new Map<number, SubscriptionRecord>()).set(id, subscription)
    if (options?.queue) this.#queues = (this.#queues ?? new Map<number, SubscriptionRecord>()).set(id, subscription)
  }

  #setAt(account: string, subscriptions: readonly SubscriptionRecord[]): void {
    const [first] = subscriptions
    this.#byAccount ??= new Map()
    if (first === undefined) this.#byAccount.delete(account)
    else this.#byAccount.set(account, subscriptions.length === 1 ? first : subscriptions)
  }
}

const behind = (some: ReadonlyMap<number, SubscriptionRecord> | undefined, after: number): SubscriptionRecord[] =>
  [...(some?.values() ?? [])].filter(({ id }) => id > after).sort((one, other) => one.id - other.id)
