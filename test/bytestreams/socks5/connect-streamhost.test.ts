import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { connectToStreamhost } from '../../../src/bytestreams/socks5/connect-streamhost.ts'
import { BytestreamError, errorCodes } from '../../../src/core/index.ts'
import { encodeConnectReply } from '../../../src/socks5/index.ts'
import { cut, cuts } from '../../helpers/fragments.ts'
import { settle } from '../../helpers/settle.ts'
import { dstAddr, hex } from '../../helpers/socks5.ts'

// Goal: whatever a streamhost does, a requester or target ends up with a socket or with one error of ours, and the
// octets of the bytestream are all there.
// Method: streamhosts of a few lines on sockets of this machine, each with its own way of being wrong.

const never = () => new AbortController().signal

/** A streamhost that does `behave` with every connection. */
async function listen(t: ExecutionContext, behave: (socket: Socket) => unknown) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.setNoDelay(true)
    socket.on('error', () => {}) // A client that gives up is none of its business.
    t.teardown(() => socket.destroy())
    behave(socket)
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

/** Answers the greeting with `method` and the request with `reply`, each through `write`. */
const answering = (write: (socket: Socket, octets: Buffer) => unknown, replies: { method?: Buffer; reply?: Buffer } = {}) => {
  const { method = hex('05 00'), reply = acceptance } = replies
  return (socket: Socket) => {
    socket.once('data', () => {
      write(socket, method)
      socket.once('data', () => write(socket, reply))
    })
  }
}

const whole = (socket: Socket, octets: Buffer) => socket.write(octets)

/** XEP-0065 §5.3.2: BND.ADDR and BND.PORT echo DST.ADDR and DST.PORT. */
const acceptance = encodeConnectReply(0, Buffer.concat([Buffer.from([40]), Buffer.from(dstAddr, 'latin1'), Buffer.alloc(2)]))

async function read(socket: Socket, bytes: number): Promise<Buffer> {
  const octets: Buffer[] = []
  for await (const piece of socket.iterator({ destroyOnReturn: false })) {
    octets.push(piece)
    if (Buffer.concat(octets).length >= bytes) break
  }
  return Buffer.concat(octets)
}

test('a socket that was let in is handed over paused, half-open allowed, with its octets untouched', async (t) => {
  const at = await listen(t, (socket) => {
    answering(whole)(socket)
    socket.on('end', () => socket.end('after your end'))
  })
  const socket = await connectToStreamhost(at, dstAddr, never())
  t.teardown(() => socket.destroy())
  t.true(socket.isPaused())
  t.is(socket.listenerCount('data'), 0)
  socket.end()
  t.is((await read(socket, 14)).toString(), 'after your end')
})

test('octets in the same segment as the reply belong to the bytestream', async (t) => {
  const at = await listen(t, answering(whole, { reply: Buffer.concat([acceptance, Buffer.from('first octets')]) }))
  const socket = await connectToStreamhost(at, dstAddr, never())
  t.teardown(() => socket.destroy())
  t.is((await read(socket, 12)).toString(), 'first octets')
})

test('octets and the end in the same segment as the reply arrive, in this order', async (t) => {
  const at = await listen(
    t,
    answering((socket, octets) => (octets.length === 2 ? socket.write(octets) : socket.end(octets)), {
      reply: Buffer.concat([acceptance, Buffer.from('all there is')]),
    }),
  )
  const socket = await connectToStreamhost(at, dstAddr, never())
  t.teardown(() => socket.destroy())
  const ended = once(socket, 'end')
  t.is((await read(socket, 12)).toString(), 'all there is')
  socket.resume()
  await ended
  t.pass()
})

test('replies in any fragments are understood', async (t) => {
  await fc.assert(
    fc.asyncProperty(cuts, async (offsets) => {
      const at = await listen(
        t,
        answering(
          async (socket, octets) => {
            for (const piece of cut(octets, offsets)) {
              socket.write(piece)
              await settle()
            }
          },
          { reply: Buffer.concat([acceptance, Buffer.from('early')]) },
        ),
      )
      const socket = await connectToStreamhost(at, dstAddr, never())
      const early = await read(socket, 5)
      socket.destroy()
      return early.toString() === 'early'
    }),
    { numRuns: 20 },
  )
  t.pass()
})

for (const [what, address] of [
  ['0.0.0.0', hex('01 00000000 0000')],
  ['an IPv6 address', hex(`04 ${'00'.repeat(16)} 0000`)],
  ['a name of no octets', hex('03 00 0000')],
] as const) {
  test(`a reply with ${what} for BND.ADDR lets us in (COMPAT: not every streamhost echoes)`, async (t) => {
    const at = await listen(t, answering(whole, { reply: Buffer.concat([hex('05 00 00'), address]) }))
    const socket = await connectToStreamhost(at, dstAddr, never())
    t.teardown(() => socket.destroy())
    t.false(socket.destroyed)
  })
}

const refused = test.macro({
  async exec(t, behave: (socket: Socket) => unknown, code: string, message: RegExp) {
    let gone: Promise<unknown> = Promise.resolve()
    const at = await listen(t, (socket) => {
      gone = once(socket, 'close')
      socket.on('end', () => socket.end())
      behave(socket)
      socket.resume()
    })
    const error = await t.throwsAsync(connectToStreamhost(at, dstAddr, never()), { instanceOf: BytestreamError, code, message })
    t.true(error?.message.startsWith(`127.0.0.1:${at.port}`), 'the error says which streamhost it was')
    await gone
  },
  title: (given = '') => `a streamhost that ${given} is given up, and its socket closed`,
})

test('refuses', refused, answering(whole, { reply: hex('05 02 00 01 00000000 0000') }), 'ERR_SOCKS5_REFUSED', /not allowed/)
test(
  'refuses in two octets and hangs up (COMPAT: socksv5)',
  refused,
  answering(whole, { reply: hex('05 05') }),
  'ERR_SOCKS5_REFUSED',
  /connection refused/,
)
test('wants a password', refused, answering(whole, { method: hex('05 02') }), 'ERR_SOCKS5_METHOD', /./)
test('takes no method', refused, answering(whole, { method: hex('05 ff') }), 'ERR_SOCKS5_METHOD', /./)
test('speaks SOCKS4', refused, answering(whole, { method: hex('00 5a') }), 'ERR_SOCKS5_MALFORMED', /./)
test('speaks HTTP', refused, (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), 'ERR_SOCKS5_MALFORMED', /./)
test('has an address type of its own', refused, answering(whole, { reply: hex('05 00 00 07 00') }), 'ERR_SOCKS5_MALFORMED', /./)
test('hangs up at once', refused, (socket) => socket.end(), 'ERR_UNREACHABLE', /hung up/)
test('hangs up after the greeting', refused, (socket) => socket.once('data', () => socket.end()), 'ERR_UNREACHABLE', /hung up/)
test(
  'hangs up in the middle of its reply',
  refused,
  answering((socket, octets) => (octets.length === 2 ? socket.write(octets) : socket.end(octets.subarray(0, 20)))),
  'ERR_UNREACHABLE',
  /hung up/,
)
test(
  'resets in the middle of its reply',
  refused,
  answering((socket, octets) => (octets.length === 2 ? socket.write(octets) : socket.resetAndDestroy())),
  'ERR_UNREACHABLE',
  /ECONNRESET/,
)

test('whatever a streamhost says, the answer is a socket or an error of ours', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), async (method, reply) => {
      const at = await listen(t, (socket) => {
        socket.once('data', () => {
          socket.write(method)
          socket.end(reply)
        })
        socket.resume()
      })
      try {
        const socket = await connectToStreamhost(at, dstAddr, never())
        socket.destroy()
        return true
      } catch (error) {
        return error instanceof BytestreamError && errorCodes.includes(error.code) && error.code !== 'ERR_INTERNAL'
      }
    }),
    { numRuns: 50 },
  )
  t.pass()
})

test('nobody listening is ERR_UNREACHABLE, with the reason of the system', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  await t.throwsAsync(connectToStreamhost({ host: '127.0.0.1', port }, dstAddr, never()), {
    code: 'ERR_UNREACHABLE',
    message: new RegExp(`127.0.0.1:${port} cannot be reached: .*ECONNREFUSED`),
  })
})

test('an abort during the handshake ends it with its reason, and closes the socket', async (t) => {
  const stopping = new AbortController()
  const reason = new BytestreamError('ERR_TIMEOUT', 'too long')
  let gone: Promise<unknown> | undefined
  const at = await listen(t, (socket) => {
    gone = once(socket, 'close')
    socket.on('end', () => socket.end())
    socket.once('data', () => stopping.abort(reason)) // Says nothing more.
  })
  t.is(await t.throwsAsync(connectToStreamhost(at, dstAddr, stopping.signal)), reason)
  await gone
})

test("after the handshake an abort means nothing: the socket is the caller's", async (t) => {
  const stopping = new AbortController()
  const at = await listen(t, answering(whole))
  const socket = await connectToStreamhost(at, dstAddr, stopping.signal)
  t.teardown(() => socket.destroy())
  stopping.abort()
  await settle()
  t.false(socket.destroyed)
})

test('with a signal that is aborted already, nobody is connected to', async (t) => {
  let connections = 0
  const at = await listen(t, () => {
    connections += 1
  })
  await t.throwsAsync(connectToStreamhost(at, dstAddr, AbortSignal.abort()), { code: 'ERR_ABORTED' })
  // A connection of our own comes behind any other.
  const probe = connect(at)
  await once(probe, 'connect')
  probe.destroy()
  t.true(connections <= 1)
})

test('a socket that is reset when nobody listens to it yet is no uncaught error', async (t) => {
  const at = await listen(
    t,
    answering((socket, octets) => {
      socket.write(octets)
      if (octets.length > 2) socket.once('data', () => socket.resetAndDestroy())
    }),
  )
  const socket = await connectToStreamhost(at, dstAddr, never())
  socket.write('!')
  socket.resume()
  await new Promise((closed) => (socket.closed ? closed(true) : socket.once('close', closed)))
  t.is((socket.errored as NodeJS.ErrnoException | null)?.code, 'ECONNRESET')
})
