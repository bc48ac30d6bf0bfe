import { createHash } from 'node:crypto'
import { hashFeatures } from '../xep/index.ts'

/** A hash that can be verified, by its name in XEP-0300. */
export type HashAlgorithm = 'blake2b-512' | 'sha-512' | 'sha3-512' | 'sha-256' | 'blake2b-256' | 'sha3-256' | 'sha-1' | 'md5'

interface Computation {
  update(octets: Uint8Array): unknown
  digest(): Uint8Array
}

/** What begins to compute each: the strongest first, of equal ones the cheaper. */
const computations = {
  'blake2b-512': () => createHash('blake2b512'),
  'sha-512': () => createHash('sha512'),
  'sha3-512': () => createHash('sha3-512'),
  'sha-256': () => createHash('sha256'),
  'blake2b-256': beginBlake2b256,
  'sha3-256': () => createHash('sha3-256'),
  // Broken (XEP-0414 §2): they tell an accident from the file that was sent, not what somebody made on purpose.
  'sha-1': () => createHash('sha1'),
  md5: () => createHash('md5'),
} as const satisfies Record<HashAlgorithm, () => Computation | Promise<Computation>>

/** Strongest first. */
export const verifiableAlgorithms = Object.keys(computations) as readonly HashAlgorithm[]

/** What a sender may send: those that every receiver has to know (XEP-0414 §2). */
export const offerableAlgorithms = ['sha-256', 'sha3-256', 'blake2b-512'] as const satisfies readonly HashAlgorithm[]

/** A hash that can be sent along. */
export type OfferableAlgorithm = (typeof offerableAlgorithms)[number]

/** What a receiver shows in service discovery: what is not broken, so that nobody sends less. */
export const hashesPart = {
  identities: [],
  features: hashFeatures(verifiableAlgorithms.filter((algo) => algo !== 'sha-1' && algo !== 'md5')),
} as const

/** OpenSSL has no BLAKE2b of 256 bits, which is not half of one of 512. */
async function beginBlake2b256(): Promise<Computation> {
  const { createBLAKE2b } = await import('hash-wasm')
  const hasher = await createBLAKE2b(256)
  return { update: (octets) => hasher.update(octets), digest: () => hasher.digest('binary') }
}

/** @returns the strongest of some names that we can verify */
export function pickAlgorithm(names: Iterable<string>): HashAlgorithm | undefined {
  const given = new Set(names)
  return verifiableAlgorithms.find((algo) => given.has(algo))
}

/** Computes hashes of a content while it passes. */
export class ContentHasher {
  readonly #computations: ReadonlyMap<HashAlgorithm, Computation>

  private constructor(begun: ReadonlyMap<HashAlgorithm, Computation>) {
    this.#computations = begun
  }

  static async begin(algorithms: Iterable<HashAlgorithm>): Promise<ContentHasher> {
    const begun = new Map<HashAlgorithm, Computation>()
    for (const algo of new Set(algorithms)) begun.set(algo, await computations[algo]())
    return new ContentHasher(begun)
  }

  update(octets: Uint8Array): void {
    for (const computation of this.#computations.values()) computation.update(octets)
  }

  /** Ends the computation. */
  digest(): ReadonlyMap<HashAlgorithm, Buffer> {
    return new Map([...this.#computations].map(([algo, computation]) => [algo, Buffer.from(computation.digest())]))
  }
}
