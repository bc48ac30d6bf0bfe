import { bareJid, domainOf, escapeLocal, prepareJid, unescapeLocal } from '../../core/index.ts'

/**
 * The address of a feed: the name of its node, escaped (XEP-0106), at the domain of the service.
 *
 * @returns `undefined` for a name that no local part stands for: one that is too long once it is escaped, has capital letters or other
 *   characters that preparing changes, or begins or ends with a space
 */
export function feedAddress(node: string, domain: string): string | undefined {
  const address = `${escapeLocal(node)}@${domain}`
  // XEP-0106 §4.1: an escaped space is neither the first nor the last of a local part.
  if (node === '' || node.startsWith(' ') || node.endsWith(' ')) return undefined
  return isPrepared(address) ? address : undefined
}

/** The name of the node an address is of; `undefined` where there cannot be one. */
export function nodeOfAddress(jid: string): string | undefined {
  const bare = bareJid(jid)
  const at = bare.indexOf('@')
  if (at === -1) return undefined
  const node = unescapeLocal(bare.slice(0, at))
  // Each feed has one address: what is escaped that need not be is another one, of nobody.
  return feedAddress(node, domainOf(bare)) === bare ? node : undefined
}

function isPrepared(address: string): boolean {
  try {
    return prepareJid(address) === address
  } catch {
    return false // ERR_JID_MALFORMED is the only reason.
  }
}
