import { BytestreamError } from '../core/index.ts'

/** Events that may wait for whoever iterates. */
const WAITING_MAX = 1_000

interface Waiting<T> {
  readonly value: T
  readonly onDone: (() => void) | undefined
}

/**
 * Events on their way to whoever iterates, who is done with one when the next is asked for: who leaves the loop, by `break` or an error, is not.
 * What nobody looks at is bounded: the iteration fails, so that nobody misses one unknowingly.
 */
export class EventQueue<T> {
  readonly #waiting: Waiting<T>[] = []
  readonly #wakers = new Set<() => void>()
  /** Of the event that somebody has, and may still be busy with. */
  #onDone: (() => void) | undefined
  #isOver = false
  #error: BytestreamError | undefined

  get isOver(): boolean {
    return this.#isOver
  }

  /** @param onDone called when whoever iterates is done with it @returns whether it was taken; what is over takes none */
  push(value: T, onDone?: () => void): boolean {
    if (this.#isOver) return false
    if (this.#waiting.length >= WAITING_MAX) {
      this.end(new BytestreamError('ERR_PUBSUB_LIMIT', `more than ${WAITING_MAX} events have come that nobody has looked at`))
      return false
    }
    this.#waiting.push({ value, onDone })
    this.#wake()
    return true
  }

  /** Settles when there is room for many, or it is over. */
  async room(): Promise<void> {
    while (!this.#isOver && this.#waiting.length >= WAITING_MAX / 2) await this.#changed()
  }

  /** @throws BytestreamError what it was ended with, behind the last event */
  async next(): Promise<IteratorResult<T, undefined>> {
    this.#done()
    for (;;) {
      const next = this.#waiting.shift()
      if (next) {
        this.#onDone = next.onDone
        this.#wake()
        return { value: next.value, done: false }
      }
      if (this.#error) throw this.#error
      if (this.#isOver) return { value: undefined, done: true }
      await this.#changed()
    }
  }

  /** Nobody looks at what waits, nor is done with what was given last. */
  drop(): void {
    this.#onDone = undefined
    this.#waiting.length = 0
    this.end()
  }

  /** No more come. @param error what the iteration fails with */
  end(error?: BytestreamError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#error = error
    this.#wake()
  }

  #done(): void {
    this.#onDone?.()
    this.#onDone = undefined
  }

  #wake(): void {
    for (const wake of this.#wakers) wake()
    this.#wakers.clear()
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#wakers.add(resolve))
  }
}
