import { type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** What a server says when it answers a client's stream header (RFC 6120 §4.7). */
export interface ClientStreamHeader {
  /** The server's domain. */
  readonly from: string
  /** Unpredictable, and unique among the server's streams. */
  readonly id: string
  /** The bare JID the client claimed to be, if it did (RFC 6120 §4.7.2). */
  readonly to?: string | undefined
}

/** The opening tag of a server's stream to a client, complete with the XML declaration. */
export function clientStreamHeader({ from, id, to }: ClientStreamHeader): string {
  const namespaces = { xmlns: NS.client, 'xmlns:stream': NS.stream }
  const header = xml('stream:stream', { ...namespaces, from, id, to, version: '1.0', 'xml:lang': 'en' })
  return `<?xml version='1.0'?>${header.toString().replace(/\/>$/, '>')}`
}

/** What a stream offers to negotiate next (RFC 6120 §4.3.2). */
export function buildStreamFeatures(features: readonly Element[]): Element {
  return xml('stream:features', {}, ...features)
}

/** @see RFC 6120 §6.4.1 */
export function buildMechanisms(names: readonly string[]): Element {
  return xml('mechanisms', { xmlns: NS.sasl }, ...names.map((name) => xml('mechanism', {}, name)))
}

/** @returns the names in stream features, in the server's order */
export function parseMechanisms(features: Element): string[] {
  const mechanisms = features.getChild('mechanisms', NS.sasl)
  return mechanisms?.getChildren('mechanism').map((mechanism) => mechanism.text()) ?? []
}

/** TLS as a stream feature, which may be required, and what a client says to get it (RFC 6120 §5.4.1, §5.4.2.1). */
export function buildStartTls(isRequired = false): Element {
  return xml('starttls', { xmlns: NS.tls }, isRequired ? xml('required') : undefined)
}

/** The server consents to TLS (RFC 6120 §5.4.2.3). */
export function buildProceed(): Element {
  return xml('proceed', { xmlns: NS.tls })
}

/** @param data sent along in base64, if any (RFC 6120 §6.4.3, §6.4.6) */
export function buildSaslStep(name: 'challenge' | 'success', data?: string): Element {
  return xml(name, { xmlns: NS.sasl }, data === undefined ? undefined : Buffer.from(data).toString('base64'))
}

/** @param condition one of RFC 6120 §6.5, such as `not-authorized` */
export function buildSaslFailure(condition: string): Element {
  return xml('failure', { xmlns: NS.sasl }, xml(condition))
}

/** The stream feature, or with a JID the answer to a client that binds a resource (RFC 6120 §7.4, §7.6). */
export function buildBind(jid?: string): Element {
  return xml('bind', { xmlns: NS.bind }, jid === undefined ? undefined : xml('jid', {}, jid))
}

/** The feature some clients still wait for; it asks nothing of them (RFC 6121 appendix E). */
export function buildLegacySession(): Element {
  return xml('session', { xmlns: NS.session }, xml('optional'))
}
