import type { OnReadOpts, Socket } from 'node:net'
import type { Claim } from '../../core/index.ts'
import type { ReadBuffers } from './read-buffers.ts'

/**
 * Octets on their way from one side to the other; one read of them at most is held in between.
 *
 * Reading stops with each read and goes on in the next turn of the event loop, at the earliest. When the last octets and a
 * reset come at once, libuv reports a clean end instead of the reset if the socket is still being read as its read
 * callback returns, and half a file would look whole; asked again, it tells of the reset. It also is what keeps a
 * bytestream from starving the others.
 */
export class Direction {
  readonly #buffers: ReadBuffers
  readonly #claim: Claim | undefined
  #source: Socket | undefined
  #sink: Socket | undefined
  /** Whether it reads much at once. */
  #isLarge = false
  /** What was read and has not been passed on, or not been taken by the kernel: octets of #held from #passed up to #end. */
  #held: Buffer | undefined
  #isPooled = false
  #passed = 0
  #end = 0
  /** Whether the kernel has yet to take octets. */
  #isBlocked = false
  #bytes = 0

  /** @param claim makes a claim on the rate, if there is one; it calls back when it has octets again */
  constructor(buffers: ReadBuffers, claim: (resume: () => void) => Claim | undefined) {
    this.#buffers = buffers
    this.#claim = claim(() => this.#pass())
  }

  /** Octets passed on so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** Where the next read goes to. */
  get target(): Buffer {
    return this.#buffers.target(this.#isLarge)
  }

  /** What the source has to do with what it reads. */
  get reading(): OnReadOpts {
    return {
      buffer: () => this.target,
      callback: (bytes) => {
        this.#read(bytes)
        return false
      },
    }
  }

  /** @param early octets that the source had read before */
  start(source: Socket, sink: Socket, early: Buffer | undefined): void {
    this.#source = source
    this.#sink = sink
    source.on('end', () => sink.end())
    if (early) this.#hold(early, early.length, false)
    else source.resume()
  }

  /** Both sockets are closed. */
  close(): void {
    this.#claim?.close()
    this.#letGo()
    this.#readLarge(false)
  }

  #read(bytes: number): void {
    const isMuch = bytes >= this.#buffers.smallBytes
    this.#hold(this.#buffers.keep(bytes), bytes, true)
    // Who has to wait for its rate keeps little meanwhile.
    const isWaiting = this.#passed < this.#end && !this.#isBlocked
    this.#readLarge(isMuch && !isWaiting)
  }

  #readLarge(isLarge: boolean): void {
    if (isLarge === this.#isLarge) return
    if (isLarge) this.#buffers.readsLarge()
    else this.#buffers.readsNoMoreLarge()
    this.#isLarge = isLarge
  }

  #hold(buffer: Buffer, bytes: number, isPooled: boolean): void {
    this.#held = buffer
    this.#isPooled = isPooled
    this.#passed = 0
    this.#end = bytes
    this.#pass()
  }

  /** Passes on what is held, as far as it may; once all of it is, the next is read. */
  #pass(): void {
    const sink = this.#sink as Socket
    while (this.#held && !this.#isBlocked && !sink.destroyed) {
      if (this.#passed === this.#end) {
        this.#letGo()
        resumeNextTurn(this.#source as Socket)
        return
      }
      const left = this.#end - this.#passed
      const bytes = this.#claim ? this.#claim.take(left) : left
      if (bytes === 0) return
      sink.write(this.#held.subarray(this.#passed, this.#passed + bytes), this.#onWritten)
      this.#passed += bytes
      this.#bytes += bytes
      // Whether write() returns false says nothing here: what counts is whether the kernel took it at once.
      this.#isBlocked = sink.writableLength > 0
    }
  }

  /** Of every write, also of those that were over at once. */
  readonly #onWritten = (): void => {
    if (!this.#isBlocked || (this.#sink as Socket).writableLength > 0) return
    this.#isBlocked = false
    this.#pass()
  }

  #letGo(): void {
    if (this.#held && this.#isPooled) this.#buffers.giveBack(this.#held)
    this.#held = undefined
  }
}

let due: Socket[] = []
let resumed: Socket[] = []

/** Once for all sockets that are to go on reading, and without a promise, event or timer for each. */
function resumeNextTurn(socket: Socket): void {
  if (due.push(socket) === 1) setImmediate(resumeDue)
}

function resumeDue(): void {
  const sockets = due
  due = resumed
  for (const socket of sockets) if (!socket.destroyed) socket.resume()
  sockets.length = 0
  resumed = sockets
}
