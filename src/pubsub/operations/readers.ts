import { BytestreamError } from '../../core/index.ts'
import { type Asker, accessQuestion, type Core, findNode } from '../core.ts'
import type { NodeRecord } from '../records.ts'
import { mayRetrieve } from '../rules/access.ts'
import { accountOf } from '../rules/names.ts'
import { privileges } from '../rules/privileges.ts'
import { checkMayPublish } from './publish.ts'

/**
 * Which of some accounts may retrieve the items of a node, at this moment. Whoever may publish there may know, as what is announced
 * by an item is for those who may have the item; but who is no publisher by name only if he may have the items himself: it
 * would tell strangers who is in the owners' rosters.
 *
 * @param others each with what the owners' rosters say of it
 * @returns the JIDs of those that may, as they were given
 * @throws BytestreamError `ERR_ITEM_NOT_FOUND`, `ERR_FORBIDDEN`
 */
export function readersAmong(core: Core, asker: Asker, name: string, others: readonly Asker[]): readonly string[] {
  const node = findNode(core, name)
  checkMayPublish(core, asker, node)
  const mayRead = ({ jid, contacts }: Asker) => mayRetrieve(accessQuestion(core, node, accountOf(jid), contacts)) === 'yes'
  if (!isPublisher(core, asker, node) && !mayRead(asker)) throw new BytestreamError('ERR_FORBIDDEN', 'you may not know who reads here')
  return others.filter(mayRead).map(({ jid }) => jid)
}

/** Whether an owner lets somebody publish by name. */
const isPublisher = ({ store }: Core, { jid }: Asker, { id }: NodeRecord): boolean =>
  privileges[store.affiliation(id, accountOf(jid))].publish === 'yes'
