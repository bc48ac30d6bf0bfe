import type { Socket } from 'node:net'
import type { Claim } from '../../core/index.ts'

/**
 * Octets on their way from one side to the other; one read of them at most is held in between.
 *
 * They are taken a turn of the event loop after they were read. When the last octets and a reset come at once, libuv
 * reports a clean end instead of the reset if the socket is still being read as its read callback returns, and half a
 * file would look whole. Both sockets have a high-water mark of 1, so that Node stops reading until the octets are
 * taken; then libuv asks again, and gets the reset.
 */
export class Direction {
  readonly #source: Socket
  readonly #sink: Socket
  readonly #claim: Claim | undefined
  #isBlocked = false
  #isEnded = false
  /** Octets that were read, and have to wait for the rate to allow them. */
  #held: Buffer | null = null
  #bytes = 0

  /** @param claim makes a claim on the rate, if there is one; it calls back when it has octets again */
  constructor(source: Socket, sink: Socket, claim: (resume: () => void) => Claim | undefined) {
    this.#source = source
    this.#sink = sink
    this.#claim = claim(() => this.take())
  }

  /** Octets taken so far. */
  get bytes(): number {
    return this.#bytes
  }

  start(): void {
    this.#source.on('readable', () => takeNextTurn(this))
    this.#source.on('end', () => {
      this.#isEnded = true
      if (!this.#held) this.#sink.end()
    })
    this.#sink.on('drain', () => {
      this.#isBlocked = false
      this.take()
    })
    // What was read ahead has been announced already.
    takeNextTurn(this)
  }

  take(): void {
    if (this.#isBlocked || this.#source.destroyed) return
    const octets: Buffer | null = this.#held ?? this.#source.read()
    if (octets === null) return
    const bytes = this.#claim?.take(octets.length) ?? octets.length
    this.#held = bytes < octets.length ? octets.subarray(bytes) : null
    if (bytes === 0) return
    this.#bytes += bytes
    this.#sink.write(bytes < octets.length ? octets.subarray(0, bytes) : octets)
    // Whether write() returns false says nothing here, as a high-water mark of 1 is always reached; this does.
    this.#isBlocked = this.#sink.writableLength > 0
    if (this.#isEnded && !this.#held) this.#sink.end()
    // What came behind the octets that had to wait has been announced already.
    else if (this.#claim && !this.#held && !this.#isBlocked) takeNextTurn(this)
  }

  /** Wants no more of the rate. */
  close(): void {
    this.#claim?.close()
  }
}

let due: Direction[] = []
let taken: Direction[] = []

/** Once for all directions that have something to take, and without a promise, event or timer for each. */
function takeNextTurn(direction: Direction): void {
  if (due.push(direction) === 1) setImmediate(takeDue)
}

function takeDue(): void {
  const directions = due
  due = taken
  for (const direction of directions) direction.take()
  directions.length = 0
  taken = directions
}
