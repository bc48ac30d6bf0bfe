import test from 'ava'
import { abortError, BytestreamError, orAbort, startDeadline, throwIfAborted } from '../../src/core/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'

const late = ['ERR_TIMEOUT', 'it took too long'] as const

test('a deadline aborts when its time has come, and not a millisecond earlier', (t) => {
  const clock = new FakeClock()
  using deadline = startDeadline(clock, 1000, ...late)
  clock.advance(999)
  t.false(deadline.signal.aborted)
  clock.advance(1)
  t.true(deadline.signal.aborted)
  t.like(deadline.signal.reason, { code: 'ERR_TIMEOUT', message: 'it took too long' })
})

test('a deadline disposed of leaves no timer and never aborts', (t) => {
  const clock = new FakeClock()
  const { signal } = (() => {
    using deadline = startDeadline(clock, 1000, ...late)
    t.is(clock.waiting, 1)
    return deadline
  })()
  t.is(clock.waiting, 0)
  clock.advance(5000)
  t.false(signal.aborted)
})

test('the signal of the caller aborts a deadline with its own reason, and the timer goes with it', (t) => {
  const clock = new FakeClock()
  const outer = new AbortController()
  const reason = new BytestreamError('ERR_SHUTTING_DOWN', 'we close')
  using deadline = startDeadline(clock, 1000, ...late, outer.signal)
  outer.abort(reason)
  t.is(deadline.signal.reason, reason)
  t.is(clock.waiting, 0)
})

test('a caller who gave up for reasons of their own is told ERR_ABORTED, with them', (t) => {
  const outer = new AbortController()
  using deadline = startDeadline(new FakeClock(), 1000, ...late, outer.signal)
  outer.abort('bored')
  t.like(deadline.signal.reason, { code: 'ERR_ABORTED', cause: 'bored' })
})

test('a deadline under a signal that is aborted already is aborted from the start', (t) => {
  const clock = new FakeClock()
  using deadline = startDeadline(clock, 1000, ...late, AbortSignal.abort())
  t.true(deadline.signal.aborted)
  t.is(clock.waiting, 0)
})

test('a deadline that has passed does not change its reason when the caller gives up later', (t) => {
  const clock = new FakeClock()
  const outer = new AbortController()
  using deadline = startDeadline(clock, 1000, ...late, outer.signal)
  clock.advance(1000)
  outer.abort()
  t.like(deadline.signal.reason, { code: 'ERR_TIMEOUT' })
})

test('a deadline disposed of does not hear the caller any more', (t) => {
  const outer = new AbortController()
  const deadline = startDeadline(new FakeClock(), 1000, ...late, outer.signal)
  deadline[Symbol.dispose]()
  outer.abort()
  t.false(deadline.signal.aborted)
})

test('the reason of a signal is an error of ours, whatever it was', (t) => {
  const ours = new BytestreamError('ERR_RESET', 'gone')
  t.is(abortError(AbortSignal.abort(ours)), ours)
  t.like(abortError(AbortSignal.abort()), { code: 'ERR_ABORTED' })
  t.like(abortError(AbortSignal.abort(7)), { code: 'ERR_ABORTED', cause: 7 })
})

test('throwIfAborted lets pass what is not aborted', (t) => {
  t.notThrows(() => throwIfAborted(undefined))
  t.notThrows(() => throwIfAborted(new AbortController().signal))
  t.throws(() => throwIfAborted(AbortSignal.abort()), { instanceOf: BytestreamError, code: 'ERR_ABORTED' })
})

test('orAbort settles as the promise does while nobody gives up', async (t) => {
  const { signal } = new AbortController()
  t.is(await orAbort(Promise.resolve(7), signal), 7)
  t.is(await orAbort(Promise.resolve(8), undefined), 8)
  await t.throwsAsync(orAbort(Promise.reject(new RangeError('far')), signal), { instanceOf: RangeError })
})

test('orAbort rejects as soon as somebody gives up, though the promise never settles', async (t) => {
  const controller = new AbortController()
  const waiting = orAbort(new Promise<never>(() => {}), controller.signal)
  controller.abort()
  await t.throwsAsync(waiting, { instanceOf: BytestreamError, code: 'ERR_ABORTED' })
})

test('orAbort rejects at once when somebody gave up before, and nobody has to hear what becomes of the promise', async (t) => {
  await t.throwsAsync(orAbort(Promise.reject(new Error('unheard')), AbortSignal.abort()), { code: 'ERR_ABORTED' })
})

test('orAbort does not keep listening to a signal that outlives the promise', async (t) => {
  const { signal } = new AbortController()
  let listening = 0
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listening += 1
    add(...args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listening -= 1
    remove(...args)
  }
  await orAbort(Promise.resolve(), signal)
  await new Promise(setImmediate)
  t.is(listening, 0)
})
