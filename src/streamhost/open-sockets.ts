/** How many sockets are open, by source. */
export class OpenSockets {
  readonly #counts = new Map<string, number>()
  #size = 0

  get size(): number {
    return this.#size
  }

  countOf(source: string): number {
    return this.#counts.get(source) ?? 0
  }

  /** Counts one more of `source`. @returns counts it no more; once more does nothing */
  add(source: string): () => void {
    this.#size += 1
    this.#counts.set(source, this.countOf(source) + 1)
    let isCounted = true
    return () => {
      if (!isCounted) return
      isCounted = false
      this.#size -= 1
      const left = this.countOf(source) - 1
      if (left === 0) this.#counts.delete(source)
      else this.#counts.set(source, left)
    }
  }
}
