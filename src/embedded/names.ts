import { randomBytes } from 'node:crypto'
import { type Jid, parseJid } from '../core/index.ts'

/** An id nobody can guess, for a stream (RFC 6120 §4.7.3) or a resource (RFC 6120 §7.6). */
export const newId = () => randomBytes(12).toString('base64url')

/** @returns the parts of a JID, prepared, or `undefined` for what is none */
export function tryJid(text = ''): Jid | undefined {
  try {
    return parseJid(text)
  } catch {
    return undefined // ERR_JID_MALFORMED is the only reason.
  }
}
