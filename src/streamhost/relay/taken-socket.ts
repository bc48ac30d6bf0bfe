import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'

/** What a socket that connects can be made with, and, undocumented, any other one too; docs/adr/0011 says what watches over it. */
interface Options extends SocketConstructorOpts {
  readonly handle: unknown
  readonly pauseOnCreate: boolean
  readonly onread: OnReadOpts
}

interface Undocumented {
  _handle: unknown
}

/**
 * Takes the connection out of an accepted socket into one that reads where we want it to, which Node offers for sockets
 * that connect only. The accepted one is closed then, without a word to the other side.
 *
 * @param onread `buffer` is asked at the start, and after each read, where the next one goes to
 * @returns the other one, paused, half-close allowed, and what the accepted one had read already
 */
export function takeSocket(accepted: Socket, onread: OnReadOpts): { socket: Socket; early: Buffer | null } {
  const early: Buffer | null = accepted.read()
  const from = accepted as unknown as Undocumented
  const handle = from._handle
  from._handle = null
  accepted.destroy()
  const options: Options = { handle, pauseOnCreate: true, allowHalfOpen: true, onread }
  return { socket: new Socket(options), early }
}
