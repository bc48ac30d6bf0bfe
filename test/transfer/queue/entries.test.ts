import test from 'ava'
import fc from 'fast-check'
import { Entries } from '../../../src/transfer/queue/entries.ts'
import { type EntryEvent, type EntryState, entryStates, isActive, nextState, type QueueEntry } from '../../../src/transfer/queue/entry.ts'
import type { QueueRecord } from '../../../src/transfer/queue/records.ts'

const events: readonly EntryEvent[] = ['begin', 'done', 'failed', 'released', 'pause', 'resume', 'cancel', 'retry']
const timeOf = (seconds: number) => new Date(seconds * 1000).toISOString()
const entryOf = (id: string, facts: Partial<QueueEntry> = {}): QueueEntry => ({
  ...{ id, path: `/${id}`, to: 'desk@example.org', priority: 0, options: {}, state: 'waiting', attempts: 0, addedAt: timeOf(0) },
  ...facts,
})

function recordOf(op: EntryEvent, id: string, seconds: number): QueueRecord {
  const at = timeOf(seconds)
  if (op === 'done') return { op, id, at, size: 1, sha256: 'ab'.repeat(32) }
  if (op === 'failed') return { op, id, at, code: 'ERR_RESET', message: 'it broke' }
  return { op, id, at }
}

test('in every state: what is done stays done, an order never brings back what has ended but for a retry, and a pause outlives what runs', (t) => {
  for (const state of entryStates) {
    t.is(nextState(state, 'done'), 'done')
    t.is(nextState(state, 'retry'), isActive({ state }) || state === 'done' ? state : 'waiting')
    for (const event of events) {
      if (state === 'done') t.is(nextState(state, event), 'done')
      const isEnd = !isActive({ state })
      if (isEnd && event !== 'retry' && event !== 'done') t.is(nextState(state, event), state, `${state}, ${event}`)
    }
  }
  const then = (state: EntryState, ...rest: readonly EntryEvent[]) => rest.reduce(nextState, state)
  t.is(then('waiting', 'pause', 'begin', 'released'), 'paused', 'whoever works it hears of a pause later than of the turn')
  t.is(then('running', 'cancel', 'failed'), 'cancelled')
  t.is(then('waiting', 'begin', 'released'), 'waiting')
  t.is(then('paused', 'resume', 'begin'), 'running')
})

test('an entry tells its attempts, times, and why it failed, until it is tried again', (t) => {
  const entries = new Entries()
  entries.apply({ op: 'entry', entry: entryOf('a') })
  for (const [at, op] of (['begin', 'begin', 'failed'] as const).entries()) entries.apply(recordOf(op, 'a', at + 1))
  t.like(entries.get('a'), {
    state: 'failed',
    attempts: 2,
    begunAt: timeOf(2),
    endedAt: timeOf(3),
    error: { code: 'ERR_RESET', message: 'it broke' },
  })
  t.is(entries.active, 0)
  entries.apply(recordOf('retry', 'a', 4))
  t.like(entries.get('a'), { state: 'waiting', endedAt: undefined, error: undefined, attempts: 2 })
  entries.apply({ op: 'priority', id: 'a', at: timeOf(5), priority: 7 })
  entries.apply(recordOf('done', 'a', 6))
  t.like(entries.get('a'), { state: 'done', size: 1, priority: 7, error: undefined })
})

test('the same file to the same JID is there once while it has not ended, whoever adds it, and again afterwards', (t) => {
  const entries = new Entries()
  const same = { path: '/same', to: 'desk@example.org' }
  entries.apply({ op: 'entry', entry: entryOf('a', same) })
  t.is(entries.apply({ op: 'entry', entry: entryOf('b', same) }), undefined)
  t.is(entries.like(same)?.id, 'a')
  t.is(entries.apply({ op: 'entry', entry: entryOf('c', { ...same, to: 'tablet@example.org' }) }), 'c')
  entries.apply(recordOf('cancel', 'a', 1))
  t.is(entries.apply({ op: 'entry', entry: entryOf('d', same) }), 'd')
  t.is(entries.apply(recordOf('retry', 'a', 2)), undefined, 'it would be there twice')
  t.deepEqual(
    entries.all.map(({ id, state }) => [id, state]),
    [
      ['a', 'cancelled'],
      ['c', 'waiting'],
      ['d', 'waiting'],
    ],
  )
})

test('a thousand that have ended are told of; the first to have ended is forgotten, and what comes for it means nothing', (t) => {
  const entries = new Entries()
  for (let count = 0; count <= 1_000; count++) entries.apply({ op: 'entry', entry: entryOf(String(count)) })
  for (const id of ['7', ...Array.from({ length: 1_001 }, (_, count) => String(count))]) entries.apply(recordOf('done', id, 1))
  t.is(entries.all.length, 1_000)
  t.is(entries.get('7'), undefined)
  t.is(entries.apply(recordOf('retry', '7', 2)), undefined)
})

test('what is written anew comes to the same entries, also those of which nobody works any more', (t) => {
  const id = fc.constantFrom('a', 'b', 'c', 'd')
  const step = fc.oneof(
    fc.record({ op: fc.constant('entry' as const), id, path: fc.constantFrom('/x', '/y') }),
    fc.record({ op: fc.constantFrom(...events), id }),
  )
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const entries = new Entries()
        for (const [at, each] of steps.entries()) {
          if ('path' in each) entries.apply({ op: 'entry', entry: entryOf(each.id, { path: each.path, addedAt: timeOf(at) }) })
          else entries.apply(recordOf(each.op, each.id, at))
        }
        const same = new Entries()
        for (const record of entries.records) same.apply(record)
        t.deepEqual(same.all, entries.all)
        const anew = new Entries()
        for (const record of entries.releasedRecords) anew.apply(record)
        const expected = entries.all.map((entry) => ({ ...entry, state: nextState(entry.state, 'released') }))
        t.deepEqual(anew.all, expected)
        t.is(anew.active, expected.filter(isActive).length)
        t.is(anew.paused, expected.filter(({ state }) => state === 'paused').length)
        const keys = expected.filter(isActive).map(({ path, to }) => `${path} ${to}`)
        t.is(new Set(keys).size, keys.length)
      }),
    ),
  )
})
