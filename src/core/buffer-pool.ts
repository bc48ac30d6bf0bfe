/** Free buffers that are kept even when none of them is in use. */
const SPARE_BUFFERS = 4

/** Buffers of one size, used again and again: new memory costs the kernel more than most of what is done with it. */
export class BufferPool {
  /** Octets of each. */
  readonly bytes: number
  readonly #free: Buffer[] = []
  #inUse = 0

  constructor(bytes: number) {
    this.bytes = bytes
  }

  take(): Buffer {
    this.#inUse += 1
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.bytes)
  }

  /** Keeps as many as are in use, so that a crowd that has gone leaves nothing behind. */
  giveBack(buffer: Buffer): void {
    this.#free.push(buffer)
    this.forget()
  }

  /** One that was taken does not come back. */
  forget(): void {
    this.#inUse -= 1
    this.#free.length = Math.min(this.#free.length, this.#inUse + SPARE_BUFFERS)
  }
}
