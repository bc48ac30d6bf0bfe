/** Things that fall due, the earliest first: a heap that lets go of what is taken back before. */
export class Due<T extends { readonly expiresMs: number | undefined }> {
  readonly #heap: T[] = []
  readonly #places = new Map<T, number>()

  get size(): number {
    return this.#heap.length
  }

  /** Does nothing with what never falls due. */
  add(thing: T): void {
    if (thing.expiresMs === undefined) return
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

  /** At most `limit` of those due at `nowMs`, which stay. */
  page(nowMs: number, limit: number): T[] {
    const page: T[] = []
    for (let next = this.#heap[0]; next && dueMs(next) <= nowMs && page.length < limit; next = this.#heap[0]) {
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
      if (dueMs(parent) <= dueMs(thing)) break
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
      if (below + 1 < this.#heap.length && dueMs(this.#heap[below + 1] as T) < dueMs(this.#heap[below] as T)) below++
      const child = this.#heap[below] as T
      if (dueMs(child) >= dueMs(thing)) break
      this.#put(at, child)
      at = below
    }
    this.#put(at, thing)
  }
}

const dueMs = (thing: { readonly expiresMs: number | undefined }) => thing.expiresMs ?? Number.POSITIVE_INFINITY
