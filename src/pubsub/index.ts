export { type AccessModel, type NodeConfig, nodeDefaults, type PublishModel } from './node-config.ts'
export {
  type Affiliation,
  type AffiliationRecord,
  type ItemRecord,
  type NodeKind,
  type NodeRecord,
  type SubscriptionOptions,
  type SubscriptionRecord,
  type SubscriptionState,
  subidOf,
} from './records.ts'
export { MemoryStore } from './store/memory.ts'
export type { ItemRange, PubsubStore, Range } from './store/store.ts'
