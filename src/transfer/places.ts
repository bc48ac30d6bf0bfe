import { BytestreamError } from '../core/index.ts'

/** What takes a place. */
export interface Placed {
  /** Whose it is: a bare JID. */
  readonly from: string
}

interface PlacesInit {
  readonly max: number
  /** How many may take one. */
  readonly among: number
  /** What somebody hears when there is none left. */
  readonly full: string
}

/** Places for what goes on at once. Where several may take one, none of them can take every one: each has half. */
export class Places<T extends Placed = Placed> {
  readonly #init: PlacesInit
  readonly #taken = new Set<T>()
  /** How many each has. */
  readonly #counts = new Map<string, number>()

  constructor(init: PlacesInit) {
    this.#init = init
  }

  get isFull(): boolean {
    return this.#taken.size >= this.#init.max
  }

  /**
   * @returns to be disposed of when it is free again
   * @throws BytestreamError `ERR_LIMIT_WAITING` when there is none left for them: what is going on now has an end
   */
  take(place: T): Disposable {
    const taken = this.tryTake(place)
    if (!taken) throw new BytestreamError('ERR_LIMIT_WAITING', this.#init.full)
    return taken
  }

  /** @returns to be disposed of when it is free again; `undefined` when there is none left for them */
  tryTake(place: T): Disposable | undefined {
    const { max, among } = this.#init
    const share = among > 1 ? Math.ceil(max / 2) : max
    const { from } = place
    const count = this.#counts.get(from) ?? 0
    if (this.isFull || count >= share) return undefined
    this.#taken.add(place)
    this.#counts.set(from, count + 1)
    return { [Symbol.dispose]: () => this.#leave(place) }
  }

  /** Those that were taken before one of them, and still are. */
  before(place: T): readonly T[] {
    const taken = [...this.#taken]
    return taken.slice(0, taken.indexOf(place))
  }

  #leave(place: T): void {
    if (!this.#taken.delete(place)) return
    const left = (this.#counts.get(place.from) ?? 0) - 1
    if (left > 0) this.#counts.set(place.from, left)
    else this.#counts.delete(place.from)
  }
}
