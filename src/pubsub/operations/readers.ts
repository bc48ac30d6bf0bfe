import { type Asker, accessQuestion, type Core, findNode } from '../core.ts'
import { mayRetrieve } from '../rules/access.ts'
import { accountOf } from '../rules/names.ts'
import { checkMayPublish } from './publish.ts'

/**
 * Which of some accounts may retrieve the items of a node, at this moment. Whoever may publish there may know: what is announced
 * by an item is for those who may have the item.
 *
 * @param others each with what the owners' rosters say of it
 * @returns the JIDs of those that may, as they were given
 * @throws BytestreamError `ERR_ITEM_NOT_FOUND`, `ERR_FORBIDDEN`
 */
export function readersAmong(core: Core, asker: Asker, name: string, others: readonly Asker[]): readonly string[] {
  const node = findNode(core, name)
  checkMayPublish(core, asker, node)
  const mayRead = ({ jid, contacts }: Asker) => mayRetrieve(accessQuestion(core, node, accountOf(jid), contacts)) === 'yes'
  return others.filter(mayRead).map(({ jid }) => jid)
}
