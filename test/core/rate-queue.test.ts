// Goal: no bucket ever lets more pass than its rate allows and one filling, whatever is wanted, changed and closed below it;
// what waits is served, and in equal shares.
// Method: claims that want at random below a random tree of buckets, on a clock that only the test moves; every octet that
// passes is written down with its time, and all spans of time are looked at.
import test from 'ava'
import fc from 'fast-check'
import { type Claim, RateQueue, TokenBucket } from '../../src/core/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'

const TICK_MS = 80
const BURST_SECONDS = 0.16
/** Octets a second at which the shares of a tick are whole. */
const RATE = 1_000_000

/** Wants as much as it gets, from the start on. */
class Glutton {
  passed = 0
  readonly claim: Claim

  constructor(queue: RateQueue, bucket: TokenBucket, wanted = 100_000) {
    const take = () => {
      for (let taken = wanted; taken === wanted; ) {
        taken = this.claim.take(wanted)
        this.passed += taken
      }
    }
    this.claim = queue.claim(bucket, take)
    take()
  }
}

test('what is there is taken at once, more only at the next tick', (t) => {
  const clock = new FakeClock()
  const queue = new RateQueue(clock)
  let told = 0
  const claim = queue.claim(new TokenBucket(clock, RATE), () => {
    told += 1
  })
  t.is(claim.take(RATE * BURST_SECONDS), RATE * BURST_SECONDS)
  t.is(clock.waiting, 0)
  t.is(claim.take(1), 0)
  clock.advance(TICK_MS - 1)
  t.is(told, 0)
  clock.advance(1)
  t.is(told, 1)
  t.is(claim.take(1), 1)
  t.is(claim.take(RATE), (RATE * TICK_MS) / 1000 - 1)
})

test('there is a timer while anybody wants more than there is, and none otherwise', (t) => {
  const clock = new FakeClock()
  const queue = new RateQueue(clock)
  const bucket = new TokenBucket(clock, RATE)
  const { claim } = new Glutton(queue, bucket)
  const other = new Glutton(queue, bucket)
  t.is(clock.waiting, 1)
  claim.close()
  t.is(clock.waiting, 1)
  other.claim.close()
  t.is(clock.waiting, 0)

  const moderate = queue.claim(bucket, () => {})
  t.is(moderate.take(RATE), 0)
  clock.advance(TICK_MS)
  t.is(moderate.take(1_000), 1_000)
  clock.advance(2 * TICK_MS)
  t.is(clock.waiting, 0)
})

test('those that share a bucket get equal shares, however many they are and whenever they came', (t) => {
  for (const streams of [2, 3, 7, 50, 400]) {
    const clock = new FakeClock()
    const queue = new RateQueue(clock)
    const bucket = new TokenBucket(clock, RATE)
    const gluttons = Array.from({ length: streams }, () => new Glutton(queue, bucket))
    clock.advance(40 * TICK_MS)
    const newcomer = new Glutton(queue, bucket)
    const before = gluttons.map(({ passed }) => passed)
    clock.advance(400 * TICK_MS)
    const share = (400 * TICK_MS * RATE) / 1000 / (streams + 1)
    const passed = [newcomer.passed, ...gluttons.map((glutton, index) => glutton.passed - (before[index] ?? 0))]
    // One share of 4 KiB may be ahead of the others.
    t.true(
      passed.every((octets) => Math.abs(octets - share) <= 2 * 4_096 + share / 20),
      `${Math.min(...passed)} to ${Math.max(...passed)} octets, where ${share} are due`,
    )
  }
})

test('what one cannot take because of its own limit is for the others', (t) => {
  const clock = new FakeClock()
  const queue = new RateQueue(clock)
  const shared = new TokenBucket(clock, RATE)
  const slow = new Glutton(queue, new TokenBucket(clock, RATE / 10, shared))
  const [one, other] = [new Glutton(queue, new TokenBucket(clock, undefined, shared)), new Glutton(queue, shared)]
  clock.advance(10_000)
  const within = (octets: number, due: number) => t.true(Math.abs(octets - due) < due / 20, `${octets} where ${due} are due`)
  within(slow.passed, RATE)
  within(one.passed, 4.5 * RATE)
  within(other.passed, 4.5 * RATE)
})

test('who wants little is not held up until the next tick each time, while another wants all', (t) => {
  const clock = new FakeClock()
  const queue = new RateQueue(clock)
  const bucket = new TokenBucket(clock, RATE)
  new Glutton(queue, bucket)
  const modest = queue.claim(bucket, () => {})
  modest.take(100)
  clock.advance(TICK_MS)
  for (let tick = 0; tick < 10; tick += 1) {
    for (let word = 0; word < 8; word += 1) {
      t.is(modest.take(100), 100)
      clock.advance(TICK_MS / 8)
    }
  }
})

test('a rate that is changed holds from the next tick on', (t) => {
  const clock = new FakeClock()
  const queue = new RateQueue(clock)
  const bucket = new TokenBucket(clock, 1_000)
  const claim = queue.claim(bucket, () => {})
  t.is(claim.take(10 ** 9), 0)
  bucket.change(undefined)
  clock.advance(TICK_MS)
  t.is(claim.take(10 ** 9), 10 ** 9)
  bucket.change(1_000)
  t.true(claim.take(10 ** 9) <= 1_000 * BURST_SECONDS)
  clock.advance(1_000)
  t.true(claim.take(10 ** 9) <= 1_000 * BURST_SECONDS)
})

test('an octet a second is an octet a second, to within a tick for each', (t) => {
  const clock = new FakeClock()
  const glutton = new Glutton(new RateQueue(clock), new TokenBucket(clock, 1))
  clock.advance(60_000)
  t.true(glutton.passed >= 60 / (1 + TICK_MS / 1000) && glutton.passed <= 61, `${glutton.passed} octets`)
})

test('what is no rate is refused', (t) => {
  for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => new TokenBucket(new FakeClock(), rate), { instanceOf: TypeError })
    t.throws(() => new TokenBucket(new FakeClock(), 1).change(rate), { instanceOf: TypeError })
  }
})

const rates = fc.option(fc.oneof(fc.integer({ min: 1, max: 50_000 }), fc.integer({ min: 1, max: 10 ** 8 })), { nil: undefined })
/** Each bucket below an earlier one, or below none. */
const trees = fc.array(fc.record({ rate: rates, parent: fc.nat() }), { minLength: 1, maxLength: 6 })
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ advanceMs: fc.integer({ min: 1, max: 250 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({ claim: fc.nat(), octets: fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 262_144 })) }),
    },
    { weight: 1, arbitrary: fc.record({ bucket: fc.nat(), rate: rates }) },
    { weight: 1, arbitrary: fc.record({ close: fc.nat() }) },
  ),
  { maxLength: 60 },
)

interface Span {
  readonly sinceMs: number
  readonly rate: number | undefined
  readonly passed: { readonly atMs: number; readonly octets: number }[]
}

/** No span of time, while the rate was one and the same, saw more than it allows. */
function isWithin({ rate, passed }: Span): boolean {
  if (rate === undefined) return true
  return passed.every((from, index) => {
    let octets = 0
    return passed.slice(index).every((to) => {
      octets += to.octets
      return octets <= Math.max(rate * BURST_SECONDS, 1) + (rate * (to.atMs - from.atMs)) / 1000 + 1e-3
    })
  })
}

test('whatever is wanted below whatever tree, no bucket lets more pass than it may, and nobody is forgotten', (t) => {
  fc.assert(
    fc.property(trees, fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), steps, (tree, places, plan) => {
      const clock = new FakeClock()
      const queue = new RateQueue(clock)
      const buckets: TokenBucket[] = []
      for (const [index, { rate, parent }] of tree.entries()) buckets.push(new TokenBucket(clock, rate, buckets[parent % (index + 1)]))
      const spans = new Map(buckets.map((bucket) => [bucket, [{ sinceMs: 0, rate: bucket.bytesPerSecond, passed: [] }] as Span[]]))
      const at = <T>(list: readonly T[], index: number) => list[index % list.length] as T
      const claims = places.map((place) => {
        const bucket = at(buckets, place)
        const one = { wanted: 0, isClosed: false, claim: queue.claim(bucket, () => take()) }
        const take = () => {
          const octets = one.claim.take(one.wanted)
          one.wanted -= octets
          for (let above: TokenBucket | undefined = bucket; above && octets > 0; above = above.parent) {
            spans.get(above)?.at(-1)?.passed.push({ atMs: clock.now(), octets })
          }
        }
        return { ...one, one, take }
      })
      for (const step of plan) {
        if ('advanceMs' in step) clock.advance(step.advanceMs)
        else if ('close' in step) {
          const { one } = at(claims, step.close)
          one.isClosed = true
          one.claim.close()
        } else if ('rate' in step) {
          const bucket = at(buckets, step.bucket)
          bucket.change(step.rate)
          spans.get(bucket)?.push({ sinceMs: clock.now(), rate: step.rate, passed: [] })
        } else {
          const { one, take } = at(claims, step.claim)
          const isIdle = one.wanted === 0
          one.wanted += step.octets
          if (isIdle) take()
        }
      }
      for (const list of spans.values()) for (const span of list) t.true(isWithin(span))
      for (const bucket of buckets) bucket.change(undefined)
      clock.advance(2 * TICK_MS)
      t.true(claims.every(({ one }) => one.isClosed || one.wanted === 0))
      clock.advance(2 * TICK_MS)
      t.is(clock.waiting, 0)
      for (const bucket of buckets) t.deepEqual([bucket.waiting, bucket.promised], [0, 0])
    }),
    { numRuns: 300 },
  )
})
