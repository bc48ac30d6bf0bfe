import { BytestreamError } from '../../core/index.ts'
import type { Asker, Pubsub } from '../../pubsub/index.ts'
import { NS, pubsubForms } from '../../xep/index.ts'
import type { ServiceCommand, Step } from './commands.ts'

const FIELD = 'pubsub#node'

/**
 * First the nodes at which somebody waits for the asker's word, then each request at one of them once more. From whoever owns nothing it
 * is refused, `ERR_FORBIDDEN`.
 *
 * @see XEP-0060 §8.7, XEP-0050 §3
 */
export function getPending(pubsub: Pubsub): ServiceCommand {
  return {
    node: `${NS.pubsub}#get-pending`,
    title: 'Requests to subscribe',
    formType: pubsubForms.subscribeAuthorization,
    perform(asker, { form }) {
      if (!form) return askWhich(pubsub, asker)
      const name = form.fields.find((field) => field.var === FIELD)?.values[0]
      if (!name) throw new BytestreamError('ERR_BAD_REQUEST', 'the form names no node')
      // A page of them: whoever has decided these asks again.
      return { status: 'completed', pending: pubsub.pending(asker, name).found }
    },
  }
}

function askWhich(pubsub: Pubsub, asker: Asker): Step {
  const names = nodesWithPending(pubsub, asker)
  if (names.length === 0 && !pubsub.affiliations(asker).found.some(({ affiliation }) => affiliation === 'owner')) {
    throw new BytestreamError('ERR_FORBIDDEN', 'that is for the owners of nodes')
  }
  const options = names.map((value) => ({ value }))
  const fields = [{ var: FIELD, type: 'list-single', label: 'Node', values: [], options }]
  return { status: 'executing', form: { type: 'form', formType: pubsubForms.subscribeAuthorization, fields } }
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
