import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'

/** What libuv has of a socket. Node does not document it (docs/adr/0011, 0013): no other file of ours knows of it. */
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
  // Before reading is stopped, since to take what was read makes Node read on.
  const early = takeEarly(socket)
  const { _handle: handle } = socket as unknown as { readonly _handle: Handle | null }
  if (!handle || handle.fd < 0) return undefined
  handle.readStop()
  return { descriptor: handle.fd, early }
}

/** What a socket that connects can be made with, and, undocumented, any other one too. */
interface Options extends SocketConstructorOpts {
  readonly handle: unknown
  readonly pauseOnCreate: boolean
  readonly onread: OnReadOpts
}

/**
 * Takes the connection out of an accepted socket into one that reads where we want it to, which Node offers for sockets
 * that connect only. The accepted one is closed then, without a word to the other side. Everything that was written to it
 * has to be with the kernel.
 *
 * @param onread `buffer` is asked at the start, and after each read, where the next one goes to
 * @returns the other one, paused, half-close allowed, and what the accepted one had read already
 */
export function takeSocket(accepted: Socket, onread: OnReadOpts): { socket: Socket; early: Buffer | undefined } {
  const early = takeEarly(accepted)
  const from = accepted as unknown as { _handle: unknown }
  const handle = from._handle
  from._handle = null
  accepted.destroy()
  const options: Options = { handle, pauseOnCreate: true, allowHalfOpen: true, onread }
  return { socket: new Socket(options), early }
}

/** Takes out of a socket what Node has read, and nobody has taken. */
export function takeEarly(socket: Socket): Buffer | undefined {
  const octets: Buffer[] = []
  for (let piece: Buffer | null = socket.read(); piece !== null; piece = socket.read()) octets.push(piece)
  return octets.length > 1 ? Buffer.concat(octets) : octets[0]
}

/** Settles when everything that was written is with the kernel, or the socket has gone. */
export function written(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.writableLength === 0 || socket.closed) return resolve()
    socket.once('close', () => resolve())
    // A drain is told only to who was told to wait for it.
    if (socket.writableEnded) socket.once('finish', () => resolve())
    else socket.write('', () => resolve())
    return undefined
  })
}
