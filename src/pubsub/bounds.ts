/** Whatever others can make the core keep, or do at once; docs/LIMITS.md says what happens at each. */
export interface PubsubLimits {
  readonly nodesMax: number
  readonly nodesPerAccountMax: number
  readonly nodeNameBytesMax: number
  /** Of a title, a description, a namespace, a language, a JID, a group. */
  readonly textBytesMax: number
  /** Of contacts, groups, and JIDs of a whitelist. */
  readonly valuesMax: number
  readonly affiliationsPerNodeMax: number
  readonly subscriptionsPerNodeMax: number
  readonly subscriptionsPerAccountMax: number
  readonly subscriptionsPerAccountAtNodeMax: number
  /** Patterns of routing keys. */
  readonly keysPerSubscriptionMax: number
  readonly leaseMsMax: number
  readonly itemsPerNodeMax: number
  readonly itemsPerRequestMax: number
  readonly itemIdBytesMax: number
  readonly payloadBytesMax: number
  /** Affiliations or subscriptions an owner changes at once. */
  readonly changesPerRequestMax: number
  /** Of one answer, and of one step of a fan-out. */
  readonly pageMax: number
  /** Payloads of one answer, if there is more than one item. */
  readonly pageBytesMax: number
  readonly collectionDepthMax: number
  readonly childrenPerCollectionMax: number
  readonly cachedRecipientsMax: number
  /** Deleted nodes that say where to go instead. */
  readonly movedNodesMax: number
  readonly movedNodesPerAccountMax: number
  readonly movedMsMax: number
  readonly sweepRowsMax: number
  readonly sweepMs: number
  /** Nothing but errors from a subscriber, until its subscription to a node ends. */
  readonly bounceMsMax: number
  /** Accounts for which what is published to one node waits: each is written to with every item. */
  readonly queuesPerNodeMax: number
  /** Of all nodes together: the oldest becomes a dead letter. */
  readonly queueEntriesPerAccountMax: number
  /** Octets of the payloads of those. */
  readonly queueBytesPerAccountMax: number
  /** How long something waits at the most, as a dead letter, too. */
  readonly queueMsMax: number
  /** How often it comes back, or is not acknowledged, until it is a dead letter. */
  readonly queueFailuresMax: number
  /** Pause behind the first failure; it doubles with each. */
  readonly queuePauseMs: number
  readonly queuePauseMsMax: number
  /** The oldest goes. */
  readonly deadLettersPerNodeMax: number
}

export const pubsubLimits: PubsubLimits = {
  nodesMax: 1_000_000,
  nodesPerAccountMax: 1_000,
  nodeNameBytesMax: 1_023,
  textBytesMax: 1_024,
  valuesMax: 100,
  affiliationsPerNodeMax: 10_000,
  subscriptionsPerNodeMax: 1_000_000,
  subscriptionsPerAccountMax: 10_000,
  subscriptionsPerAccountAtNodeMax: 20,
  keysPerSubscriptionMax: 16,
  leaseMsMax: 31_536_000_000,
  itemsPerNodeMax: 10_000,
  itemsPerRequestMax: 100,
  itemIdBytesMax: 1_023,
  payloadBytesMax: 65_536,
  changesPerRequestMax: 100,
  pageMax: 500,
  pageBytesMax: 262_144,
  collectionDepthMax: 8,
  childrenPerCollectionMax: 1_000,
  cachedRecipientsMax: 500_000,
  movedNodesMax: 10_000,
  movedNodesPerAccountMax: 100,
  movedMsMax: 31_536_000_000,
  sweepRowsMax: 500,
  sweepMs: 10_000,
  bounceMsMax: 604_800_000,
  queuesPerNodeMax: 20_000,
  queueEntriesPerAccountMax: 1_000,
  queueBytesPerAccountMax: 16_777_216,
  queueMsMax: 2_592_000_000,
  queueFailuresMax: 16,
  queuePauseMs: 30_000,
  queuePauseMsMax: 21_600_000,
  deadLettersPerNodeMax: 1_000,
}

/** Octets of all that is kept, unless it is set. */
export const keptBytesMax = { onDisk: 4 * 2 ** 30, inMemory: 256 * 2 ** 20 } as const
