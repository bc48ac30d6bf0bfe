/**
 * The sockets in their handshake, by source, oldest first. Finds the oldest of a source, and the oldest of the source
 * that has the most, without a search: sources are kept in one set per number of sockets.
 */
export class HalfOpen<T> {
  readonly #bySource = new Map<string, Set<T>>()
  /** Index: how many sockets; value: the sources that have so many, the one that got there first in front. */
  readonly #byCount: Set<string>[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** By source. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const sockets of this.#bySource.values()) yield* sockets
  }

  countOf(source: string): number {
    return this.#bySource.get(source)?.size ?? 0
  }

  add(source: string, socket: T): void {
    const sockets = this.#bySource.get(source) ?? new Set()
    this.#bySource.set(source, sockets)
    this.#move(source, sockets.size, sockets.size + 1)
    sockets.add(socket)
    this.#size += 1
  }

  delete(source: string, socket: T): boolean {
    const sockets = this.#bySource.get(source)
    if (!sockets?.delete(socket)) return false
    this.#move(source, sockets.size + 1, sockets.size)
    if (sockets.size === 0) this.#bySource.delete(source)
    this.#size -= 1
    return true
  }

  oldestOf(source: string): T | undefined {
    return first(this.#bySource.get(source))
  }

  /** The oldest socket of the source with the most sockets. */
  oldestOfBusiest(): T | undefined {
    const source = first(this.#byCount.at(-1))
    return source === undefined ? undefined : this.oldestOf(source)
  }

  #move(source: string, from: number, to: number): void {
    this.#byCount[from]?.delete(source)
    if (to > 0) {
      this.#byCount[to] ??= new Set()
      this.#byCount[to].add(source)
    }
    while (this.#byCount.length > 0 && !this.#byCount.at(-1)?.size) this.#byCount.pop()
  }
}

function first<T>(set: ReadonlySet<T> | undefined): T | undefined {
  return set?.values().next().value
}
