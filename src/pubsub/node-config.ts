/** XEP-0060 §4.5: who may subscribe and retrieve items. */
export type AccessModel = 'open' | 'presence' | 'roster' | 'authorize' | 'whitelist'
/** Who may publish, besides the affiliations that always may. */
export type PublishModel = 'publishers' | 'subscribers' | 'open'

/** What an owner decides about a node: the fields of XEP-0060 §16.4.4 and of XEP-0248, in our words. */
export interface NodeConfig {
  readonly title: string
  readonly description: string
  readonly language: string
  /** `pubsub#type`: the namespace of payloads; empty for any. */
  readonly payloadType: string
  readonly contact: readonly string[]

  readonly accessModel: AccessModel
  /** The groups of the owner's roster that the access model `roster` lets in. */
  readonly rosterGroups: readonly string[]
  readonly publishModel: PublishModel
  /** Whether anybody may subscribe at all. */
  readonly subscribe: boolean

  readonly persistItems: boolean
  /** `max`: as many as the service keeps. */
  readonly maxItems: number | 'max'
  readonly itemExpireMs: number | 'max'
  readonly maxPayloadBytes: number | 'max'
  /** `pubsub#publish_node_full`. */
  readonly whenFull: 'retract-oldest' | 'discard-oldest' | 'reject'

  readonly deliverNotifications: boolean
  readonly deliverPayloads: boolean
  readonly notificationType: 'normal' | 'headline'
  readonly notifyConfig: boolean
  readonly notifyDelete: boolean
  readonly notifyRetract: boolean
  readonly notifySub: boolean
  readonly sendLastPublishedItem: 'never' | 'on_sub'
  /** `pubsub#itemreply`: whom an item names as its publisher. */
  readonly itemReply: 'owner' | 'publisher' | 'none'

  /** XEP-0248: who may put nodes into a collection. */
  readonly childrenAssociationPolicy: 'all' | 'owners' | 'whitelist'
  readonly childrenAssociationWhitelist: readonly string[]
  readonly childrenMax: number | 'max'
}

/** What a node has unless its creator, or the service, says otherwise. */
export const nodeDefaults: NodeConfig = {
  title: '',
  description: '',
  language: '',
  payloadType: '',
  contact: [],

  accessModel: 'open', // XEP-0060 §4.5: the default of a generic service
  rosterGroups: [],
  publishModel: 'publishers',
  subscribe: true,

  persistItems: true,
  maxItems: 20,
  itemExpireMs: 'max',
  maxPayloadBytes: 'max',
  whenFull: 'retract-oldest',

  deliverNotifications: true,
  deliverPayloads: true,
  notificationType: 'headline',
  notifyConfig: false,
  notifyDelete: true, // XEP-0060 §8.4.2 has every subscriber told
  notifyRetract: false,
  notifySub: false,
  sendLastPublishedItem: 'never',
  itemReply: 'none',

  childrenAssociationPolicy: 'owners',
  childrenAssociationWhitelist: [],
  childrenMax: 'max',
}
