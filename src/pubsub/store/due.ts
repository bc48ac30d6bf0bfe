/** Things that fall due, the earliest first: a heap that lets go of what is taken back before. */
export class Due<T extends object> {
  readonly #heap: T[] = []
  readonly #places = new Map<T, number>()
  readonly #dueMsOf: (thing: T) => number | undefined

  /** @param dueMsOf of one thing always the same; `undefined` for never */
  constructor(dueMsOf: (thing: T) => number | undefined) {
    this.#dueMsOf = dueMsOf
  }

  get size(): number {
    return this.#heap.length
  }

  /** Does nothing with what never falls due. */
  add(thing: T): void {
    if (this.#dueMsOf(thing) === undefined) return
    this.#heap.push(thing)
    this.#rise(this.#heap.length - 1, thing)
  }

  remove(thing: T): void {
    const at = this.#places.get(thing)
    if (at === undefined) return
    this.#places.delete(thing)
    const last = this.#heap.pop() as T
    if (last === thing) return
    this.#rise(at, last)
    this.#sink(this.#places.get(last) as number, last)
  }

  /** The one that falls due first. */
  get first(): T | undefined {
    return this.#heap[0]
  }

  /** At most `limit` of those due at `nowMs`, which stay. */
  page(nowMs: number, limit: number): T[] {
    const page: T[] = []
    for (let next = this.#heap[0]; next && this.#dueMs(next) <= nowMs && page.length < limit; next = this.#heap[0]) {
      page.push(next)
      this.remove(next)
    }
    for (const thing of page) this.add(thing)
    return page
  }

  #put(at: number, thing: T): void {
    this.#heap[at] = thing
    this.#places.set(thing, at)
  }

  #rise(from: number, thing: T): void {
    let at = from
    while (at > 0) {
      const above = (at - 1) >>> 1
      const parent = this.#heap[above] as T
      if (this.#dueMs(parent) <= this.#dueMs(thing)) break
      this.#put(at, parent)
      at = above
    }
    this.#put(at, thing)
  }

  #sink(from: number, thing: T): void {
    let at = from
    for (;;) {
      let below = 2 * at + 1
      if (below >= this.#heap.length) break
      if (below + 1 < this.#heap.length && this.#dueMs(this.#heap[below + 1] as T) < this.#dueMs(this.#heap[below] as T)) below++
      const child = this.#heap[below] as T
      if (this.#dueMs(child) >= this.#dueMs(thing)) break
      this.#put(at, child)
      at = below
    }
    this.#put(at, thing)
  }

  /** Of one that is in the heap. */
  #dueMs(thing: T): number {
    return this.#dueMsOf(thing) as number
  }
}

/** For things that expire. */
export const expiryOf = ({ expiresMs }: { readonly expiresMs: number | undefined }): number | undefined => expiresMs
