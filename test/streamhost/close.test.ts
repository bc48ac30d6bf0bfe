import { once } from 'node:events'
import test from 'ava'
import { encodeGreeting } from '../../src/socks5/index.ts'
import { Streamhost } from '../../src/streamhost/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { connectPeer, until } from '../helpers/peer.ts'
import { dstAddrOf, isEmpty, join, joinBoth, openStreamhost } from '../helpers/streamhost.ts'

const dstAddr = dstAddrOf(1)

test('with nothing running it closes at once, whatever time it is given', async (t) => {
  const stage = await openStreamhost(t)
  await stage.streamhost.close({ drainMs: 30_000 })
  isEmpty(t, stage)
})

test('handshakes and waiting sockets are closed at once, and leave nothing', async (t) => {
  const stage = await openStreamhost(t)
  const { streamhost, ports } = stage
  const left: unknown[] = []
  streamhost.on('left', ({ code }) => left.push(code))
  const waiting = await join(t, ports[0], dstAddr)
  const early = await join(t, ports[0], dstAddr)
  early.write('early')
  const greeted = await connectPeer(t, ports[0])
  greeted.write(encodeGreeting())
  await greeted.read(2)
  const refused = await connectPeer(t, ports[0])
  refused.write(Buffer.from([4]))
  await refused.readAll()
  await until(() => streamhost.gauges().readAheadBytes === 5)
  t.is(streamhost.gauges().openSockets, 4)

  await streamhost.close({ drainMs: 30_000 })
  isEmpty(t, stage)
  t.deepEqual(left, ['ERR_SHUTTING_DOWN', 'ERR_SHUTTING_DOWN'])
  for (const peer of [waiting, early, greeted]) t.is((await peer.readAll()).length, 0)
})

test('running bytestreams may finish, and nobody else comes in', async (t) => {
  const stage = await openStreamhost(t)
  const { streamhost, clock, ports } = stage
  const [one, other] = await joinBoth(t, ports[0], dstAddr)
  streamhost.activate(dstAddr)
  let isClosed = false
  const closed = streamhost.close({ drainMs: 30_000 }).then(() => {
    isClosed = true
  })
  await t.throwsAsync(connectPeer(t, ports[0]), { code: 'ECONNREFUSED' })
  t.throws(() => streamhost.activate(dstAddrOf(2)), { code: 'ERR_SHUTTING_DOWN' })
  clock.advance(29_999)
  one.write('still running')
  t.is(`${await other.read(13)}`, 'still running')
  t.false(isClosed)
  one.end()
  other.end()
  t.deepEqual(await Promise.all([one.drained(), other.drained()]), ['end', 'end'])
  await closed
  isEmpty(t, stage)
})

test('what has not finished when the time is over is broken off', async (t) => {
  const stage = await openStreamhost(t)
  const { streamhost, clock, ports } = stage
  const [one, other] = await joinBoth(t, ports[0], dstAddr)
  streamhost.activate(dstAddr)
  const closed = streamhost.close({ drainMs: 30_000 })
  clock.advance(29_999)
  t.is(streamhost.gauges().active, 1)
  clock.advance(1)
  await closed
  t.deepEqual(await Promise.all([one.drained(), other.drained()]), ['ECONNRESET', 'ECONNRESET'])
  t.is(streamhost.counters.ended.aborted, 1)
  isEmpty(t, stage)
})

test('without time to finish, running bytestreams are broken off at once', async (t) => {
  const stage = await openStreamhost(t)
  const [one, other] = await joinBoth(t, stage.ports[0], dstAddr)
  stage.streamhost.activate(dstAddr)
  await stage.streamhost.close()
  t.deepEqual(await Promise.all([one.drained(), other.drained()]), ['ECONNRESET', 'ECONNRESET'])
  isEmpty(t, stage)
})

test('closed twice, both calls settle, and the more impatient one decides', async (t) => {
  const stage = await openStreamhost(t)
  await joinBoth(t, stage.ports[0], dstAddr)
  stage.streamhost.activate(dstAddr)
  const patient = stage.streamhost.close({ drainMs: 30_000 })
  await stage.streamhost.close()
  await patient
  isEmpty(t, stage)
})

test('an activation after closing is refused, a repeated one as well', async (t) => {
  const { streamhost, ports } = await openStreamhost(t)
  await joinBoth(t, ports[0], dstAddr)
  streamhost.activate(dstAddr)
  const closed = once(streamhost, 'closed')
  const closing = streamhost.close({ drainMs: 30_000 })
  t.throws(() => streamhost.activate(dstAddr), { code: 'ERR_SHUTTING_DOWN' })
  await streamhost.close()
  await Promise.all([closing, closed])
  t.throws(() => streamhost.activate(dstAddr), { code: 'ERR_SHUTTING_DOWN' })
})

test('it can be disposed of, listening or not', async (t) => {
  const clock = new FakeClock()
  let port = 0
  {
    await using streamhost = new Streamhost({ clock }, { listen: [{ host: '127.0.0.1', port: 0 }] })
    const [address] = await streamhost.listen()
    port = address?.port ?? 0
    await join(t, { host: '127.0.0.1', port }, dstAddr)
  }
  await t.throwsAsync(connectPeer(t, { port }), { code: 'ECONNREFUSED' })
  t.is(clock.waiting, 0)
  await using _never = new Streamhost({ clock }, { listen: [] })
})

test('an address that cannot be listened on is named', async (t) => {
  const { ports } = await openStreamhost(t)
  const streamhost = new Streamhost({}, { listen: [ports[0]] })
  await t.throwsAsync(streamhost.listen(), {
    code: 'ERR_LISTEN',
    message: new RegExp(`^cannot listen on 127\\.0\\.0\\.1 port ${ports[0].port}: `),
  })
  t.deepEqual(streamhost.addresses, [])
})
