import { randomUUID } from 'node:crypto'
import { BytestreamError } from '../../core/index.ts'
import type { Asker, Pubsub, SubscriptionView } from '../../pubsub/index.ts'
import { buildCommandAnswer, type CommandRequest, type DiscoInfo, type Element, NS, pubsubForms } from '../../xep/index.ts'

/** XEP-0060 §8.7 */
export const GET_PENDING = `${NS.pubsub}#get-pending`

const FIELD = 'pubsub#node'

/** Whether a name of service discovery is of the commands (XEP-0050 §2), not of the nodes. */
export const isOfCommands = (name: string) => name === NS.commands || name === GET_PENDING

export function describeCommands(name: string): DiscoInfo {
  const [type, title] = name === NS.commands ? ['command-list', 'Commands'] : ['command-node', 'Requests to subscribe']
  return { identities: [{ category: 'automation', type, name: title }], features: [NS.commands, NS.dataForms] }
}

/** What a step comes to, and those who wait, who are asked about in messages. */
interface Step {
  readonly answer: Element
  readonly pending: readonly SubscriptionView[]
}

/**
 * First the nodes at which somebody waits for the asker's word, then each request at one of them once more.
 *
 * @throws BytestreamError `ERR_ITEM_NOT_FOUND` for another command, `ERR_FORBIDDEN` from whoever owns nothing
 * @see XEP-0060 §8.7, XEP-0050 §3
 */
export function getPending(pubsub: Pubsub, asker: Asker, request: CommandRequest): Step {
  const { node: command, action, sessionId = randomUUID(), form } = request
  if (command !== GET_PENDING) throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is no such command')
  const step = { node: command, sessionId }
  if (action === 'cancel' || form?.type === 'cancel') {
    return { answer: buildCommandAnswer({ ...step, status: 'canceled' }), pending: [] }
  }
  if (!form) return { answer: askWhich(pubsub, asker, step), pending: [] }
  const name = form.fields.find((field) => field.var === FIELD)?.values[0]
  if (!name) throw new BytestreamError('ERR_BAD_REQUEST', 'the form names no node')
  // A page of them: whoever has decided these asks again.
  return { answer: buildCommandAnswer({ ...step, status: 'completed' }), pending: pubsub.pending(asker, name).found }
}

function askWhich(pubsub: Pubsub, asker: Asker, step: { readonly node: string; readonly sessionId: string }): Element {
  const names = nodesWithPending(pubsub, asker)
  if (names.length === 0 && !pubsub.affiliations(asker).found.some(({ affiliation }) => affiliation === 'owner')) {
    throw new BytestreamError('ERR_FORBIDDEN', 'that is for the owners of nodes')
  }
  const options = names.map((value) => ({ value }))
  const fields = [{ var: FIELD, type: 'list-single', label: 'Node', values: [], options }]
  const form = { type: 'form', formType: pubsubForms.subscribeAuthorization, fields } as const
  return buildCommandAnswer({ ...step, status: 'executing', form })
}

/** As many as one answer may have. */
function nodesWithPending(pubsub: Pubsub, asker: Asker): readonly string[] {
  const names: string[] = []
  let part = pubsub.nodesWithPending(asker)
  names.push(...part.found)
  while (part.next !== undefined && names.length < pubsub.limits.pageMax) {
    part = pubsub.nodesWithPending(asker, part.next)
    names.push(...part.found)
  }
  return names
}
