import { createHash, type Hash } from 'node:crypto'
import { hashFeatures } from '../xep/index.ts'

/** A hash that can be verified, by its name in XEP-0300. */
export type HashAlgorithm = 'blake2b-512' | 'sha-512' | 'sha3-512' | 'sha-256' | 'blake2b-256' | 'sha3-256' | 'sha-1' | 'md5'

interface Computation {
  update(octets: Uint8Array): unknown
  digest(): Uint8Array
  /** What begins others where it is now, as often as is needed. */
  state(): Begin
}

type Begin = () => Computation | Promise<Computation>

/** Where a {@link ContentHasher} is, for others to go on from. */
export type HasherState = ReadonlyMap<HashAlgorithm, Begin>

/** What begins to compute each: the strongest first, of equal ones the cheaper. */
const computations = {
  'blake2b-512': () => ofOpenssl(createHash('blake2b512')),
  'sha-512': () => ofOpenssl(createHash('sha512')),
  'sha3-512': () => ofOpenssl(createHash('sha3-512')),
  'sha-256': () => ofOpenssl(createHash('sha256')),
  'blake2b-256': () => beginBlake2b256(),
  'sha3-256': () => ofOpenssl(createHash('sha3-256')),
  // Broken (XEP-0414 §2): they tell an accident from the file that was sent, not what somebody made on purpose.
  'sha-1': () => ofOpenssl(createHash('sha1')),
  md5: () => ofOpenssl(createHash('md5')),
} as const satisfies Record<HashAlgorithm, Begin>

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

function ofOpenssl(hash: Hash): Computation {
  return {
    update: (octets) => hash.update(octets),
    digest: () => hash.digest(),
    state: () => {
      const kept = hash.copy()
      return () => ofOpenssl(kept.copy())
    },
  }
}

/** OpenSSL has no BLAKE2b of 256 bits, which is not half of one of 512. */
async function beginBlake2b256(state?: Uint8Array): Promise<Computation> {
  const { createBLAKE2b } = await import('hash-wasm')
  const hasher = await createBLAKE2b(256)
  if (state) hasher.load(state)
  return {
    update: (octets) => hasher.update(octets),
    digest: () => hasher.digest('binary'),
    state: () => {
      const kept = hasher.save()
      return () => beginBlake2b256(kept)
    },
  }
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
    return await ContentHasher.resume(new Map([...algorithms].map((algo) => [algo, computations[algo]])))
  }

  /** Goes on where another was. */
  static async resume(state: HasherState): Promise<ContentHasher> {
    const begun = new Map<HashAlgorithm, Computation>()
    for (const [algo, begin] of state) begun.set(algo, await begin())
    return new ContentHasher(begun)
  }

  /** What it computes, in an order of its own. */
  get names(): string {
    return [...this.#computations.keys()].sort().join()
  }

  /** Where it is now; it goes on by itself. */
  state(): HasherState {
    return new Map([...this.#computations].map(([algo, computation]) => [algo, computation.state()]))
  }

  /** The hashes of what has passed by now. */
  async digestSoFar(): Promise<ReadonlyMap<HashAlgorithm, Buffer>> {
    return (await ContentHasher.resume(this.state())).digest()
  }

  update(octets: Uint8Array): void {
    for (const computation of this.#computations.values()) computation.update(octets)
  }

  /** Ends the computation. */
  digest(): ReadonlyMap<HashAlgorithm, Buffer> {
    return new Map([...this.#computations].map(([algo, computation]) => [algo, Buffer.from(computation.digest())]))
  }
}
