/** What HalfOpen does, by going through a list. */
export class NaiveHalfOpen<T> {
  #all: { source: string; socket: T }[] = []
  /** When a source got to the number of sockets it has. */
  readonly #since = new Map<string, number>()
  #time = 0

  get size(): number {
    return this.#all.length
  }

  countOf(source: string): number {
    return this.#all.filter((one) => one.source === source).length
  }

  add(source: string, socket: T): void {
    this.#all.push({ source, socket })
    this.#since.set(source, this.#time++)
  }

  delete(source: string, socket: T): boolean {
    const left = this.#all.filter((one) => one.source !== source || one.socket !== socket)
    if (left.length === this.#all.length) return false
    this.#all = left
    this.#since.set(source, this.#time++)
    return true
  }

  oldestOf(source: string): T | undefined {
    return this.#all.find((one) => one.source === source)?.socket
  }

  oldestOfBusiest(): T | undefined {
    const sources = [...new Set(this.#all.map(({ source }) => source))]
    const [busiest] = sources.sort(
      (a, b) => this.countOf(b) - this.countOf(a) || (this.#since.get(a) as number) - (this.#since.get(b) as number),
    )
    return busiest === undefined ? undefined : this.oldestOf(busiest)
  }

  all(): T[] {
    return this.#all.map(({ socket }) => socket)
  }
}
