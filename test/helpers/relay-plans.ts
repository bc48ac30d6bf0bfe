import fc from 'fast-check'

const MIB = 2 ** 20

/** How a bytestream is over, and who brings it about. */
export const relayEndings = [
  'both end',
  // The other one says what it has when it has heard that end (half-close).
  'one ends, then the other',
  // Without an end, while the other one may have ended.
  'one resets',
  // The other one says more and more, until it hears of it.
  'one ends, then resets',
  'aborted',
] as const

/** What happens once a part (0 to 1) of what one of them has to hear has come. */
interface Moment {
  readonly isAtFirst: boolean
  readonly part: number
}

/** What becomes of one bytestream. */
export interface RelayPlan {
  /** Of the octets of both sides. */
  readonly seed: number
  /** Octets from the first to the second, and back; and how many of them come before the start. */
  readonly there: number
  readonly back: number
  readonly earlyThere: number
  readonly earlyBack: number
  /** Sizes of the writes, in turn. */
  readonly writes: readonly number[]
  readonly ending: (typeof relayEndings)[number]
  /** Whether the one of the ending is the first. */
  readonly isFirst: boolean
  /** Whether the side that is to be cut off ends its direction when it has said what it has. */
  readonly isHalfClosed: boolean
  /** When it is broken off; after one has ended, that one has to have heard so much. */
  readonly moment: Moment
  /** Readers that stop for so many turns of the event loop. */
  readonly stops: readonly (Moment & { readonly turns: number })[]
  /** What it may move in a second from then on, or all that share with it; `undefined`: as much as it can. Without any it has no limit. */
  readonly rates: readonly (Moment & { readonly bytesPerSecond: number | undefined; readonly isShared: boolean })[]
}

const part = fc.integer({ min: 0, max: 1_000 }).map((permille) => permille / 1_000)
const moment = fc.record({ isAtFirst: fc.boolean(), part })
const early = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 100_000 }) })

/** Fast enough for a thousand. */
const rate = fc.option(fc.integer({ min: 32 * MIB, max: 1024 * MIB }), { nil: undefined })
const rates = fc.array(fc.record({ isAtFirst: fc.boolean(), part, bytesPerSecond: rate, isShared: fc.boolean() }), {
  minLength: 1,
  maxLength: 4,
})

const bytesUpTo = (max: number) =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: Math.min(max, 10_000) }) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: Math.min(max, 300_000) }) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max }) },
  )

const plansUpTo = (bytesMax: number): fc.Arbitrary<Omit<RelayPlan, 'seed'>> =>
  fc
    .record({
      there: bytesUpTo(bytesMax),
      back: bytesUpTo(bytesMax),
      earlyThere: early,
      earlyBack: early,
      writes: fc.array(fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 5_000, max: 262_144 })), {
        minLength: 1,
        maxLength: 5,
      }),
      ending: fc.constantFrom(...relayEndings),
      isFirst: fc.boolean(),
      isHalfClosed: fc.boolean(),
      moment,
      stops: fc.array(fc.record({ isAtFirst: fc.boolean(), part, turns: fc.integer({ min: 1, max: 50 }) }), { maxLength: 2 }),
      rates: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: rates }),
    })
    .map((plan) => ({
      ...plan,
      earlyThere: Math.min(plan.earlyThere, plan.there),
      earlyBack: Math.min(plan.earlyBack, plan.back),
      // A thousand octets at least on average: a large one in writes of an octet takes for ever.
      writes: plan.writes.map((bytes) => Math.max(bytes, Math.ceil(Math.max(plan.there, plan.back) / 500))),
    }))

/** One for each seed from this one on, the same one for the same seed, of so many octets each way at most. */
export const makeRelayPlans = (count: number, seed: number, bytesMax = 2 * MIB): readonly RelayPlan[] =>
  Array.from({ length: count }, (_, index) => ({
    seed: seed + index,
    ...(fc.sample(plansUpTo(bytesMax), { numRuns: 1, seed: seed + index })[0] as Omit<RelayPlan, 'seed'>),
  }))
