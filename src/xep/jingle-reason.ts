import { boundedText, shortenedText } from './bounded.ts'
import { type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** XEP-0166 §7.4: every condition there is. */
export const jingleConditions = [
  ...(['alternative-session', 'busy', 'cancel', 'connectivity-error', 'decline', 'expired', 'failed-application'] as const),
  ...(['failed-transport', 'general-error', 'gone', 'incompatible-parameters', 'media-error', 'security-error', 'success'] as const),
  ...(['timeout', 'unsupported-applications', 'unsupported-transports'] as const),
] as const

export type JingleCondition = (typeof jingleConditions)[number]

const applications = ['file-not-available', 'file-too-large'] as const

/** Why a side does what it does, mostly why it ends a session. */
export interface JingleReason {
  readonly condition: JingleCondition
  /** For people. */
  readonly text?: string | undefined
  /** XEP-0234 §9: what it is about the file. */
  readonly application?: (typeof applications)[number] | undefined
  /** The session to go on with, with `alternative-session`. */
  readonly alternativeSid?: string | undefined
}

/**
 * ```xml
 * <reason>
 *   <media-error/>
 *   <text>1 GiB is the most that is taken</text>
 *   <file-too-large xmlns='urn:xmpp:jingle:apps:file-transfer:errors:0'/>
 * </reason>
 * ```
 * @see XEP-0166 §7.4, XEP-0234 §9
 */
export function buildReason({ condition, text, application, alternativeSid }: JingleReason): Element {
  return xml(
    'reason',
    {},
    xml(condition, {}, alternativeSid === undefined ? undefined : xml('sid', {}, alternativeSid)),
    text ? xml('text', {}, text) : undefined,
    application && xml(application, { xmlns: NS.jingleFileTransferErrors }),
  )
}

/**
 * A condition that nobody defined counts as `general-error`, so that a session ends all the same.
 *
 * @throws BytestreamError `ERR_BAD_REQUEST` for an alternative session with a sid too long to be kept
 * @see XEP-0166 §7.4
 */
export function parseReason(reason: Element): JingleReason {
  const children = reason.getChildElements()
  const defined = children.find((child) => child.getNS() === NS.jingle && isCondition(child.getName()))
  const condition = (defined?.getName() ?? 'general-error') as JingleCondition
  const detail = children.find((child) => child.getNS() === NS.jingleFileTransferErrors)?.getName()
  return {
    condition,
    text: shortenedText(reason, 'text'),
    application: applications.find((application) => application === detail),
    alternativeSid: condition === 'alternative-session' && defined ? boundedText(defined, 'sid') : undefined,
  }
}

function isCondition(name: string): name is JingleCondition {
  return (jingleConditions as readonly string[]).includes(name)
}
