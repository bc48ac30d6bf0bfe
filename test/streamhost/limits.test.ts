import test from 'ava'
import { httpLimits } from '../../src/http/limits.ts'
import { defaultLimits, Streamhost, type StreamhostLimits } from '../../src/streamhost/index.ts'
import { withinDescriptors } from '../../src/streamhost/limits.ts'

test('of the descriptors of the process a quarter is left for everything else', (t) => {
  t.is(defaultLimits(1_024).openSocketsMax, 768)
  t.is(defaultLimits(4_097).openSocketsMax, 3_072)
})

test('however many descriptors there are, 15,000 sockets are enough', (t) => {
  t.is(defaultLimits(20_000).openSocketsMax, 15_000)
  t.is(defaultLimits(1_048_576).openSocketsMax, 15_000)
})

test('this process may open sockets', (t) => {
  t.true(defaultLimits().openSocketsMax >= 192)
})

test('a limit is a whole number from 1 on', (t) => {
  const open = (limits: Partial<StreamhostLimits>) => () => new Streamhost({}, { listen: [], limits })
  t.notThrows(open({ waitingMax: 1 }))
  for (const value of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(open({ waitingMax: value }), { instanceOf: TypeError, message: /^waitingMax is / })
  }
})

test('no more sockets are promised than there are descriptors for, some of which are for the rest of the process', (t) => {
  const promise = (openSocketsMax: number, descriptors: number | undefined) =>
    withinDescriptors({ ...defaultLimits(), openSocketsMax }, descriptors).openSocketsMax
  t.is(promise(15_000, 1_024), 768)
  t.is(promise(768, 1_024), 768)
  t.is(promise(767, 1_024), 767)
  t.is(promise(15_000, 4_096), 3_584)
  t.is(promise(15_000, 100), 75)
  t.is(promise(15_000, undefined), 15_000)
})

test('whatever is promised, HTTP can have all its connections beside it', (t) => {
  for (const descriptors of [2_048, 20_000, 1_048_576]) {
    const { openSocketsMax } = withinDescriptors({ ...defaultLimits(), openSocketsMax: descriptors }, descriptors)
    t.true(descriptors - openSocketsMax >= 2 * httpLimits.connectionsMax, `${descriptors}`)
  }
})

test('the defaults promise what can be kept, whatever there is', (t) => {
  for (let descriptors = 4; descriptors < 40_000; descriptors += 37) {
    const limits = defaultLimits(descriptors)
    t.deepEqual(withinDescriptors(limits, descriptors), limits, `${descriptors}`)
  }
})
