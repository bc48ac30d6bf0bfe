import type { Change, Query } from '../../storage/index.ts'
import type { Affiliation } from '../records.ts'
import type { AffiliationRow, BounceRow, ItemRow, MovedRow, NodeRow, SubscriptionRow } from './rows.ts'
import type { Section } from './section.ts'
import type { changes, queries } from './statements.ts'

export type Count = readonly [count: number]
export type AccountRow = readonly [id: number, subscriptions: number]

/** The rows each query gives; of those that are not named here, a count. */
export interface Rows {
  node: NodeRow
  nodeById: NodeRow
  listedNodes: NodeRow
  listedNodesFromEnd: NodeRow
  affiliatedNodes: NodeRow
  affiliatedNodesFromEnd: NodeRow
  subscribedNodes: NodeRow
  subscribedNodesFromEnd: NodeRow
  children: NodeRow
  moved: MovedRow
  dueMoved: MovedRow
  dueMovedOf: MovedRow
  affiliation: readonly [affiliation: Affiliation]
  affiliations: AffiliationRow
  affiliationsFromEnd: AffiliationRow
  affiliationsOf: AffiliationRow
  affiliationsOfFromEnd: AffiliationRow
  owners: readonly [account: string]
  account: AccountRow
  subscriptionsAt: SubscriptionRow
  subscriptions: SubscriptionRow
  subscribed: SubscriptionRow
  subscribedFromEnd: SubscriptionRow
  pending: SubscriptionRow
  queueSubscriptions: SubscriptionRow
  queueSubscriptionsFromEnd: SubscriptionRow
  subscriptionsOf: SubscriptionRow
  bouncing: BounceRow
  subscriptionsOfFromEnd: SubscriptionRow
  item: ItemRow
  items: ItemRow
  itemsFromEnd: ItemRow
  itemAt: ItemRow
  oldestItemIds: readonly [id: string]
  dueItems: ItemRow
  dueSubscriptions: SubscriptionRow
}
type QueryName = keyof typeof queries
export type Queries = { readonly [Name in QueryName]: Query<Name extends keyof Rows ? Rows[Name] : Count> }
export type Changes = { readonly [Name in keyof typeof changes]: Change }

/** With numbers for what is open on a side. */
export const numbers = ({ after = 0, before = Number.MAX_SAFE_INTEGER, ...rest }: Section): Section => ({ after, before, ...rest })

/** With texts for what is open on a side. */
export const texts = ({ after = '', before = '\u{10ffff}', ...rest }: Section<string>): Section<string> => ({ after, before, ...rest })

/** What is prepared of each statement. */
export function mapValues<Name extends string, From, To>(from: Readonly<Record<Name, From>>, to: (value: From) => To): Record<Name, To> {
  return Object.fromEntries(Object.entries<From>(from).map(([name, value]) => [name, to(value)])) as Record<Name, To>
}
