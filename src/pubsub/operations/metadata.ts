import { type Asker, type Core, findOwnNode, settingOf } from '../core.ts'
import type { NodeRecord } from '../records.ts'
import { ownersOf } from './subscribe.ts'
import { parentOf } from './tree.ts'

/** @throws BytestreamError `ERR_ITEM_NOT_FOUND`, `ERR_FORBIDDEN` */
export function configuration(core: Core, asker: Asker, name: string) {
  const node = findOwnNode(core, asker, name, 'configure')
  return { node, config: { ...core.defaults, ...node.config }, collection: parentOf(core, node)?.name }
}

export function metadata(core: Core, node: NodeRecord) {
  return {
    node,
    config: { ...core.defaults, ...node.config },
    collection: parentOf(core, node)?.name,
    owners: ownersOf(core, node),
    subscribers: core.store.countSubscriptions(node.id) - core.store.countPending(node.id),
    items: core.store.countItems(node.id),
  }
}

/** How many owners' rosters are asked about one who wants something. */
const ROSTERS_MAX = 5

export function rostersFor(core: Core, name: string): readonly string[] {
  const node = core.store.node(name)
  if (!node) return []
  const model = settingOf(core, node, 'accessModel')
  return model === 'presence' || model === 'roster' ? core.store.owners(node.id, ROSTERS_MAX) : []
}
