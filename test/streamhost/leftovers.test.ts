import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { encodeGreeting } from '../../src/socks5/index.ts'
import { connectPeer, type Peer, until } from '../helpers/peer.ts'
import { connectOctets, dstAddrOf, handshake, isEmpty, openStreamhost } from '../helpers/streamhost.ts'

const steps = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('join' as const), dstAddr: fc.nat({ max: 1 }).map(dstAddrOf) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pipeline' as const), dstAddr: fc.nat({ max: 1 }).map(dstAddrOf) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('greet', 'babble') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('activate' as const), dstAddr: fc.nat({ max: 1 }).map(dstAddrOf) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('write' as const, 'end' as const, 'reset' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(100, 1_000, 2_000) }) },
)

const LIMITS = {
  handshakeMsMax: 1_000,
  waitingMsMax: 3_000,
  idleMsMax: 4_000,
  halfOpenMax: 3,
  waitingMax: 5,
  openSocketsMax: 8,
  readAheadBytesMax: 3_000,
}

test('whatever peers do, when they have gone no socket, timer, place or octet is left', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: 5, maxLength: 40, size: 'max' }),
      fc.constantFrom('peers leave', 'time passes', 'closed'),
      async (all, end) => {
        const stage = await openStreamhost(t, { limits: LIMITS })
        const { streamhost, clock, ports } = stage
        const peers: Peer[] = []
        for (const step of all) {
          if (step.do === 'activate') {
            try {
              streamhost.activate(step.dstAddr)
            } catch (error) {
              t.true(error instanceof BytestreamError)
            }
          } else if (step.do === 'wait') clock.advance(step.ms)
          else if ('pick' in step) {
            const peer = peers[step.pick % peers.length]
            if (step.do === 'write' && peer?.socket.writable) peer.write(Buffer.alloc(1_000))
            else if (step.do === 'end') peer?.end()
            else if (step.do === 'reset') peer?.reset()
          } else {
            const peer = await connectPeer(t, ports[0])
            peers.push(peer)
            if (step.do === 'join') await handshake(peer, step.dstAddr)
            else if (step.do === 'pipeline') peer.write(Buffer.concat([encodeGreeting(), connectOctets(step.dstAddr), Buffer.alloc(500)]))
            else peer.write(step.do === 'greet' ? encodeGreeting() : 'GET / HTTP/1.1')
          }
          const { openSockets, halfOpen, waiting, readAheadBytes } = streamhost.gauges()
          t.true(openSockets <= LIMITS.openSocketsMax && halfOpen <= LIMITS.halfOpenMax && waiting <= LIMITS.waitingMax)
          t.true(readAheadBytes <= LIMITS.readAheadBytesMax)
        }
        if (end === 'closed') await streamhost.close()
        else if (end === 'peers leave') for (const peer of peers) peer.reset()
        await until(() => {
          // An end that waits behind octets is only noticed in time.
          if (end !== 'closed') clock.advance(500)
          return streamhost.gauges().openSockets === 0
        })
        const { accepted, admitted, activated, ended } = streamhost.counters
        t.true(admitted <= accepted)
        t.is(ended.end + ended.reset + ended.idle + ended.aborted, activated)
        isEmpty(t, stage)
        await streamhost.close()
        for (const peer of peers) peer.socket.destroy()
      },
    ),
    { numRuns: 60 },
  )
})
