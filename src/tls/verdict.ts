import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { domainToASCII } from 'node:url'

/** A domain as certificates and DNS write it (RFC 5890 §2.3.2.1); an address stays one. */
export const toAscii = (domain: string) => (isIP(domain) ? domain : domainToASCII(domain) || domain)

/** Names of an XMPP service that are no host names: RFC 6120 §13.7.1.2, RFC 4985, RFC 3920 §5.1.1. */
function hasServiceName(names: string, domain: string): boolean {
  // Node quotes a name that could be mistaken for several: no honest one is.
  if (names.includes('"')) return false
  const accepted = [`srvname:_xmpp-client.${toAscii(domain)}`, `xmppaddr:${toAscii(domain)}`, `xmppaddr:${domain}`]
  return names.split(', ').some((name) => accepted.includes(name.replace(/^othername:\s*/, '').toLowerCase()))
}

/**
 * Whether a certificate speaks for a domain: that of the account, wherever DNS or the user sent us (RFC 6120 §13.7.2.1,
 * RFC 6125 §6).
 *
 * @returns what is wrong, or `undefined`
 */
export function checkDomain(domain: string, certificate: PeerCertificate): Error | undefined {
  if (hasServiceName(certificate.subjectaltname ?? '', domain)) return undefined
  return checkServerIdentity(toAscii(domain), certificate)
}

/** For whoever has named no certificates, and for whoever has. */
type Advice = readonly [none: string, some: string]

const SELF_SIGNED: Advice = [
  'its certificate is self-signed; if it is the right one, name a file with it (--tls-ca)',
  'its certificate is self-signed, and not one of those that --tls-ca names',
]
const UNKNOWN: Advice = [
  'its certificate comes from an authority that is unknown here; name a file with the certificate of that authority (--tls-ca)',
  'its certificate comes from an authority that is unknown here, and not one of those that --tls-ca names',
]

/** By the codes of OpenSSL, X509_verify_cert. */
const sentences: Readonly<Record<string, string | Advice>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired; if the clock here is right, whoever runs it has to renew it',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; compare the clocks of both sides',
  CERT_REVOKED: 'its certificate was revoked; whoever runs it has to get another',
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN,
}

/**
 * Why no TLS came about with whoever answers for `domain`, in words that fit behind "…: ".
 *
 * @param hasNamed whether the user has named certificates to trust
 */
export function explain(error: Error, domain: string, hasNamed: boolean): string {
  // OpenSSL's message names lines of its sources; its reason is for people.
  const { code = '', cert, reason = error.message } = error as { code?: string; cert?: PeerCertificate; reason?: string }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = cert?.subjectaltname?.replace(/\b(?:DNS|IP Address|URI|othername):/g, '') || cert?.subject?.CN || 'nobody'
    return `its certificate is for ${names}, not for ${domain}; whoever runs it has to get one for ${domain}`
  }
  const sentence = sentences[code]
  if (sentence) return typeof sentence === 'string' ? sentence : sentence[hasNamed ? 1 : 0]
  if (/^(?:CERT|INVALID|UNABLE|PATH|HOSTNAME|CRL|ERROR_IN_CERT|EE|CA)_/.test(code)) return `its certificate is not trusted (${reason})`
  return `TLS failed (${reason})`
}
