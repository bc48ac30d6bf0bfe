import { once } from 'node:events'
import type { Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { encodeGreeting } from '../../src/socks5/index.ts'
import { type RelayEngine, StreamEngine } from '../../src/streamhost/index.ts'
import { connectPeer, type Peer, until } from '../helpers/peer.ts'
import {
  connectOctets,
  dstAddrOf,
  handshake,
  isEmpty,
  join,
  joinBoth,
  openStreamhost,
  type Port,
  replyOctets,
} from '../helpers/streamhost.ts'

const dstAddr = dstAddrOf(1)
const TWO_ADDRESSES = ['127.0.0.1', '::1'].map((host) => ({ host, port: 0 }))

/** A socket that an engine is given, and what had been read from it by then. */
interface Given {
  readonly socket: Socket
  readonly bytesRead: number
  readonly readableLength: number
}

/** An engine that shows what it is given. */
function watchedEngine(): { engine: RelayEngine; given: Given[] } {
  const given: Given[] = []
  const engine = new StreamEngine()
  const relay: RelayEngine['relay'] = (first, second, options) => {
    for (const socket of [first, second]) given.push({ socket, bytesRead: socket.bytesRead, readableLength: socket.readableLength })
    return engine.relay(first, second, options)
  }
  const bucket: RelayEngine['bucket'] = (...args) => engine.bucket(...args)
  return { engine: { name: 'watched', bucket, relay, close: () => engine.close() }, given }
}

/** Octets flow from one to the other, and back. */
async function isConnected(t: ExecutionContext, one: Peer, other: Peer): Promise<void> {
  one.write('there')
  t.is(`${await other.read(5)}`, 'there')
  other.write('back')
  t.is(`${await one.read(4)}`, 'back')
}

/** Both end, and hear of it. */
async function isEnded(t: ExecutionContext, one: Peer, other: Peer): Promise<void> {
  one.end()
  other.end()
  t.deepEqual(await Promise.all([one.drained(), other.drained()]), ['end', 'end'])
}

test('two sockets with one DST.ADDR are connected once activated, and nothing is left when they are over (XEP-0065 §6)', async (t) => {
  const stage = await openStreamhost(t)
  const { streamhost, ports } = stage
  const [one, other] = await joinBoth(t, ports[0], dstAddr)
  t.is(streamhost.waitingSockets(dstAddr), 2)
  t.is(streamhost.activate(dstAddr), 'activated')
  t.is(streamhost.activate(dstAddr), 'already active')
  t.deepEqual(streamhost.gauges(), { openSockets: 2, halfOpen: 0, waiting: 0, active: 1, readAheadBytes: 0 })
  await isConnected(t, one, other)
  const closed = once(streamhost, 'closed')
  await isEnded(t, one, other)
  await closed
  t.throws(() => streamhost.activate(dstAddr), { code: 'ERR_BYTESTREAM_UNKNOWN' })
  isEmpty(t, stage)
})

test('no octet passes before the activation', async (t) => {
  const { streamhost, ports } = await openStreamhost(t)
  const [one, other] = await joinBoth(t, ports[0], dstAddr)
  one.write('early')
  await until(() => streamhost.gauges().readAheadBytes === 5)
  t.is(other.socket.readableLength, 0)
  streamhost.activate(dstAddr)
  t.is(`${await other.read(5)}`, 'early')
})

test('upper-case and lower-case digits are one DST.ADDR, each echoed as sent', async (t) => {
  const { streamhost, ports } = await openStreamhost(t)
  const one = await join(t, ports[0], dstAddr.toUpperCase())
  const other = await join(t, ports[0], dstAddr)
  streamhost.activate(dstAddr)
  await isConnected(t, one, other)
})

test('facts are told in their order, with who and how much', async (t) => {
  const { streamhost, clock, ports } = await openStreamhost(t)
  const told: unknown[] = []
  for (const name of ['waiting', 'left', 'activated', 'closed', 'refused'] as const)
    streamhost.on(name, (facts: object) => told.push([name, facts]))
  const one = await join(t, ports[0], dstAddr)
  clock.advance(500)
  const other = await join(t, ports[0], dstAddr)
  streamhost.activate(dstAddr)
  clock.advance(1_000)
  await isConnected(t, one, other)
  const closed = once(streamhost, 'closed')
  await isEnded(t, one, other)
  await closed
  const remoteAddress = '127.0.0.1'
  t.deepEqual(told, [
    ['waiting', { dstAddr, remoteAddress, sockets: 1 }],
    ['waiting', { dstAddr, remoteAddress, sockets: 2 }],
    ['activated', { dstAddr, engine: streamhost.engine, remoteAddresses: [remoteAddress, remoteAddress], waitedMs: 500 }],
    ['closed', { dstAddr, engine: streamhost.engine, totals: { firstToSecond: 5, secondToFirst: 4, end: 'end' }, durationMs: 1_000 }],
  ])
})

test('octets are counted while they flow, and once afterwards', async (t) => {
  const { streamhost, ports } = await openStreamhost(t)
  const octets = () => [streamhost.counters.firstToSecondBytes, streamhost.counters.secondToFirstBytes]
  const [one, other] = await joinBoth(t, ports[0], dstAddr)
  streamhost.activate(dstAddr)
  await isConnected(t, one, other)
  t.deepEqual(octets(), [5, 4])
  const closed = once(streamhost, 'closed')
  await isEnded(t, one, other)
  await closed
  t.deepEqual(octets(), [5, 4])
  const { accepted, admitted, activated, refusals, ended } = streamhost.counters
  t.deepEqual([accepted, admitted, activated, refusals, ended], [2, 2, 1, {}, { end: 1, reset: 0, idle: 0, aborted: 0, failed: 0 }])
})

for (const when of ['before', 'after'] as const) {
  test(`a third socket is refused with reply 02 ${when} the activation, the session unharmed (XEP-0065 §11.2)`, async (t) => {
    const { streamhost, ports } = await openStreamhost(t)
    const [one, other] = await joinBoth(t, ports[0], dstAddr)
    if (when === 'after') streamhost.activate(dstAddr)
    const third = await connectPeer(t, ports[0])
    t.deepEqual(await handshake(third, dstAddr), replyOctets(2, dstAddr))
    t.is((await third.readAll()).length, 0)
    if (when === 'before') streamhost.activate(dstAddr)
    await isConnected(t, one, other)
    t.deepEqual(streamhost.counters.refusals, { ERR_PLACES_TAKEN: 1 })
  })
}

test('with one side only there is nothing to activate, and that side goes on waiting (XEP-0065 §6.3.5)', async (t) => {
  const { streamhost, ports } = await openStreamhost(t)
  t.throws(() => streamhost.activate(dstAddr), { code: 'ERR_BYTESTREAM_UNKNOWN' })
  const one = await join(t, ports[0], dstAddr)
  t.throws(() => streamhost.activate(dstAddr), { code: 'ERR_PEER_MISSING' })
  t.throws(() => streamhost.activate(dstAddr), { code: 'ERR_PEER_MISSING' })
  const other = await join(t, ports[0], dstAddr)
  t.is(streamhost.activate(dstAddr), 'activated')
  await isConnected(t, other, one)
})

test('early octets of both sides are delivered in order after the activation (XEP-0065 §10.1)', async (t) => {
  const { streamhost, ports } = await openStreamhost(t)
  const one = await connectPeer(t, ports[0])
  one.write(Buffer.concat([encodeGreeting(), connectOctets(dstAddr), Buffer.from('with the request ')]))
  await one.read(49)
  const other = await join(t, ports[0], dstAddr)
  other.write('behind the reply ')
  await until(() => streamhost.gauges().readAheadBytes === 34)
  one.write('later')
  other.write('later')
  streamhost.activate(dstAddr)
  t.is(streamhost.gauges().readAheadBytes, 0)
  t.is(`${await other.read(22)}`, 'with the request later')
  t.is(`${await one.read(22)}`, 'behind the reply later')
})

test('a side that ended early, behind its octets, keeps its place: octets and end are delivered', async (t) => {
  const stage = await openStreamhost(t)
  const { streamhost, ports } = stage
  const one = await join(t, ports[0], dstAddr)
  one.socket.end('everything')
  await until(() => streamhost.gauges().readAheadBytes === 10)
  const other = await join(t, ports[0], dstAddr)
  streamhost.activate(dstAddr)
  t.is(`${await other.readAll()}`, 'everything')
  other.socket.end('thanks')
  t.is(`${await one.readAll()}`, 'thanks')
  await until(() => streamhost.counters.ended.end === 1)
  isEmpty(t, stage)
})

for (const [what, leave] of [
  ['ends', (peer: Peer) => peer.end()],
  ['is reset', (peer: Peer) => peer.reset()],
] as const) {
  test(`a side that ${what} without an octet gives up its place at once`, async (t) => {
    const stage = await openStreamhost(t)
    const { streamhost, ports } = stage
    const [one, other] = await joinBoth(t, ports[0], dstAddr)
    const left = once(streamhost, 'left')
    leave(one)
    t.deepEqual(await left, [{ dstAddr, remoteAddress: '127.0.0.1', code: undefined }])
    t.is(streamhost.waitingSockets(dstAddr), 1)
    const again = await join(t, ports[0], dstAddr)
    streamhost.activate(dstAddr)
    await isConnected(t, again, other)
    t.deepEqual(streamhost.counters.refusals, {})
  })
}

test('a reset behind octets that were read ahead is noticed after the activation, and passed on', async (t) => {
  const { streamhost, ports } = await openStreamhost(t)
  const [one, other] = await joinBoth(t, ports[0], dstAddr)
  one.write('early')
  await until(() => streamhost.gauges().readAheadBytes === 5)
  one.reset()
  await one.closed
  t.is(streamhost.waitingSockets(dstAddr), 2)
  streamhost.activate(dstAddr)
  t.is(await other.drained(), 'ECONNRESET')
  await until(() => streamhost.counters.ended.reset === 1)
})

test('a target that opens every streamhost and uses the first is paired there, its spare socket closed (slixmpp)', async (t) => {
  for (const used of [0, 1] as const) {
    const { streamhost, ports } = await openStreamhost(t, { listen: TWO_ADDRESSES })
    const target = [await join(t, ports[0], dstAddr), await join(t, ports[1] as Port, dstAddr)] as const
    const requester = await join(t, ports[used] as Port, dstAddr)
    t.is(streamhost.waitingSockets(dstAddr), 3)
    streamhost.on('left', () => t.fail('a spare socket has not left: the streamhost closed it'))
    streamhost.activate(dstAddr)
    await isConnected(t, requester, target[used])
    t.is((await target[1 - used]?.readAll())?.length, 0)
    await until(() => streamhost.gauges().openSockets === 2)
    const fourth = await connectPeer(t, ports[0])
    t.deepEqual(await handshake(fourth, dstAddr), replyOctets(2, dstAddr))
  }
})

test('requester and target that came in at different addresses are a pair too', async (t) => {
  const { streamhost, ports } = await openStreamhost(t, { listen: TWO_ADDRESSES })
  const one = await join(t, ports[1] as Port, dstAddr)
  const other = await join(t, ports[0], dstAddr)
  streamhost.activate(dstAddr)
  await isConnected(t, one, other)
})

test('half-close survives the streamhost: one side ends, the other goes on sending', async (t) => {
  const { streamhost, ports } = await openStreamhost(t)
  const [one, other] = await joinBoth(t, ports[0], dstAddr)
  streamhost.activate(dstAddr)
  other.end()
  await one.readAll()
  one.socket.end(Buffer.alloc(300_000, 1))
  t.is((await other.readAll()).length, 300_000)
  t.deepEqual(await Promise.all([one.closed, other.closed]), ['end', 'end'])
})

test('a peer that floods before the activation is stuck: one read of at most 64 KiB is held, all of it delivered later', async (t) => {
  const { engine, given } = watchedEngine()
  const { streamhost, ports } = await openStreamhost(t, { engine })
  const flood = Buffer.alloc(24 * 2 ** 20, 'flood')
  const one = await join(t, ports[0], dstAddr)
  one.socket.end(flood)
  await until(() => streamhost.gauges().readAheadBytes > 0)
  for (let look = 0; look < 100; look += 1) await new Promise(setImmediate)
  const { readAheadBytes } = streamhost.gauges()
  t.true(readAheadBytes <= 65_536)
  t.true(one.socket.writableLength > 0)
  const other = await join(t, ports[0], dstAddr)
  streamhost.activate(dstAddr)
  t.is(given[0]?.readableLength, readAheadBytes)
  t.is(given[0]?.bytesRead, 50 + readAheadBytes)
  t.true((await other.readAll()).equals(flood))
})

test('one early octet is all that is read, whatever comes behind it', async (t) => {
  const { engine, given } = watchedEngine()
  const { streamhost, ports } = await openStreamhost(t, { engine })
  const one = await join(t, ports[0], dstAddr)
  one.write('1')
  await until(() => streamhost.gauges().readAheadBytes === 1)
  one.write('23456789')
  const other = await join(t, ports[0], dstAddr)
  t.is(streamhost.gauges().readAheadBytes, 1)
  streamhost.activate(dstAddr)
  t.is(given[0]?.bytesRead, 51)
  t.is(`${await other.read(9)}`, '123456789')
})

test('both sockets of a bytestream count as open until it is over, though the connections are taken out of them', async (t) => {
  const { engine, given } = watchedEngine()
  const stage = await openStreamhost(t, { engine })
  const { streamhost, ports } = stage
  const [one, other] = await joinBoth(t, ports[0], dstAddr)
  streamhost.activate(dstAddr)
  await Promise.all(given.map(({ socket }) => once(socket, 'close')))
  t.is(streamhost.gauges().openSockets, 2)
  await isConnected(t, one, other)
  const closed = once(streamhost, 'closed')
  await isEnded(t, one, other)
  await closed
  isEmpty(t, stage)
})

test('a socket that waited has none of its watchers left when the engine takes it', async (t) => {
  const { engine, given } = watchedEngine()
  const { streamhost, ports, clock } = await openStreamhost(t, {
    engine: {
      ...engine,
      relay: (first, second, options) => {
        for (const socket of [first, second]) {
          for (const event of ['readable', 'data', 'close']) t.is(socket.listenerCount(event), 0, event)
        }
        return engine.relay(first, second, options)
      },
    },
  })
  await joinBoth(t, ports[0], dstAddr)
  t.is(clock.waiting, 2)
  streamhost.activate(dstAddr)
  t.is(given.length, 2)
  t.is(clock.waiting, 2, 'one looks for silence, one at the memory of sockets')
})

test('whoever hears that the second side has come may activate at once', async (t) => {
  const { streamhost, ports } = await openStreamhost(t)
  streamhost.on('waiting', ({ sockets }) => {
    if (sockets === 2) streamhost.activate(dstAddr)
  })
  const one = await join(t, ports[0], dstAddr)
  const other = await connectPeer(t, ports[0])
  other.write(Buffer.concat([encodeGreeting(), connectOctets(dstAddr), Buffer.from('early')]))
  await other.read(49)
  t.is(`${await one.read(5)}`, 'early')
  await isConnected(t, one, other)
  t.is(streamhost.gauges().readAheadBytes, 0)
})

test('who waits too long is reset and counted, not a millisecond before', async (t) => {
  const stage = await openStreamhost(t, { limits: { waitingMsMax: 500 } })
  const { streamhost, clock, ports } = stage
  const one = await join(t, ports[0], dstAddr)
  clock.advance(300)
  const other = await join(t, ports[0], dstAddr)
  clock.advance(199)
  t.is(streamhost.waitingSockets(dstAddr), 2)
  const left = once(streamhost, 'left')
  clock.advance(1)
  t.deepEqual(await left, [{ dstAddr, remoteAddress: '127.0.0.1', code: 'ERR_TIMEOUT' }])
  // Not an end, which could be taken for an empty bytestream.
  t.is(await one.drained(), 'ECONNRESET')
  t.is(streamhost.waitingSockets(dstAddr), 1)
  clock.advance(300)
  t.is(await other.drained(), 'ECONNRESET')
  t.deepEqual(streamhost.counters.refusals, { ERR_TIMEOUT: 2 })
  await until(() => streamhost.gauges().openSockets === 0)
  isEmpty(t, stage)
})

test('the waiting time is over with the activation; without an octet the bytestream is broken off', async (t) => {
  const stage = await openStreamhost(t, { limits: { waitingMsMax: 500, idleMsMax: 10_000 } })
  const { streamhost, clock, ports } = stage
  const [one, other] = await joinBoth(t, ports[0], dstAddr)
  streamhost.activate(dstAddr)
  clock.advance(9_999)
  t.is(streamhost.gauges().active, 1)
  clock.advance(1)
  t.deepEqual(await Promise.all([one.drained(), other.drained()]), ['ECONNRESET', 'ECONNRESET'])
  await until(() => streamhost.counters.ended.idle === 1)
  isEmpty(t, stage)
})

test('at the maximum of waiting sockets a request is refused with reply 01, until one leaves', async (t) => {
  const { streamhost, ports } = await openStreamhost(t, { limits: { waitingMax: 1 } })
  const one = await join(t, ports[0], dstAddr)
  const refused = await connectPeer(t, ports[0])
  t.deepEqual(await handshake(refused, dstAddrOf(2)), replyOctets(1, dstAddrOf(2)))
  t.is((await refused.readAll()).length, 0)
  t.deepEqual(streamhost.counters.refusals, { ERR_LIMIT_WAITING: 1 })
  const left = once(streamhost, 'left')
  one.end()
  await left
  await t.notThrowsAsync(join(t, ports[0], dstAddrOf(2)))
})

test('the maximum of one DST.ADDR holds across listening addresses', async (t) => {
  const { streamhost, ports } = await openStreamhost(t, { listen: TWO_ADDRESSES, limits: { perDstAddrMax: 3 } })
  await joinBoth(t, ports[0], dstAddr)
  await join(t, ports[1] as Port, dstAddr)
  t.deepEqual(await handshake(await connectPeer(t, ports[1] as Port), dstAddr), replyOctets(2, dstAddr))
  t.is(streamhost.waitingSockets(dstAddr), 3)
  await t.notThrowsAsync(join(t, ports[1] as Port, dstAddrOf(2)))
})

test('the socket that brings what was read ahead over its maximum is closed, the others stay', async (t) => {
  const { streamhost, ports } = await openStreamhost(t, { limits: { readAheadBytesMax: 10 } })
  const [one, other] = await joinBoth(t, ports[0], dstAddr)
  const greedy = await join(t, ports[0], dstAddrOf(2))
  one.write('1234567890')
  await until(() => streamhost.gauges().readAheadBytes === 10)
  const left = once(streamhost, 'left')
  greedy.write('1')
  t.deepEqual(await left, [{ dstAddr: dstAddrOf(2), remoteAddress: '127.0.0.1', code: 'ERR_LIMIT_READ_AHEAD' }])
  t.is((await greedy.readAll()).length, 0)
  t.deepEqual(streamhost.counters.refusals, { ERR_LIMIT_READ_AHEAD: 1 })
  t.is(streamhost.gauges().readAheadBytes, 10)
  streamhost.activate(dstAddr)
  t.is(`${await other.read(10)}`, '1234567890')
  t.is(streamhost.gauges().readAheadBytes, 0)
})

test('sockets that are turned away in their handshake are counted by reason too', async (t) => {
  const { streamhost, ports } = await openStreamhost(t)
  const refused = once(streamhost, 'refused')
  const peer = await connectPeer(t, ports[0])
  peer.write(Buffer.from([4]))
  t.deepEqual(await refused, [{ remoteAddress: '127.0.0.1', code: 'ERR_SOCKS5_MALFORMED' }])
  t.deepEqual(streamhost.counters.refusals, { ERR_SOCKS5_MALFORMED: 1 })
})

test('where it listens is known once it does', async (t) => {
  const { streamhost, ports } = await openStreamhost(t, { listen: TWO_ADDRESSES })
  t.deepEqual(streamhost.addresses, ports)
  t.deepEqual(
    ports.map(({ host }) => host),
    ['127.0.0.1', '::1'],
  )
  t.true(ports.every(({ port }) => port > 0))
})
