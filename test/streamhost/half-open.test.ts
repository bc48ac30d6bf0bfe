import test from 'ava'
import fc from 'fast-check'
import { HalfOpen } from '../../src/streamhost/half-open.ts'
import { NaiveHalfOpen } from '../naive/half-open.ts'

test('the oldest of the source with the most comes first', (t) => {
  const halfOpen = new HalfOpen<string>()
  halfOpen.add('one', 'one first')
  halfOpen.add('other', 'other first')
  halfOpen.add('other', 'other second')
  t.is(halfOpen.oldestOfBusiest(), 'other first')
  t.is(halfOpen.oldestOf('one'), 'one first')
  t.is(halfOpen.countOf('other'), 2)
})

test('of sources with equally many, the one that got there first is the busiest', (t) => {
  const halfOpen = new HalfOpen<string>()
  halfOpen.add('one', 'one first')
  halfOpen.add('other', 'other first')
  t.is(halfOpen.oldestOfBusiest(), 'one first')
})

test('of nothing there is no oldest, and nothing to delete', (t) => {
  const halfOpen = new HalfOpen<string>()
  t.is(halfOpen.oldestOfBusiest(), undefined)
  t.is(halfOpen.oldestOf('one'), undefined)
  t.false(halfOpen.delete('one', 'x'))
  halfOpen.add('one', 'x')
  t.false(halfOpen.delete('other', 'x'))
  t.true(halfOpen.delete('one', 'x'))
  t.false(halfOpen.delete('one', 'x'))
  t.deepEqual([halfOpen.size, halfOpen.countOf('one'), [...halfOpen]], [0, 0, []])
})

const sources = fc.constantFrom('a', 'b', 'c', 'd')
const steps = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), source: sources }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('evict of source' as const), source: sources }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('evict' as const) }) },
)

test('in any order of steps it is what going through a list finds', (t) => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 80 }), (all) => {
      const [ours, naive] = [new HalfOpen<number>(), new NaiveHalfOpen<number>()]
      const sourceOf = new Map<number, string>()
      const remove = (socket: number | undefined) => {
        const source = sourceOf.get(socket as number) ?? 'nobody'
        t.is(ours.delete(source, socket as number), naive.delete(source, socket as number))
      }
      for (const [socket, step] of all.entries()) {
        if (step.do === 'add') {
          sourceOf.set(socket, step.source)
          ours.add(step.source, socket)
          naive.add(step.source, socket)
        } else if (step.do === 'delete') remove(step.pick % (socket + 1))
        else if (step.do === 'evict of source') remove(naive.oldestOf(step.source))
        else remove(naive.oldestOfBusiest())
        t.is(ours.oldestOfBusiest(), naive.oldestOfBusiest())
        t.is(ours.size, naive.size)
        for (const source of ['a', 'b', 'c', 'd']) {
          t.is(ours.oldestOf(source), naive.oldestOf(source))
          t.is(ours.countOf(source), naive.countOf(source))
        }
      }
      t.deepEqual([...ours].sort(), naive.all().sort())
    }),
    { numRuns: 500 },
  )
})
