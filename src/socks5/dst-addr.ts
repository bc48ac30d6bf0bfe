import { hash } from 'node:crypto'

/** The 40 lower-case hexadecimal digits by which a streamhost knows a bytestream. */
export type DstAddr = string & { readonly brand: 'DstAddr' }

/**
 * SHA-1 of SID, Requester JID and Target JID, one after the other, as UTF-8.
 *
 * @param requesterJid and `targetJid`: as used in the IQ exchange between the two, prepared
 * @param encoding another one, for those that got it wrong; text has to fit into it
 * @see XEP-0065 §5.3.2, §10.2
 */
export function computeDstAddr(sid: string, requesterJid: string, targetJid: string, encoding: 'utf8' | 'latin1' = 'utf8'): DstAddr {
  const text = `${sid}${requesterJid}${targetJid}`
  return hash('sha1', encoding === 'utf8' ? text : Buffer.from(text, encoding)) as DstAddr
}

/** @returns the DST.ADDR in lower case, or `undefined` when `text` is not 40 hexadecimal digits */
export function parseDstAddr(text: string): DstAddr | undefined {
  return /^[0-9a-f]{40}$/i.test(text) ? (text.toLowerCase() as DstAddr) : undefined
}
