import { BytestreamError, UnsupportedFeature } from '../../core/index.ts'
import { type Asker, type Core, findNode, findOwnNode, isHeardAsSubscriber, settingOf } from '../core.ts'
import type { Notice } from '../notices.ts'
import type { NodeRecord } from '../records.ts'
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
  for (const id of itemIds) {
    const item = core.store.item(node.id, id)
    if (!item) throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is no such item')
    if (whose === 'own' && accountOf(item.publisher) !== account)
      throw new BytestreamError('ERR_FORBIDDEN', 'that item is of somebody else')
  }
  const ids = [...new Set(itemIds)]
  for (const id of ids) core.store.removeItem(node.id, id)
  const isTold = settingOf(core, node, 'deliverNotifications') && (notify || settingOf(core, node, 'notifyRetract'))
  const notices: Notice[] = isTold ? [{ kind: 'retracted', node, itemIds: ids }] : []
  return { notices }
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
  const notices: Notice[] = settingOf(core, node, 'deliverNotifications') ? [{ kind: 'purged', node }] : []
  return { notices }
}

/** @throws UnsupportedFeature `persistent-items` */
export function checkPersists(core: Core, node: NodeRecord): void {
  if (node.kind === 'collection' || !settingOf(core, node, 'persistItems')) {
    throw new UnsupportedFeature('persistent-items', 'the node keeps no items')
  }
}
