import type { Socket } from 'node:net'
import { type Claim, type Clock, RateQueue, systemClock, TokenBucket } from '../../core/index.ts'
import { Direction } from './direction.ts'
import type { RateBucket, Relay, RelayEnd, RelayEngine, RelayOptions, RelayTotals } from './engine.ts'
import { takeSocket, written } from './handle.ts'
import { ReadBuffers } from './read-buffers.ts'

/** Relays with Node's own sockets. Needs nothing, works everywhere. */
export class StreamEngine implements RelayEngine {
  readonly name = 'stream'
  readonly #clock: Clock
  readonly #rates: RateQueue
  readonly #buffers = new ReadBuffers()

  /** @param clock what the rates go by */
  constructor({ clock = systemClock }: { readonly clock?: Clock } = {}) {
    this.#clock = clock
    this.#rates = new RateQueue(clock)
  }

  bucket(bytesPerSecond: number | undefined, parent?: RateBucket): RateBucket {
    return new TokenBucket(this.#clock, bytesPerSecond, parent && ownBucket(parent))
  }

  relay(first: Socket, second: Socket, options: RelayOptions): Relay {
    const bucket = options.bucket && ownBucket(options.bucket)
    return new StreamRelay(first, second, this.#buffers, (resume) => bucket && this.#rates.claim(bucket, resume))
  }

  close(): void {} // It holds nothing.
}

function ownBucket(bucket: RateBucket): TokenBucket {
  if (!(bucket instanceof TokenBucket)) throw new TypeError('the bucket is of another engine')
  return bucket
}

class StreamRelay implements Relay {
  readonly done: Promise<RelayTotals>
  readonly #there: Direction
  readonly #back: Direction
  /** Those that have the connections now. */
  #sockets: readonly [first: Socket, second: Socket]
  #settle: (totals: RelayTotals) => void = () => {}
  #open = 2
  #end: RelayEnd = 'end'

  constructor(first: Socket, second: Socket, buffers: ReadBuffers, claim: (resume: () => void) => Claim | undefined) {
    this.#sockets = [first, second]
    this.#there = new Direction(buffers, claim)
    this.#back = new Direction(buffers, claim)
    this.done = new Promise((resolve) => {
      this.#settle = resolve
    })
    const unwritten = this.#sockets.filter(({ writableLength }) => writableLength > 0)
    if (unwritten.length === 0) this.#start(first, second)
    else void Promise.all(unwritten.map(written)).then(() => this.#start(first, second))
  }

  get firstToSecond(): number {
    return this.#there.bytes
  }

  get secondToFirst(): number {
    return this.#back.bytes
  }

  /** Neither side may take what it has for all there is. */
  breakOff(end: RelayEnd): void {
    if (this.#end !== 'end' || this.#open === 0) return
    this.#end = end
    for (const socket of this.#sockets) reset(socket)
  }

  boundBuffers(): void {} // Node has no way to.

  #start(first: Socket, second: Socket): void {
    if (this.#end !== 'end' || first.destroyed || second.destroyed) {
      this.breakOff('reset')
      for (const socket of this.#sockets) {
        if (socket.closed) this.#closed()
        else socket.once('close', () => this.#closed())
      }
      return
    }
    const [there, back] = [takeSocket(first, this.#there.reading), takeSocket(second, this.#back.reading)]
    this.#sockets = [there.socket, back.socket]
    for (const socket of this.#sockets) {
      socket.on('error', () => this.breakOff('reset'))
      socket.on('close', () => {
        // Whatever closed it: what is not over from both sides was broken off.
        if (!(socket.readableEnded && socket.writableFinished)) this.breakOff('reset')
        this.#closed()
      })
    }
    this.#there.start(there.socket, back.socket, there.early)
    this.#back.start(back.socket, there.socket, back.early)
  }

  #closed(): void {
    this.#open -= 1
    if (this.#open > 0) return
    for (const direction of [this.#there, this.#back]) direction.close()
    this.#settle({ firstToSecond: this.firstToSecond, secondToFirst: this.secondToFirst, end: this.#end })
  }
}

/**
 * Closes with a reset. While a FIN is on its way to the kernel, Node cannot: it would send the FIN and never tell of the
 * close.
 */
function reset(socket: Socket): void {
  if (socket.destroyed) return
  if (socket.writableEnded && !socket.writableFinished && socket.writableLength === 0) socket.once('finish', () => reset(socket))
  else socket.resetAndDestroy()
}
