import type { OnReadOpts, Socket } from 'node:net'
import { type Clock, ContentBuffers } from '../core/index.ts'
import { takeEarly, takeSocket } from '../streamhost/index.ts'

/** Milliseconds octets wait for others, while the buffer they are in has room. */
const LINGER_MS = 50

/** Where a socket reads what is for no buffer: it is copied out of here at once. */
const aside = Buffer.allocUnsafeSlow(16 * 1024)

/**
 * Takes the connection out of a socket into one that reads straight into buffers, and puts behind that into its stream what
 * comes behind the octets that are wanted. Everything that was written has to be with the kernel.
 *
 * @returns the socket that has the connection from now on, and the octets: fewer than are wanted when the connection ends before
 *   that. A buffer is the reader's until it asks for the next; until then not more than another one is filled. They throw what has
 *   broken the connection, behind what came before that
 */
export function takeOctets(from: Socket, wanted: number, clock: Clock): { socket: Socket; octets: AsyncGenerator<Buffer, void> } {
  const early = takeEarly(from) ?? Buffer.alloc(0)
  const reading = new Reading(clock, Math.max(0, wanted - early.length))
  const { socket } = takeSocket(from, reading.onread)
  reading.socket = socket
  if (from.writableEnded) socket.end()
  if (early.length > wanted) socket.unshift(early.subarray(wanted))
  return { socket, octets: reading.octetsOf(socket, early.subarray(0, wanted)) }
}

/**
 * Two buffers, one behind the other and from the start again: octet number n has its place in them by n alone.
 *
 * As in `Direction` of the stream engine, a read that has got less than it could stops the reading until the next turn of the
 * event loop: else libuv may report a clean end for a reset that comes with the last octets.
 */
class Reading {
  readonly #clock: Clock
  readonly #buffers: ContentBuffers
  /** The one that reads. */
  socket: Socket | undefined
  #wanted: number
  /** Octets that were read so far; of them, those the reader was given; of these, those it is through with. */
  #read = 0
  #given = 0
  #done = 0
  #isOver = false
  #wake = () => {}

  constructor(clock: Clock, wanted: number) {
    this.#clock = clock
    this.#wanted = wanted
    this.#buffers = new ContentBuffers(wanted)
  }

  get onread(): OnReadOpts {
    return { buffer: () => this.#target, callback: (bytes, buffer) => this.#take(bytes, buffer as Buffer) }
  }

  /** @param early octets that were read before */
  async *octetsOf(socket: Socket, early: Buffer): AsyncGenerator<Buffer, void> {
    const onOver = () => {
      this.#isOver = true
      this.#wake()
    }
    socket.on('end', onOver).on('close', onOver)
    this.#isOver = socket.readableEnded || socket.closed
    try {
      if (early.length > 0) yield early
      while (this.#given < this.#wanted) {
        this.#done = this.#given
        this.#readOn()
        await this.#due()
        if (this.#given < this.#read) yield this.#give()
        else if (socket.readableEnded) return
        else throw socket.errored ?? new Error('the connection was closed on this side')
      }
    } finally {
      socket.off('end', onOver).off('close', onOver)
      this.#stop(socket)
    }
  }

  /** Where the next octet is read to, and those behind it in its buffer. */
  get #target(): Buffer {
    if (this.#isComplete) return aside
    const { bytes } = this.#buffers
    const start = this.#read % bytes
    return this.#buffers.at(Math.floor(this.#read / bytes)).subarray(start, start + this.#endOf(this.#read) - this.#read)
  }

  /** @returns whether to read on at once */
  #take(bytes: number, buffer: Buffer): boolean {
    if (this.#isComplete) return (this.socket as Socket).push(Buffer.from(buffer.subarray(0, bytes)))
    this.#read += bytes
    this.#wake()
    if (bytes === buffer.length) return this.#hasRoom
    setImmediate(() => this.#readOn())
    return false
  }

  get #isComplete(): boolean {
    return this.#read === this.#wanted
  }

  /** Whether the buffer of the next octet is free; behind the last one, none is needed. */
  get #hasRoom(): boolean {
    const { bytes } = this.#buffers
    return this.#isComplete || this.#read % bytes > 0 || this.#read - this.#done <= bytes
  }

  /** Where the buffer of an octet ends. */
  #endOf(octet: number): number {
    const { bytes } = this.#buffers
    return Math.min(this.#wanted, octet - (octet % bytes) + bytes)
  }

  #readOn(): void {
    if (!this.#isOver && this.#hasRoom && !this.socket?.destroyed) this.socket?.read(0)
  }

  /** Settles when the buffer that is given next is full, when its octets have waited long enough, or when there are no more. */
  #due(): Promise<void> {
    return new Promise((resolve) => {
      let cancel: (() => void) | undefined
      const settle = () => {
        cancel?.()
        this.#wake = () => {}
        resolve()
      }
      this.#wake = () => {
        if (this.#isOver || this.#read >= this.#endOf(this.#given)) settle()
        else if (this.#read > this.#given) cancel ??= this.#clock.after(LINGER_MS, settle)
      }
      this.#wake()
    })
  }

  #give(): Buffer {
    const { bytes } = this.#buffers
    const [buffer, start] = [this.#buffers.at(Math.floor(this.#given / bytes)), this.#given % bytes]
    const end = Math.min(this.#read, this.#endOf(this.#given))
    const octets = buffer.subarray(start, start + end - this.#given)
    this.#given = end
    return octets
  }

  /** Where there are octets to come yet, the socket knows a place in a buffer, which nobody else may have until it has read there. */
  #stop(socket: Socket): void {
    if (this.#isComplete || this.#isOver) return this.#buffers[Symbol.dispose]()
    this.#wanted = this.#read
    socket.pause()
    return this.#buffers.abandon()
  }
}
