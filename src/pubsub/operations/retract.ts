import { BytestreamError, UnsupportedFeature } from '../../core/index.ts'
import { type Asker, type Core, findNode, findOwnNode, isHeardAsSubscriber, settingOf } from '../core.ts'
import type { Notice } from '../notices.ts'
import type { ItemRecord, NodeRecord } from '../records.ts'
import { accountOf } from '../rules/names.ts'
import { mayRetract } from '../rules/publishing.ts'

export interface Retraction {
  readonly node: string
  readonly itemIds: readonly string[]
  /** Subscribers are told, whatever the node's configuration says (XEP-0060 §7.2.2.1). */
  readonly notify?: boolean | undefined
}

/** @throws BytestreamError as XEP-0060 §7.2.3 has it; then nothing is retracted */
export function retract(core: Core, asker: Asker, { node: name, itemIds, notify = false }: Retraction) {
  const node = findNode(core, name)
  checkPersists(core, node)
  const account = accountOf(asker.jid)
  const affiliation = core.store.affiliation(node.id, account)
  const whose = mayRetract(affiliation, settingOf(core, node, 'publishModel'), () => isHeardAsSubscriber(core, node, asker))
  if (whose === 'no') throw new BytestreamError('ERR_FORBIDDEN', 'you may not retract items here')
  if (itemIds.length === 0) throw new BytestreamError('ERR_PUBSUB_ITEM_REQUIRED', 'nothing is retracted')
  if (itemIds.length > core.limits.itemsPerRequestMax) {
    throw new BytestreamError('ERR_PUBSUB_MAX_ITEMS', `at most ${core.limits.itemsPerRequestMax} items at once`)
  }
  const items = new Map<string, ItemRecord>()
  for (const id of itemIds) {
    const item = core.store.item(node.id, id)
    if (!item) throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is no such item')
    if (whose === 'own' && accountOf(item.publisher) !== account)
      throw new BytestreamError('ERR_FORBIDDEN', 'that item is of somebody else')
    items.set(id, item)
  }
  for (const id of items.keys()) core.store.removeItem(node.id, id)
  return { notices: tellGone(core, node, [...items.values()], notify) }
}

/** Those who hear that items are gone: all, if they do at this node, or `isForced`. In queues nothing of them waits any more. */
export function tellGone(core: Core, node: NodeRecord, items: readonly ItemRecord[], isForced: boolean): Notice[] {
  const isTold = settingOf(core, node, 'deliverNotifications') && (isForced || settingOf(core, node, 'notifyRetract'))
  return [...(isTold ? retractedNotices(node, items) : []), ...core.queues.retracted(node, items, isTold)]
}

export const retractedNotices = (node: NodeRecord, items: readonly ItemRecord[]): Notice[] =>
  items.length === 0
    ? []
    : byRoutingKey(items).map((some) => ({ kind: 'retracted', node, itemIds: some.map(({ id }) => id), routingKey: some[0]?.routingKey }))

/** Parts of a list, in its order, each with one routing key; of an empty list itself. */
export function byRoutingKey(items: readonly ItemRecord[]): readonly (readonly ItemRecord[])[] {
  if (items.every(({ routingKey }) => routingKey === items[0]?.routingKey)) return [items]
  const parts: ItemRecord[][] = []
  for (const item of items) {
    const last = parts.at(-1)
    if (last && last[0]?.routingKey === item.routingKey) last.push(item)
    else parts.push([item])
  }
  return parts
}

/**
 * One notice, however many items go (XEP-0060 §8.5.2).
 *
 * @throws BytestreamError as XEP-0060 §8.5.3 has it
 */
export function purge(core: Core, asker: Asker, name: string) {
  const node = findOwnNode(core, asker, name, 'purge')
  checkPersists(core, node)
  core.store.removeItems(node.id)
  core.queues.nodeEnded(node.id)
  const notices: Notice[] = settingOf(core, node, 'deliverNotifications') ? [{ kind: 'purged', node }] : []
  return { notices }
}

/** @throws UnsupportedFeature `persistent-items` */
export function checkPersists(core: Core, node: NodeRecord): void {
  if (node.kind === 'collection' || !settingOf(core, node, 'persistItems')) {
    throw new UnsupportedFeature('persistent-items', 'the node keeps no items')
  }
}
