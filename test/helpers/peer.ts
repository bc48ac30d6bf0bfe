import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'

/** Waits for what no event tells, without a timer; the timeout of the test bounds it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

/** The client's end of a TCP connection, as a test plays it. Takes no octet unless told to. */
export class Peer {
  readonly socket: Socket
  /** How it was over: `end` when both directions were ended, else the code of the error; `destroyed` when we did it. */
  readonly closed: Promise<string>

  constructor(socket: Socket) {
    this.socket = socket
    let code = ''
    socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code ?? error.message
    })
    this.closed = new Promise((resolve) => {
      socket.once('close', () => resolve(code || (socket.readableEnded && socket.writableFinished ? 'end' : 'destroyed')))
    })
  }

  write(octets: Uint8Array | string): void {
    this.socket.write(octets)
  }

  /** Ends our direction; the other one flows on. */
  end(): void {
    this.socket.end()
  }

  /** @returns the next octets, fewer only when the stream ends before */
  async read(bytes: number): Promise<Buffer> {
    const chunks: Buffer[] = []
    for (let missing = bytes; missing > 0; ) {
      const chunk: Buffer | null = this.socket.read()
      if (chunk) {
        chunks.push(chunk.subarray(0, missing))
        if (chunk.length > missing) this.socket.unshift(chunk.subarray(missing))
        missing -= chunk.length
      } else if (this.#isOver) break
      else await this.#event('readable')
    }
    return Buffer.concat(chunks)
  }

  /** @returns everything up to the end of the stream, or to its breaking off */
  async readAll(): Promise<Buffer> {
    const chunks: Buffer[] = []
    this.socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    while (!this.#isOver) await this.#event('end')
    return Buffer.concat(chunks)
  }

  /**
   * Throws away what comes, and tells how it was over. Takes it a turn of the event loop after it was read: when octets and
   * a reset come at once, libuv tells an end instead of the reset to a socket that is still being read.
   */
  drained(): Promise<string> {
    const takeNextTurn = () => setImmediate(() => this.socket.read())
    this.socket.on('readable', takeNextTurn)
    takeNextTurn()
    return this.closed
  }

  /** Cuts the connection, so that the other side sees a reset. While an end is under way Node cannot, and leaks the socket. */
  reset(): void {
    const { socket } = this
    if (socket.writableEnded && !socket.writableFinished) socket.once('finish', () => socket.resetAndDestroy())
    else socket.resetAndDestroy()
  }

  get #isOver(): boolean {
    return this.socket.readableEnded || this.socket.closed
  }

  #event(name: 'readable' | 'end'): Promise<void> {
    const { socket } = this
    return new Promise((resolve) => {
      const onEvent = () => {
        for (const event of [name, 'end', 'close']) socket.off(event, onEvent)
        resolve()
      }
      for (const event of new Set([name, 'end', 'close'])) socket.on(event, onEvent)
    })
  }
}

/** Connects to a port of this machine; the connection is cut after the test. */
export async function connectPeer(t: ExecutionContext, { host = '127.0.0.1', port }: { host?: string; port: number }): Promise<Peer> {
  // Node stops reading after one read, until its octets are taken.
  const options = { readableHighWaterMark: 1, allowHalfOpen: true, noDelay: true }
  const socket = connect({ host, port, ...options })
  const peer = new Peer(socket)
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return peer
}
