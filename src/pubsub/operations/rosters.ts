import { type Asker, type Core, settingOf } from '../core.ts'
import type { Broadcast } from '../notices.ts'
import type { NodeRecord } from '../records.ts'
import { asksRosters } from '../rules/access.ts'
import { accountOf } from '../rules/names.ts'
import { privileges } from '../rules/privileges.ts'

/** How many owners' rosters are asked about one who wants something. */
const ROSTERS_MAX = 5

/** The accounts whose rosters decide what the asker may do at a node: none where his affiliation says it all. */
export function rostersFor(core: Core, asker: Asker, name: string): readonly string[] {
  const node = core.store.node(name)
  if (!node || !isForContacts(core, node)) return []
  const { retrieve } = privileges[core.store.affiliation(node.id, accountOf(asker.jid))]
  return retrieve === 'model' ? ownersAsked(core, node) : []
}

/** The accounts whose rosters decide who is told: of a node that is deleted, every subscriber is (XEP-0060 §8.4.2). */
export function rostersToTell(core: Core, { kind, node }: Broadcast): readonly string[] {
  return kind !== 'deleted' && isForContacts(core, node) ? ownersAsked(core, node) : []
}

/** Whether the access model of a node asks its owners' rosters. */
export function isForContacts(core: Core, node: NodeRecord): boolean {
  return asksRosters(settingOf(core, node, 'accessModel'))
}

const ownersAsked = (core: Core, { id }: NodeRecord) => core.store.owners(id, ROSTERS_MAX)
