import { type Asker, type Core, findOwnNode } from '../core.ts'
import type { NodeRecord } from '../records.ts'
import { countSubscribers } from './leases.ts'
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
    subscribers: countSubscribers(core, node),
    items: core.store.countItems(node.id),
  }
}
