import type { Changes } from './sqlite-queries.ts'

/** How many more items and subscriptions there are than the database says. */
interface Tally {
  items: number
  subscriptions: number
}

const nothing = (): Tally => ({ items: 0, subscriptions: 0 })
const isSome = ({ items, subscriptions }: Tally): boolean => items !== 0 || subscriptions !== 0

/**
 * What has come and gone in this turn of the event loop, to be written once, with all else that was: a publish to a node that is full, for
 * which another item goes, changes no count at all.
 */
export class Tallies {
  readonly #byNode = new Map<number, Tally>()
  #all = nothing()

  add(nodeId: number, what: keyof Tally, more: number): void {
    if (more === 0) return
    const tally = this.#byNode.get(nodeId) ?? nothing()
    tally[what] += more
    this.#all[what] += more
    this.#byNode.set(nodeId, tally)
  }

  at(nodeId: number, what: keyof Tally): number {
    return this.#byNode.get(nodeId)?.[what] ?? 0
  }

  /** Of all nodes. */
  get all(): Readonly<Tally> {
    return this.#all
  }

  write({ tally, tallyAll }: Pick<Changes, 'tally' | 'tallyAll'>): void {
    for (const [nodeId, node] of this.#byNode) if (isSome(node)) tally.run(node.items, node.subscriptions, nodeId)
    if (isSome(this.#all)) tallyAll.run(this.#all.items, this.#all.subscriptions)
    this.forget()
  }

  /** What was not written never happened. */
  forget(): void {
    this.#byNode.clear()
    this.#all = nothing()
  }
}
