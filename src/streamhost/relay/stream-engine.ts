import type { Socket } from 'node:net'
import { type Claim, type Clock, RateQueue, systemClock, TokenBucket } from '../../core/index.ts'
import { Direction } from './direction.ts'
import type { RateBucket, Relay, RelayEnd, RelayEngine, RelayOptions, RelayTotals } from './engine.ts'

/** Relays with Node's own sockets. Needs nothing, works everywhere. Cannot set the memory of the kernel (`bufferBytes`). */
export class StreamEngine implements RelayEngine {
  readonly name = 'stream'
  readonly #clock: Clock
  readonly #rates: RateQueue

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
    return new StreamRelay(first, second, (resume) => bucket && this.#rates.claim(bucket, resume))
  }

  close(): void {} // It holds nothing.
}

function ownBucket(bucket: RateBucket): TokenBucket {
  if (!(bucket instanceof TokenBucket)) throw new TypeError('the bucket is of another engine')
  return bucket
}

class StreamRelay implements Relay {
  readonly done: Promise<RelayTotals>
  readonly #first: Socket
  readonly #second: Socket
  readonly #there: Direction
  readonly #back: Direction
  #end: RelayEnd = 'end'

  constructor(first: Socket, second: Socket, claim: (resume: () => void) => Claim | undefined) {
    this.#first = first
    this.#second = second
    this.#there = new Direction(first, second, claim)
    this.#back = new Direction(second, first, claim)

    this.done = Promise.all([closed(first), closed(second)]).then(() => {
      for (const direction of [this.#there, this.#back]) direction.close()
      return { firstToSecond: this.firstToSecond, secondToFirst: this.secondToFirst, end: this.#end }
    })

    for (const socket of [first, second]) {
      socket.on('error', () => this.breakOff('reset'))
      // Whatever closed it: what is not over from both sides was broken off.
      socket.on('close', () => {
        if (!(socket.readableEnded && socket.writableFinished)) this.breakOff('reset')
      })
    }
    this.#there.start()
    this.#back.start()
    if (first.destroyed || second.destroyed) this.breakOff('reset')
  }

  get firstToSecond(): number {
    return this.#there.bytes
  }

  get secondToFirst(): number {
    return this.#back.bytes
  }

  /** Neither side may take what it has for all there is. */
  breakOff(end: RelayEnd): void {
    if (this.#end !== 'end') return
    this.#end = end
    for (const socket of [this.#first, this.#second]) reset(socket)
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

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })
}
