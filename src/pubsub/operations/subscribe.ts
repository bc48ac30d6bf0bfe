import { BytestreamError, bareJid, UnsupportedFeature } from '../../core/index.ts'
import {
  type Asker,
  accessQuestion,
  type Core,
  checkKept,
  findNode,
  removeSubscription,
  settingOf,
  subscriptionsAt,
  viewOf,
} from '../core.ts'
import type { Notice, SubscriptionView } from '../notices.ts'
import type { NodeRecord, SubscriptionOptions, SubscriptionRecord } from '../records.ts'
import { maySubscribe } from '../rules/access.ts'
import { ownJid } from '../rules/names.ts'
import { changeOptions, isSameChoice, type Options, type OptionsChange, optionDefaults } from '../rules/options.ts'
import { isAnyMeant } from '../rules/routing-keys.ts'
import { chooseSubscription } from '../rules/subids.ts'
import { subscriptionBytes } from '../weights.ts'

/** A subscription is named by its JID, and where the JID has several by one more. */
export interface SubscriptionName {
  readonly node: string
  readonly jid: string
  readonly subid?: string | undefined
}

const NONE: Options = { options: undefined, expiresMs: undefined }

/**
 * A JID that is subscribed already gets its subscription, as if it were new (XEP-0060 §6.1.6); one that asks for other options gets
 * one more beside it.
 *
 * @throws BytestreamError as XEP-0060 §6.1.3 has it
 */
export function subscribe(core: Core, asker: Asker, request: { node: string; jid: string; options?: OptionsChange | undefined }) {
  const jid = ownJid(asker.jid, request.jid, 'ERR_PUBSUB_INVALID_JID')
  const node = findNode(core, request.node)
  if (!settingOf(core, node, 'subscribe')) throw new UnsupportedFeature('subscribe', 'the node takes no subscriptions')
  const account = bareJid(jid)
  const answer = maySubscribe(accessQuestion(core, node, account, asker.contacts))
  if (answer !== 'yes' && answer !== 'pending') throw new BytestreamError(answer, 'you may not subscribe to this node')

  const others = subscriptionsAt(core, node.id, account)
  const own = others.length === 0 ? others : others.filter((each) => each.jid === jid)
  const pending = own.find(({ state }) => state === 'pending')
  if (pending) return renewed(core, node, pending, answer)
  const wanted = request.options ? changeOptions(NONE, request.options, node.kind, core.now(), core.limits) : NONE
  const same = request.options ? own.find((each) => isSameChoice(each, wanted)) : own[0]
  if (same) return { subscription: viewOf(node, same), options: optionsOf(same), notices: lastItem(core, node, same) }

  checkRoom(core, node, account, others.length)
  if (wanted.options?.queue) checkQueues(core, node)
  checkKept(core, subscriptionBytes({ jid }))
  const state = answer === 'yes' ? 'subscribed' : 'pending'
  const subscription = core.store.addSubscription({ nodeId: node.id, jid, account, state, ...wanted })
  if (others.length === 0) core.audiences.added(subscription)
  else core.audiences.forget(node.id)
  const view = viewOf(node, subscription)
  return { subscription: view, options: optionsOf(subscription), notices: newcomer(core, node, subscription, view) }
}

/** Who waits may not need to any more: the node has been opened, or he has become a member. */
function renewed(core: Core, node: NodeRecord, pending: SubscriptionRecord, answer: 'yes' | 'pending') {
  if (answer === 'pending') throw new BytestreamError('ERR_PUBSUB_PENDING', 'an owner has yet to decide')
  const notices = approve(core, node, pending)
  return { subscription: viewOf(node, { ...pending, state: 'subscribed' }), options: optionsOf(pending), notices }
}

/** @throws BytestreamError `ERR_PUBSUB_TOO_MANY_SUBSCRIPTIONS` */
export function checkRoom({ store, limits }: Core, node: NodeRecord, account: string, here: number): void {
  const isFull =
    here >= limits.subscriptionsPerAccountAtNodeMax ||
    store.countSubscriptionsOf(account) >= limits.subscriptionsPerAccountMax ||
    store.countSubscriptions(node.id) >= limits.subscriptionsPerNodeMax
  if (isFull) throw new BytestreamError('ERR_PUBSUB_TOO_MANY_SUBSCRIPTIONS', 'there are too many subscriptions')
}

/** @throws BytestreamError `ERR_PUBSUB_TOO_MANY_SUBSCRIPTIONS` */
function checkQueues({ queues, limits }: Core, node: NodeRecord): void {
  if (queues.countAt(node) >= limits.queuesPerNodeMax) {
    throw new BytestreamError('ERR_PUBSUB_TOO_MANY_SUBSCRIPTIONS', 'there are too many queues at this node: subscribe without one')
  }
}

/** Who is told of a subscription that has just come about. */
function newcomer(core: Core, node: NodeRecord, subscription: SubscriptionRecord, view: SubscriptionView): Notice[] {
  if (subscription.state === 'pending') return [{ kind: 'approval', to: ownersOf(core, node), subscription: view }]
  return [...tellOwners(core, node, view), ...lastItem(core, node, subscription)]
}

/** The subscription counts from now on; its subscriber, and what a newcomer has told, say so. */
export function approve(core: Core, node: NodeRecord, pending: SubscriptionRecord): Notice[] {
  const subscription = { ...pending, state: 'subscribed' as const }
  core.store.replaceSubscription(subscription)
  core.contacts.approved(subscription)
  core.audiences.forget(node.id)
  const view = viewOf(node, subscription)
  return [{ kind: 'subscription', to: [subscription.jid], subscription: view }, ...newcomer(core, node, subscription, view)]
}

export const ownersOf = (core: Core, node: NodeRecord) => core.store.owners(node.id, core.limits.valuesMax)

/** `notifySub`: owners hear of subscribers that come and go. */
export function tellOwners(core: Core, node: NodeRecord, subscription: SubscriptionView): Notice[] {
  return settingOf(core, node, 'notifySub') ? [{ kind: 'subscription', to: ownersOf(core, node), subscription }] : []
}

/** XEP-0060 §6.1.7 */
function lastItem(core: Core, node: NodeRecord, { jid, account, options, state }: SubscriptionRecord): Notice[] {
  const isSent = settingOf(core, node, 'sendLastPublishedItem') === 'on_sub' && settingOf(core, node, 'deliverNotifications')
  if (!isSent || state === 'pending' || options?.deliver === false) return []
  const items = core.store.items(node.id, { limit: 1, fromEnd: true })
  const [last] = items
  if (last === undefined || !isAnyMeant(options?.keys, last.routingKey)) return []
  return options?.queue ? core.queues.welcome(node, account, last) : [{ kind: 'lastItem', to: [jid], node, items }]
}

/** @throws BytestreamError as XEP-0060 §6.2.3 has it */
export function unsubscribe(core: Core, asker: Asker, name: SubscriptionName) {
  const { node, subscription } = findSubscription(core, asker, name)
  removeSubscription(core, subscription)
  if (core.store.subscriptionsAt(node.id, subscription.account).length === 0) core.audiences.removed(subscription)
  else core.audiences.forget(node.id)
  const view = viewOf(node, subscription, 'none')
  return { subscription: view, notices: tellOwners(core, node, view) }
}

function findSubscription(core: Core, asker: Asker, { node: name, jid, subid }: SubscriptionName) {
  const own = ownJid(asker.jid, jid, 'ERR_FORBIDDEN')
  const node = findNode(core, name)
  const subscriptions = subscriptionsAt(core, node.id, bareJid(own)).filter((each) => each.jid === own)
  return { node, subscription: chooseSubscription(subscriptions, subid) }
}

/** All options of a subscription, as they hold. */
export interface SubscriptionSettings extends Required<SubscriptionOptions> {
  readonly expiresMs: number | undefined
}

const optionsOf = ({ options, expiresMs }: SubscriptionRecord): SubscriptionSettings => ({ ...optionDefaults, ...options, expiresMs })

/** @throws BytestreamError as XEP-0060 §6.3.4 has it */
export function readOptions(core: Core, asker: Asker, name: SubscriptionName) {
  const { node, subscription } = findSubscription(core, asker, name)
  return { node, subscription: viewOf(node, subscription), options: optionsOf(subscription) }
}

/** What is not named stays as it is. @throws BytestreamError as XEP-0060 §6.3.4 and §6.3.6 have it */
export function setOptions(core: Core, asker: Asker, name: SubscriptionName, change: OptionsChange) {
  const { node, subscription: before } = findSubscription(core, asker, name)
  const subscription = { ...before, ...changeOptions(before, change, node.kind, core.now(), core.limits) }
  if (subscription.options?.queue && !before.options?.queue) checkQueues(core, node)
  core.store.replaceSubscription(subscription)
  core.audiences.forget(node.id)
  if (before.options?.queue) core.queues.changed(node.id, before.account)
  return { subscription: viewOf(node, subscription), options: optionsOf(subscription), notices: [] as Notice[] }
}
