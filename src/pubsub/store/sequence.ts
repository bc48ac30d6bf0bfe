import type { Change, Query } from '../../storage/index.ts'

/** How many numbers are reserved at once, so that most are given without a write. */
const RESERVE = 1024

/** Gives numbers that grow, and are never given again, whatever became of what they were given to: it remembers how far it may have come. */
export class Sequence {
  readonly #name: string
  readonly #reserve: Change
  readonly #reserved: Query<readonly [reserved: number]>
  #last: number
  #end: number

  constructor(name: string, reserved: Query<readonly [reserved: number]>, reserve: Change) {
    this.#name = name
    this.#reserve = reserve
    this.#reserved = reserved
    this.#last = this.#end = this.#read()
  }

  next(): number {
    if (this.#last === this.#end) {
      this.#reserve.run(this.#end + RESERVE, this.#name)
      this.#end += RESERVE
    }
    return ++this.#last
  }

  /** What was reserved in a transaction that was rolled back is not. */
  forget(): void {
    this.#end = Math.max(this.#last, this.#read())
  }

  #read(): number {
    return this.#reserved.get(this.#name)?.[0] ?? 0
  }
}
