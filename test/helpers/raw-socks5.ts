import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import type { Address } from './raw-client.ts'
import { hex } from './socks5.ts'

/** CMD 1, ATYP 3, DST.ADDR, DST.PORT 0 (XEP-0065 §5.3.2), by the octet. */
export const connectRequest = (dstAddr: string) => Buffer.concat([hex('05 01 00 03 28'), Buffer.from(dstAddr, 'latin1'), hex('0000')])

/** STATUS 0, and DST.ADDR and DST.PORT echoed as BND.ADDR and BND.PORT. */
const connectReply = (dstAddr: string) => Buffer.concat([hex('05 00 00 03 28'), Buffer.from(dstAddr, 'latin1'), hex('0000')])

/** The next `bytes` octets of a socket; fails when it ends first. */
export async function take(socket: Socket, bytes: number): Promise<Buffer> {
  // Node tells a first listener at once of octets that are there, however few: with another beside it, it tells of news.
  const beside = () => {}
  socket.on('readable', beside)
  try {
    for (;;) {
      const octets: Buffer | null = socket.read(bytes)
      if (octets?.length === bytes) return octets
      if (octets || socket.readableEnded || socket.destroyed) throw new Error(`the socket has ended, ${octets?.length ?? 0} octets left`)
      await once(socket, 'readable')
    }
  } finally {
    socket.off('readable', beside)
  }
}

/** A TCP connection that is gone when the test is over. */
export async function open(t: ExecutionContext, { host, port }: Address): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  socket.on('error', () => {}) // A streamhost may hang up on us; whoever reads is told.
  return socket
}

/** "Establishes SOCKS5 Connection with StreamHost", "StreamHost Acknowledges Connection". */
export async function connectToStreamhost(t: ExecutionContext, at: Address, dstAddr: string): Promise<Socket> {
  const socket = await open(t, at)
  socket.write(hex('05 01 00'))
  t.deepEqual(await take(socket, 2), hex('05 00'))
  socket.write(connectRequest(dstAddr))
  t.deepEqual(await take(socket, 47), connectReply(dstAddr))
  return socket
}

/** A streamhost that lets everybody in. */
interface RawStreamhost extends Address {
  /** The next socket that has shown its DST.ADDR. */
  next(): Promise<{ socket: Socket; dstAddr: string }>
}

/** Listens until the test is over. */
export async function listenRaw(t: ExecutionContext): Promise<RawStreamhost> {
  const arrived: Promise<{ socket: Socket; dstAddr: string }>[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    t.teardown(() => socket.destroy())
    socket.on('error', () => {}) // As above.
    const arrival = shakeHands(socket)
    arrival.catch(() => {}) // Told to whoever asks for it.
    arrived.push(arrival)
    server.emit('arrived')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { address, port } = server.address() as AddressInfo
  return {
    host: address,
    port,
    async next() {
      while (arrived.length === 0) await once(server, 'arrived')
      return arrived.shift() as Promise<{ socket: Socket; dstAddr: string }>
    },
  }
}

async function shakeHands(socket: Socket): Promise<{ socket: Socket; dstAddr: string }> {
  const [, methods = 0] = await take(socket, 2)
  await take(socket, methods)
  socket.write(hex('05 00'))
  const request = await take(socket, 47)
  const dstAddr = request.toString('latin1', 5, 45)
  if (!request.equals(connectRequest(dstAddr))) throw new Error(`not a CONNECT of XEP-0065: ${request.toString('hex')}`)
  socket.write(connectReply(dstAddr))
  return { socket, dstAddr }
}

/** What a socket says until it ends its side; ours stays open. */
export async function readAll(socket: Socket): Promise<string> {
  const pieces: Buffer[] = []
  socket.on('data', (octets: Buffer) => pieces.push(octets)).resume()
  await once(socket, 'end')
  return Buffer.concat(pieces).toString()
}
