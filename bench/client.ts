import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { ClientHandshake, type DstAddr } from '../src/socks5/index.ts'

/** Waits for exactly that many octets. */
export async function read(socket: Socket, bytes: number): Promise<Buffer> {
  let octets: Buffer | null = socket.read(bytes)
  while (octets === null) {
    await once(socket, 'readable')
    octets = socket.read(bytes)
  }
  return octets
}

/** Connects to a streamhost, and is let in under `dstAddr`. */
export async function join(port: number, dstAddr: DstAddr): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  const handshake = new ClientHandshake(dstAddr)
  socket.write(handshake.start())
  const { request } = handshake.push(await read(socket, 2))
  socket.write(request as Buffer)
  handshake.push(await read(socket, 47))
  return socket
}
