import test, { type ExecutionContext } from 'ava'
import { TheirCandidates, type TheirCandidatesInit } from '../../../src/bytestreams/jingle/their-candidates.ts'
import { defaultTimings } from '../../../src/bytestreams/timings.ts'
import { BytestreamError } from '../../../src/core/index.ts'
import type { DstAddr } from '../../../src/socks5/index.ts'
import type { JingleCandidate } from '../../../src/xep/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { settle } from '../../helpers/settle.ts'
import { candidateAt, listenSilent } from '../../helpers/socks5-scene.ts'

const dstAddr = '0'.repeat(40) as DstAddr

/** Candidates that take the connection and are silent; `tried` has the ports in the order in which they were turned to. */
async function meet(t: ExecutionContext, kinds: readonly JingleCandidate['type'][], init: Partial<TheirCandidatesInit> = {}) {
  const clock = new FakeClock()
  const tried: number[] = []
  const mayConnect = ({ port }: { port: number }) => tried.push(port) > 0
  const silent = await Promise.all(kinds.map(() => listenSilent(t)))
  const candidates = silent.map(({ port }, at) => candidateAt(port, { type: kinds[at] ?? 'direct', priority: 100 - at }))
  const theirs = new TheirCandidates(clock, { method: 'auto', timings: defaultTimings, reach: { mayConnect }, ...init })
  theirs.add(candidates)
  const over = new AbortController()
  const reached = theirs.reach(dstAddr, over.signal)
  reached.catch(() => {})
  t.teardown(() => over.abort())
  await settle()
  const names = () =>
    tried.map(
      (port) =>
        `${candidates.find((candidate) => candidate.port === port)?.type} ${100 - (candidates.find((candidate) => candidate.port === port)?.priority ?? 0)}`,
    )
  return { clock, theirs, reached, names, candidates }
}

const hopeless = { whyOutOfReach: () => 'it is of a private network this machine is not in' }

test('direct connections with a chance have a second for themselves, before a proxy is tried beside them', async (t) => {
  const { clock, names } = await meet(t, ['direct', 'direct', 'proxy'])
  t.deepEqual(names(), ['direct 0'])
  clock.advance(200)
  await settle()
  clock.advance(999)
  await settle()
  t.deepEqual(names(), ['direct 0', 'direct 1'])
  clock.advance(1)
  await settle()
  t.deepEqual(names(), ['direct 0', 'direct 1', 'proxy 2'])
})

test('a proxy is tried at once, beside direct connections without a chance', async (t) => {
  const { clock, names, theirs } = await meet(t, ['direct', 'direct', 'proxy'], hopeless)
  t.deepEqual(names(), ['direct 0', 'direct 1', 'proxy 2'])
  t.is(clock.now(), 0)
  t.deepEqual(theirs.whyNotDirect, ['127.0.0.1 has not answered: it is of a private network this machine is not in'])
})

test('so it is with a side that was last reached through a proxy, and not with one that was reached directly', async (t) => {
  const viaProxy = await meet(t, ['direct', 'direct', 'proxy'], { lastWay: 'proxy' })
  t.deepEqual(viaProxy.names(), ['direct 0', 'direct 1', 'proxy 2'])
  for (const lastWay of ['direct', undefined] as const) {
    const { names } = await meet(t, ['direct', 'direct', 'proxy'], { lastWay })
    t.deepEqual(names(), ['direct 0'])
  }
})

test('once the other side has reached something, what is better is waited for if it has a chance, and not if it has none', async (t) => {
  const chance = await meet(t, ['direct'])
  chance.theirs.stopAt(50)
  await settle()
  t.is(chance.clock.waiting, 2) // The attempt, and the time it has.
  chance.clock.advance(1_000)
  await t.throwsAsync(chance.reached, { code: 'ERR_NO_STREAMHOST', message: /has reached a better one/ })
  const none = await meet(t, ['direct'], hopeless)
  none.theirs.stopAt(50)
  await t.throwsAsync(none.reached, { code: 'ERR_NO_STREAMHOST', message: /has reached a better one/ })
  t.is(none.clock.now(), 0)
})

test('of one method nothing else is tried', async (t) => {
  const kinds = ['direct', 'proxy'] as const
  t.deepEqual((await meet(t, kinds, { method: 'proxy' })).names(), ['proxy 1'])
  t.deepEqual((await meet(t, kinds, { method: 'direct' })).names(), ['direct 0'])
  const none = await meet(t, kinds, { method: 'none' })
  await t.throwsAsync(none.reached, { code: 'ERR_NO_STREAMHOST' })
  t.deepEqual([none.names(), none.clock.now()], [[], 0])
})

test('a side that offered nothing is not waited for any more once the content is over', async (t) => {
  const clock = new FakeClock()
  const theirs = new TheirCandidates(clock, { method: 'auto', timings: defaultTimings, reach: {} })
  const over = new AbortController()
  const reached = theirs.reach('0'.repeat(40) as DstAddr, over.signal)
  t.is(clock.waiting, 1)
  over.abort(new BytestreamError('ERR_RESET', 'the content is over'))
  await t.throwsAsync(reached, { code: 'ERR_RESET' })
  t.is(clock.waiting, 0)
})
