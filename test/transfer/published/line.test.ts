// Goal: a place that is taken is waited for: in the order of arrival, not for longer than those who ask do, and nobody keeps others away.
// Method: a clock that stands still.

import test from 'ava'
import { BytestreamError } from '../../../src/core/index.ts'
import { Line } from '../../../src/transfer/published/line.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

const turn = () => new Promise<void>(setImmediate)

function setLine(max: number) {
  const clock = new FakeClock()
  const line = new Line(clock, { max, full: 'there is none left' })
  const { signal } = new AbortController()
  const entered: string[] = []
  const places = new Map<string, Disposable>()
  const take = (from: string, name = from) => {
    const taken = line.take({ from }, signal).then((place) => {
      entered.push(name)
      places.set(name, place)
    })
    taken.catch(() => {})
    return taken
  }
  const leave = async (name: string) => {
    places.get(name)?.[Symbol.dispose]()
    await turn()
  }
  return { clock, take, leave, entered }
}

test('a place that is free is taken at once, and one that is left goes to who has waited longest', async (t) => {
  const { clock, take, leave, entered } = setLine(2)
  for (const from of ['a', 'b', 'c', 'd']) void take(from)
  await turn()
  t.deepEqual(entered, ['a', 'b'])
  await leave('b')
  t.deepEqual(entered, ['a', 'b', 'c'])
  await leave('b')
  t.deepEqual(entered, ['a', 'b', 'c'], 'left twice is left once')
  await leave('a')
  t.deepEqual(entered, ['a', 'b', 'c', 'd'])
  t.is(clock.waiting, 0)
})

test('who has half of the places is passed by others, and comes in when it has left one', async (t) => {
  const { take, leave, entered } = setLine(4)
  for (const name of ['a1', 'a2', 'a3']) void take('a', name)
  for (const name of ['b1', 'b2', 'c1']) void take(name[0] as string, name)
  await turn()
  t.deepEqual(entered, ['a1', 'a2', 'b1', 'b2'])
  await leave('b1')
  t.deepEqual(entered.slice(4), ['c1'])
  await leave('a1')
  t.deepEqual(entered.slice(4), ['c1', 'a3'])
})

test('who has waited for 20 s is refused, and so is who comes when 1,000 wait, or one account has half of them', async (t) => {
  const { clock, take, entered } = setLine(1)
  void take('first')
  const refused = { code: 'ERR_LIMIT_WAITING', message: 'there is none left' }
  for (let at = 0; at < 499; at++) void take('greedy')
  const last = take('greedy')
  await t.throwsAsync(take('greedy'), refused)
  for (let at = 0; at < 500; at++) void take(`other ${at}`)
  await t.throwsAsync(take('one more'), refused)
  await turn()
  clock.advance(19_999)
  await turn()
  t.is(clock.waiting, 1_000)
  clock.advance(1)
  await t.throwsAsync(last, refused)
  t.is(clock.waiting, 0)
  t.deepEqual(entered, ['first'])
})

test('when it is over nobody waits any more; a place that was given in the same moment is free again', async (t) => {
  const clock = new FakeClock()
  const line = new Line(clock, { max: 1, full: 'there is none left' })
  const over = new AbortController()
  const { signal } = over
  const first = await line.take({ from: 'a' }, signal)
  const waiting = [line.take({ from: 'b' }, signal), line.take({ from: 'c' }, signal)]
  first[Symbol.dispose]()
  over.abort(new BytestreamError('ERR_SHUTTING_DOWN', 'over'))
  for (const each of waiting) await t.throwsAsync(each, { code: 'ERR_SHUTTING_DOWN' })
  await turn()
  t.is(clock.waiting, 0)
  const next = await line.take({ from: 'd' }, new AbortController().signal)
  next[Symbol.dispose]()
})
