import fc from 'fast-check'

/** What becomes of one short bytestream. */
export interface Plan {
  /** When somebody leaves; `at the end`: both, having said all. */
  readonly when: keyof typeof weights
  readonly how: 'fin' | 'reset'
  /** Whether it is the one that connected first. */
  readonly isFirst: boolean
  /** Octets from the first to the second, and back. */
  readonly there: number
  readonly back: number
  /** How much of what there is to say has been said by then, 0 to 1. */
  readonly part: number
  /** Whether the first says something before the activation. */
  readonly isEarly: boolean
}

const weights = {
  'in the handshake': 10,
  'while one waits': 10,
  'with octets, while one waits': 1,
  'before the activation': 15,
  'after the activation': 12,
  midway: 20,
  'at the end': 32,
} as const

const bytes = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 4_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 4_000, max: 200_000 }) },
)

const plans: fc.Arbitrary<Plan> = fc.record({
  when: fc.oneof(...Object.entries(weights).map(([when, weight]) => ({ weight, arbitrary: fc.constant(when as keyof typeof weights) }))),
  how: fc.constantFrom('fin', 'reset'),
  isFirst: fc.boolean(),
  there: bytes,
  back: bytes,
  part: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
  isEarly: fc.boolean(),
})

/** The same ones for the same seed. */
export const makePlans = (count: number, seed: number): readonly Plan[] => fc.sample(plans, { numRuns: count, seed })
