import type { Section } from './section.ts'

/**
 * Things in the order of a number that mostly grows with each that is added. Adding, taking away and finding a place cost the
 * same however many there are: what is taken away leaves a gap, and gaps are closed once they are the larger part. What comes back to
 * where it was takes its gap, or moves all behind it.
 */
export class Ordered<T> {
  readonly #keyOf: (thing: T) => number
  #things: (T | undefined)[] = []
  /** The numbers of things and gaps. */
  #keys: number[] = []
  #gaps = 0
  /** Before it there are gaps only. */
  #first = 0

  constructor(keyOf: (thing: T) => number) {
    this.#keyOf = keyOf
  }

  get size(): number {
    return this.#things.length - this.#gaps
  }

  add(thing: T): void {
    const key = this.#keyOf(thing)
    if (key > (this.#keys.at(-1) ?? Number.NEGATIVE_INFINITY)) {
      this.#things.push(thing)
      this.#keys.push(key)
    } else this.#insert(key, thing)
  }

  /** Puts a thing in the place of the one of its number. */
  replace(thing: T): void {
    const at = this.#placeOf(this.#keyOf(thing))
    if (this.#keys[at] === this.#keyOf(thing)) this.#things[at] = thing
  }

  remove(thing: T): void {
    const at = this.#placeOf(this.#keyOf(thing))
    if (this.#keys[at] !== this.#keyOf(thing) || this.#things[at] === undefined) return
    this.#things[at] = undefined
    this.#gaps++
    while (this.#first < this.#things.length && this.#things[this.#first] === undefined) this.#first++
    while (this.#things.length > this.#first && this.#things.at(-1) === undefined) this.#dropLast()
    if (this.#gaps > 16 && this.#gaps * 2 > this.#things.length) this.#close()
  }

  /** At most `limit`, of those behind `after` and before `before`, from either end. */
  section({ after, before, limit, fromEnd }: Section): T[] {
    if (fromEnd) return this.lastPage({ after, before, limit })
    const page = this.page({ after, limit })
    return before === undefined ? page : page.filter((thing) => this.#keyOf(thing) < before)
  }

  /** At most `limit`, of those behind `after`. */
  page({ after, limit }: { readonly after?: number | undefined; readonly limit: number }): T[] {
    const page: T[] = []
    for (let at = after === undefined ? this.#first : this.#placeOf(after + 1); at < this.#things.length && page.length < limit; at++) {
      const thing = this.#things[at]
      if (thing !== undefined) page.push(thing)
    }
    return page
  }

  /** At most `limit`, of those that come last before `before` and behind `after`, in their order. */
  lastPage({
    after,
    before,
    limit,
  }: {
    readonly after?: number | undefined
    readonly before?: number | undefined
    readonly limit: number
  }): T[] {
    const page: T[] = []
    const end = after === undefined ? this.#first : this.#placeOf(after + 1)
    for (let at = (before === undefined ? this.#things.length : this.#placeOf(before)) - 1; at >= end && page.length < limit; at--) {
      const thing = this.#things[at]
      if (thing !== undefined) page.push(thing)
    }
    return page.reverse()
  }

  /** How many come before that number. */
  countBefore(key: number): number {
    const end = this.#placeOf(key)
    if (this.#gaps === 0) return end
    let count = 0
    for (let at = this.#first; at < end; at++) if (this.#things[at] !== undefined) count++
    return count
  }

  /** The one with `index` others before it. */
  at(index: number): T | undefined {
    if (this.#gaps === 0) return this.#things[index]
    return this.page({ limit: index + 1 })[index]
  }

  /** The first place whose number is not smaller. */
  #placeOf(key: number): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#keys[middle] as number) < key) low = middle + 1
      else high = middle
    }
    return low
  }

  #insert(key: number, thing: T): void {
    const at = this.#placeOf(key)
    const isGap = this.#keys[at] === key && this.#things[at] === undefined
    if (isGap) {
      this.#things[at] = thing
      this.#gaps--
    } else {
      this.#things.splice(at, 0, thing)
      this.#keys.splice(at, 0, key)
    }
    this.#first = Math.min(this.#first, at)
  }

  #dropLast(): void {
    this.#things.pop()
    this.#keys.pop()
    this.#gaps--
  }

  #close(): void {
    this.#things = this.#things.filter((thing) => thing !== undefined)
    this.#keys = this.#things.map((thing) => this.#keyOf(thing as T))
    this.#gaps = 0
    this.#first = 0
  }
}
