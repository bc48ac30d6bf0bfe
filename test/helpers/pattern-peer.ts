import { createCipheriv } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket, type TcpNetConnectOpts } from 'node:net'

/** Octets after which a pattern begins anew: a prime, so that no buffer holds a whole number of them. */
const PERIOD_BYTES = 1_048_573

/** Endless octets made from a seed: what comes can be checked wherever it belongs, without what came before. */
export class Pattern {
  readonly #period: Buffer

  constructor(seed: number) {
    const key = Buffer.alloc(16)
    key.writeUInt32LE(seed)
    this.#period = createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(PERIOD_BYTES))
  }

  /** So many octets from this place on; fewer where the pattern begins anew. */
  at(place: number, bytes: number): Buffer {
    const start = place % PERIOD_BYTES
    return this.#period.subarray(start, start + bytes)
  }

  /** Whether these belong at this place. */
  matches(place: number, octets: Buffer): boolean {
    for (let checked = 0; checked < octets.length; ) {
      const expected = this.at(place + checked, octets.length - checked)
      if (!expected.equals(octets.subarray(checked, checked + expected.length))) return false
      checked += expected.length
    }
    return true
  }
}

/** All peers of this process read into it, one after the other. */
const readBuffer = Buffer.alloc(256 * 1024)

/**
 * The client's end of a TCP connection that says the octets of one pattern and checks those of another, however many.
 * Takes nothing before {@link listen}.
 *
 * It reads once each turn of the event loop: when octets and a reset come at once, libuv tells an end instead of the reset
 * to a socket that is still being read.
 */
export class PatternPeer {
  readonly socket: Socket
  readonly #says: Pattern
  readonly #hears: Pattern
  readonly #moments: { readonly heard: number; readonly act: () => void }[] = []
  /** Octets given to the socket, and octets that came. */
  said = 0
  heard = 0
  /** Whether every octet was the one that belongs there. */
  isWhole = true
  #stopTurns = 0
  /** What comes before the pattern, as far as it has not come yet. */
  #preamble: Buffer = Buffer.alloc(0)
  #onPreamble = () => {}
  /** Settles with the end of what the other side says, or when it is over. */
  readonly heardEnd: Promise<void>
  /** How it was over: `end` when both directions were ended, else the code of the error; `destroyed` when we did it. */
  readonly closed: Promise<string>

  constructor(at: Pick<TcpNetConnectOpts, 'host' | 'port' | 'localAddress'>, says: Pattern, hears: Pattern) {
    this.#says = says
    this.#hears = hears
    const onread = { buffer: readBuffer, callback: (bytes: number) => this.#hear(bytes) }
    this.socket = connect({ ...at, allowHalfOpen: true, noDelay: true, onread }).pause()
    let code = ''
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code ?? error.message
    })
    this.heardEnd = new Promise((resolve) => void this.socket.once('end', resolve).once('close', () => resolve()))
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => resolve(code || (this.socket.readableEnded && this.socket.writableFinished ? 'end' : 'destroyed')))
    })
  }

  /** Says octets of no pattern; settles when the ones that answer them have come, before any of a pattern, or it is over. */
  exchange(octets: Buffer, answer: Buffer): Promise<void> {
    this.#preamble = answer
    this.socket.write(octets)
    this.listen()
    return new Promise((resolve) => {
      this.#onPreamble = resolve
      void this.closed.then(() => resolve())
    })
  }

  listen(): void {
    this.socket.resume()
  }

  /** Stops listening for so many turns of the event loop. */
  stop(turns: number): void {
    this.#stopTurns += turns
  }

  /** Does something as soon as so many octets have come. */
  when(heard: number, act: () => void): void {
    this.#moments.push({ heard, act })
    this.#moments.sort((one, other) => one.heard - other.heard)
    setImmediate(() => this.#act())
  }

  /** Says so many octets more, in writes of these sizes in turn, as fast as they are taken; fewer when it is cut off. */
  async say(bytes: number, writes: readonly number[]): Promise<void> {
    const end = this.said + bytes
    for (let turn = 0; this.said < end && !this.socket.destroyed; turn += 1) {
      const octets = this.#says.at(this.said, Math.min(writes[turn % writes.length] as number, end - this.said))
      this.said += octets.length
      await new Promise<void>((resolve) => {
        this.socket.write(octets, () => resolve())
      })
    }
  }

  /** Cuts the connection, so that the other side sees a reset. While an end is under way Node cannot, and leaks the socket. */
  reset(): void {
    const { socket } = this
    if (socket.writableEnded && !socket.writableFinished) socket.once('finish', () => socket.resetAndDestroy())
    else socket.resetAndDestroy()
  }

  #hear(bytes: number): boolean {
    const due = Math.min(bytes, this.#preamble.length)
    if (due > 0) {
      this.isWhole &&= readBuffer.subarray(0, due).equals(this.#preamble.subarray(0, due))
      this.#preamble = this.#preamble.subarray(due)
      if (this.#preamble.length === 0) this.#onPreamble()
    }
    this.isWhole &&= this.#hears.matches(this.heard, readBuffer.subarray(due, bytes))
    this.heard += bytes - due
    this.#act()
    setImmediate(() => this.#goOn())
    return false
  }

  #goOn(): void {
    if (this.#stopTurns > 0) {
      this.#stopTurns -= 1
      setImmediate(() => this.#goOn())
    } else this.listen()
  }

  #act(): void {
    while (this.#moments[0] && this.#moments[0].heard <= this.heard) this.#moments.shift()?.act()
  }
}

/** A connection, whose near end is as a streamhost hands it to an engine, as `openLink` of link.ts makes it. */
export interface PatternLink {
  readonly near: Socket
  readonly far: PatternPeer
}

/** Connects over loopback. */
export async function openPatternLink(says: Pattern, hears: Pattern): Promise<PatternLink> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: 1 })
  const accepted = once(server, 'connection') as Promise<[Socket]>
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = new PatternPeer({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, says, hears)
  const [[near]] = await Promise.all([accepted, once(far.socket, 'connect')])
  server.close()
  near.pause().on('error', () => {})
  return { near, far }
}
