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

  constructor(init: PlacesInit) {
    this.#init = init
  }

  /**
   * @returns to be disposed of when it is free again
   * @throws BytestreamError `ERR_LIMIT_WAITING` when there is none left for them: what is going on now has an end
   */
  take(place: T): Disposable {
    const { max, among, full } = this.#init
    const taken = [...this.#taken]
    const share = among > 1 ? Math.ceil(max / 2) : max
    if (taken.length >= max || taken.filter(({ from }) => from === place.from).length >= share)
      throw new BytestreamError('ERR_LIMIT_WAITING', full)
    this.#taken.add(place)
    return { [Symbol.dispose]: () => void this.#taken.delete(place) }
  }

  /** Those that were taken before one of them, and still are. */
  before(place: T): readonly T[] {
    const taken = [...this.#taken]
    return taken.slice(0, taken.indexOf(place))
  }
}
