import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import type { ErrorCode } from '../../src/core/index.ts'
import { type DstAddr, encodeGreeting } from '../../src/socks5/index.ts'
import { type Admitted, HandshakeListener, type ListenAddress, type ListenerLimits, type SocksRequest } from '../../src/streamhost/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { oneByOne } from '../helpers/fragments.ts'
import { connectPeer, type Peer, until } from '../helpers/peer.ts'
import { CHOICE, connectOctets, dstAddrOf, handshake, type Port, replyOctets } from '../helpers/streamhost.ts'

const LOOPBACK: readonly ListenAddress[] = [{ host: '127.0.0.1', port: 0 }]
const dstAddr = dstAddrOf(1)

interface Stage {
  readonly listener: HandshakeListener
  readonly clock: FakeClock
  readonly ports: readonly Port[]
  readonly port: Port
  readonly accepted: (Admitted & { readonly request: SocksRequest })[]
  /** Codes of the sockets that were turned away, in their order. */
  readonly refused: ErrorCode[]
  /** What the sockets that were turned away come from. */
  readonly refusedAddresses: string[]
}

interface StageInit {
  readonly limits?: Partial<ListenerLimits>
  readonly listen?: readonly ListenAddress[]
  readonly verdict?: (dstAddr: DstAddr) => ErrorCode | undefined
}

/** A listener that lets everybody in, unless `verdict` says otherwise. */
async function openListener(
  t: ExecutionContext,
  { limits = {}, listen = LOOPBACK, verdict = () => undefined }: StageInit = {},
): Promise<Stage> {
  const clock = new FakeClock()
  const accepted: (Admitted & { readonly request: SocksRequest })[] = []
  const [refused, refusedAddresses]: [ErrorCode[], string[]] = [[], []]
  const onRequest = (request: SocksRequest) => {
    const code = verdict(request.dstAddr)
    if (code) request.refuse(code)
    else accepted.push({ ...request.accept(), request })
  }
  const listener = new HandshakeListener({ clock }, { listen, limits, onRequest })
  listener.on('refused', ({ error, remoteAddress }) => {
    refused.push(error.code)
    refusedAddresses.push(remoteAddress)
  })
  t.teardown(async () => {
    for (const { socket } of accepted) socket.destroy()
    await listener.close()
  })
  const ports = await listener.listen()
  return { listener, clock, ports, port: ports[0] as Port, accepted, refused, refusedAddresses }
}

/** Connects, and waits until that was noticed. */
async function arrive(t: ExecutionContext, { listener, port }: Stage, where: Port = port): Promise<Peer> {
  const before = listener.accepted
  const peer = await connectPeer(t, where)
  await until(() => listener.accepted > before)
  return peer
}

const greetingAndConnect = Buffer.concat([encodeGreeting(), connectOctets(dstAddr)])

test('octet by octet the handshake goes the same way (PEERS: most proxies read it in one piece)', async (t) => {
  const { port, accepted } = await openListener(t)
  const peer = await connectPeer(t, port)
  for (const octet of oneByOne(encodeGreeting())) peer.write(octet)
  t.deepEqual(await peer.read(2), CHOICE)
  for (const octet of oneByOne(connectOctets(dstAddr))) {
    peer.write(octet)
    await new Promise(setImmediate)
  }
  t.deepEqual(await peer.read(47), replyOctets(0, dstAddr))
  t.is(accepted[0]?.request.dstAddr, dstAddr)
})

test('greeting, CONNECT and payload in one segment: the socket begins with the payload', async (t) => {
  const { port, accepted } = await openListener(t)
  const peer = await connectPeer(t, port)
  peer.write(Buffer.concat([greetingAndConnect, Buffer.from('payload')]))
  t.deepEqual(await peer.read(49), Buffer.concat([CHOICE, replyOctets(0, dstAddr)]))
  t.is(`${accepted[0]?.socket.read()}`, 'payload')
})

test('each reply comes whole, with nothing behind it (CLIENTS: some read once for each)', async (t) => {
  const { port } = await openListener(t)
  const peer = await connectPeer(t, port)
  const reads: Buffer[] = []
  peer.socket.on('data', (octets: Buffer) => reads.push(octets))
  peer.write(encodeGreeting())
  await once(peer.socket, 'data')
  peer.write(connectOctets(dstAddr))
  await once(peer.socket, 'data')
  t.deepEqual(reads, [CHOICE, replyOctets(0, dstAddr)])
})

test('what a request is told with: where it came from, where it came in', async (t) => {
  const stage = await openListener(t, { listen: [...LOOPBACK, { host: '::1', port: 0 }] })
  const [four, six] = stage.ports as [Port, Port]
  await handshake(await connectPeer(t, six), dstAddr)
  await handshake(await connectPeer(t, four), dstAddr)
  const told = stage.accepted.map(({ request: { remoteAddress, listeningAddress, rank } }) => ({ remoteAddress, listeningAddress, rank }))
  t.deepEqual(told, [
    { remoteAddress: '::1', listeningAddress: `::1:${six.port}`, rank: 1 },
    { remoteAddress: '127.0.0.1', listeningAddress: `127.0.0.1:${four.port}`, rank: 0 },
  ])
})

test('a socket that was let in is paused, takes half-close, and has no listener of the handshake left', async (t) => {
  const { port, accepted, clock } = await openListener(t)
  const plain = new Promise<Socket>((resolve) => {
    const server = createServer((socket) => resolve(socket)).listen(0, '127.0.0.1', async () => {
      await connectPeer(t, server.address() as AddressInfo)
      server.close()
    })
  })
  const peer = await connectPeer(t, port)
  await handshake(peer, dstAddr)
  const { socket } = accepted[0] as { socket: Socket }
  t.true(socket.isPaused())
  t.true(socket.allowHalfOpen)
  t.is(clock.waiting, 0)
  const before = await plain
  t.teardown(() => before.destroy())
  for (const event of ['data', 'end', 'readable']) t.is(socket.listenerCount(event), before.listenerCount(event), event)
  t.is(socket.listenerCount('close'), before.listenerCount('close'))
  // Beyond Node's own: one without which an error would end the process.
  t.is(socket.listenerCount('error'), before.listenerCount('error') + 1)
})

test('a peer that floods before it is let in is read once, no more than 64 KiB', async (t) => {
  const { port, accepted } = await openListener(t)
  for (const first of [greetingAndConnect.length, 65_536]) {
    const peer = await connectPeer(t, port)
    peer.write(Buffer.concat([greetingAndConnect, Buffer.alloc(8 * 2 ** 20, 7)]).subarray(0, first))
    if (first < 65_536) await peer.read(49)
    peer.write(Buffer.alloc(8 * 2 ** 20, 7))
    const count = first < 65_536 ? 1 : 2
    await until(() => (accepted[count - 1]?.socket.readableLength ?? 0) > 0)
    const { socket } = accepted[count - 1] as { socket: Socket }
    for (let look = 0; look < 100; look += 1) await new Promise(setImmediate)
    t.true(socket.readableLength <= 65_536)
    t.is(socket.bytesRead, greetingAndConnect.length + socket.readableLength)
  }
})

for (const [what, octets, code, reply] of [
  ['another method', Buffer.from([5, 1, 2]), 'ERR_SOCKS5_METHOD', '05ff'],
  ['another command', Buffer.from([5, 1, 0, 5, 2]), 'ERR_SOCKS5_COMMAND', '050005070001000000000000'],
  ['another address type', Buffer.from([5, 1, 0, 5, 1, 0, 1]), 'ERR_SOCKS5_ADDRESS_TYPE', '050005080001000000000000'],
  ['SOCKS4', Buffer.from([4, 1]), 'ERR_SOCKS5_MALFORMED', ''],
] as const) {
  test(`${what} is refused, then the socket is ended; all of it arrives, though the peer goes on sending`, async (t) => {
    const stage = await openListener(t)
    const peer = await connectPeer(t, stage.port)
    peer.write(Buffer.concat([octets, Buffer.alloc(2 ** 20)]))
    t.is((await peer.readAll()).toString('hex'), reply)
    peer.end()
    t.is(await peer.closed, 'end')
    t.deepEqual(stage.refused, [code])
    await until(() => stage.listener.openSockets === 0)
    t.is(stage.clock.waiting, 0)
  })
}

test('a request that is refused is answered with its DST.ADDR, then ended', async (t) => {
  const stage = await openListener(t, { verdict: () => 'ERR_PLACES_TAKEN' })
  const peer = await connectPeer(t, stage.port)
  t.deepEqual(await handshake(peer, dstAddr), replyOctets(2, dstAddr))
  t.is((await peer.readAll()).length, 0)
  t.deepEqual(stage.refused, ['ERR_PLACES_TAKEN'])
  t.deepEqual(stage.accepted, [])
})

test('a refusal arrives though the peer goes on sending behind its request', async (t) => {
  const stage = await openListener(t, { verdict: () => 'ERR_LIMIT_WAITING' })
  const peer = await connectPeer(t, stage.port)
  peer.socket.end(Buffer.concat([greetingAndConnect, Buffer.alloc(8 * 2 ** 20)]))
  t.deepEqual(await peer.readAll(), Buffer.concat([CHOICE, replyOctets(1, dstAddr)]))
  t.is(await peer.closed, 'end')
  await until(() => stage.listener.openSockets === 0)
})

test('who was refused and does not hang up is cut after two seconds', async (t) => {
  const { port, clock, listener } = await openListener(t)
  const peer = await connectPeer(t, port)
  peer.write(Buffer.from([5, 1, 2]))
  await peer.readAll()
  t.is(listener.halfOpenSockets, 0)
  clock.advance(1_999)
  t.is(listener.openSockets, 1)
  clock.advance(1)
  t.is(listener.openSockets, 0)
  t.is(clock.waiting, 0)
})

test('a handshake that takes too long is cut, not a millisecond before', async (t) => {
  const stage = await openListener(t, { limits: { handshakeMsMax: 500 } })
  const { clock, listener } = stage
  const [silent, slow] = [await arrive(t, stage), await arrive(t, stage)]
  slow.write(encodeGreeting())
  await slow.read(2)
  clock.advance(499)
  t.is(listener.halfOpenSockets, 2)
  clock.advance(1)
  for (const peer of [silent, slow]) t.is((await peer.readAll()).length, 0)
  t.deepEqual(stage.refused, ['ERR_HANDSHAKE_TIMEOUT', 'ERR_HANDSHAKE_TIMEOUT'])
  t.is(clock.waiting, 0)
})

test('the deadline of the handshake is over with the handshake', async (t) => {
  const { port, clock, accepted, refused } = await openListener(t, { limits: { handshakeMsMax: 500 } })
  await handshake(await connectPeer(t, port), dstAddr)
  clock.advance(10_000)
  t.false(accepted[0]?.socket.destroyed)
  t.deepEqual(refused, [])
})

for (const [what, leave] of [
  ['ends', (peer: Peer) => peer.end()],
  ['is reset', (peer: Peer) => peer.reset()],
] as const) {
  test(`a peer that ${what} in its handshake leaves nothing`, async (t) => {
    const stage = await openListener(t)
    const peer = await arrive(t, stage)
    peer.write(encodeGreeting())
    await peer.read(2)
    leave(peer)
    await until(() => stage.listener.openSockets === 0)
    t.is(stage.listener.halfOpenSockets, 0)
    t.is(stage.clock.waiting, 0)
  })
}

test('at the maximum of open sockets the next is closed without a word, and those that are in stay', async (t) => {
  const stage = await openListener(t, { limits: { openSocketsMax: 2 } })
  const { port, listener, refused, accepted } = stage
  const peers = [await connectPeer(t, port), await connectPeer(t, port)]
  for (const peer of peers) await handshake(peer, dstAddr)
  t.is((await (await arrive(t, stage)).readAll()).length, 0)
  t.deepEqual(refused, ['ERR_LIMIT_SOCKETS'])
  t.is(listener.openSockets, 2)
  t.is(listener.accepted, 3)
  t.false(accepted.some(({ socket }) => socket.destroyed))

  accepted[0]?.socket.destroy()
  accepted[0]?.uncount()
  t.deepEqual(await handshake(await connectPeer(t, port), dstAddr), replyOctets(0, dstAddr))
})

test('a socket that was let in counts as open until its owner says otherwise, once', async (t) => {
  const { port, listener, accepted } = await openListener(t)
  for (let count = 0; count < 2; count += 1) await handshake(await connectPeer(t, port), dstAddr)
  const one = accepted[0] as Admitted
  const closed = once(one.socket, 'close')
  one.socket.destroy()
  await closed
  t.is(listener.openSockets, 2)
  one.uncount()
  t.is(listener.openSockets, 1)
  one.uncount()
  t.is(listener.openSockets, 1)
})

test('at the maximum of open sockets one in its handshake makes way: nobody keeps everybody out by saying nothing', async (t) => {
  const stage = await openListener(t, { limits: { openSocketsMax: 2 } })
  await handshake(await connectPeer(t, stage.port), dstAddr)
  const silent = await arrive(t, stage)
  const newcomer = await arrive(t, stage)
  t.is((await silent.readAll()).length, 0)
  t.deepEqual(await handshake(newcomer, dstAddr), replyOctets(0, dstAddr))
  t.deepEqual(stage.refused, ['ERR_LIMIT_HALF_OPEN'])
  t.is(stage.accepted.length, 2)
})

const TWO_SOURCES = [...LOOPBACK, { host: '::1', port: 0 }]

test('at the maximum of one source the next of it is closed, one of another source is not', async (t) => {
  const stage = await openListener(t, { limits: { openPerSourceMax: 1 }, listen: TWO_SOURCES })
  const [four, six] = stage.ports as [Port, Port]
  await handshake(await connectPeer(t, four), dstAddr)
  t.is((await (await connectPeer(t, four)).readAll()).length, 0)
  t.deepEqual(stage.refused, ['ERR_LIMIT_SOURCE_SOCKETS'])
  t.deepEqual(await handshake(await connectPeer(t, six), dstAddr), replyOctets(0, dstAddr))
})

test('at the maximum of one source its own oldest handshake makes way, nobody else', async (t) => {
  const stage = await openListener(t, { limits: { openPerSourceMax: 2 }, listen: TWO_SOURCES })
  const [four, six] = stage.ports as [Port, Port]
  const other = await arrive(t, stage, six)
  await handshake(await connectPeer(t, four), dstAddr)
  const silent = await arrive(t, stage, four)
  const newcomer = await arrive(t, stage, four)
  t.is((await silent.readAll()).length, 0)
  t.deepEqual(stage.refused, ['ERR_LIMIT_HALF_OPEN'])
  for (const peer of [other, newcomer]) t.deepEqual(await handshake(peer, dstAddr), replyOctets(0, dstAddr))
})

test('a source gets a place back with each socket of it that is gone', async (t) => {
  const stage = await openListener(t, { limits: { openPerSourceMax: 1 } })
  for (let round = 0; round < 3; round += 1) {
    t.deepEqual(await handshake(await connectPeer(t, stage.port), dstAddr), replyOctets(0, dstAddr))
    stage.accepted[round]?.uncount()
    t.is(stage.listener.openSockets, 0)
  }
  t.deepEqual(stage.refused, [])
})

test('at the maximum of handshakes the oldest of the busiest source makes way for the newcomer', async (t) => {
  const stage = await openListener(t, { limits: { halfOpenMax: 3 }, listen: TWO_SOURCES })
  const [four, six] = stage.ports as [Port, Port]
  const lonely = await arrive(t, stage, six)
  const [oldest, second] = [await arrive(t, stage, four), await arrive(t, stage, four)]
  const newcomer = await arrive(t, stage, six)
  t.is((await oldest.readAll()).length, 0)
  t.deepEqual(stage.refusedAddresses, ['127.0.0.1'])
  t.deepEqual(stage.refused, ['ERR_LIMIT_HALF_OPEN'])
  t.is(stage.listener.halfOpenSockets, 3)
  for (const peer of [lonely, second, newcomer]) t.deepEqual(await handshake(peer, dstAddr), replyOctets(0, dstAddr))
})

test('at the maximum of handshakes of one source its own oldest makes way', async (t) => {
  const stage = await openListener(t, { limits: { halfOpenPerSourceMax: 1 }, listen: TWO_SOURCES })
  const [four, six] = stage.ports as [Port, Port]
  const other = await arrive(t, stage, six)
  const [oldest, newcomer] = [await arrive(t, stage, four), await arrive(t, stage, four)]
  t.is((await oldest.readAll()).length, 0)
  t.deepEqual(stage.refusedAddresses, ['127.0.0.1'])
  for (const peer of [other, newcomer]) t.deepEqual(await handshake(peer, dstAddr), replyOctets(0, dstAddr))
})

test('sockets that were let in are no handshakes: they never make way', async (t) => {
  const stage = await openListener(t, { limits: { halfOpenMax: 1, halfOpenPerSourceMax: 1 } })
  for (let round = 0; round < 4; round += 1) await handshake(await connectPeer(t, stage.port), dstAddr)
  t.is(stage.accepted.length, 4)
  t.deepEqual(stage.refused, [])
  t.false(stage.accepted.some(({ socket }) => socket.destroyed))
})

test('an address that cannot be listened on is named, and those listened on before are given up', async (t) => {
  const occupant = createServer().listen(0, '127.0.0.1')
  await once(occupant, 'listening')
  t.teardown(() => void occupant.close())
  const { port } = occupant.address() as AddressInfo
  const listen = ['::1', '127.0.0.1'].map((host) => ({ host, port }))
  const listener = new HandshakeListener({ clock: new FakeClock() }, { listen, onRequest: () => {} })
  const error = await t.throwsAsync(listener.listen(), { code: 'ERR_LISTEN' })
  t.true(error?.message.startsWith(`cannot listen on 127.0.0.1 port ${port}: `), error?.message)
  await t.throwsAsync(connectPeer(t, { host: '::1', port }), { code: 'ECONNREFUSED' })
})

test('an address of another machine cannot be listened on', async (t) => {
  const listener = new HandshakeListener({ clock: new FakeClock() }, { listen: [{ host: '192.0.2.1', port: 0 }], onRequest: () => {} })
  await t.throwsAsync(listener.listen(), { code: 'ERR_LISTEN', message: /^cannot listen on 192\.0\.2\.1 port 0: / })
})

test('* listens on both families, at one port', async (t) => {
  const { ports, accepted } = await openListener(t, { listen: [{ host: '*', port: 0 }] })
  t.deepEqual(
    ports.map(({ host }) => host),
    ['::', '0.0.0.0'],
  )
  t.is(ports[0]?.port, ports[1]?.port)
  for (const host of ['127.0.0.1', '::1']) {
    const peer = await connectPeer(t, { host, port: ports[0]?.port ?? 0 })
    t.deepEqual(await handshake(peer, dstAddr), replyOctets(0, dstAddr))
  }
  t.deepEqual(
    accepted.map(({ request: { remoteAddress, listeningAddress } }) => ({ remoteAddress, listeningAddress })),
    ['127.0.0.1', '::1'].map((address) => ({ remoteAddress: address, listeningAddress: `${address}:${ports[0]?.port}` })),
  )
})

test('* with the port taken on IPv6 does not start on half of its addresses', async (t) => {
  const occupant = createServer().listen({ host: '::', port: 0, ipv6Only: true })
  await once(occupant, 'listening')
  t.teardown(() => void occupant.close())
  const { port } = occupant.address() as AddressInfo
  const listener = new HandshakeListener({ clock: new FakeClock() }, { listen: [{ host: '*', port }], onRequest: () => {} })
  await t.throwsAsync(listener.listen(), { code: 'ERR_LISTEN', message: new RegExp(`^cannot listen on :: port ${port}: `) })
  await t.throwsAsync(connectPeer(t, { host: '127.0.0.1', port }), { code: 'ECONNREFUSED' })
})

test('to close cuts handshakes and those being refused, and leaves to others what is theirs', async (t) => {
  const stage = await openListener(t)
  const { listener, port, accepted, clock } = stage
  const theirs = await connectPeer(t, port)
  await handshake(theirs, dstAddr)
  const [silent, refused] = [await arrive(t, stage), await arrive(t, stage)]
  refused.write(Buffer.from([4]))
  await refused.readAll()
  t.is(listener.openSockets, 3)

  await listener.close()
  t.is(listener.openSockets, 1)
  t.is(clock.waiting, 0)
  t.is((await silent.readAll()).length, 0)
  await t.throwsAsync(connectPeer(t, port), { code: 'ECONNREFUSED' })

  accepted[0]?.socket.write('still here')
  t.is(`${await theirs.read(10)}`, 'still here')
})

test('to close twice, or before listening, is nothing special', async (t) => {
  const { listener } = await openListener(t)
  await Promise.all([listener.close(), listener.close()])
  await listener.close()
  await new HandshakeListener({}, { listen: LOOPBACK, onRequest: () => {} }).close()
  t.pass()
})

test('closed while it begins to listen, it does not listen', async (t) => {
  const listener = new HandshakeListener({}, { listen: LOOPBACK, onRequest: () => {} })
  const listening = listener.listen()
  await listener.close()
  await t.throwsAsync(listening, { code: 'ERR_SHUTTING_DOWN' })
  await t.throwsAsync(listener.listen(), { code: 'ERR_SHUTTING_DOWN' })
})
