import type { Affiliation, ItemRecord, NodeRecord, SubscriptionState } from './records.ts'

/** What a subscription is, or has become, for its subscriber and the owners. */
export interface SubscriptionView {
  readonly node: string
  readonly jid: string
  readonly subid: string
  readonly state: SubscriptionState | 'none'
  readonly expiresMs: number | undefined
}

/** All items of one have the same routing key, as each may be for others. */
type OfItems<Kind, What> = What & { readonly kind: Kind; readonly node: NodeRecord; readonly routingKey: string | undefined }

/** What subscribers are told: see `Pubsub.audience`. The node is as it was when this came about. */
export type Broadcast =
  | OfItems<'published', { readonly items: readonly ItemRecord[] }>
  | OfItems<'retracted', { readonly itemIds: readonly string[] }>
  | { readonly kind: 'purged'; readonly node: NodeRecord }
  | { readonly kind: 'configured'; readonly node: NodeRecord }
  | { readonly kind: 'deleted'; readonly node: NodeRecord; readonly redirectUri: string | undefined }
  /** XEP-0248: a node has come into the collection `node`, or has left it. */
  | { readonly kind: 'associated' | 'disassociated'; readonly node: NodeRecord; readonly child: string }

/** What some are told by name. */
export type Personal =
  /** To the subscriber (XEP-0060 §12.14), or to the owners of a node that has `notifySub`. */
  | { readonly kind: 'subscription'; readonly to: readonly string[]; readonly subscription: SubscriptionView }
  /** XEP-0060 §8.9.4. */
  | { readonly kind: 'affiliation'; readonly to: readonly string[]; readonly node: string; readonly affiliation: Affiliation }
  /** To the owners, who decide (XEP-0060 §8.6). */
  | { readonly kind: 'approval'; readonly to: readonly string[]; readonly subscription: SubscriptionView }
  /** XEP-0060 §6.1.7: what was published last, to a new subscriber. */
  | { readonly kind: 'lastItem'; readonly to: readonly string[]; readonly node: NodeRecord; readonly items: readonly ItemRecord[] }

/** Something waits in the queues of these accounts: see `Pubsub.queues`. Nobody is told by this. */
export interface Queued {
  readonly kind: 'queued'
  readonly node: string
  readonly accounts: readonly string[]
}

/** A fact that somebody has to be told, once what has been written is durable. */
export type Notice = Told | Queued

/** What is told by a message to each, as opposed to what waits in queues. */
export type Told = Broadcast | Personal
