import { BytestreamError } from '../../core/index.ts'
import { type Core, settingOf } from '../core.ts'
import type { NodeRecord } from '../records.ts'

/** The collection a node is in; one that has been deleted is none. */
export function parentOf(core: Core, node: NodeRecord): NodeRecord | undefined {
  return node.parent === undefined ? undefined : core.store.nodeById(node.parent)
}

/** The collections above a node, the nearest first. */
export function ancestorsOf(core: Core, node: NodeRecord): NodeRecord[] {
  const ancestors: NodeRecord[] = []
  for (let above = parentOf(core, node); above && ancestors.length < core.limits.collectionDepthMax; above = parentOf(core, above)) {
    ancestors.push(above)
  }
  return ancestors
}

/**
 * Whether a node may be put into a collection, or a new one created in it (XEP-0248).
 *
 * @param moved the node, unless it is still to be created
 * @throws BytestreamError `ERR_ITEM_NOT_FOUND`, `ERR_PUBSUB_NOT_A_COLLECTION`, `ERR_FORBIDDEN`, `ERR_PUBSUB_MAX_NODES`, `ERR_NOT_ACCEPTABLE`
 *   for a circle, and for collections nested too deep
 */
export function checkAssociation(core: Core, account: string, name: string, moved?: NodeRecord): NodeRecord {
  const collection = core.store.node(name)
  if (!collection) throw new BytestreamError('ERR_ITEM_NOT_FOUND', `there is no collection "${name.slice(0, 100)}"`)
  if (collection.kind !== 'collection') throw new BytestreamError('ERR_PUBSUB_NOT_A_COLLECTION', 'a leaf has no nodes')
  if (moved?.parent === collection.id) return collection
  if (!mayAssociate(core, collection, account)) throw new BytestreamError('ERR_FORBIDDEN', 'the collection does not take your nodes')

  const most = settingOf(core, collection, 'childrenMax')
  const childrenMax = most === 'max' ? core.limits.childrenPerCollectionMax : most
  if (core.store.countChildren(collection.id) >= childrenMax) {
    throw new BytestreamError('ERR_PUBSUB_MAX_NODES', `the collection takes no more than ${childrenMax} nodes`)
  }
  const above = [collection, ...ancestorsOf(core, collection)]
  if (moved && above.some(({ id }) => id === moved.id)) throw new BytestreamError('ERR_NOT_ACCEPTABLE', 'a collection cannot be in itself')
  if (above.length + heightOf(core, moved) > core.limits.collectionDepthMax) {
    throw new BytestreamError('ERR_NOT_ACCEPTABLE', `collections nest at most ${core.limits.collectionDepthMax} deep`)
  }
  return collection
}

function mayAssociate(core: Core, collection: NodeRecord, account: string): boolean {
  const affiliation = core.store.affiliation(collection.id, account)
  if (affiliation === 'owner') return true
  if (affiliation === 'outcast') return false
  switch (settingOf(core, collection, 'childrenAssociationPolicy')) {
    case 'all':
      return true
    case 'owners':
      return false
    case 'whitelist':
      return settingOf(core, collection, 'childrenAssociationWhitelist').includes(account)
  }
}

/** How many levels of collections there are from a node downwards; of a leaf, and of what does not exist yet, 0. */
function heightOf(core: Core, node: NodeRecord | undefined): number {
  let level = node?.kind === 'collection' ? [node] : []
  let height = 0
  for (let looked = 0; level.length > 0; height++) {
    looked += level.length
    if (looked > core.limits.childrenPerCollectionMax)
      throw new BytestreamError('ERR_NOT_ACCEPTABLE', 'there is too much in it to be moved')
    const limit = core.limits.childrenPerCollectionMax
    level = level.flatMap(({ id }) => core.store.children(id, { limit }).filter(({ kind }) => kind === 'collection'))
  }
  return height
}
