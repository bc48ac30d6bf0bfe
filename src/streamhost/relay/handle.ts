import type { Socket } from 'node:net'

/** What libuv has of a socket. Node does not document it (docs/adr/0013): no other file of ours knows of it. */
interface Handle {
  readonly fd: number
  readStop(): number
}

/** What is needed of a socket to go on with its connection without Node. */
export interface Connection {
  /** Node's, which closes it with the socket. */
  readonly descriptor: number
  /** Octets that Node has read, and nobody has taken. */
  readonly early: Buffer | undefined
}

/**
 * Takes out of a socket what goes on without it. The socket has to be destroyed before the event loop turns, as it is read
 * no more, and everything that was written to it has to be with the kernel.
 *
 * @returns `undefined` when the connection is gone
 */
export function takeConnection(socket: Socket): Connection | undefined {
  const octets: Buffer[] = []
  // Before reading is stopped, since to take what was read makes Node read on.
  for (let piece: Buffer | null = socket.read(); piece !== null; piece = socket.read()) octets.push(piece)
  const { _handle: handle } = socket as unknown as { readonly _handle: Handle | null }
  if (!handle || handle.fd < 0) return undefined
  handle.readStop()
  return { descriptor: handle.fd, early: octets.length > 1 ? Buffer.concat(octets) : octets[0] }
}
