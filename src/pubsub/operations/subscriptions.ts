import { BytestreamError, bareJid, toBytestreamError } from '../../core/index.ts'
import { type Asker, type Core, findNode, findOwnNode, removeSubscription, settingOf, subscriptionsAt, viewOf } from '../core.ts'
import type { Notice, SubscriptionView } from '../notices.ts'
import { type NodeRecord, type SubscriptionRecord, type SubscriptionState, subidOf } from '../records.ts'
import { mayReceive } from '../rules/access.ts'
import { accountOf, byJids } from '../rules/names.ts'
import { subscriptionBytes } from '../weights.ts'
import { countSubscribers, countSubscriptionsOf, unexpired } from './leases.ts'
import { mapPart, numberNamed, type Page, type Part, partOf, whole } from './parts.ts'
import { approve, checkRoom } from './subscribe.ts'

export interface SubscriptionChange {
  readonly jid: string
  readonly subid?: string | undefined
  /** `unconfigured` can be asked for, and never be had: nothing here has to be configured first. */
  readonly state: SubscriptionState | 'none' | 'unconfigured'
}

/** The subscriptions of an account, whichever JID of it; at one node, all of them (XEP-0060 §5.6). */
export function subscriptionsOf(
  core: Core,
  asker: Asker,
  { node: name, page }: { readonly node?: string | undefined; readonly page?: Page | undefined },
): Part<SubscriptionView> {
  const account = accountOf(asker.jid)
  if (name !== undefined) {
    const node = findNode(core, name)
    return whole(subscriptionsAt(core, node.id, account).map((each) => viewOf(node, each)))
  }
  const part = partOf(core, page, {
    keyNamed: numberNamed,
    keyOf,
    read: unexpired(core, (section) => core.store.subscriptionsOf(account, section)),
    count: () => countSubscriptionsOf(core, account),
  })
  return mapPart(part, (each) => viewOf(core.store.nodeById(each.nodeId) as NodeRecord, each))
}

/** Who is subscribed to a node, without those that wait (XEP-0060 §8.8.1.2). */
export function subscriptionsOfNode(core: Core, asker: Asker, name: string, page?: Page): Part<SubscriptionView> {
  const node = findOwnNode(core, asker, name, 'manage')
  const part = partOf(core, page, {
    keyNamed: numberNamed,
    keyOf,
    read: unexpired(core, (section) => core.store.subscribed(node.id, section)),
    count: () => countSubscribers(core, node),
  })
  return mapPart(part, (each) => viewOf(node, each))
}

const keyOf = ({ id }: SubscriptionRecord) => id

/**
 * Makes every change that can be made.
 *
 * @returns besides, the changes that cannot, with what stays in their place (XEP-0060 §8.8.2.4)
 * @throws BytestreamError as XEP-0060 §8.8.2.3 has it; then nothing has changed
 */
export function setSubscriptions(core: Core, asker: Asker, name: string, changes: readonly SubscriptionChange[]) {
  const node = findOwnNode(core, asker, name, 'manage')
  if (changes.length > core.limits.changesPerRequestMax) {
    throw new BytestreamError('ERR_PUBSUB_LIMIT', `at most ${core.limits.changesPerRequestMax} changes at once`)
  }
  const { meant: wanted, malformed } = byJids(changes)
  const notices: Notice[] = []
  const refused: SubscriptionChange[] = malformed.map((change) => ({ ...change, state: 'none' }))
  for (const change of wanted) {
    const all = subscriptionsAt(core, node.id, bareJid(change.jid)).filter(({ jid }) => jid === change.jid)
    const meant = change.subid === undefined ? all : all.filter((each) => subidOf(each) === change.subid)
    const made = setSubscription(core, node, meant, change)
    if (made) notices.push(...made)
    else refused.push({ ...change, state: meant[0]?.state ?? 'none' })
  }
  if (notices.length > 0) core.audiences.forget(node.id)
  return { notices, refused }
}

/** @returns whom to tell, or `undefined` when it cannot be */
function setSubscription(
  core: Core,
  node: NodeRecord,
  meant: readonly SubscriptionRecord[],
  { jid, subid, state }: SubscriptionChange,
): Notice[] | undefined {
  if (state === 'unconfigured') return undefined
  if (state === 'none') return meant.flatMap((each) => endSubscription(core, node, each))
  if (state === 'pending') return meant.length > 0 && meant.every((each) => each.state === 'pending') ? [] : undefined
  if (meant.length > 0) return meant.flatMap((each) => (each.state === 'pending' ? approve(core, node, each) : []))
  return subid === undefined ? addSubscription(core, node, jid) : undefined
}

export function endSubscription(core: Core, node: NodeRecord, subscription: SubscriptionRecord): Notice[] {
  removeSubscription(core, subscription)
  return [{ kind: 'subscription', to: [subscription.jid], subscription: viewOf(node, subscription, 'none') }]
}

/** An owner subscribes somebody, where that could subscribe itself, or is on the list. */
function addSubscription(core: Core, node: NodeRecord, jid: string): Notice[] | undefined {
  const account = bareJid(jid)
  if (!mayReceive(core.store.affiliation(node.id, account), settingOf(core, node, 'accessModel'))) return undefined
  if (!core.store.hasRoomFor(subscriptionBytes({ jid }))) return undefined
  // The other half is for the account itself: nobody fills that.
  if (core.store.countSubscriptionsOf(account) >= core.limits.subscriptionsPerAccountMax / 2) return undefined
  try {
    checkRoom(core, node, account, core.store.subscriptionsAt(node.id, account).length)
  } catch (error) {
    if (toBytestreamError(error).code === 'ERR_PUBSUB_TOO_MANY_SUBSCRIPTIONS') return undefined
    throw error
  }
  const given = { nodeId: node.id, jid, account, state: 'subscribed' as const, options: undefined, expiresMs: undefined }
  return [{ kind: 'subscription', to: [jid], subscription: viewOf(node, core.store.addSubscription(given)) }]
}

export function subscribedNode(core: Core, nodeId: number, jid: string): string | undefined {
  const node = core.store.nodeById(nodeId)
  return node && core.store.subscriptionsAt(nodeId, bareJid(jid)).some((each) => each.jid === jid) ? node.name : undefined
}

/**
 * Ends what a JID has at a node, as its notifications come back (XEP-0060 §12.4).
 *
 * @returns nothing to tell the JID, which is not there
 */
export function endSubscriptionsOf(core: Core, name: string, jid: string): void {
  const node = core.store.node(name)
  if (!node) return
  for (const subscription of core.store.subscriptionsAt(node.id, bareJid(jid))) {
    if (subscription.jid === jid) removeSubscription(core, subscription)
  }
  core.audiences.forget(node.id)
}
