import { BytestreamError } from '../core/index.ts'
import { buildForm, parseForm } from './data-forms.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** An offer of a stream: what it is for is in the payload of its profile. */
export interface StreamInitiation {
  /** Also the `sid` of the bytestream that follows. */
  readonly id: string
  /** The namespace of {@link payload}. */
  readonly profile: string
  readonly payload: Element
  readonly mimeType?: string | undefined
  /** Namespaces of the stream methods offered, in order of preference. */
  readonly methods: readonly string[]
}

const FIELD = 'stream-method'

/**
 * ```xml
 * <si xmlns='http://jabber.org/protocol/si' id='a0' mime-type='text/plain'
 *     profile='http://jabber.org/protocol/si/profile/file-transfer'>
 *   <file xmlns='http://jabber.org/protocol/si/profile/file-transfer' name='test.txt' size='1022'/>
 *   <feature xmlns='http://jabber.org/protocol/feature-neg'>
 *     <x xmlns='jabber:x:data' type='form'>
 *       <field var='stream-method' type='list-single'>
 *         <option><value>http://jabber.org/protocol/bytestreams</value></option>
 *       </field>
 *     </x>
 *   </feature>
 * </si>
 * ```
 * @see XEP-0095 §3.2
 */
export function buildStreamInitiation({ id, profile, payload, mimeType, methods }: StreamInitiation): Element {
  const form = buildForm({
    type: 'form',
    fields: [{ var: FIELD, type: 'list-single', values: [], options: methods.map((value) => ({ value })) }],
  })
  return xml('si', { xmlns: NS.si, id, 'mime-type': mimeType, profile }, payload, xml('feature', { xmlns: NS.featureNegotiation }, form))
}

function methodField(si: Element) {
  const form = si.getChild('feature', NS.featureNegotiation)?.getChild('x', NS.dataForms)
  return form && parseForm(form).fields.find((field) => field.var === FIELD)
}

/** What a profile has in an offer, or adds to an acceptance. */
export function payloadOf(si: Element, profile: string): Element | undefined {
  return si.getChildElements().find((child) => child.getNS() === profile)
}

/**
 * @throws BytestreamError `ERR_BAD_REQUEST` without an id, `ERR_BAD_PROFILE` without the element of its profile,
 *   `ERR_NO_VALID_STREAMS` without a method (XEP-0095 §4.1, §4.2)
 */
export function parseStreamInitiation(si: Element): StreamInitiation {
  const id = attribute(si, 'id')
  const profile = attribute(si, 'profile')
  const payload = profile ? payloadOf(si, profile) : undefined
  const methods = (methodField(si)?.options ?? []).map(({ value }) => value)
  if (!id) throw new BytestreamError('ERR_BAD_REQUEST', 'the stream initiation lacks its id')
  if (!profile || !payload) throw new BytestreamError('ERR_BAD_PROFILE', 'the stream initiation lacks the element of its profile')
  if (methods.length === 0) throw new BytestreamError('ERR_NO_VALID_STREAMS', 'the stream initiation offers no stream method')
  return { id, profile, payload, mimeType: attribute(si, 'mime-type'), methods }
}

/**
 * Accepts a stream with one of the methods offered.
 *
 * @param payload what the profile adds
 *
 * ```xml
 * <si xmlns='http://jabber.org/protocol/si'>
 *   <feature xmlns='http://jabber.org/protocol/feature-neg'>
 *     <x xmlns='jabber:x:data' type='submit'>
 *       <field var='stream-method'><value>http://jabber.org/protocol/bytestreams</value></field>
 *     </x>
 *   </feature>
 * </si>
 * ```
 * @see XEP-0095 §3.2
 */
export function buildStreamAcceptance(method: string, payload?: Element): Element {
  return xml(
    'si',
    { xmlns: NS.si },
    payload,
    xml('feature', { xmlns: NS.featureNegotiation }, buildForm({ type: 'submit', fields: [{ var: FIELD, values: [method] }] })),
  )
}

/** @returns the method the other side chose, or `undefined` where its answer does not say */
export function parseStreamAcceptance(si: Element): string | undefined {
  return methodField(si)?.values[0]
}
