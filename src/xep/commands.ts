import { BytestreamError } from '../core/index.ts'
import { boundedAttribute, chosenAttribute, requiredAttribute } from './bounded.ts'
import { buildForm, type DataForm, parseForm, parseSubmission } from './data-forms.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

const ACTIONS = ['execute', 'cancel', 'complete', 'next', 'prev'] as const
const STATUSES = ['executing', 'completed', 'canceled'] as const

/** A step of an ad-hoc command, as it is asked for (XEP-0050 §3). */
export interface CommandRequest {
  /** The command. */
  readonly node: string
  readonly action: (typeof ACTIONS)[number]
  /** None at the first step. */
  readonly sessionId?: string | undefined
  readonly form?: DataForm | undefined
}

/** What a step comes to. */
export interface CommandAnswer {
  readonly node: string
  readonly sessionId: string
  readonly status: (typeof STATUSES)[number]
  readonly form?: DataForm | undefined
}

/**
 * ```xml
 * <command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/pubsub#get-pending' action='execute'/>
 * ```
 * @see XEP-0050 §3.4
 */
export function buildCommand({ node, action, sessionId, form }: CommandRequest): Element {
  return xml('command', { xmlns: NS.commands, sessionid: sessionId, node, action }, form && buildForm(form))
}

/**
 * @param formType of the forms that are submitted to it
 * @throws BytestreamError `ERR_BAD_REQUEST` without a node, for an action nobody knows, and as {@link parseSubmission}
 */
export function parseCommand(command: Element, formType: string): CommandRequest {
  return {
    node: requiredAttribute(command, 'node'),
    action: chosenAttribute(command, 'action', ACTIONS) ?? 'execute',
    sessionId: boundedAttribute(command, 'sessionid'),
    form: parseSubmission(command, formType),
  }
}

/** @see XEP-0050 §3.4 */
export function buildCommandAnswer({ node, sessionId, status, form }: CommandAnswer): Element {
  return xml('command', { xmlns: NS.commands, sessionid: sessionId, node, status }, form && buildForm(form))
}

/** @throws BytestreamError `ERR_BAD_REQUEST` for an answer that does not say what became of the command */
export function parseCommandAnswer(command: Element): CommandAnswer {
  // COMPAT: XEP-0060 §8.7.4 shows the status in place of the action.
  const given = attribute(command, 'status') ?? attribute(command, 'action')
  const status = STATUSES.find((one) => one === given)
  if (!status) throw new BytestreamError('ERR_BAD_REQUEST', 'the answer does not say what became of the command')
  const form = command.getChild('x', NS.dataForms)
  return { node: attribute(command, 'node') ?? '', sessionId: attribute(command, 'sessionid') ?? '', status, form: form && parseForm(form) }
}
