import test from 'ava'
import { defaultLimits, Streamhost, type StreamhostLimits } from '../../src/streamhost/index.ts'

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
