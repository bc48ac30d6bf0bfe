import { type Asker, type Core, checkMayRetrieve, findNode, isSomebodyAt, mayFind } from '../core.ts'
import type { NodeRecord } from '../records.ts'
import { accountOf } from '../rules/names.ts'
import { byNumber, cut } from '../store/cut.ts'
import type { Section } from '../store/section.ts'
import { numberNamed, type Page, type Part, partOf } from './parts.ts'

/**
 * The nodes somebody may find by looking, in the order of their creation (XEP-0060 §5.2): those that are listed for everybody, and those
 * at which the account is somebody. A page costs the same however many nodes it does not see.
 */
export function nodesFor(core: Core, asker: Asker, page?: Page): Part<NodeRecord> {
  const { store, limits } = core
  const account = accountOf(asker.jid)
  return partOf(core, page, {
    keyNamed: numberNamed,
    keyOf: ({ id }) => id,
    read: (section) =>
      merge(
        listsOf(core, account).map((read) => read(section)),
        section,
      ),
    count: () => {
      const [, ...own] = listsOf(core, account)
      const unlisted = own.flatMap((read) => read({ limit: limits.pageMax })).filter(({ isListed }) => !isListed)
      return store.countListedNodes() + new Set(unlisted.map(({ id }) => id)).size
    },
  })
}

/** Lists by id that have, together, what an account may find: some of it twice. */
const listsOf = ({ store }: Core, account: string) => [
  (section: Section) => store.listedNodes(section),
  (section: Section) => store.affiliatedNodes(account, section),
  (section: Section) => store.subscribedNodes(account, section),
]

/** The same section of all lists together: each has given as much as there may be of it. */
function merge(sections: readonly (readonly NodeRecord[])[], section: Section): readonly NodeRecord[] {
  const all = new Map(sections.flat().map((node) => [node.id, node]))
  const inOrder = [...all.values()].sort((one, other) => one.id - other.id)
  return cut(inOrder, section, ({ id }) => id, byNumber)
}

/**
 * The nodes of a collection that somebody may find by looking: as many as a collection may have are looked at.
 *
 * @throws BytestreamError as XEP-0060 §6.5.9 has it, where he may not find the collection itself
 */
export function childrenFor(core: Core, asker: Asker, name: string, page?: Page): Part<NodeRecord> {
  const collection = findNode(core, name)
  const account = accountOf(asker.jid)
  if (!mayFind(core, collection, asker)) checkMayRetrieve(core, collection, asker)
  const children = core.store.children(collection.id, { limit: core.limits.childrenPerCollectionMax })
  const visible = children.filter((node) => node.isListed || isSomebodyAt(core, node, account))
  return partOf(core, page, {
    keyNamed: numberNamed,
    keyOf: ({ id }) => id,
    read: (section) => cut(visible, section, ({ id }) => id, byNumber),
    count: () => visible.length,
  })
}
