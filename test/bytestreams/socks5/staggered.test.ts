import test, { type ExecutionContext } from 'ava'
import { type StaggerInit, tryStaggered } from '../../../src/bytestreams/socks5/staggered.ts'
import { BytestreamError } from '../../../src/core/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { settle } from '../../helpers/settle.ts'

const timings = { staggerMs: 200, attemptMsMax: 10_000 }

/** Attempts that end when the test says so. */
function start(
  t: ExecutionContext,
  candidates: readonly string[],
  signal?: AbortSignal,
  more: Pick<StaggerInit<string>, 'reserve' | 'isPromising'> = {},
) {
  const clock = new FakeClock()
  const started: string[] = []
  const discarded: string[] = []
  const attempts = new Map<string, { succeed: () => void; fail: (error: unknown) => void; signal: AbortSignal }>()
  const winner = tryStaggered(
    clock,
    candidates,
    (candidate, attemptSignal) => {
      started.push(candidate)
      return new Promise<string>((resolve, reject) => {
        attempts.set(candidate, { succeed: () => resolve(`socket to ${candidate}`), fail: reject, signal: attemptSignal })
        attemptSignal.addEventListener('abort', () => reject(attemptSignal.reason))
      })
    },
    (late) => discarded.push(late),
    { ...timings, signal, nameOf: (candidate) => candidate, ...more },
  )
  winner.catch(() => {}) // Looked at later.
  const attempt = (candidate: string) => {
    const found = attempts.get(candidate)
    if (!found) return t.fail(`${candidate} was not tried`) as never
    return found
  }
  return { clock, winner, started, discarded, attempt }
}

const unreachable = (what: string) => new BytestreamError('ERR_UNREACHABLE', `${what} is down`)

test('candidates are tried in their order, each 200 ms after the one before', async (t) => {
  const { clock, winner, started, attempt } = start(t, ['a', 'b', 'c'])
  t.deepEqual(started, ['a'])
  clock.advance(199)
  await settle()
  t.deepEqual(started, ['a'])
  clock.advance(1)
  await settle()
  t.deepEqual(started, ['a', 'b'])
  clock.advance(200)
  await settle()
  t.deepEqual(started, ['a', 'b', 'c'])
  attempt('c').succeed()
  t.like(await winner, { candidate: 'c', result: 'socket to c', failures: [] })
  t.is(clock.waiting, 0)
})

test('an attempt that fails lets the next one start at once', async (t) => {
  const { winner, started, attempt } = start(t, ['a', 'b'])
  attempt('a').fail(unreachable('a'))
  await settle()
  t.deepEqual(started, ['a', 'b'])
  attempt('b').succeed()
  const { failures } = await winner
  t.deepEqual(
    failures.map(({ message }) => message),
    ['a is down'],
  )
})

test('a winner within its head start is the only one that was tried', async (t) => {
  const { clock, winner, started, attempt } = start(t, ['a', 'b'])
  attempt('a').succeed()
  t.like(await winner, { candidate: 'a' })
  clock.advance(10_000)
  await settle()
  t.deepEqual(started, ['a'])
})

test('the losers are told to give up, and what one brings all the same is discarded', async (t) => {
  const { clock, winner, discarded, attempt } = start(t, ['a', 'b'])
  clock.advance(200)
  await settle()
  // Both in the same moment: the first to be heard wins.
  attempt('b').succeed()
  attempt('a').succeed()
  t.like(await winner, { candidate: 'b' })
  t.true(attempt('a').signal.aborted)
  await settle()
  t.deepEqual(discarded, ['socket to a'])
})

test('what the winner brought is kept, also when the time of its attempt is over', async (t) => {
  const { clock, winner, discarded, attempt } = start(t, ['a'])
  attempt('a').succeed()
  await winner
  clock.advance(60_000)
  t.deepEqual(discarded, [])
})

test('an attempt has 10 s for itself, however many others there are', async (t) => {
  const { clock, winner, attempt } = start(t, ['a', 'b'])
  clock.advance(200)
  await settle()
  clock.advance(9_799)
  await settle()
  t.false(attempt('a').signal.aborted)
  clock.advance(1)
  await settle()
  t.true(attempt('a').signal.aborted)
  t.false(attempt('b').signal.aborted)
  attempt('b').succeed()
  const { failures } = await winner
  t.deepEqual(
    failures.map(({ code, message }) => [code, message]),
    [['ERR_TIMEOUT', 'a: no connection within 10 s']],
  )
})

test('when all fail, the error lists every reason', async (t) => {
  const { winner, attempt } = start(t, ['a', 'b'])
  attempt('a').fail(unreachable('a'))
  await settle()
  attempt('b').fail(new Error('of a kind nobody knows'))
  await t.throwsAsync(winner, {
    code: 'ERR_NO_STREAMHOST',
    message: 'no streamhost can be reached (a is down; of a kind nobody knows)',
  })
})

test('without a candidate the error says so', async (t) => {
  await t.throwsAsync(start(t, []).winner, { code: 'ERR_NO_STREAMHOST', message: /none was offered/ })
})

test('an abort ends every attempt, and nothing new is started', async (t) => {
  const stopping = new AbortController()
  const reason = new BytestreamError('ERR_TIMEOUT', 'all of it took too long')
  const { clock, winner, started, attempt } = start(t, ['a', 'b', 'c'], stopping.signal)
  clock.advance(200)
  await settle()
  stopping.abort(reason)
  t.is(await t.throwsAsync(winner), reason)
  t.true(attempt('a').signal.aborted && attempt('b').signal.aborted)
  t.deepEqual(started, ['a', 'b'])
  t.is(clock.waiting, 0)
})

test('with a signal that is aborted already, nothing is tried', async (t) => {
  const { winner, started } = start(t, ['a'], AbortSignal.abort())
  await t.throwsAsync(winner, { code: 'ERR_ABORTED' })
  t.deepEqual(started, [])
})

// What is kept in reserve has capital letters.
const reserve = { has: (candidate: string) => candidate === candidate.toUpperCase(), headStartMs: 1_000 }

test('a reserve is tried a second after the last of the others, however long those are silent (XEP-0260 §4)', async (t) => {
  const { clock, winner, started, attempt } = start(t, ['a', 'b', 'P', 'Q'], undefined, { reserve })
  clock.advance(200)
  await settle()
  t.deepEqual(started, ['a', 'b'])
  clock.advance(999)
  await settle()
  t.deepEqual(started, ['a', 'b'])
  clock.advance(1)
  await settle()
  t.deepEqual(started, ['a', 'b', 'P'])
  clock.advance(200)
  await settle()
  t.deepEqual(started, ['a', 'b', 'P', 'Q'])
  t.false(attempt('a').signal.aborted)
  attempt('P').succeed()
  t.like(await winner, { candidate: 'P' })
  t.is(clock.now(), 1_400)
})

test('a reserve is tried at once when all others have failed, and not before the last of them has', async (t) => {
  const { clock, winner, started, attempt } = start(t, ['a', 'b', 'P'], undefined, { reserve })
  clock.advance(200)
  await settle()
  attempt('b').fail(unreachable('b'))
  await settle()
  t.deepEqual(started, ['a', 'b'])
  attempt('a').fail(unreachable('a'))
  await settle()
  t.deepEqual(started, ['a', 'b', 'P'])
  attempt('P').succeed()
  t.like(await winner, { candidate: 'P' })
})

test('one of the others that succeeds within that second leaves the reserve untried', async (t) => {
  const { clock, winner, started, attempt } = start(t, ['a', 'P'], undefined, { reserve })
  clock.advance(900)
  await settle()
  attempt('a').succeed()
  t.like(await winner, { candidate: 'a' })
  clock.advance(10_000)
  await settle()
  t.deepEqual(started, ['a'])
})

test('a reserve alone is tried at once', async (t) => {
  const { started } = start(t, ['P', 'Q'], undefined, { reserve })
  await settle()
  t.deepEqual(started, ['P'])
})

test('an abort within that second ends it', async (t) => {
  const stopping = new AbortController()
  const { clock, winner, started } = start(t, ['a', 'P'], stopping.signal, { reserve })
  clock.advance(300)
  await settle()
  stopping.abort()
  await t.throwsAsync(winner, { code: 'ERR_ABORTED' })
  t.deepEqual(started, ['a'])
  t.is(clock.waiting, 0)
})

// What has no chance has a question mark.
const isPromising = (candidate: string) => !candidate.endsWith('?')

test('what has no chance is tried, and neither the next nor a reserve waits for it', async (t) => {
  const { clock, winner, started, attempt } = start(t, ['a?', 'b?', 'P', 'Q'], undefined, { reserve, isPromising })
  await settle()
  t.deepEqual(started, ['a?', 'b?', 'P'])
  t.is(clock.now(), 0)
  clock.advance(200)
  await settle()
  t.deepEqual(started, ['a?', 'b?', 'P', 'Q'])
  attempt('P').succeed()
  t.like(await winner, { candidate: 'P' })
})

test('a reserve waits for the others that have a chance, whichever come last', async (t) => {
  const { clock, winner, started, attempt } = start(t, ['a', 'b?', 'P'], undefined, { reserve, isPromising })
  clock.advance(200)
  await settle()
  t.deepEqual(started, ['a', 'b?'])
  clock.advance(999)
  await settle()
  t.deepEqual(started, ['a', 'b?'])
  attempt('a').fail(unreachable('a'))
  await settle()
  t.deepEqual(started, ['a', 'b?', 'P'])
  attempt('b?').succeed()
  t.like(await winner, { candidate: 'b?' })
})

test('what has no chance is given up after 2 s', async (t) => {
  const { clock, winner, attempt } = start(t, ['a?', 'b'], undefined, { isPromising })
  clock.advance(1_999)
  await settle()
  t.false(attempt('a?').signal.aborted)
  clock.advance(1)
  await settle()
  t.true(attempt('a?').signal.aborted)
  t.false(attempt('b').signal.aborted)
  attempt('b').succeed()
  await winner
})
