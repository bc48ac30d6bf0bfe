import { BytestreamError, StanzaError, type StanzaErrorEntry, type StanzaErrorType } from '../core/index.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** What an IQ stanza needs besides its payload (RFC 6120 §8.2.3). */
export interface IqEnvelope {
  readonly type: 'get' | 'set'
  readonly id: string
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/** An IQ that asks for something: exactly one payload element. `from` and `to` are empty where the stanza has none. */
export interface IqRequest {
  readonly type: 'get' | 'set'
  readonly id: string
  readonly from: string
  readonly to: string
  readonly payload: Element
}

export function buildIq({ type, id, from, to }: IqEnvelope, payload: Element): Element {
  return xml('iq', { type, id, from, to }, payload)
}

/**
 * Reads an IQ of type get or set.
 *
 * @throws BytestreamError `ERR_BAD_REQUEST` for another type, no id, or not exactly one payload element
 * @see RFC 6120 §8.2.3
 */
export function parseIqRequest(stanza: Element): IqRequest {
  const type = attribute(stanza, 'type')
  const id = attribute(stanza, 'id')
  const [payload, ...others] = stanza.getChildElements()
  if ((type !== 'get' && type !== 'set') || !id || !payload || others.length > 0) {
    throw new BytestreamError('ERR_BAD_REQUEST', 'an IQ of type get or set carries an id and exactly one child element (RFC 6120 §8.2.3)')
  }
  return { type, id, from: attribute(stanza, 'from') ?? '', to: attribute(stanza, 'to') ?? '', payload }
}

/** The reply to `request` (any stanza with `id`, `from`, `to`), with or without a payload. */
export function buildIqResult(request: Element, payload?: Element): Element {
  const { id, from, to } = request.attrs
  return xml('iq', { type: 'result', id, from: to, to: from }, payload)
}

/**
 * The stanza error for `entry`, of the kind (iq, message, presence) of the stanza it answers.
 *
 * @param payload what tells which part of the request is meant, or what has come of it (RFC 6120 §8.3.1)
 */
export function buildErrorReply(request: Element, entry: StanzaErrorEntry, text = '', payload?: Element): Element {
  const { id, from, to } = request.attrs
  return xml(request.name, { type: 'error', id, from: to, to: from }, payload, buildStanzaError(entry, text))
}

/**
 * ```xml
 * <error type='cancel'>
 *   <not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
 * </error>
 * ```
 * @see RFC 6120 §8.3.2
 */
export function buildStanzaError({ type, condition, uri, application }: StanzaErrorEntry, text = ''): Element {
  return xml(
    'error',
    { type },
    xml(condition, { xmlns: NS.stanzas }, uri),
    text ? xml('text', { xmlns: NS.stanzas, 'xml:lang': 'en' }, text) : undefined,
    application && xml(application[0], { xmlns: application[1], ...application[2] }),
  )
}

const TYPES: readonly string[] = ['auth', 'cancel', 'continue', 'modify', 'wait'] satisfies StanzaErrorType[]

/** The error a stanza of type error carries; `undefined-condition` where it does not say. */
export function parseStanzaError(stanza: Element): StanzaError {
  const from = attribute(stanza, 'from') ?? 'the server'
  const error = stanza.getChild('error')
  const type = (error && attribute(error, 'type')) ?? ''
  let condition: Element | undefined
  let application: StanzaErrorEntry['application']
  let text = ''
  for (const child of error?.getChildElements() ?? []) {
    if (child.getNS() !== NS.stanzas) application ??= parseApplicationCondition(child)
    else if (child.getName() === 'text') text = child.text()
    else condition ??= child
  }
  const uri = condition?.text().trim()
  const entry = {
    type: TYPES.includes(type) ? (type as StanzaErrorType) : 'cancel',
    condition: condition?.getName() ?? 'undefined-condition',
    ...(uri && { uri }),
    ...(application && { application }),
  } as const
  return new StanzaError(entry, text, from)
}

/** Without its namespace it has the attributes that say more of it, such as the `feature` of XEP-0060's `unsupported`. */
function parseApplicationCondition(condition: Element): StanzaErrorEntry['application'] {
  const attributes = Object.keys(condition.attrs).filter((name) => !/^xmlns(:|$)/.test(name))
  const named = [condition.getName(), condition.getNS() ?? ''] as const
  return attributes.length === 0
    ? named
    : [...named, Object.fromEntries(attributes.map((name) => [name, attribute(condition, name) ?? '']))]
}
