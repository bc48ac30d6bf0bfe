import fc from 'fast-check'
import { connectRequest } from './raw-socks5.ts'
import { almost, hex } from './socks5.ts'

/** What a hostile peer knows of those it would like to disturb. */
export interface Knowledge {
  /** DST.ADDRs under which two sockets wait. */
  readonly waiting: readonly [string, ...string[]]
  /** Of a bytestream that runs. */
  readonly running: string
  /** Of a bytestream that is over. */
  readonly over: string
}

/** One peer that means harm, or knows no better. */
export interface HostileHandshake {
  readonly kind: string
  /** Everything it sends. */
  readonly octets: (knowledge: Knowledge) => Buffer
  /** Where it is cut into segments. */
  readonly cuts: readonly number[]
  /** `drip`: an octet from time to time. */
  readonly pace: 'at once' | 'drip'
  /** How it goes, once it has said all; `never`: it does not. */
  readonly leaves: 'never' | 'fin' | 'close' | 'reset'
}

const GREETING = hex('05 01 00')
const octet = fc.nat({ max: 255 })
const hashes = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((octets) => Buffer.from(octets).toString('hex'))
const ask = (dstAddr: string) => Buffer.concat([GREETING, connectRequest(dstAddr)])
const valid = hashes.map(ask)

/** `octets` with some of them replaced. */
function replaced(octets: Buffer, at: number, ...others: readonly number[]): Buffer {
  const copy = Buffer.from(octets)
  copy.set(others, at)
  return copy
}

const LENGTH = GREETING.length + 4
const NAME = LENGTH + 1

/** By what is wrong with them, where anything is. */
const sayings: Readonly<Record<string, fc.Arbitrary<Buffer | ((knowledge: Knowledge) => Buffer)>>> = {
  silent: fc.constant(Buffer.alloc(0)),
  garbage: fc.uint8Array({ minLength: 1, maxLength: 600 }).map((octets) => Buffer.from(octets)),
  'another protocol': fc
    .constantFrom(
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      "<?xml version='1.0'?><stream:stream ",
      'SSH-2.0-x\r\n',
      '\x16\x03\x01\x02\0',
      '\x04\x01\0\x50',
    )
    .map((text) => Buffer.from(text, 'latin1')),
  'almost right': almost(valid),
  'cut off': fc.tuple(valid, fc.nat({ max: 49 })).map(([octets, end]) => octets.subarray(0, end)),
  'another version': fc
    .tuple(valid, octet, fc.constantFrom(0, GREETING.length))
    .map(([octets, version, at]) => replaced(octets, at, version)),
  'other methods': fc
    .uint8Array({ maxLength: 255 })
    .map((methods) => Buffer.concat([Buffer.from([5, methods.length, ...methods]), connectRequest('0'.repeat(40))])),
  'fewer methods than said': fc.tuple(octet, valid).map(([count, octets]) => replaced(octets, 1, count)),
  'another command': fc.tuple(valid, octet).map(([octets, command]) => replaced(octets, GREETING.length + 1, command)),
  'a reserved octet': fc.tuple(valid, octet).map(([octets, reserved]) => replaced(octets, GREETING.length + 2, reserved)),
  'another type of address': fc.tuple(valid, octet).map(([octets, type]) => replaced(octets, GREETING.length + 3, type)),
  'another length': fc
    .tuple(valid, octet, fc.uint8Array({ maxLength: 300 }))
    .map(([octets, length, behind]) => Buffer.concat([replaced(octets, LENGTH, length), behind])),
  'no hexadecimal digit': fc.tuple(valid, fc.nat({ max: 39 }), octet).map(([octets, at, other]) => replaced(octets, NAME + at, other)),
  'a port': fc.tuple(valid, octet, octet).map(([octets, high, low]) => replaced(octets, NAME + 40, high, low)),
  'a guess': valid,
  'octets behind': fc
    .tuple(valid, fc.integer({ min: 1, max: 70_000 }))
    .map(([octets, behind]) => Buffer.concat([octets, Buffer.alloc(behind, 'x')])),
  'a third socket': fc.tuple(fc.nat(), fc.boolean()).map(([pick, isUpperCase]) => ({ waiting }: Knowledge) => {
    const dstAddr = waiting[pick % waiting.length] ?? waiting[0]
    return ask(isUpperCase ? dstAddr.toUpperCase() : dstAddr)
  }),
  'one for a bytestream that runs': fc.constant(({ running }: Knowledge) => ask(running)),
  'one for a bytestream that is over': fc.constant(({ over }: Knowledge) => ask(over)),
}

const manners = fc.record({
  cuts: fc.oneof(fc.constant([]), fc.array(fc.nat({ max: 60 }), { maxLength: 60 })),
  pace: fc.oneof({ weight: 7, arbitrary: fc.constant('at once' as const) }, { weight: 1, arbitrary: fc.constant('drip' as const) }),
  leaves: fc.constantFrom('never' as const, 'never' as const, 'fin' as const, 'close' as const, 'reset' as const),
})

const weights: Readonly<Record<string, number>> = { 'a guess': 6, 'a third socket': 3, 'one for a bytestream that is over': 1 }

/** Hostile handshakes of every kind; random guesses are the most frequent. */
const hostileHandshakes: fc.Arbitrary<HostileHandshake> = fc.oneof(
  ...Object.entries(sayings).map(([kind, saying]) => ({
    weight: weights[kind] ?? 2,
    arbitrary: fc
      .tuple(saying, manners)
      .map(([said, manner]) => ({ kind, ...manner, octets: typeof said === 'function' ? said : () => said })),
  })),
)

/** The same ones for the same seed. */
export function makeHandshakes(count: number, seed: number): readonly HostileHandshake[] {
  return fc.sample(hostileHandshakes, { numRuns: count, seed })
}
