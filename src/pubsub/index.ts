export type { ContactsOf, NotedRecipient, Recipient } from './audience.ts'
export type { Bounces } from './bounces.ts'
export { keptBytesMax, type PubsubLimits, pubsubLimits } from './bounds.ts'
export type { Asker } from './core.ts'
export { type AccessModel, type NodeConfig, nodeDefaults, type PublishModel } from './node-config.ts'
export type { Broadcast, Notice, Personal, Queued, SubscriptionView, Told } from './notices.ts'
export type { AffiliationChange, RefusedAffiliation } from './operations/affiliations.ts'
export type { ItemsPage, ItemsQuery } from './operations/items.ts'
export type { ConfigChange, NodeToCreate } from './operations/nodes.ts'
export type { Page, Part } from './operations/parts.ts'
export type { Publication } from './operations/publish.ts'
export type { Retraction } from './operations/retract.ts'
export type { SubscriptionName, SubscriptionSettings } from './operations/subscribe.ts'
export type { SubscriptionChange } from './operations/subscriptions.ts'
export type { Contacts, ContactWords, FeedContact } from './presence/contacts.ts'
export { MemoryPresence } from './presence/memory-presence.ts'
export type { ContactRecord, PresenceStore, ResourceRecord } from './presence/presence-store.ts'
export { SqlitePresence } from './presence/sqlite-presence.ts'
export { type ContactState, stranger, type Transition, transition, type Word } from './presence/transitions.ts'
export { Pubsub, type PubsubComponents, type PubsubInit } from './pubsub.ts'
export type { QueueView } from './queues/owners.ts'
export type { QueueBounds, QueueCounts, QueueStore } from './queues/queue-store.ts'
export type { Queues, Settled, WhichMessage } from './queues/queues.ts'
export type { Awaited, DeadLetter, QueuedMessage, QueueEntry, QueueLength } from './queues/records.ts'
export {
  type Affiliation,
  type AffiliationRecord,
  type Bounce,
  type BouncingSubscription,
  type ItemRecord,
  type NodeKind,
  type NodeRecord,
  type SubscriptionOptions,
  type SubscriptionRecord,
  type SubscriptionState,
  subidOf,
} from './records.ts'
export { asksRosters, type Contact } from './rules/access.ts'
export type { OptionsChange } from './rules/options.ts'
export type { ItemToPublish } from './rules/publishing.ts'
export { isAnyMeant } from './rules/routing-keys.ts'
export { MemoryStore } from './store/memory.ts'
export { pubsubMigrations } from './store/schema.ts'
export type { Range, Section } from './store/section.ts'
export { SqliteStore } from './store/sqlite.ts'
export type { PubsubStore } from './store/store.ts'
export { type SweeperComponents, startSweeping } from './sweeper.ts'
