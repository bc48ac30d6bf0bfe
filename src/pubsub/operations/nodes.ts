import { BytestreamError } from '../../core/index.ts'
import { type Asker, type Core, checkKept, findOwnNode, settingOf } from '../core.ts'
import type { NodeConfig } from '../node-config.ts'
import type { Notice } from '../notices.ts'
import type { NodeKind, NodeRecord } from '../records.ts'
import { isListed } from '../rules/access.ts'
import { checkConfig, differing } from '../rules/configuration.ts'
import { accountOf, checkNodeName } from '../rules/names.ts'
import { affiliationBytes, nodeBytes } from '../weights.ts'
import { rememberMove } from './moved.ts'
import { checkAssociation, parentOf } from './tree.ts'

/** What an owner may change; `collection` is the name of the one it shall be in, or empty for none. */
export interface ConfigChange extends Partial<NodeConfig> {
  readonly collection?: string | undefined
}

export interface NodeToCreate {
  /** Missing: an instant node, whose name is made (XEP-0060 §8.1.1). */
  readonly node?: string | undefined
  readonly kind?: NodeKind | undefined
  readonly config?: ConfigChange | undefined
}

/** @throws BytestreamError as {@link planNode} does */
export function createNode(core: Core, asker: Asker, wanted: NodeToCreate) {
  const node = addNode(core, planNode(core, asker, wanted))
  return { node, notices: associated(core, node) }
}

/** Of a node that has just been created, those who hear of it are those of the collection it is in. */
export function associated(core: Core, node: NodeRecord): Notice[] {
  const parent = parentOf(core, node)
  return parent ? [{ kind: 'associated', node: parent, child: node.name }] : []
}

/** A node that may be created, and is not yet. */
export type PlannedNode = Omit<NodeRecord, 'id'>

/**
 * Looks whether a node may be created, and changes nothing.
 *
 * @throws BytestreamError as XEP-0060 §8.1 and XEP-0248 have it; `ERR_PUBSUB_TOO_MANY_NODES`, `ERR_PUBSUB_LIMIT`, `ERR_STORAGE_FULL`
 */
export function planNode(core: Core, asker: Asker, { node: name, kind = 'leaf', config = {} }: NodeToCreate): PlannedNode {
  const creator = accountOf(asker.jid)
  if (!core.mayCreate(creator)) throw new BytestreamError('ERR_FORBIDDEN', 'you may not create nodes here')
  if (name !== undefined) checkNodeName(name, core.limits.nodeNameBytesMax)
  if (name !== undefined && core.store.node(name)) throw new BytestreamError('ERR_PUBSUB_NODE_EXISTS', 'there is a node of that name')
  const { collection: parentName, ...fields } = config
  checkConfig(fields, core.accessModels(), core.limits)
  const parent = parentName ? checkAssociation(core, creator, parentName) : undefined
  if (core.store.countNodesOf(creator) >= core.limits.nodesPerAccountMax) {
    throw new BytestreamError('ERR_PUBSUB_TOO_MANY_NODES', `an account has at most ${core.limits.nodesPerAccountMax} nodes`)
  }
  if (core.store.countNodes() >= core.limits.nodesMax) throw new BytestreamError('ERR_PUBSUB_LIMIT', 'there are too many nodes')

  const plan: PlannedNode = {
    name: name ?? instantName(core),
    kind,
    parent: parent?.id,
    creator,
    createdMs: core.now(),
    isListed: isListed(fields.accessModel ?? core.defaults.accessModel),
    config: differing(fields, core.defaults),
  }
  checkKept(core, nodeBytes(plan) + affiliationBytes({ account: creator }))
  return plan
}

export function addNode(core: Core, plan: PlannedNode): NodeRecord {
  const node = core.store.addNode(plan)
  core.store.setAffiliation(node.id, plan.creator, 'owner')
  core.store.removeMoved(node.name)
  return node
}

function instantName(core: Core): string {
  let name = core.newId()
  while (core.store.node(name)) name = core.newId()
  return name
}

/** @throws BytestreamError as XEP-0060 §8.2 and XEP-0248 have it */
export function configureNode(core: Core, asker: Asker, name: string, change: ConfigChange) {
  const before = findOwnNode(core, asker, name, 'configure')
  const { collection, ...fields } = change
  // What it is it may stay, also while the server grants no rosters.
  checkConfig(fields, [...core.accessModels(), settingOf(core, before, 'accessModel')], core.limits)
  const left = parentOf(core, before)
  const entered = collection ? checkAssociation(core, accountOf(asker.jid), collection, before) : undefined
  const parent = collection === undefined ? left : entered
  const changed = { ...before, parent: parent?.id, config: differing({ ...before.config, ...fields }, core.defaults) }
  const node = { ...changed, isListed: isListed(settingOf(core, changed, 'accessModel')) }
  const moreBytes = nodeBytes(node) - nodeBytes(before)
  if (moreBytes > 0) checkKept(core, moreBytes)
  core.store.replaceNode(node)
  core.audiences.forget(node.id)
  trimItems(core, node)

  const notices: Notice[] = []
  if (settingOf(core, node, 'notifyConfig') && settingOf(core, node, 'deliverNotifications')) notices.push({ kind: 'configured', node })
  if (left && left.id !== parent?.id) notices.push({ kind: 'disassociated', node: left, child: name })
  if (parent && left?.id !== parent.id) notices.push({ kind: 'associated', node: parent, child: name })
  return { node, notices }
}

/** What the node does not keep any more goes without a word. */
function trimItems(core: Core, node: NodeRecord): void {
  if (!settingOf(core, node, 'persistItems')) {
    core.store.removeItems(node.id)
    return
  }
  const beyond = core.store.countItems(node.id) - itemsMaxOf(core, node)
  if (beyond <= 0) return
  for (const id of core.store.oldestItemIds(node.id, beyond)) core.store.removeItem(node.id, id)
}

/** How many items a node keeps. */
export function itemsMaxOf(core: Core, node: Pick<NodeRecord, 'config'>): number {
  const most = settingOf(core, node, 'maxItems')
  return most === 'max' ? core.limits.itemsPerNodeMax : Math.min(most, core.limits.itemsPerNodeMax)
}

/**
 * The name is free at once; what is left of the node stays until its subscribers are told. Whoever asks for it afterwards hears the URI,
 * until there is a node of that name again.
 *
 * @throws BytestreamError `ERR_ITEM_NOT_FOUND`, `ERR_FORBIDDEN`, `ERR_NOT_ACCEPTABLE` for a URI that is too long
 * @see XEP-0060 §8.4
 */
export function deleteNode(core: Core, asker: Asker, name: string, redirectUri: string | undefined) {
  const node = findOwnNode(core, asker, name, 'delete')
  if (redirectUri !== undefined) rememberMove(core, node, redirectUri)
  const parent = parentOf(core, node)
  core.store.retireNode(node.id)
  core.bounces.nodeEnded(node.id)
  core.contacts.nodeEnded(node)
  core.queues.nodeEnded(node.id)
  core.audiences.forget(node.id)
  const notices: Notice[] = []
  if (settingOf(core, node, 'notifyDelete')) {
    core.audiences.keep(node.id)
    notices.push({ kind: 'deleted', node, redirectUri })
  }
  if (parent) notices.push({ kind: 'disassociated', node: parent, child: name })
  return { notices }
}
