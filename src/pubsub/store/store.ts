import type { QueueStore } from '../queues/queue-store.ts'
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
import type { Range, Section } from './section.ts'

/**
 * Keeps what the rules decide, and knows none of them. Reads and writes are synchronous, and see each other at once; what
 * is written in one turn of the event loop becomes durable together, or not at all.
 *
 * Nothing takes longer because a table is large: what is asked for is found by its key, what is counted is known.
 * What is handed out is never changed afterwards; what is handed in is not either.
 */
export interface PubsubStore {
  /** @returns what was given, with the id it has from now on */
  addNode(node: Omit<NodeRecord, 'id'>): NodeRecord
  node(name: string): NodeRecord | undefined
  nodeById(id: number): NodeRecord | undefined
  /** Takes the place of the node of that id; name, kind, creator and date stay as they are. */
  replaceNode(node: NodeRecord): void
  /**
   * The node is gone for everybody, and its name free, at once. Its subscriptions stay, to be read by the node's id only,
   * until {@link sweepRetired}: they say who has to be told. Its affiliations and items are no longer found.
   */
  retireNode(id: number): void
  /** Clears away what is left of retired nodes, but for those in `keep`. @returns how many rows went, at most `limit`; 0 when none is left */
  sweepRetired(limit: number, keep: ReadonlySet<number>): number
  /** Those that are listed for everybody, by id. */
  listedNodes(section: Section): readonly NodeRecord[]
  /** Those an account has an affiliation with, other than outcast, listed or not, by id. */
  affiliatedNodes(account: string, section: Section): readonly NodeRecord[]
  /** Those an account has a subscription at, listed or not, by id. */
  subscribedNodes(account: string, section: Section): readonly NodeRecord[]
  /** By id. */
  children(parent: number, range: Range): readonly NodeRecord[]
  countNodes(): number
  countListedNodes(): number
  countNodesOf(creator: string): number
  countChildren(parent: number): number

  /** Takes the place of what was said of that name before. */
  putMoved(moved: MovedRecord): void
  moved(name: string): MovedRecord | undefined
  removeMoved(name: string): void
  countMoved(): number
  countMovedOf(creator: string): number
  /** Those that have expired, the earliest first. */
  dueMoved(nowMs: number, limit: number): readonly MovedRecord[]
  /** All of a creator, those that expire first. */
  dueMovedOf(creator: string, limit: number): readonly MovedRecord[]

  affiliation(nodeId: number, account: string): Affiliation
  /** `none` takes the record away. */
  setAffiliation(nodeId: number, account: string, affiliation: Affiliation): void
  /** By account, in the order of code points. */
  affiliations(nodeId: number, section: Section<string>): readonly AffiliationRecord[]
  /** By node. */
  affiliationsOf(account: string, section: Section): readonly AffiliationRecord[]
  /** By account. */
  owners(nodeId: number, limit: number): readonly string[]
  countAffiliations(nodeId: number): number
  /** Of an account, as many as it has. Those with nodes that are retired and not swept yet may be among them. */
  countAffiliationsOf(account: string): number
  countOwners(nodeId: number): number

  /** @returns what was given, with the id it has from now on */
  addSubscription(subscription: Omit<SubscriptionRecord, 'id'>): SubscriptionRecord
  /** Takes the place of the subscription of that id; node and JID stay as they are. */
  replaceSubscription(subscription: SubscriptionRecord): void
  removeSubscription(subscription: SubscriptionRecord): void
  /** All that an account has at a node, whichever JID of it, by id. Of a retired node, too. */
  subscriptionsAt(nodeId: number, account: string): readonly SubscriptionRecord[]
  /** By id. Of a retired node, too. */
  subscriptions(nodeId: number, range: Range): readonly SubscriptionRecord[]
  /** Those in the state `subscribed`, by id. */
  subscribed(nodeId: number, section: Section): readonly SubscriptionRecord[]
  /** Those with the option `queue`, in either state, by id: their number is no matter to those without. */
  queueSubscriptions(nodeId: number, section: Section): readonly SubscriptionRecord[]
  /** Those in the state `pending`, by id. */
  pending(nodeId: number, range: Range): readonly SubscriptionRecord[]
  /** By id. */
  subscriptionsOf(account: string, section: Section): readonly SubscriptionRecord[]
  countSubscriptions(nodeId: number): number
  countPending(nodeId: number): number
  /** Those at nodes that are retired and not swept yet may be among them. */
  countSubscriptionsOf(account: string): number

  /** In all; those at nodes that are retired and not swept yet may be among them. */
  countAllSubscriptions(): number
  /** What of the notifications of a subscription comes back is kept with it, whoever replaces it, and goes with it; `undefined` for nothing. */
  setBounce(subscription: Pick<SubscriptionRecord, 'id' | 'nodeId'>, bounce: Bounce | undefined): void
  /** Those whose notifications come back, of all nodes, by id. */
  bouncing(range: Range): readonly BouncingSubscription[]

  /** Takes the place of an item of the same id at the node, and is the newest. @returns what was given, with its number */
  putItem(item: Omit<ItemRecord, 'seq'>): ItemRecord
  item(nodeId: number, id: string): ItemRecord | undefined
  hasItem(nodeId: number, id: string): boolean
  removeItem(nodeId: number, id: string): void
  removeItems(nodeId: number): void
  items(nodeId: number, section: Section): readonly ItemRecord[]
  /** Of those that were published first, in that order. */
  oldestItemIds(nodeId: number, limit: number): readonly string[]
  countItems(nodeId: number): number
  /** In all; those of nodes that are retired and not swept yet may be among them. */
  countAllItems(): number
  /** How many items of the node come before the one of that number. */
  countItemsBefore(nodeId: number, seq: number): number
  /** The item with `index` others before it. */
  itemAt(nodeId: number, index: number): ItemRecord | undefined

  /** Items that have expired, the earliest first. */
  dueItems(nowMs: number, limit: number): readonly ItemRecord[]
  /** Subscriptions whose lease is over, the earliest first. */
  dueSubscriptions(nowMs: number, limit: number): readonly SubscriptionRecord[]

  readonly queues: QueueStore

  /** Octets of what is kept. */
  readonly bytes: number
  /**
   * Whether so many octets more are kept. A database finds out when it writes, and takes all of that turn of the event loop back:
   * `ERR_STORAGE_FULL`. In memory nothing is taken back, so that this has to be asked before.
   */
  hasRoomFor(bytes: number): boolean

  /** Settles once all that has been written so far is there for the next process, however this one ends; rejects when it is not, and will not be. */
  committed(): Promise<void>
  /** Settles once all that has been written so far is durable; rejects when it is not, and will not be. */
  settled(): Promise<void>
  close(): Promise<void>
}
