import type { NodeConfig } from './node-config.ts'

/** XEP-0060 §4.1. */
export type Affiliation = 'owner' | 'publisher' | 'publish-only' | 'member' | 'none' | 'outcast'
/** XEP-0060 §4.2; `none` is no record, and nothing of ours has to be configured before it takes effect. */
export type SubscriptionState = 'pending' | 'subscribed'
/** XEP-0060 §4.4: a leaf has items, a collection has nodes. */
export type NodeKind = 'leaf' | 'collection'

export interface NodeRecord {
  /** Grows with each node, and is never given again. */
  readonly id: number
  readonly name: string
  readonly kind: NodeKind
  /** The collection it is in. */
  readonly parent: number | undefined
  /** The bare JID of its creator. */
  readonly creator: string
  readonly createdMs: number
  /** Whether it is in lists that everybody sees. */
  readonly isListed: boolean
  /** What differs from the defaults. */
  readonly config: Partial<NodeConfig>
}

/** An account's word at a node; accounts without a record have the affiliation `none`. */
export interface AffiliationRecord {
  readonly nodeId: number
  /** A bare JID (XEP-0060 §4.1). */
  readonly account: string
  readonly affiliation: Exclude<Affiliation, 'none'>
}

/** What a subscriber may set (XEP-0060 §16.4.2); what is missing is the default. */
export interface SubscriptionOptions {
  /** `false`: nothing is sent until it is set again. */
  readonly deliver?: boolean
  /** XEP-0248: of a collection, the items of its nodes, or the nodes that come and go. */
  readonly type?: 'items' | 'nodes'
  /** XEP-0248: how far below the collection. */
  readonly depth?: 1 | 'all'
  /** What is published waits for the account in a queue until it is there to take it. Of leaf nodes only. */
  readonly queue?: boolean
  /** Patterns of the routing keys of what is told, each once and in order; none for all. Of leaf nodes only. */
  readonly keys?: readonly string[]
}

export interface SubscriptionRecord {
  /** Grows with each subscription, over all nodes, and is never given again. */
  readonly id: number
  readonly nodeId: number
  /** Bare or full, as it subscribed. */
  readonly jid: string
  /** The bare JID of that. */
  readonly account: string
  readonly state: SubscriptionState
  /** Missing for a subscriber who has set none. */
  readonly options: SubscriptionOptions | undefined
  /** When the lease ends (XEP-0060 §12.19), in milliseconds since 1970. */
  readonly expiresMs: number | undefined
}

/** What has come back of what a JID was told of one node (XEP-0060 §12.4). Times are milliseconds since 1970. */
export interface Bounce {
  /** Since then nothing has arrived, for all we know. */
  readonly firstMs: number
  /** Errors that may pass; they count until there are enough. */
  readonly passing: number
  /** How long it was left alone the last time; 0 for not yet. */
  readonly pauseMs: number
  /** Until then it is told nothing. */
  readonly untilMs: number
}

/** A subscription whose notifications come back. */
export interface BouncingSubscription extends Pick<SubscriptionRecord, 'id' | 'nodeId' | 'jid'> {
  readonly bounce: Bounce
}

export interface ItemRecord {
  readonly nodeId: number
  /** Grows with each item that is published, over all nodes: the order of publication (XEP-0060 §12.1). */
  readonly seq: number
  readonly id: string
  /** The full JID that published it. */
  readonly publisher: string
  readonly publishedMs: number
  readonly expiresMs: number | undefined
  /** Whether its publisher has said when it ends: then subscribers hear of it. */
  readonly isExpiryTold: boolean
  /** Words between dots, by which subscribers choose. */
  readonly routingKey: string | undefined
  /** XML as text: nobody here looks into it. */
  readonly payload: string | undefined
}

/** Where whoever asks for a node that is gone is sent (XEP-0060 §6.1.3.11, §8.4.1). */
export interface MovedRecord {
  /** The name of the node that was. */
  readonly name: string
  readonly uri: string
  /** The bare JID of its creator. */
  readonly creator: string
  /** Until then, in milliseconds since 1970. */
  readonly expiresMs: number
}

/** What tells a subscription from others of its JID at the node. */
export const subidOf = (subscription: SubscriptionRecord): string => subscription.id.toString(36)
