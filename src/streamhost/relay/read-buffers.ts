import { BufferPool } from '../../core/index.ts'

/** Octets of one read while a direction is busy: larger ones make reading hardly cheaper. */
const LARGE_BYTES = 256 * 1024
/** Octets of one read while it is quiet, or while too many others are busy. */
const SMALL_BYTES = 16 * 1024
/** Memory that may be in large buffers, for all bytestreams. */
const LARGE_BUFFERS_BYTES_MAX = 128 * 1024 * 1024

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
