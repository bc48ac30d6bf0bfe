import { bareJid } from '../../core/index.ts'
import type { NodeConfig } from '../node-config.ts'
import type {
  Affiliation,
  AffiliationRecord,
  Bounce,
  BouncingSubscription,
  ItemRecord,
  MovedRecord,
  NodeKind,
  NodeRecord,
  SubscriptionOptions,
  SubscriptionRecord,
} from '../records.ts'

/** Rows as the statements of the store have them. */
export type NodeRow = readonly [
  id: number,
  name: string,
  kind: NodeKind,
  parent: number | null,
  creator: string,
  createdMs: number,
  config: string,
  isListed: number,
]
export type MovedRow = readonly [name: string, uri: string, creator: string, expiresMs: number]
export type AffiliationRow = readonly [nodeId: number, account: string, affiliation: Exclude<Affiliation, 'none'>]
export type SubscriptionRow = readonly [
  id: number,
  nodeId: number,
  jid: string,
  isPending: number,
  options: string | null,
  expiresMs: number | null,
]
export type BounceRow = readonly [id: number, nodeId: number, jid: string, bounce: string]
export type ItemRow = readonly [
  nodeId: number,
  seq: number,
  id: string,
  publisher: string,
  publishedMs: number,
  expiresMs: number | null,
  payload: string | null,
  routingKey: string | null,
  isExpiryTold: number,
]

export function toNode([id, name, kind, parent, creator, createdMs, config, isListed]: NodeRow): NodeRecord {
  const shape = JSON.parse(config) as Partial<NodeConfig>
  return { id, name, kind, parent: parent ?? undefined, creator, createdMs, isListed: isListed === 1, config: shape }
}

export function toMoved([name, uri, creator, expiresMs]: MovedRow): MovedRecord {
  return { name, uri, creator, expiresMs }
}

export function toAffiliation([nodeId, account, affiliation]: AffiliationRow): AffiliationRecord {
  return { nodeId, account, affiliation }
}

export function toSubscription([id, nodeId, jid, isPending, options, expiresMs]: SubscriptionRow): SubscriptionRecord {
  return {
    id,
    nodeId,
    jid,
    account: bareJid(jid),
    state: isPending === 1 ? 'pending' : 'subscribed',
    options: options === null ? undefined : (JSON.parse(options) as SubscriptionOptions),
    expiresMs: expiresMs ?? undefined,
  }
}

export function toBouncing([id, nodeId, jid, bounce]: BounceRow): BouncingSubscription {
  return { id, nodeId, jid, bounce: JSON.parse(bounce) as Bounce }
}

export function toItem(row: ItemRow): ItemRecord {
  const [nodeId, seq, id, publisher, publishedMs, expiresMs, payload, routingKey, isExpiryTold] = row
  const rest = { isExpiryTold: isExpiryTold === 1, routingKey: routingKey ?? undefined, payload: payload ?? undefined }
  return { nodeId, seq, id, publisher, publishedMs, expiresMs: expiresMs ?? undefined, ...rest }
}

/** Two columns: whether it is pending, and its options. */
export function decided({ state, options }: Pick<SubscriptionRecord, 'state' | 'options'>): [isPending: number, options: string | null] {
  return [state === 'pending' ? 1 : 0, options ? JSON.stringify(options) : null]
}
