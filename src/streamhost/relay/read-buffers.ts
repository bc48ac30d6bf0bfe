/** Octets of one read while a direction is busy: larger ones make reading hardly cheaper. */
const LARGE_BYTES = 256 * 1024
/** Octets of one read while it is quiet, or while too many others are busy. */
const SMALL_BYTES = 16 * 1024
/** Memory that may be in large buffers, for all bytestreams. */
const LARGE_BUFFERS_BYTES_MAX = 128 * 1024 * 1024
/** Free buffers of a size that are kept even when none of them is in use. */
const SPARE_BUFFERS = 4

/** Buffers of one size, used again and again. */
class BufferPool {
  readonly #bytes: number
  readonly #free: Buffer[] = []
  #inUse = 0

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  take(): Buffer {
    this.#inUse += 1
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes)
  }

  /** Keeps as many as are in use, so that a crowd that has gone leaves nothing behind. */
  giveBack(buffer: Buffer): void {
    this.#inUse -= 1
    this.#free.push(buffer)
    this.#free.length = Math.min(this.#free.length, this.#inUse + SPARE_BUFFERS)
  }
}

/**
 * The memory of an engine's bytestreams.
 *
 * All read into one buffer, of which nobody keeps anything: what was read is copied before it is passed on. So a direction
 * has memory of its own only while its octets wait for the reader or for the rate, and none at all while it is quiet.
 * To copy what has just been read costs little, as it lies in the cache.
 */
export class ReadBuffers {
  /** How many octets one read takes at the most, of whoever is not busy. */
  readonly smallBytes = SMALL_BYTES
  readonly #large = Buffer.allocUnsafeSlow(LARGE_BYTES)
  readonly #small = this.#large.subarray(0, SMALL_BYTES)
  readonly #largePool = new BufferPool(LARGE_BYTES)
  readonly #smallPool = new BufferPool(SMALL_BYTES)
  #largeReaders = 0

  /**
   * Where to read the next octets; whoever is busy has to have said so ({@link readsLarge}). When there are more of those
   * than there may be large buffers, all of them read little at once: each turn, one gets as much as the other.
   */
  target(isLarge: boolean): Buffer {
    return isLarge && this.#largeReaders * LARGE_BYTES <= LARGE_BUFFERS_BYTES_MAX ? this.#large : this.#small
  }

  /** Another one wants to read much at once, until it calls {@link readsNoMoreLarge}. */
  readsLarge(): void {
    this.#largeReaders += 1
  }

  readsNoMoreLarge(): void {
    this.#largeReaders -= 1
  }

  /** @returns a buffer that begins with the octets that have just been read, until it is given back */
  keep(bytes: number): Buffer {
    const buffer = (bytes > SMALL_BYTES ? this.#largePool : this.#smallPool).take()
    this.#large.copy(buffer, 0, 0, bytes)
    return buffer
  }

  giveBack(buffer: Buffer): void {
    if (buffer.length === LARGE_BYTES) this.#largePool.giveBack(buffer)
    else this.#smallPool.giveBack(buffer)
  }
}
