import fc from 'fast-check'

/** `octets` cut before each of `offsets`, which may come in any order and more than once. */
export function cut(octets: Uint8Array, offsets: readonly number[]): Buffer[] {
  const bounds = [0, ...offsets.map((offset) => Math.min(offset, octets.length)).sort((a, b) => a - b), octets.length]
  return bounds.slice(1).map((end, index) => Buffer.from(octets.subarray(bounds[index], end)))
}

/** `octets`, one by one. */
export function oneByOne(octets: Uint8Array): Buffer[] {
  return Array.from(octets, (octet) => Buffer.from([octet]))
}

/** Places to {@link cut} at: sometimes many near the front, sometimes few and far apart. */
export const cuts: fc.Arbitrary<number[]> = fc.oneof(
  fc.array(fc.nat({ max: 60 }), { maxLength: 60 }),
  fc.array(fc.nat({ max: 2_000 }), { maxLength: 8 }),
)
