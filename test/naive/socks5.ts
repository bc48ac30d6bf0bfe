import type { ErrorCode } from '../../src/core/index.ts'

/** What a decoder makes of some octets. Octets within a value are hexadecimal digits. */
export type Outcome<T> = { readonly value: T; readonly bytes: number } | 'more' | ErrorCode

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** RFC 1928 §3, by looking at hexadecimal digits. */
export function naiveGreeting(bytes: Uint8Array): Outcome<readonly number[]> {
  const hex = hexOf(bytes)
  if (!/^(05|$)/.test(hex)) return 'ERR_SOCKS5_MALFORMED'
  if (hex.length < 4) return 'more'
  const count = Number.parseInt(hex.slice(2, 4), 16)
  if (count === 0) return 'ERR_SOCKS5_MALFORMED'
  const methods = hex.slice(4, 4 + 2 * count).match(/../g) ?? []
  return methods.length < count ? 'more' : { value: methods.map((digits) => Number.parseInt(digits, 16)), bytes: 2 + count }
}

/** RFC 1928 §3: the answer to a greeting. */
export function naiveMethodChoice(bytes: Uint8Array): Outcome<number> {
  const hex = hexOf(bytes)
  if (/^0500/.test(hex)) return { value: 0, bytes: 2 }
  if (/^(05)?$/.test(hex)) return 'more'
  return hex.startsWith('05') ? 'ERR_SOCKS5_METHOD' : 'ERR_SOCKS5_MALFORMED'
}

/** XEP-0065 §10.2: every field is right or wrong on its own, and the first wrong one counts. */
export function naiveConnectRequest(bytes: Uint8Array): Outcome<{ readonly dstAddr: string; readonly address: string }> {
  const hex = hexOf(bytes)
  if (!/^($|05)/.test(hex)) return 'ERR_SOCKS5_MALFORMED'
  if (!/^(.{0,2}$|..01)/.test(hex)) return 'ERR_SOCKS5_COMMAND'
  if (!/^(.{0,6}$|.{6}03)/.test(hex)) return 'ERR_SOCKS5_ADDRESS_TYPE'
  if (!/^(.{0,8}$|.{8}28)/.test(hex)) return 'ERR_SOCKS5_DST_ADDR'
  if (hex.length < 2 * 47) return 'more'
  const name = Buffer.from(bytes).subarray(5, 45).toString('latin1')
  if (!/^[0-9a-fA-F]{40}$/.test(name)) return 'ERR_SOCKS5_DST_ADDR'
  return { value: { dstAddr: name.toLowerCase(), address: hex.slice(8, 94) }, bytes: 47 }
}

/** RFC 1928 §6, by a DataView. */
export function naiveConnectReply(bytes: Uint8Array): Outcome<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    if (view.getUint8(0) !== 5) return 'ERR_SOCKS5_MALFORMED'
    const reply = view.getUint8(1)
    if (reply !== 0) return { value: reply, bytes: 2 }
    const addressBytes = new Map([
      [1, () => 4],
      [3, () => 1 + view.getUint8(4)],
      [4, () => 16],
    ]).get(view.getUint8(3))
    if (!addressBytes) return 'ERR_SOCKS5_MALFORMED'
    const end = 4 + addressBytes() + 2
    view.getUint8(end - 1)
    return { value: reply, bytes: end }
  } catch (error) {
    if (error instanceof RangeError) return 'more'
    throw error
  }
}

/** What a streamhost does with everything a peer sends until it is let in or turned away. */
export interface NaiveDialogue {
  /** What is written, one string of hexadecimal digits a write. */
  readonly replies: readonly string[]
  readonly outcome: 'more' | ErrorCode | { readonly dstAddr: string; readonly address: string }
  /** Octets behind the request, as hexadecimal digits. */
  readonly early: string
}

const refusals: Readonly<Record<string, string>> = {
  ERR_SOCKS5_MALFORMED: '01',
  ERR_SOCKS5_COMMAND: '07',
  ERR_SOCKS5_ADDRESS_TYPE: '08',
  ERR_SOCKS5_DST_ADDR: '02',
}

/** The streamhost's side of the handshake, given all octets at once. */
export function naiveServerHandshake(bytes: Uint8Array): NaiveDialogue {
  const greeting = naiveGreeting(bytes)
  if (typeof greeting === 'string') return { replies: [], outcome: greeting, early: '' }
  if (!greeting.value.some((method) => method === 0)) return { replies: ['05ff'], outcome: 'ERR_SOCKS5_METHOD', early: '' }
  const rest = bytes.subarray(greeting.bytes)
  const request = naiveConnectRequest(rest)
  if (request === 'more') return { replies: ['0500'], outcome: 'more', early: '' }
  if (typeof request === 'string') return { replies: ['0500', `05${refusals[request]}0001000000000000`], outcome: request, early: '' }
  return { replies: ['0500'], outcome: request.value, early: hexOf(rest.subarray(request.bytes)) }
}
