import { BytestreamError, bareJid } from '../../core/index.ts'
import type { Pubsub, QueueEntry } from '../../pubsub/index.ts'
import { formatDateTime, NS } from '../../xep/index.ts'
import type { ServiceCommand, Step } from '../pubsub/commands.ts'
import type { Deliveries } from './deliveries.ts'
import type { DeliveryForms } from './delivery-forms.ts'

export interface FeedCommandsComponents {
  /** Borrowed. */
  readonly pubsub: Pubsub
  /** Borrowed. */
  readonly deliveries: Deliveries
  /** Borrowed. */
  readonly forms: DeliveryForms
}

const MESSAGES = 'messages'
/** Messages that are shown at once. */
const SHOWN_MAX = 100

/** Shows an account what it has not acknowledged, and acknowledges what it chooses (XEP-0050): for whoever has a client that cannot. */
export function acknowledgeCommand({ pubsub, deliveries, forms }: FeedCommandsComponents): ServiceCommand {
  const formType = `${NS.feeds}-acknowledge`
  const show = (account: string): Step => {
    const entries = pubsub.queues.unacknowledged(account, SHOWN_MAX)
    if (entries.length === 0) return told(formType, 'There is nothing to acknowledge.')
    const options = entries.map((entry) => ({ value: String(entry.message.id), label: labelOf(forms, entry) }))
    const field = { var: MESSAGES, type: 'list-multi', label: 'What has arrived', values: [], options }
    const instructions = ['What you choose is not delivered again.']
    return { status: 'executing', form: { type: 'form', formType, title: 'Acknowledge', instructions, fields: [field] } }
  }
  return {
    node: formType,
    title: 'Acknowledge what was delivered',
    formType,
    async perform({ jid }, { form }) {
      const account = bareJid(jid)
      if (!form) return show(account)
      const chosen = form.fields.find((field) => field.var === MESSAGES)?.values ?? []
      if (!chosen.every((id) => /^\d{1,15}$/.test(id))) throw new BytestreamError('ERR_BAD_REQUEST', 'that is no number of a message')
      const acknowledged = chosen.filter((id) => deliveries.acknowledge(account, Number(id)))
      await pubsub.settled()
      return told(formType, `Acknowledged: ${acknowledged.length}`)
    },
  }
}

const told = (formType: string, text: string): Step => ({
  status: 'completed',
  form: { type: 'result', formType, fields: [{ var: 'result', type: 'text-single', label: 'Result', values: [text] }] },
})

const labelOf = (forms: DeliveryForms, { message }: QueueEntry) =>
  `${forms.of(message).title} (${message.node}, ${formatDateTime(message.publishedMs)})`
