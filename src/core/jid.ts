import { BytestreamError } from './errors.ts'
import { prepare } from './stringprep.ts'

/** RFC 6122 §2.1: the greatest length of each part of a JID, in octets of UTF-8. */
const PART_BYTES_MAX = 1023
/** The three parts and what stands between them. Longer text is refused unread, since preparing it takes time. */
const JID_BYTES_MAX = 3 * PART_BYTES_MAX + 2

/** The parts of a JID; `local` and `resource` are empty where the JID has none. */
export interface Jid {
  readonly local: string
  readonly domain: string
  readonly resource: string
}

function split(text: string): Jid {
  const slash = text.indexOf('/')
  const bare = slash === -1 ? text : text.slice(0, slash)
  const at = bare.indexOf('@')
  if (slash === text.length - 1 || at === 0) {
    throw new BytestreamError('ERR_JID_MALFORMED', `"${text.slice(0, 100)}" has an empty part`)
  }
  return { local: at === -1 ? '' : bare.slice(0, at), domain: bare.slice(at + 1), resource: slash === -1 ? '' : text.slice(slash + 1) }
}

function checkLength(part: string, name: string): string {
  if (Buffer.byteLength(part) > PART_BYTES_MAX) {
    throw new BytestreamError('ERR_JID_MALFORMED', `the ${name} of a JID is longer than ${PART_BYTES_MAX} octets`)
  }
  return part
}

/**
 * An address literal, or labels of letters, digits, hyphens and characters beyond ASCII (RFC 6122 §2.2). The underscore,
 * which no DNS label may have, is let through: servers in private networks are called by such names.
 */
const DOMAIN = /^(?:\[[0-9a-f:.]+\]|(?:[a-z0-9_-]|[^\0-\x7f])+(?:\.(?:[a-z0-9_-]|[^\0-\x7f])+)*)$/u

/**
 * Splits a JID and prepares its parts with the stringprep profiles XEP-0065 demands.
 *
 * @throws BytestreamError `ERR_JID_MALFORMED`
 * @see RFC 6122 §2, XEP-0065 §5.3.2
 */
export function parseJid(text: string): Jid {
  if (text.length > JID_BYTES_MAX) throw new BytestreamError('ERR_JID_MALFORMED', `a JID has no more than ${JID_BYTES_MAX} octets`)
  const parts = split(text)
  // RFC 6122 §2.2: a final dot is not part of the domain.
  const domain = checkLength(prepare('nameprep', parts.domain.replace(/\.$/, '')), 'domain')
  if (!DOMAIN.test(domain)) {
    throw new BytestreamError('ERR_JID_MALFORMED', `"${text.slice(0, 100)}" has no valid domain`)
  }
  const local = checkLength(prepare('nodeprep', parts.local), 'local part')
  const resource = checkLength(prepare('resourceprep', parts.resource), 'resource')
  if ((parts.local && !local) || (parts.resource && !resource)) {
    throw new BytestreamError('ERR_JID_MALFORMED', `"${text.slice(0, 100)}" has an empty part`)
  }
  return { local, domain, resource }
}

/** `local@domain/resource`, leaving out what is empty. */
export function formatJid({ local, domain, resource }: Jid): string {
  return `${local && `${local}@`}${domain}${resource && `/${resource}`}`
}

/**
 * The prepared form of a JID, as XEP-0065 hashes it.
 *
 * @throws BytestreamError `ERR_JID_MALFORMED`
 */
export function prepareJid(text: string): string {
  return formatJid(parseJid(text))
}

/** The prepared form of a JID, or what a server writes although it has none. */
export function tryPrepareJid(text: string): string {
  try {
    return prepareJid(text)
  } catch {
    return text // ERR_JID_MALFORMED is the only reason.
  }
}

/** The JID without its resource, textually: for JIDs a server has already prepared. */
export function bareJid(jid: string): string {
  const slash = jid.indexOf('/')
  return slash === -1 ? jid : jid.slice(0, slash)
}

/** The resource of a prepared JID, or an empty string. */
export function resourceOf(jid: string): string {
  const slash = jid.indexOf('/')
  return slash === -1 ? '' : jid.slice(slash + 1)
}

/** The domain of a prepared JID. */
export function domainOf(jid: string): string {
  const bare = bareJid(jid)
  return bare.slice(bare.indexOf('@') + 1)
}
