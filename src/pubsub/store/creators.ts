/** How many nodes each account has created. */
export class Creators {
  readonly #counts = new Map<string, number>()

  add(creator: string): void {
    this.#counts.set(creator, this.countOf(creator) + 1)
  }

  remove(creator: string): void {
    const left = this.countOf(creator) - 1
    if (left > 0) this.#counts.set(creator, left)
    else this.#counts.delete(creator)
  }

  countOf(creator: string): number {
    return this.#counts.get(creator) ?? 0
  }
}
