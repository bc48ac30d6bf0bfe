import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { computeDstAddr, type Decoded, type DstAddr, parseDstAddr } from '../../src/socks5/index.ts'
import type { Outcome } from '../naive/socks5.ts'

/** The DST.ADDR of XEP-0065's own dialogue: its sid, Requester and Target. */
export const dstAddr: DstAddr = computeDstAddr('vxf9n471bn46', 'requester@example.com/foo', 'target@example.org/bar')

/** Octets written as hexadecimal digits, with spaces where a reader wants them. */
export function hex(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(' ', ''), 'hex')
}

/** What a decoder of ours says, in the words of the naive twins. */
export function outcomeOf<T>(decode: () => Decoded<T> | undefined): Outcome<T> {
  try {
    return decode() ?? 'more'
  } catch (error) {
    if (error instanceof BytestreamError) return error.code
    throw error
  }
}

/** DST.ADDRs with digits in either case. */
const dstAddrTexts: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...'0123456789abcdefABCDEF'), { minLength: 40, maxLength: 40 })
  .map((digits) => digits.join(''))

export const dstAddrs: fc.Arbitrary<DstAddr> = dstAddrTexts.map((text) => parseDstAddr(text) as DstAddr)

/** CONNECT requests of this profile, any RSV, any DST.PORT. */
export const connectRequests: fc.Arbitrary<Buffer> = fc
  .tuple(dstAddrTexts, fc.integer({ min: 0, max: 255 }), fc.uint8Array({ minLength: 2, maxLength: 2 }))
  .map(([text, reserved, port]) => Buffer.concat([Buffer.from([5, 1, reserved, 3, 40]), Buffer.from(text, 'latin1'), port]))

/** Greetings that offer to go without authentication, among other methods. */
export const greetings: fc.Arbitrary<Buffer> = fc
  .tuple(fc.uint8Array({ maxLength: 127 }), fc.uint8Array({ maxLength: 127 }))
  .map(([before, after]) => Buffer.from([5, before.length + 1 + after.length, ...before, 0, ...after]))

/** Octets that begin like something sensible and go wrong anywhere, or nowhere. */
export function almost(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Buffer> {
  const mutated = fc
    .tuple(valid, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 20 }))
    .map(([octets, at, octet, tail]) => {
      const copy = Buffer.concat([octets, tail])
      copy[at % copy.length] = octet
      return copy
    })
  return fc.oneof(
    mutated,
    fc.uint8Array({ maxLength: 400 }).map((octets) => Buffer.from(octets)),
  )
}
