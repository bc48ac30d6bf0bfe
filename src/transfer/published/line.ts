import { type Clock, orAbort, startDeadline } from '../../core/index.ts'
import { type Placed, Places } from '../places.ts'

/** Requests that wait for a place. */
const WAITING_MAX = 1_000
/** Milliseconds for which they do: those who ask wait for an answer, many of them for 30 s. */
const WAIT_MS_MAX = 20_000

interface Waiting extends Placed {
  readonly enter: (place: Disposable) => void
}

/** Places that are waited for, in the order of arrival: who can have none yet is passed by those who can. */
export class Line {
  readonly #clock: Clock
  readonly #places: Places
  readonly #full: string
  readonly #waitingPlaces: Places
  readonly #waiting = new Set<Waiting>()

  /** @param full what is told to whom there was no place for in time */
  constructor(clock: Clock, { max, full }: { readonly max: number; readonly full: string }) {
    this.#clock = clock
    this.#full = full
    this.#places = new Places({ max, among: Number.POSITIVE_INFINITY, full })
    this.#waitingPlaces = new Places({ max: WAITING_MAX, among: Number.POSITIVE_INFINITY, full })
  }

  /**
   * @returns to be disposed of when it is free again
   * @throws BytestreamError `ERR_LIMIT_WAITING` when none was free in time, or too many wait; the reason of the signal
   */
  async take(place: Placed, signal: AbortSignal): Promise<Disposable> {
    return this.#tryTake(place) ?? (await this.#wait(place, signal))
  }

  async #wait({ from }: Placed, signal: AbortSignal): Promise<Disposable> {
    using _waiting = this.#waitingPlaces.take({ from })
    using deadline = startDeadline(this.#clock, WAIT_MS_MAX, 'ERR_LIMIT_WAITING', this.#full, signal)
    const waiting = { from, enter: (_: Disposable) => {} }
    const entered = new Promise<Disposable>((resolve) => {
      waiting.enter = resolve
    })
    this.#waiting.add(waiting)
    try {
      return await orAbort(entered, deadline.signal)
    } catch (error) {
      // Its turn may have come in the same moment.
      if (!this.#waiting.delete(waiting)) void entered.then((place) => place[Symbol.dispose]())
      throw error
    }
  }

  #tryTake(place: Placed): Disposable | undefined {
    const taken = this.#places.tryTake({ from: place.from })
    return (
      taken && {
        [Symbol.dispose]: () => {
          taken[Symbol.dispose]()
          this.#next()
        },
      }
    )
  }

  #next(): void {
    for (const waiting of this.#waiting) {
      if (this.#places.isFull) return
      const place = this.#tryTake(waiting)
      if (!place) continue
      this.#waiting.delete(waiting)
      waiting.enter(place)
    }
  }
}
