import { BytestreamError, type StanzaErrorEntry } from '../core/index.ts'
import { boundedAttribute, parseBoolean, requiredAttribute } from './bounded.ts'
import { formatDateTime, parseDateTime } from './date-time.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'
import { buildStanzaError } from './stanza.ts'

const ACTIONS = ['alert', 'drop', 'error', 'notify'] as const
const DELIVERIES = ['direct', 'forward', 'gateway', 'none', 'stored'] as const

/** What is done with a message when a condition is met (XEP-0079 §3.4). */
export type AmpAction = (typeof ACTIONS)[number]

/** What becomes of a message at the moment (XEP-0079 §3.3.1). */
export type AmpDelivery = (typeof DELIVERIES)[number]

/** A rule as it is written: nobody need know what it says to give it back. */
export interface AmpRule {
  readonly condition: string
  readonly action: string
  readonly value: string
}

/** A rule that is understood. */
export type AmpTerm =
  /** Met from that time on, in milliseconds since 1970; on the wire to the second. */
  | { readonly condition: 'expire-at'; readonly action: AmpAction; readonly atMs: number }
  | { readonly condition: 'deliver'; readonly action: AmpAction; readonly delivery: AmpDelivery }

/** What a sender wants to hold for its message, or what came of it. */
export interface Amp {
  readonly rules: readonly AmpRule[]
  /** Whether every server on the way is to heed them; otherwise the first and the last. */
  readonly isPerHop?: boolean | undefined
  /** In what came of it: the action of the rule that was met. */
  readonly status?: string | undefined
  /** In what came of it: who sent the message. */
  readonly from?: string | undefined
  /** In what came of it: whom it was for. */
  readonly to?: string | undefined
}

/** Why rules are refused; `failed-rules`: they were met, and their action is `error`. */
export type AmpRefusal = 'unsupported-actions' | 'unsupported-conditions' | 'invalid-rules' | 'failed-rules'

/** Rules of one message. */
const RULES_MAX = 16

/** XEP-0079 §6.1. */
const refusals: Readonly<Record<AmpRefusal, readonly [entry: StanzaErrorEntry, xmlns: string]>> = {
  'unsupported-actions': [{ type: 'modify', condition: 'bad-request' }, NS.amp],
  'unsupported-conditions': [{ type: 'modify', condition: 'bad-request' }, NS.amp],
  'invalid-rules': [{ type: 'modify', condition: 'not-acceptable' }, NS.amp],
  'failed-rules': [{ type: 'modify', condition: 'undefined-condition' }, NS.ampErrors],
}

/** Writes a rule. */
export function ampRule(term: AmpTerm): AmpRule {
  const { condition, action } = term
  return { condition, action, value: condition === 'deliver' ? term.delivery : formatDateTime(term.atMs) }
}

/**
 * ```xml
 * <amp xmlns='http://jabber.org/protocol/amp'>
 *   <rule condition='expire-at' action='drop' value='2004-01-01T00:00:00Z'/>
 * </amp>
 * ```
 * What comes of a message whose rule was met has `status`, `from` and `to`, and that rule alone.
 *
 * @see XEP-0079 §4
 */
export function buildAmp({ rules, isPerHop, status, from, to }: Amp): Element {
  return xml('amp', { xmlns: NS.amp, 'per-hop': isPerHop ? 'true' : undefined, status, from, to }, ...rules.map(buildRule))
}

const buildRule = ({ condition, action, value }: AmpRule) => xml('rule', { condition, action, value })

/**
 * @returns `undefined` for a message without rules
 * @throws BytestreamError `ERR_BAD_REQUEST` for rules that lack something (XEP-0079 §4.2), or are too many
 */
export function parseAmp(message: Element): Amp | undefined {
  const amp = message.getChild('amp', NS.amp)
  const rules = amp?.getChildren('rule', NS.amp) ?? []
  if (!amp || rules.length === 0) return undefined
  if (rules.length > RULES_MAX) throw new BytestreamError('ERR_BAD_REQUEST', `more than ${RULES_MAX} rules for one message`)
  return {
    rules: rules.map((rule) => ({
      condition: requiredAttribute(rule, 'condition'),
      action: requiredAttribute(rule, 'action'),
      value: requiredAttribute(rule, 'value'),
    })),
    isPerHop: parseBoolean(attribute(amp, 'per-hop') ?? 'false') ?? false,
    status: boundedAttribute(amp, 'status'),
    from: boundedAttribute(amp, 'from'),
    to: boundedAttribute(amp, 'to'),
  }
}

/**
 * What rules say, in their order. Who does not understand all of them refuses the message (XEP-0079 §2.2.1).
 *
 * @returns the terms, or those rules that are refused for the first reason there is
 */
export function readAmpRules(
  rules: readonly AmpRule[],
): { readonly terms: readonly AmpTerm[] } | { readonly refusal: AmpRefusal; readonly rules: readonly AmpRule[] } {
  const read = rules.map(readRule)
  for (const refusal of ['unsupported-actions', 'unsupported-conditions', 'invalid-rules'] as const) {
    const refused = rules.filter((_, at) => read[at] === refusal)
    if (refused.length > 0) return { refusal, rules: refused }
  }
  return { terms: read.filter((term) => typeof term === 'object') }
}

function readRule({ condition, action: name, value }: AmpRule): AmpTerm | Exclude<AmpRefusal, 'failed-rules'> {
  const action = ACTIONS.find((one) => one === name)
  if (!action) return 'unsupported-actions'
  if (condition === 'deliver') {
    const delivery = DELIVERIES.find((one) => one === value)
    return delivery ? { condition, action, delivery } : 'invalid-rules'
  }
  if (condition !== 'expire-at') return 'unsupported-conditions'
  // §3.3.2: in UTC.
  const atMs = value.endsWith('Z') ? parseDateTime(value) : undefined
  return atMs === undefined ? 'invalid-rules' : { condition, action, atMs }
}

/**
 * What a message of type error has beside its `<amp/>`.
 *
 * ```xml
 * <error type='modify'>
 *   <undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
 *   <failed-rules xmlns='http://jabber.org/protocol/amp#errors'>
 *     <rule action='error' condition='deliver' value='stored'/>
 *   </failed-rules>
 * </error>
 * ```
 * @see XEP-0079 §3.4.3, §6
 */
export function buildAmpError(refusal: AmpRefusal, rules: readonly AmpRule[]): Element {
  const [entry, xmlns] = refusals[refusal]
  const error = buildStanzaError(entry)
  error.append(xml(refusal, { xmlns }, ...rules.map(buildRule)))
  return error
}
