import { bareJid } from '../../core/index.ts'
import { type Asker, type Core, findOwnNode, removeSubscription, subscriptionsAt, viewOf } from '../core.ts'
import type { Notice, SubscriptionView } from '../notices.ts'
import { accountOf, anyJid } from '../rules/names.ts'
import { isOver } from '../rules/options.ts'
import { privileges } from '../rules/privileges.ts'
import { chooseSubscription } from '../rules/subids.ts'
import { approve, type SubscriptionName } from './subscribe.ts'

/**
 * An owner's answer to a request (XEP-0060 §8.6); to one that has been decided already it changes nothing.
 *
 * @throws BytestreamError `ERR_FORBIDDEN` from anybody else; `ERR_PUBSUB_NOT_SUBSCRIBED`, `ERR_PUBSUB_INVALID_SUBID`
 */
export function decide(core: Core, asker: Asker, { node: name, jid, subid }: SubscriptionName, isAllowed: boolean) {
  const node = findOwnNode(core, asker, name, 'manage')
  const subscriber = anyJid(jid)
  const all = subscriptionsAt(core, node.id, bareJid(subscriber)).filter((each) => each.jid === subscriber)
  const subscription = chooseSubscription(subid === undefined ? all.filter(({ state }) => state === 'pending') : all, subid)
  if (subscription.state !== 'pending') return { notices: [] as Notice[] }
  if (isAllowed) return { notices: approve(core, node, subscription) }
  removeSubscription(core, subscription)
  const notices: Notice[] = [{ kind: 'subscription', to: [subscription.jid], subscription: viewOf(node, subscription, 'none') }]
  return { notices }
}

/** A part of a list, and where the next one begins. */
export interface Part<T> {
  readonly found: readonly T[]
  /** Missing at the end. */
  readonly next: number | undefined
}

/**
 * The nodes at which an account has to decide about somebody (XEP-0060 §8.7). A part of the account's nodes is looked at, in which there
 * may be none.
 */
export function nodesWithPending(core: Core, asker: Asker, after?: number): Part<string> {
  const limit = core.limits.pageMax
  const records = core.store.affiliationsOf(accountOf(asker.jid), { after, limit })
  const found = records
    .filter(({ nodeId, affiliation }) => privileges[affiliation].manage === 'yes' && core.store.countPending(nodeId) > 0)
    .flatMap(({ nodeId }) => core.store.nodeById(nodeId)?.name ?? [])
  return { found, next: records.length < limit ? undefined : records.at(-1)?.nodeId }
}

/** Those who wait for an owner's word at a node (XEP-0060 §8.7.4). */
export function pendingAt(core: Core, asker: Asker, name: string, after?: number): Part<SubscriptionView> {
  const node = findOwnNode(core, asker, name, 'manage')
  const limit = core.limits.pageMax
  const pending = core.store.pending(node.id, { after, limit })
  const nowMs = core.now()
  const waiting = pending.filter((each) => !isOver(each, nowMs))
  return { found: waiting.map((each) => viewOf(node, each)), next: pending.length < limit ? undefined : pending.at(-1)?.id }
}
