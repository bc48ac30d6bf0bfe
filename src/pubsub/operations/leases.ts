import type { Core } from '../core.ts'
import type { NodeRecord, SubscriptionRecord } from '../records.ts'
import { isOver } from '../rules/options.ts'
import { sift } from '../store/cut.ts'
import type { Section } from '../store/section.ts'

/** A list of the store without what is over and not swept yet (XEP-0060 §12.19). */
export function unexpired(core: Core, read: (section: Section) => readonly SubscriptionRecord[]) {
  const nowMs = core.now()
  return (section: Section) =>
    sift(
      read,
      section,
      ({ id }) => id,
      (each) => !isOver(each, nowMs),
    )
}

/** How many of a count are over and not swept yet: as many are looked at as are swept at once. */
function countOver(core: Core, isCounted: (subscription: SubscriptionRecord) => boolean): number {
  return core.store.dueSubscriptions(core.now(), core.limits.sweepRowsMax).filter(isCounted).length
}

/** Those at a node, without those that wait. */
export function countSubscribers(core: Core, node: NodeRecord): number {
  const over = countOver(core, ({ nodeId, state }) => nodeId === node.id && state === 'subscribed')
  return core.store.countSubscriptions(node.id) - core.store.countPending(node.id) - over
}

export function countSubscriptionsOf(core: Core, account: string): number {
  return core.store.countSubscriptionsOf(account) - countOver(core, (each) => each.account === account)
}
