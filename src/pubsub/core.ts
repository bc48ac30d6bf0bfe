import { BytestreamError, NodeMoved } from '../core/index.ts'
import type { Bounces } from './bounces.ts'
import type { PubsubLimits } from './bounds.ts'
import type { AccessModel, NodeConfig } from './node-config.ts'
import type { Notice, SubscriptionView } from './notices.ts'
import type { Contacts } from './presence/contacts.ts'
import { type ItemRecord, type NodeRecord, type SubscriptionRecord, subidOf } from './records.ts'
import { asksRosters, type Contact, mayRetrieve } from './rules/access.ts'
import { accountOf } from './rules/names.ts'
import { isOver } from './rules/options.ts'
import { type Action, privileges } from './rules/privileges.ts'
import type { ItemToPublish } from './rules/publishing.ts'
import type { PubsubStore } from './store/store.ts'

/** Who asks. */
export interface Asker {
  /** Full or bare, as a server has written it. */
  readonly jid: string
  /** What the owners' rosters say of him, where the node's access model asks them: see `Pubsub.rostersFor`. */
  readonly contacts?: readonly Contact[] | undefined
}

/** Is told what changes who is told. */
export interface AudienceWatch {
  /** Its only subscription at the node. */
  added(subscription: SubscriptionRecord): void
  /** Its account has none at the node any more. */
  removed(subscription: SubscriptionRecord): void
  /** Anything else that decides who of a node is told. */
  forget(nodeId: number): void
  /** The subscribers of a deleted node have still to be told. */
  keep(nodeId: number): void
}

/** Has what is published wait for whoever wants that; `Queues` is one. What it gives is for whoever delivers. */
export interface QueueKeeper {
  /** How many accounts have a queue at a node. */
  countAt(node: NodeRecord): number
  /** Octets in memory, about, of what waits once such items are published. */
  bytesFor(node: NodeRecord, items: readonly ItemToPublish[]): number
  published(node: NodeRecord, items: readonly ItemRecord[]): Notice[]
  /** @param isTold to those who had heard of them */
  retracted(node: NodeRecord, items: readonly ItemRecord[], isTold: boolean): Notice[]
  /** An account has come, and the node sends the last item. */
  welcome(node: NodeRecord, account: string, item: ItemRecord): Notice[]
  /** Of a node nothing waits any more: it is deleted, or was purged. */
  nodeEnded(nodeId: number): void
  /** A subscription with a queue has changed, or is gone: where an account has none left, nothing waits for it. */
  changed(nodeId: number, account: string): void
  /** Takes away what has expired. @returns how much went, at most `limit` */
  sweep(limit: number): number
}

/** What every operation works with. */
export interface Core {
  readonly store: PubsubStore
  readonly limits: PubsubLimits
  readonly defaults: NodeConfig
  readonly autoCreate: boolean
  readonly accessModels: () => readonly AccessModel[]
  readonly mayCreate: (account: string) => boolean
  readonly now: () => number
  readonly newId: () => string
  readonly audiences: AudienceWatch
  readonly bounces: Pick<Bounces, 'ended' | 'nodeEnded'>
  readonly contacts: Pick<Contacts, 'approved' | 'ended' | 'nodeEnded'>
  readonly queues: QueueKeeper
}

/** What is needed to find out how things are. */
type Reading = Pick<Core, 'store' | 'defaults' | 'now'>
type Finding = Pick<Core, 'store' | 'now'>

export function settingOf<Field extends keyof NodeConfig>(
  core: Pick<Core, 'defaults'>,
  node: Pick<NodeRecord, 'config'>,
  field: Field,
): NodeConfig[Field] {
  return (node.config[field] as NodeConfig[Field] | undefined) ?? core.defaults[field]
}

/** @throws BytestreamError `ERR_ITEM_NOT_FOUND`; `ERR_PUBSUB_NODE_MOVED` where it has moved (XEP-0060 §6.1.3.11) */
export function findNode(core: Finding, name: string): NodeRecord {
  const node = core.store.node(name)
  if (node) return node
  checkNotMoved(core, name)
  throw new BytestreamError('ERR_ITEM_NOT_FOUND', `there is no node "${name.slice(0, 100)}"`)
}

/** @throws BytestreamError `ERR_PUBSUB_NODE_MOVED` for the name of a node that was deleted with word of where it is now (XEP-0060 §8.4.1) */
export function checkNotMoved(core: Finding, name: string): void {
  const moved = core.store.moved(name)
  if (moved && moved.expiresMs > core.now()) throw new NodeMoved(moved.uri, 'the node was deleted, with word of where it is now')
}

/**
 * A node at which the asker may do what only owners do.
 *
 * @throws BytestreamError `ERR_ITEM_NOT_FOUND`, `ERR_FORBIDDEN`
 */
export function findOwnNode(core: Finding, asker: Asker, name: string, action: Action): NodeRecord {
  const node = findNode(core, name)
  if (privileges[core.store.affiliation(node.id, accountOf(asker.jid))][action] !== 'yes') {
    throw new BytestreamError('ERR_FORBIDDEN', 'that is for the owners of the node')
  }
  return node
}

/** @throws BytestreamError `ERR_STORAGE_FULL` where so many octets more are not kept */
export function checkKept({ store }: Core, bytes: number): void {
  if (!store.hasRoomFor(bytes)) throw new BytestreamError('ERR_STORAGE_FULL', 'as much is kept as may be')
}

/** What an account has at a node, without what is over and not swept yet (XEP-0060 §12.19). */
export function subscriptionsAt(core: Reading, nodeId: number, account: string): readonly SubscriptionRecord[] {
  const all = core.store.subscriptionsAt(nodeId, account)
  if (all.every(({ expiresMs }) => expiresMs === undefined)) return all
  const nowMs = core.now()
  return all.filter((each) => !isOver(each, nowMs))
}

/** Takes a subscription away, with what is remembered of it; a contact hears of it. */
export function removeSubscription(core: Core, subscription: SubscriptionRecord): void {
  core.store.removeSubscription(subscription)
  core.bounces.ended(subscription.nodeId, subscription.jid)
  core.contacts.ended(subscription)
  if (subscription.options?.queue) core.queues.changed(subscription.nodeId, subscription.account)
}

/** Whether any JID of an account is subscribed, and not pending. */
function isSubscribed(core: Reading, nodeId: number, account: string): boolean {
  return subscriptionsAt(core, nodeId, account).some(({ state }) => state === 'subscribed')
}

/** What the rules of access are asked about an account. */
export function accessQuestion(core: Reading, node: NodeRecord, account: string, contacts: readonly Contact[] = []) {
  return {
    affiliation: core.store.affiliation(node.id, account),
    model: settingOf(core, node, 'accessModel'),
    rosterGroups: settingOf(core, node, 'rosterGroups'),
    contacts,
    isSubscribed: () => isSubscribed(core, node.id, account),
  }
}

/** Whether an account has an affiliation with a node, other than outcast, or a subscription. */
export function isSomebodyAt(core: Core, node: NodeRecord, account: string): boolean {
  const affiliation = core.store.affiliation(node.id, account)
  return affiliation !== 'outcast' && (affiliation !== 'none' || subscriptionsAt(core, node.id, account).length > 0)
}

/** Whether somebody may know more of a node than that there is one of its name (XEP-0060 §5.2, §5.4). */
export function mayFind(core: Core, node: NodeRecord, asker: Asker): boolean {
  const account = accountOf(asker.jid)
  if (node.isListed || isSomebodyAt(core, node, account)) return true
  return mayRetrieve(accessQuestion(core, node, account, asker.contacts)) === 'yes'
}

/** Whether the asker counts as a subscriber where those may do more: who has left the owners' rosters does not. */
export function isHeardAsSubscriber(core: Core, node: NodeRecord, asker: Asker): boolean {
  const account = accountOf(asker.jid)
  if (!isSubscribed(core, node.id, account)) return false
  return !asksRosters(settingOf(core, node, 'accessModel')) || mayRetrieve(accessQuestion(core, node, account, asker.contacts)) === 'yes'
}

/** @throws BytestreamError what XEP-0060 §6.5.9 has for whoever may not retrieve items */
export function checkMayRetrieve(core: Core, node: NodeRecord, asker: Asker): void {
  const answer = mayRetrieve(accessQuestion(core, node, accountOf(asker.jid), asker.contacts))
  if (answer !== 'yes') throw new BytestreamError(answer, 'the items of this node are not for everybody')
}

export function viewOf(node: NodeRecord, subscription: SubscriptionRecord, state?: 'none'): SubscriptionView {
  const { jid, expiresMs } = subscription
  return { node: node.name, jid, subid: subidOf(subscription), state: state ?? subscription.state, expiresMs }
}
