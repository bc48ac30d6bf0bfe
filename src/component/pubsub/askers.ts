import { type Asker, Pubsub } from '../../pubsub/index.ts'
import type { Rosters } from './rosters.ts'

export interface AskersComponents {
  readonly pubsub: Pubsub
  /** Without them nobody is a contact of anybody. */
  readonly rosters?: Pick<Rosters, 'contacts'>
}

/** Who wants something of a node, with what the rosters say of him that decide about it: mostly at once. */
export function askerOf({ pubsub, rosters }: AskersComponents, from: string, node: string): Asker | Promise<Asker> {
  const owners = pubsub.rostersFor({ jid: from }, node)
  if (owners.length === 0 || !rosters) return { jid: from }
  return rosters.contacts(owners, Pubsub.accountOf(from)).then((contacts) => ({ jid: from, contacts }))
}
