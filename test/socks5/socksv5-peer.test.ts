import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import socks from 'socksv5'
import { BytestreamError } from '../../src/core/index.ts'
import { ClientHandshake, encodeConnectRequest, encodeGreeting, ServerHandshake } from '../../src/socks5/index.ts'
import { oneByOne } from '../helpers/fragments.ts'
import { dstAddr, hex } from '../helpers/socks5.ts'

// Goal: to hear from somebody who has not read our code whether it speaks SOCKS5, and to hold on to what `socksv5`
// cannot do, which is why the handshake is ours.
// Method: its server against our client machine, its client against our server machine, over sockets of this machine.

/** Its server, which takes over each connection it accepts and sends back what comes. */
async function listenWithSocksv5(t: ExecutionContext, answer: 'accept' | 'deny') {
  const server = socks.createServer().useAuth(socks.auth.None())
  const requests: { cmd: string; dstAddr: string; dstPort: number }[] = []
  const sockets: Socket[] = []
  server._srv.on('connection', (socket: Socket) => sockets.push(socket))
  server.on('connection', ({ cmd, dstAddr: name, dstPort }, accept, deny) => {
    requests.push({ cmd, dstAddr: name, dstPort })
    if (answer === 'deny') return deny()
    const socket = accept(true)
    return socket?.pipe(socket)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: server.address().port, requests, sockets }
}

async function open(t: ExecutionContext, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Everything a server answers to `octets` until it hangs up. */
async function answerTo(t: ExecutionContext, port: number, octets: Buffer): Promise<Buffer> {
  const socket = await open(t, port)
  socket.write(octets)
  return buffer(socket)
}

/** Our client machine, on a socket. @returns what came behind the reply */
async function shakeHands(socket: Socket): Promise<Buffer> {
  const handshake = new ClientHandshake(dstAddr)
  socket.write(handshake.start())
  for (;;) {
    const [octets] = (await once(socket, 'data')) as [Buffer]
    const { request, early } = handshake.push(octets)
    if (request) socket.write(request)
    if (early) return early
  }
}

/** Our server machine, on a socket of this machine, for its client. */
async function listenWithOurs(t: ExecutionContext, answer: (handshake: ServerHandshake) => Buffer) {
  const server = createServer((socket) => {
    const handshake = new ServerHandshake()
    t.teardown(() => socket.destroy())
    const onData = (octets: Buffer) => {
      const { replies, request, error } = handshake.push(octets)
      for (const reply of replies) socket.write(reply)
      if (!request && !error) return
      socket.off('data', onData)
      if (request) socket.write(answer(handshake))
      if (error) socket.end()
      else socket.pipe(socket)
    }
    socket.on('data', onData)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

function theirClient(t: ExecutionContext, port: number, auth = socks.auth.None()) {
  const client = new socks.Client({ proxyPort: port, auths: [auth] })
  t.teardown(() => client._sock.destroy())
  return client
}

const to = (host: string, port: number) => ({ host, port, proxyHost: '127.0.0.1', localDNS: false })

test('our client is let in by its server, and what follows is the bytestream', async (t) => {
  const { port, requests } = await listenWithSocksv5(t, 'accept')
  const socket = await open(t, port)
  t.deepEqual(await shakeHands(socket), Buffer.alloc(0))
  t.deepEqual(requests, [{ cmd: 'connect', dstAddr, dstPort: 0 }])
  socket.end('there and back')
  t.is((await buffer(socket)).toString(), 'there and back')
})

test('its server understands our greeting and request octet by octet, and in one segment with a payload', async (t) => {
  const { port, requests } = await listenWithSocksv5(t, 'accept')
  const octets = Buffer.concat([encodeGreeting(), encodeConnectRequest(dstAddr), Buffer.from('payload')])
  for (const fragments of [[octets], oneByOne(octets)]) {
    const socket = await open(t, port)
    for (const fragment of fragments) {
      socket.write(fragment)
      await new Promise(setImmediate)
    }
    socket.end()
    t.deepEqual(await buffer(socket), Buffer.concat([hex('05 00 05 00 00 01 00000000 0000'), Buffer.from('payload')]))
  }
  t.is(requests.length, 2)
})

test('gap: its server answers BND.ADDR 0.0.0.0 where XEP-0065 §5.3.2 wants DST.ADDR back; our client does not mind', async (t) => {
  const { port } = await listenWithSocksv5(t, 'accept')
  const socket = await open(t, port)
  const heard: Buffer[] = []
  socket.on('data', (octets: Buffer) => heard.push(octets))
  await shakeHands(socket)
  t.deepEqual(Buffer.concat(heard), hex('05 00 05 00 00 01 00000000 0000'))
})

test('gap: its server refuses with two octets, which is no reply of RFC 1928 §6; our client understands it', async (t) => {
  const { port } = await listenWithSocksv5(t, 'deny')
  t.deepEqual(await answerTo(t, port, Buffer.concat([encodeGreeting(), encodeConnectRequest(dstAddr)])), hex('05 00 05 02'))
  const error = await t.throwsAsync(shakeHands(await open(t, port)), { instanceOf: BytestreamError })
  t.is(error.code, 'ERR_SOCKS5_REFUSED')
  t.regex(error.message, /not allowed by ruleset/)
})

test('gap: its server answers BIND with two octets as well', async (t) => {
  const { port } = await listenWithSocksv5(t, 'accept')
  t.deepEqual(await answerTo(t, port, hex('05 01 00 05 02 00 01 7f000001 0050')), hex('05 00 05 07'))
})

test('gap: its server hangs up on an unknown address type without reply 08', async (t) => {
  const { port } = await listenWithSocksv5(t, 'accept')
  t.deepEqual(await answerTo(t, port, hex('05 01 00 05 01 00 05')), hex('05 00'))
})

test('gap: its server takes IP addresses and any name for a destination', async (t) => {
  const { port, requests } = await listenWithSocksv5(t, 'accept')
  for (const digits of ['05 01 00 05 01 00 01 7f000001 0050', '05 01 00 05 01 00 03 01 61 0050']) {
    const socket = await open(t, port)
    socket.end(hex(digits))
    t.deepEqual(await buffer(socket), hex('05 00 05 00 00 01 00000000 0000'))
  }
  t.deepEqual(
    requests.map(({ dstAddr: name }) => name),
    ['127.0.0.1', 'a'],
  )
})

test('gap: its server has no deadline for a handshake and no maximum of connections', async (t) => {
  const { port, sockets } = await listenWithSocksv5(t, 'accept')
  const socket = await open(t, port)
  socket.write(hex('05 01 00'))
  await once(socket, 'data')
  t.falsy(sockets[0]?.timeout)
  t.is(socks.createServer().maxConnections, Number.POSITIVE_INFINITY)
})

test('its client is let in by our server, and what follows is the bytestream', async (t) => {
  const port = await listenWithOurs(t, (handshake) => handshake.accept())
  const client = theirClient(t, port).connect(to(dstAddr.toUpperCase(), 1))
  const [socket] = (await once(client, 'connect')) as [Socket]
  socket.end('there and back')
  t.is((await buffer(socket)).toString(), 'there and back')
})

const isToldWhy = test.macro({
  async exec(t, client: { auth?: ReturnType<typeof socks.auth.None>; host?: string }, code: string) {
    const port = await listenWithOurs(t, (handshake) => handshake.refuse('ERR_PLACES_TAKEN'))
    const refused = theirClient(t, port, client.auth).connect(to(client.host ?? dstAddr, 1))
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException]
    t.is(error.code, code)
  },
  title: (given) => `its client is told why our server turns it away: ${given}`,
})
test('reply 02', isToldWhy, {}, 'EACCES')
test('reply 08 to an IPv4 address', isToldWhy, { host: '192.0.2.1' }, 'EATYPNOSUPPORT')
test('reply 02 to a name that is no DST.ADDR', isToldWhy, { host: 'example.com' }, 'EACCES')
test('no method in common', isToldWhy, { auth: socks.auth.UserPassword('romeo', 'montague') }, 'EAUTHNOTSUPPORT')

test('gap: its client refuses DST.PORT 0, which XEP-0065 §5.3.2 demands', (t) => {
  t.throws(() => theirClient(t, 1).connect(to(dstAddr, 0)), { message: 'Can only connect to TCP hosts' })
})

test('gap: its connect() does not run on a Node of today', (t) => {
  t.throws(() => socks.connect(to(dstAddr, 1)), { instanceOf: TypeError, message: /normalizeConnectArgs is not a function/ })
})

test('gap: its client has no deadline for a handshake', async (t) => {
  const server = createServer((socket) => void t.teardown(() => socket.destroy()))
  server.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const client = theirClient(t, (server.address() as AddressInfo).port).connect(to(dstAddr, 1))
  await once(client._sock, 'connect')
  t.falsy(client._sock.timeout)
})
