/** Blocks on their way at once: more hide no round trip that matters, and stand in the way of other stanzas. */
const BLOCKS_MAX = 16
/** Octets of those blocks; one block may be on its way whatever its size. */
const WINDOW_BYTES_MAX = 64 * 1024
/** An answer that took no longer: the way is free. */
const QUICK_MS = 1_000
/** An answer that took longer: the blocks wait in a queue, most likely since the server limits the rate. */
const SLOW_MS = 3_000

/**
 * How many blocks may be without an answer. Each quick answer lets one more go at once; where answers become slow there
 * are soon fewer, down to one: behind a server that reads 3,000 octets a second, whatever else the session has to say
 * would wait for all of them.
 *
 * @see XEP-0047 §2.2, which recommends to wait for answers, and §6
 */
export class AnswerWindow {
  readonly #blocksMax: number
  #blocks: number

  constructor(blockSize: number) {
    this.#blocksMax = Math.max(1, Math.min(BLOCKS_MAX, Math.floor(WINDOW_BYTES_MAX / blockSize)))
    this.#blocks = Math.min(2, this.#blocksMax)
  }

  get blocks(): number {
    return this.#blocks
  }

  /** @param ms from sending the block to its answer */
  answered(ms: number): void {
    if (ms <= QUICK_MS) this.#blocks = Math.min(this.#blocks + 1, this.#blocksMax)
    else if (ms > SLOW_MS) this.#blocks = Math.max(1, Math.floor(this.#blocks / 2))
  }
}
