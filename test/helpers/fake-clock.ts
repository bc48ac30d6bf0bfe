import type { Clock } from '../../src/core/index.ts'

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now = 0
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#timers.size
  }

  /** Lets `ms` milliseconds pass: what falls due is called in its order, timers set on the way included. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let next = this.#earliest(end); next; next = this.#earliest(end)) {
      this.#timers.delete(next)
      this.#now = next.at
      next.callback()
    }
    this.#now = end
  }

  /** The program stands still for `ms` milliseconds; what fell due meanwhile is called once, afterwards. */
  standStill(ms: number): void {
    this.#now += ms
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.#now).sort((one, other) => one.at - other.at)) {
      if (this.#timers.delete(timer)) timer.callback()
    }
  }

  #earliest(end: number): Timer | undefined {
    let earliest: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at <= end && (earliest === undefined || timer.at < earliest.at)) earliest = timer
    }
    return earliest
  }
}
