import { BytestreamError } from '../core/index.ts'
import { parseBoolean } from './bounded.ts'
import { buildForm, type DataForm, parseForm, parseSubmission } from './data-forms.ts'
import type { Element } from './element.ts'
import { NS } from './namespaces.ts'
import { type PubsubSubscriber, pubsubForms } from './pubsub.ts'

/** The subscription an owner is asked about. */
export type ApprovalRequest = PubsubSubscriber

/** What an owner decided. */
export interface Approval extends PubsubSubscriber {
  readonly isAllowed: boolean
}

const NODE = 'pubsub#node'
const JID = 'pubsub#subscriber_jid'
const SUBID = 'pubsub#subid'
const ALLOW = 'pubsub#allow'
const formType = pubsubForms.subscribeAuthorization

/**
 * The form of a message that asks an owner whether somebody may subscribe. Nothing in it is allowed until the owner says so.
 *
 * @see XEP-0060 §8.6
 */
export function buildApprovalRequest({ node, jid, subid }: ApprovalRequest): Element {
  return buildForm({
    type: 'form',
    formType,
    title: 'PubSub subscriber request',
    instructions: ["To approve this entity's subscription request, click the OK button. To deny the request, click the cancel button."],
    fields: [
      ...(subid ? [{ var: SUBID, type: 'hidden', values: [subid] }] : []),
      { var: NODE, type: 'text-single', label: 'Node ID', values: [node] },
      { var: JID, type: 'jid-single', label: 'Subscriber Address', values: [jid] },
      { var: ALLOW, type: 'boolean', label: 'Allow this JID to subscribe to this pubsub node?', values: ['false'] },
    ],
  })
}

/** The form of a message by which an owner decides. */
export function buildApproval({ node, jid, subid, isAllowed }: Approval): Element {
  return buildForm({
    type: 'submit',
    formType,
    fields: [
      ...(subid ? [{ var: SUBID, values: [subid] }] : []),
      { var: NODE, values: [node] },
      { var: JID, values: [jid] },
      { var: ALLOW, values: [String(isAllowed)] },
    ],
  })
}

const answerTo = (form: DataForm, name: string) => form.fields.find((field) => field.var === name)?.values[0] || undefined

function formOf(message: Element): DataForm | undefined {
  const element = message.getChild('x', NS.dataForms)
  const form = element && parseForm(element)
  return form?.formType === formType ? form : undefined
}

/** What an owner is asked by a message; `undefined` where it asks nothing, or does not say about what. */
export function parseApprovalRequest(message: Element): ApprovalRequest | undefined {
  const form = formOf(message)
  if (form?.type !== 'form') return undefined
  const [node, jid] = [answerTo(form, NODE), answerTo(form, JID)]
  return node && jid ? { node, jid, subid: answerTo(form, SUBID) } : undefined
}

/**
 * Reads what an owner decided.
 *
 * @returns `undefined` for a message without a decision: another one, or one that is cancelled, after which the request waits on
 * @throws BytestreamError `ERR_BAD_REQUEST` for one that does not say about what, or neither allows nor denies it
 */
export function parseApproval(message: Element): Approval | undefined {
  if (!formOf(message)) return undefined
  const form = parseSubmission(message, formType)
  if (form?.type !== 'submit') return undefined
  const [node, jid, isAllowed] = [answerTo(form, NODE), answerTo(form, JID), parseBoolean(answerTo(form, ALLOW) ?? '')]
  if (!node || !jid || isAllowed === undefined) {
    throw new BytestreamError('ERR_BAD_REQUEST', 'a decision names a node and a JID, and is true or false')
  }
  return { node, jid, subid: answerTo(form, SUBID), isAllowed }
}
