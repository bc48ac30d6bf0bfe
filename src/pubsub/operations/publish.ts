import { BytestreamError, UnsupportedFeature } from '../../core/index.ts'
import { type Asker, type Core, checkKept, checkNotMoved, findNode, isHeardAsSubscriber, settingOf } from '../core.ts'
import type { Notice } from '../notices.ts'
import type { ItemRecord, NodeRecord } from '../records.ts'
import { differing } from '../rules/configuration.ts'
import { accountOf, checkItemId } from '../rules/names.ts'
import { checkEventType, type ItemToPublish, mayPublish } from '../rules/publishing.ts'
import { checkRoutingKey } from '../rules/routing-keys.ts'
import { itemBytes } from '../weights.ts'
import { addNode, associated, type ConfigChange, itemsMaxOf, type PlannedNode, planNode } from './nodes.ts'
import { byRoutingKey, retractedNotices } from './retract.ts'
import { parentOf } from './tree.ts'

export interface Publication {
  readonly node: string
  readonly items: readonly ItemToPublish[]
  /** XEP-0060 §7.1.5: what the node has to be like, or shall be when it is created by this. */
  readonly options?: ConfigChange | undefined
}

/** @throws BytestreamError as XEP-0060 §7.1.3 and §12.11 have it; then nothing is published */
export function publish(core: Core, asker: Asker, { node: name, items, options }: Publication) {
  const existing = core.store.node(name)
  if (existing) checkMayPublish(core, asker, existing)
  if (existing && options) checkPreconditions(core, existing, options)
  const found = existing ?? planMissing(core, asker, name, options)
  checkItems(core, found, items)
  const isTold = settingOf(core, found, 'deliverNotifications')
  const keptBytes = settingOf(core, found, 'persistItems') ? bytesOf(asker, items) : 0
  const queuedBytes = existing && isTold ? core.queues.bytesFor(existing, items) : 0
  if (keptBytes + queuedBytes > 0) checkKept(core, keptBytes + queuedBytes)

  const node = existing ?? addNode(core, found)
  const notices: Notice[] = existing ? [] : associated(core, node)
  const retracted = makeRoom(core, node, items)
  const published = items.map((item) => toRecord(core, node, asker, item)).map((item) => keep(core, node, item))
  if (isTold) {
    // Before that, as what is published of the same id waits in the place of what was.
    const waiting = [...core.queues.retracted(node, retracted, true), ...core.queues.published(node, published)]
    notices.push(...byRoutingKey(published).map((some) => publishedNotice(node, some)), ...retractedNotices(node, retracted), ...waiting)
  }
  return { node, items: published, isCreated: existing === undefined, notices }
}

const publishedNotice = (node: NodeRecord, items: readonly ItemRecord[]): Notice => ({
  kind: 'published',
  node,
  items,
  routingKey: items[0]?.routingKey,
})

const bytesOf = (asker: Asker, items: readonly ItemToPublish[]) =>
  items.reduce((sum, { id = '', payload }) => sum + itemBytes({ id, publisher: asker.jid, payload }), 0)

/** The node that publishing creates, where it does. */
function planMissing(core: Core, asker: Asker, name: string, options: ConfigChange = {}): PlannedNode {
  checkNotMoved(core, name)
  return core.autoCreate ? planNode(core, asker, { node: name, config: options }) : findNode(core, name)
}

/** @throws BytestreamError `ERR_FORBIDDEN`; UnsupportedFeature at a collection */
export function checkMayPublish(core: Core, asker: Asker, node: NodeRecord): void {
  if (node.kind === 'collection') throw new UnsupportedFeature('publish', 'nothing can be published to a collection')
  const account = accountOf(asker.jid)
  const affiliation = core.store.affiliation(node.id, account)
  if (!mayPublish(affiliation, settingOf(core, node, 'publishModel'), () => isHeardAsSubscriber(core, node, asker))) {
    throw new BytestreamError('ERR_FORBIDDEN', 'you may not publish here')
  }
}

/** XEP-0060 §7.1.5 */
function checkPreconditions(core: Core, node: NodeRecord, { collection, ...fields }: ConfigChange): void {
  const unlike = Object.keys(differing(fields, { ...core.defaults, ...node.config }))
  if (collection !== undefined && collection !== (parentOf(core, node)?.name ?? '')) unlike.push('collection')
  if (unlike.length > 0) throw new BytestreamError('ERR_PUBSUB_PRECONDITION', `the node has another ${unlike.join(', ')}`)
}

function checkItems(core: Core, node: PlannedNode, items: readonly ItemToPublish[]): void {
  const { limits } = core
  const persistItems = settingOf(core, node, 'persistItems')
  checkEventType({ persistItems, deliverPayloads: settingOf(core, node, 'deliverPayloads') }, items)
  const itemsMax = persistItems ? Math.min(itemsMaxOf(core, node), limits.itemsPerRequestMax) : limits.itemsPerRequestMax
  if (items.length > itemsMax) throw new BytestreamError('ERR_PUBSUB_MAX_ITEMS', `at most ${itemsMax} items at once`)

  const most = settingOf(core, node, 'maxPayloadBytes')
  const bytesMax = most === 'max' ? limits.payloadBytesMax : Math.min(most, limits.payloadBytesMax)
  const namespace = settingOf(core, node, 'payloadType')
  for (const item of items) {
    if (item.id !== undefined) checkItemId(item.id, limits.itemIdBytesMax)
    if (item.routingKey !== undefined) checkRoutingKey(item.routingKey)
    if (item.payload === undefined) continue
    if (Buffer.byteLength(item.payload) > bytesMax) {
      throw new BytestreamError('ERR_PUBSUB_PAYLOAD_TOO_BIG', `a payload has at most ${bytesMax} octets`)
    }
    if (namespace !== '' && item.namespace !== undefined && item.namespace !== namespace) {
      throw new BytestreamError('ERR_PUBSUB_INVALID_PAYLOAD', `payloads of this node are in the namespace ${namespace}`)
    }
  }
}

/**
 * What has to go for the new items (XEP-0060 §7.1.2.5).
 *
 * @returns what subscribers hear is gone
 * @throws BytestreamError `ERR_PUBSUB_NODE_FULL`
 */
function makeRoom(core: Core, node: NodeRecord, items: readonly ItemToPublish[]): readonly ItemRecord[] {
  if (!settingOf(core, node, 'persistItems')) return []
  const replaced = new Set(items.flatMap(({ id }) => (id !== undefined && core.store.hasItem(node.id, id) ? [id] : [])))
  const beyond = core.store.countItems(node.id) - replaced.size + countOf(items) - itemsMaxOf(core, node)
  if (beyond <= 0) return []
  const whenFull = settingOf(core, node, 'whenFull')
  if (whenFull === 'reject') throw new BytestreamError('ERR_PUBSUB_NODE_FULL', 'the node is full')
  const oldest = core.store.oldestItemIds(node.id, beyond + replaced.size).filter((id) => !replaced.has(id))
  const isTold = whenFull === 'retract-oldest' && settingOf(core, node, 'notifyRetract')
  const gone = oldest.slice(0, beyond)
  const told = isTold ? gone.flatMap((id) => core.store.item(node.id, id) ?? []) : []
  for (const id of gone) core.store.removeItem(node.id, id)
  return told
}

/** Items of one id are one item. */
function countOf(items: readonly ItemToPublish[]): number {
  const named = items.flatMap(({ id }) => (id === undefined ? [] : [id]))
  return items.length - named.length + new Set(named).size
}

function toRecord(core: Core, node: NodeRecord, asker: Asker, item: ItemToPublish): Omit<ItemRecord, 'seq'> {
  const { id, payload, routingKey } = item
  const expiry = settingOf(core, node, 'itemExpireMs')
  const publishedMs = core.now()
  const forgottenMs = expiry === 'max' ? undefined : publishedMs + expiry
  const isExpiryTold = item.expiresMs !== undefined && item.expiresMs < (forgottenMs ?? Number.POSITIVE_INFINITY)
  return {
    nodeId: node.id,
    id: id ?? unusedId(core, node),
    publisher: asker.jid,
    publishedMs,
    expiresMs: isExpiryTold ? item.expiresMs : forgottenMs,
    isExpiryTold,
    routingKey,
    payload,
  }
}

function unusedId(core: Core, node: NodeRecord): string {
  let id = core.newId()
  while (core.store.hasItem(node.id, id)) id = core.newId()
  return id
}

/** An item of a transient node is told, and not kept. */
function keep(core: Core, node: NodeRecord, item: Omit<ItemRecord, 'seq'>): ItemRecord {
  return settingOf(core, node, 'persistItems') ? core.store.putItem(item) : { ...item, seq: 0 }
}
