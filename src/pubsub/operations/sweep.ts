import { type Core, removeSubscription, viewOf } from '../core.ts'
import type { Notice } from '../notices.ts'
import type { ItemRecord } from '../records.ts'
import { tellGone } from './retract.ts'
import { tellOwners } from './subscribe.ts'
import { endSubscription } from './subscriptions.ts'

/**
 * Takes away what has expired, and what is left of deleted nodes, where they were sent: one bounded step.
 *
 * @param keep nodes whose subscribers have still to be told
 * @returns whom to tell; and whether there is more to be done
 */
export function sweep(core: Core, keep: ReadonlySet<number>) {
  const limit = core.limits.sweepRowsMax
  const items = core.store.dueItems(core.now(), limit)
  for (const { nodeId, id } of items) core.store.removeItem(nodeId, id)
  const expired = items.filter(({ isExpiryTold }) => isExpiryTold).flatMap((item) => tellExpired(core, item))
  const leases = core.store.dueSubscriptions(core.now(), limit)
  const notices = leases.flatMap((subscription): Notice[] => {
    const node = core.store.nodeById(subscription.nodeId)
    if (!node) {
      removeSubscription(core, subscription)
      return []
    }
    core.audiences.forget(node.id)
    return [...endSubscription(core, node, subscription), ...tellOwners(core, node, viewOf(node, subscription, 'none'))]
  })
  const moved = core.store.dueMoved(core.now(), limit)
  for (const { name } of moved) core.store.removeMoved(name)
  const retired = core.store.sweepRetired(limit, keep)
  const queued = core.queues.sweep(limit)
  return { notices: [...expired, ...notices], more: [items.length, leases.length, moved.length, retired, queued].includes(limit) }
}

function tellExpired(core: Core, item: ItemRecord): Notice[] {
  const node = core.store.nodeById(item.nodeId)
  return node ? tellGone(core, node, [item], true) : []
}
