/** What is in a heap knows where, so that it can be found without a search. */
export interface HeapItem {
  /** Its place in the heap it is in; -1 while it is in none. Nobody else's to change. */
  place: number
}

/** Items of which the first one is at hand; each operation costs as much as the logarithm of their number. */
export class Heap<T extends HeapItem> {
  readonly #items: T[] = []
  readonly #isBefore: (one: T, other: T) => boolean

  /** @param isBefore a strict order of any two items */
  constructor(isBefore: (one: T, other: T) => boolean) {
    this.#isBefore = isBefore
  }

  get size(): number {
    return this.#items.length
  }

  get first(): T | undefined {
    return this.#items[0]
  }

  add(item: T): void {
    this.#items.push(item)
    this.#rise(item, this.#items.length - 1)
  }

  delete(item: T): void {
    const { place } = item
    const last = this.#items.pop() as T
    item.place = -1
    if (last === item) return
    this.#put(last, place)
    this.moved(last)
  }

  /** Its order has changed. */
  moved(item: T): void {
    this.#rise(item, item.place)
    this.#sink(item, item.place)
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]()
  }

  #put(item: T, place: number): void {
    this.#items[place] = item
    item.place = place
  }

  #rise(item: T, from: number): void {
    let place = from
    while (place > 0) {
      const above = this.#items[(place - 1) >> 1] as T
      if (!this.#isBefore(item, above)) break
      this.#put(above, place)
      place = (place - 1) >> 1
    }
    this.#put(item, place)
  }

  #sink(item: T, from: number): void {
    let place = from
    for (;;) {
      const left = this.#items[2 * place + 1]
      const right = this.#items[2 * place + 2]
      const next = left && right && this.#isBefore(right, left) ? right : left
      if (!next || !this.#isBefore(next, item)) break
      const { place: below } = next
      this.#put(next, place)
      place = below
    }
    this.#put(item, place)
  }
}
