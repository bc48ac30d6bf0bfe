import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { Pairing } from '../../src/streamhost/pairing.ts'
import { dstAddrOf } from '../helpers/streamhost.ts'
import { NaivePairing } from '../naive/pairing.ts'

const LIMITS = { perDstAddrMax: 4, waitingMax: 100 }
const dstAddr = dstAddrOf(1)
const place = (socket: string, listeningAddress: string, sourceAddress: string, rank = 0) => ({
  socket,
  listeningAddress,
  sourceAddress,
  rank,
})

/** @returns what a call gives, or the code it fails with */
function outcomeOf<T>(call: () => T): T | string {
  try {
    return call()
  } catch (error) {
    if (error instanceof BytestreamError) return error.code
    throw error
  }
}

const pairs = test.macro((t: ExecutionContext, places: readonly ReturnType<typeof place>[], pair: readonly string[]) => {
  const pairing = new Pairing<string>(LIMITS)
  for (const one of places) pairing.join(dstAddr, one)
  const { sockets, spares } = pairing.activate(dstAddr) ?? t.fail() ?? { sockets: [], spares: [] }
  t.deepEqual(sockets as readonly string[], pair)
  t.deepEqual([...spares, ...sockets].sort(), places.map(({ socket }) => socket).sort())
  t.is(pairing.waitingSockets, 0)
})

test(
  'two at one listening address are a pair, in the order they came',
  pairs,
  [place('one', 'A', 'x'), place('other', 'A', 'y')],
  ['one', 'other'],
)

test(
  'a target that opened both listening addresses is joined at the one the requester uses',
  pairs,
  [place('target at A', 'A', 'target', 0), place('target at B', 'B', 'target', 1), place('requester', 'B', 'requester', 1)],
  ['target at B', 'requester'],
)

test(
  'two listening addresses with two sockets each: the preferred one is the pair',
  pairs,
  [place('b1', 'B', 'x', 1), place('b2', 'B', 'y', 1), place('a1', 'A', 'x', 0), place('a2', 'A', 'y', 0)],
  ['a1', 'a2'],
)

test(
  'where two sockets at one address come from does not matter',
  pairs,
  [place('b1', 'B', 'x', 1), place('b2', 'B', 'y', 1), place('a1', 'A', 'z', 0), place('a2', 'A', 'z', 0)],
  ['a1', 'a2'],
)

test(
  'a pair at one address comes before a pair from different sources',
  pairs,
  [place('a', 'A', 'x', 0), place('b1', 'B', 'y', 1), place('b2', 'B', 'y', 1)],
  ['b1', 'b2'],
)

test(
  'at different addresses, sockets of different sources come first',
  pairs,
  [place('a', 'A', 'x', 0), place('b', 'B', 'x', 1), place('c', 'C', 'y', 2)],
  ['a', 'c'],
)

test(
  'at different addresses from one source, the preferred addresses come first',
  pairs,
  [place('c', 'C', 'x', 2), place('b', 'B', 'x', 1), place('a', 'A', 'x', 0)],
  ['b', 'a'],
)

test('with fewer than two sockets there is nothing to activate, and what waits goes on waiting (XEP-0065 §6.3.5)', (t) => {
  const pairing = new Pairing<string>(LIMITS)
  t.throws(() => pairing.activate(dstAddr), { code: 'ERR_BYTESTREAM_UNKNOWN' })
  pairing.join(dstAddr, place('one', 'A', 'x'))
  t.throws(() => pairing.activate(dstAddr), { code: 'ERR_PEER_MISSING' })
  t.is(pairing.waitingUnder(dstAddr), 1)
  pairing.join(dstAddr, place('other', 'A', 'y'))
  t.deepEqual(pairing.activate(dstAddr)?.sockets, ['one', 'other'])
})

test('to activate once more changes nothing, and after its end the DST.ADDR is free', (t) => {
  const pairing = new Pairing<string>(LIMITS)
  pairing.join(dstAddr, place('one', 'A', 'x'))
  pairing.join(dstAddr, place('other', 'A', 'y'))
  pairing.activate(dstAddr)
  t.is(pairing.activate(dstAddr), undefined)
  t.is(pairing.activeBytestreams, 1)
  t.throws(() => pairing.join(dstAddr, place('third', 'B', 'z')), { code: 'ERR_PLACES_TAKEN' })
  pairing.end(dstAddr)
  t.is(pairing.activeBytestreams, 0)
  t.throws(() => pairing.activate(dstAddr), { code: 'ERR_BYTESTREAM_UNKNOWN' })
  t.notThrows(() => pairing.join(dstAddr, place('third', 'A', 'z')))
})

test('places are given up one by one', (t) => {
  const pairing = new Pairing<string>(LIMITS)
  pairing.join(dstAddr, place('one', 'A', 'x'))
  pairing.join(dstAddr, place('other', 'A', 'y'))
  t.throws(() => pairing.checkPlace(dstAddr, 'A'), { code: 'ERR_PLACES_TAKEN' })
  pairing.leave(dstAddr, 'nobody')
  pairing.leave(dstAddr, 'one')
  t.is(pairing.waitingUnder(dstAddr), 1)
  t.notThrows(() => pairing.checkPlace(dstAddr, 'A'))
  pairing.leave(dstAddr, 'other')
  pairing.leave(dstAddrOf(2), 'other')
  t.is(pairing.waitingSockets, 0)
})

const steps = fc.record({
  do: fc.constantFrom('join', 'join', 'join', 'join', 'join', 'join', 'leave', 'activate', 'end'),
  dstAddr: fc.nat({ max: 1 }).map(dstAddrOf),
  rank: fc.nat({ max: 3 }),
  sourceAddress: fc.constantFrom('x', 'y'),
  pick: fc.nat(),
})

test('in any order of steps it is what going through a list finds', (t) => {
  fc.assert(
    fc.property(
      fc.array(steps, { maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 10 }),
      (all, perDstAddrMax, waitingMax) => {
        const limits = { perDstAddrMax, waitingMax }
        const [ours, naive] = [new Pairing<number>(limits), new NaivePairing(limits)]
        for (const [socket, { do: action, dstAddr, rank, sourceAddress, pick }] of all.entries()) {
          // Two local addresses may stand at one place of the list: those of a wildcard.
          const one = { socket, listeningAddress: `${Math.min(rank, 2)}/${rank}`, rank: Math.min(rank, 2), sourceAddress }
          if (action === 'join') {
            const joined = outcomeOf(() => ours.join(dstAddr, one) ?? 'joined')
            t.is(joined, naive.join({ dstAddr, ...one }))
          } else if (action === 'leave') {
            const leaver = pick % (socket + 1)
            ours.leave(dstAddr, leaver)
            naive.leave(dstAddr, leaver)
          } else if (action === 'activate') {
            const made = outcomeOf(() => ours.activate(dstAddr))
            const expected = naive.activate(dstAddr)
            if (typeof made === 'object') t.deepEqual({ pair: [...made.sockets], spares: [...made.spares] }, expected as never)
            else t.is(made ?? 'already active', expected as string)
          } else {
            ours.end(dstAddr)
            naive.active.delete(dstAddr)
          }
          t.is(ours.waitingSockets, naive.waiting.length)
          t.is(ours.waitingUnder(dstAddr), naive.under(dstAddr).length)
          t.is(ours.activeBytestreams, naive.active.size)
        }
      },
    ),
    { numRuns: 1_000 },
  )
})
