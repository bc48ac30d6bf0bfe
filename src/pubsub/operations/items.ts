import { BytestreamError, UnsupportedFeature } from '../../core/index.ts'
import { type Asker, type Core, checkMayRetrieve, findNode, subscriptionsAt } from '../core.ts'
import type { ItemRecord, NodeRecord } from '../records.ts'
import { accountOf } from '../rules/names.ts'
import { chooseSubscription } from '../rules/subids.ts'
import type { Section } from '../store/section.ts'
import type { Page } from './parts.ts'
import { checkPersists } from './retract.ts'

export interface ItemsQuery {
  readonly node: string
  readonly subid?: string | undefined
  /** These, and no others. */
  readonly itemIds?: readonly string[] | undefined
  /** The newest, so many. */
  readonly maxItems?: number | undefined
  readonly page?: Page | undefined
}

/** A part of a node's items, in the order of publication. */
export interface ItemsPage {
  readonly node: NodeRecord
  readonly items: readonly ItemRecord[]
  /** How many the node has. */
  readonly count: number
  /** How many come before the first of these. */
  readonly firstIndex: number
}

/** @throws BytestreamError as XEP-0060 §6.5.9 has it; `ERR_ITEM_NOT_FOUND` for a page next to an item there is not (XEP-0059 §2.4) */
export function itemsOf(core: Core, asker: Asker, query: ItemsQuery): ItemsPage {
  const node = findNode(core, query.node)
  if (node.kind === 'collection') throw new UnsupportedFeature('retrieve-items', 'a collection has nodes, no items')
  checkMayRetrieve(core, node, asker)
  checkSubid(core, node, asker, query.subid)
  checkPersists(core, node)
  const items = query.itemIds ? byIds(core, node, query.itemIds) : pageOf(core, node, query)
  const [first] = items
  return {
    node,
    items,
    count: core.store.countItems(node.id),
    firstIndex: first === undefined ? 0 : core.store.countItemsBefore(node.id, first.seq),
  }
}

/** XEP-0060 §6.5.9.1, §6.5.9.2: of those of the very JID that asks, or else of its account. */
function checkSubid(core: Core, node: NodeRecord, asker: Asker, subid: string | undefined): void {
  const account = accountOf(asker.jid)
  const all = subscriptionsAt(core, node.id, account)
  const own = all.filter(({ jid }) => jid === asker.jid)
  const meant = own.length > 0 ? own : all.filter(({ jid }) => jid === account)
  if (meant.length > 0) chooseSubscription(meant, subid)
}

function byIds(core: Core, node: NodeRecord, itemIds: readonly string[]): ItemRecord[] {
  if (itemIds.length > core.limits.itemsPerRequestMax) {
    throw new BytestreamError('ERR_PUBSUB_MAX_ITEMS', `at most ${core.limits.itemsPerRequestMax} items at once`)
  }
  const items: ItemRecord[] = []
  let bytes = 0
  for (const id of new Set(itemIds)) {
    const item = core.store.item(node.id, id)
    if (!item) continue
    items.push(item)
    bytes += Buffer.byteLength(item.payload ?? '')
    if (items.length > 1 && bytes > core.limits.pageBytesMax) {
      throw new BytestreamError('ERR_PUBSUB_LIMIT', `those items have more than ${core.limits.pageBytesMax} octets together: ask for fewer`)
    }
  }
  return items
}

function pageOf(core: Core, node: NodeRecord, { maxItems, page = {} }: ItemsQuery): readonly ItemRecord[] {
  const { store, limits } = core
  const limit = Math.min(page.max ?? limits.pageMax, maxItems ?? limits.pageMax, limits.pageMax)
  if (page.index !== undefined) {
    const first = store.itemAt(node.id, page.index)
    return first ? readWithin(core, node, { after: first.seq - 1, limit }) : []
  }
  const after = seqOf(core, node, page.after)
  const before = seqOf(core, node, page.before)
  const isFromEnd = page.before !== undefined || (maxItems !== undefined && page.after === undefined)
  return readWithin(core, node, { after, before, limit, fromEnd: isFromEnd })
}

function seqOf(core: Core, node: NodeRecord, id: string | undefined): number | undefined {
  if (id === undefined || id === '') return undefined
  const item = core.store.item(node.id, id)
  if (!item) throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'the item next to which that page would be is not there')
  return item.seq
}

/** Items that are read first, then twice as many each time: what is not shown any more costs as much to read. */
const FIRST_READ = 16

/** At least one, and no more than an answer can carry: from the end that was asked for. */
function readWithin(core: Core, node: NodeRecord, range: Section): readonly ItemRecord[] {
  const { limit, fromEnd = false } = range
  const found: ItemRecord[] = []
  let bytes = 0
  let { after, before } = range
  for (let atOnce = FIRST_READ; found.length < limit; atOnce *= 2) {
    const wanted = Math.min(atOnce, limit - found.length)
    const read = core.store.items(node.id, { after, before, limit: wanted, fromEnd })
    for (const item of fromEnd ? read.toReversed() : read) {
      bytes += Buffer.byteLength(item.payload ?? '')
      if (found.length > 0 && bytes > core.limits.pageBytesMax) return inOrder(found, fromEnd)
      found.push(item)
    }
    if (read.length < wanted) break
    if (fromEnd) before = found.at(-1)?.seq
    else after = found.at(-1)?.seq
  }
  return inOrder(found, fromEnd)
}

const inOrder = (found: readonly ItemRecord[], isBackwards: boolean) => (isBackwards ? found.toReversed() : found)
