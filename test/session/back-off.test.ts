import test from 'ava'
import fc from 'fast-check'
import { BackOff, defaultBackOff } from '../../src/session/back-off.ts'

/** A number a random source can give: at least 0, less than 1. */
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const init = fc
  .tuple(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 1, max: 3_600_000 }))
  .map(([firstMs, retryMsMax]) => ({ firstMs, retryMsMax }))

test('each delay is in the upper half of a span that doubles up to the maximum', (t) => {
  fc.assert(
    fc.property(init, fc.array(random, { minLength: 1, maxLength: 60 }), ({ firstMs, retryMsMax }, draws) => {
      let drawn = 0
      const backOff = new BackOff({ firstMs, retryMsMax }, () => draws[drawn++] as number)
      for (const [tries] of draws.entries()) {
        const span = Math.min(retryMsMax, firstMs * 2 ** tries)
        const delay = backOff.next()
        t.true(delay >= Math.floor(span / 2) && delay <= span, `${delay} of ${span}`)
      }
    }),
  )
  t.pass()
})

test('it never waits longer than the maximum, however often it tried', (t) => {
  const backOff = new BackOff({ firstMs: 1_000, retryMsMax: 60_000 }, () => 0.999)
  for (let tries = 0; tries < 5_000; tries++) {
    const delay = backOff.next()
    if (!(delay > 0 && delay <= 60_000)) t.fail(`try ${tries} waits ${delay} ms`)
  }
  t.pass()
})

test('after a success it starts small again', (t) => {
  fc.assert(
    fc.property(init, fc.nat({ max: 40 }), random, (given, tries, draw) => {
      const backOff = new BackOff(given, () => draw)
      const first = backOff.next()
      for (let index = 0; index < tries; index++) backOff.next()
      backOff.reset()
      t.is(backOff.next(), first)
    }),
  )
  t.pass()
})

test('unless told otherwise: within a second at first, within a minute later, drawn at random', (t) => {
  t.deepEqual(defaultBackOff, { firstMs: 1_000, retryMsMax: 60_000 })
  const delays = new Set(Array.from({ length: 50 }, () => new BackOff().next()))
  t.true(delays.size > 1)
  for (const delay of delays) t.true(delay >= 500 && delay <= 1_000)
})
