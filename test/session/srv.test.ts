import test from 'ava'
import fc from 'fast-check'
import { isDenied, type SrvRecord, sortSrv } from '../../src/session/srv.ts'

const record = (name: string, priority: number, weight: number): SrvRecord => ({ name, priority, weight, port: 5222 })
const namesOf = (records: readonly SrvRecord[]) => records.map(({ name }) => name).join('')
const first = () => 0
const last = () => 1 - Number.EPSILON

test('RFC 2782: the lowest priority comes first, whatever chance says', (t) => {
  const records = [record('c', 20, 100), record('a', 0, 0), record('b', 10, 1)]
  for (const random of [first, last, Math.random]) t.is(namesOf(sortSrv(records, random)), 'abc')
})

test('RFC 2782: within a priority the weights say how likely each is to come first', (t) => {
  const records = [record('a', 0, 1), record('b', 0, 3)]
  // Sums are 1 and 4; the mark is one of 0 to 4.
  const counts = { a: 0, b: 0 }
  for (let step = 0; step < 5; step += 1) counts[namesOf(sortSrv(records, () => step / 5))[0] as 'a' | 'b'] += 1
  t.deepEqual(counts, { a: 2, b: 3 })
})

test('RFC 2782: a record without weight has a small chance', (t) => {
  const records = [record('a', 0, 9), record('b', 0, 0)]
  t.is(namesOf(sortSrv(records, first)), 'ba')
  t.is(namesOf(sortSrv(records, last)), 'ab')
})

test('RFC 2782: a target "." is no server', (t) => {
  t.deepEqual(sortSrv([record('.', 0, 0), record('', 0, 0)], first), [])
  t.true(isDenied([record('.', 0, 0)]))
  t.true(isDenied([record('', 0, 0)]))
  t.false(isDenied([]))
  t.false(isDenied([record('.', 0, 0), record('a', 0, 0)]))
})

test('whatever the records and whatever chance: all come, once, in the order of their priorities', (t) => {
  const anyRecord = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    priority: fc.nat(3),
    weight: fc.nat(65_535),
    port: fc.nat(65_535),
  })
  fc.assert(
    fc.property(
      fc.array(anyRecord, { maxLength: 20 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (records, chance) => {
        const sorted = sortSrv(records, () => chance)
        const byPriority = sorted.every((one, index) => one.priority <= (sorted[index + 1]?.priority ?? Number.POSITIVE_INFINITY))
        return byPriority && sorted.length === records.length && records.every((one) => sorted.includes(one))
      },
    ),
  )
  t.pass()
})
