import type { Socket } from 'node:net'

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
  #isBlocked = false
  #bytes = 0

  constructor(source: Socket, sink: Socket) {
    this.#source = source
    this.#sink = sink
  }

  /** Octets taken so far. */
  get bytes(): number {
    return this.#bytes
  }

  start(): void {
    this.#source.on('readable', () => takeNextTurn(this))
    this.#source.on('end', () => this.#sink.end())
    this.#sink.on('drain', () => {
      this.#isBlocked = false
      this.take()
    })
    // What was read ahead has been announced already.
    takeNextTurn(this)
  }

  take(): void {
    if (this.#isBlocked || this.#source.destroyed) return
    const octets: Buffer | null = this.#source.read()
    if (octets === null) return
    this.#bytes += octets.length
    this.#sink.write(octets)
    // Whether write() returns false says nothing here, as a high-water mark of 1 is always reached; this does.
    this.#isBlocked = this.#sink.writableLength > 0
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
