import { BufferPool } from './buffer-pool.ts'

/** Octets of a buffer: of the sizes that were tried, the one that moves a file with the least CPU time. */
const LARGE_BYTES = 1024 * 1024
/** For small files, and while there are many. */
const SMALL_BYTES = 64 * 1024
/** Files that have large ones at once, in the whole process. */
const LARGE_PAIRS_MAX = 16

const large = new BufferPool(LARGE_BYTES)
const small = new BufferPool(SMALL_BYTES)
let largePairs = 0

/**
 * Two buffers that take turns while the content of a file passes: one is read into while the other is written out of. They are
 * shared by all files of the process, one after the other. Disposing of the pair gives both back: from then on nothing may
 * read from them, or write to them.
 */
export class ContentBuffers implements Disposable {
  readonly #pool: BufferPool
  readonly #taken: [Buffer?, Buffer?] = []
  #isOpen = true

  /** @param bytes how many will pass, at most */
  constructor(bytes: number) {
    this.#pool = bytes > SMALL_BYTES && largePairs < LARGE_PAIRS_MAX ? large : small
    if (this.#pool === large) largePairs += 1
  }

  /** Octets of each. */
  get bytes(): number {
    return this.#pool.bytes
  }

  /** The one whose turn it is. A file that does not need the second does not take it. */
  at(turn: number): Buffer {
    const which = (turn % 2) as 0 | 1
    this.#taken[which] ??= this.#pool.take()
    return this.#taken[which]
  }

  /** Gives neither back, as one may still be written to: they go with whoever has them. */
  abandon(): void {
    this.#end(() => this.#pool.forget())
  }

  [Symbol.dispose](): void {
    this.#end((buffer) => this.#pool.giveBack(buffer))
  }

  #end(part: (buffer: Buffer) => void): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (this.#pool === large) largePairs -= 1
    for (const buffer of this.#taken) if (buffer) part(buffer)
  }
}
