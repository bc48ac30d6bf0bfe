import type { Changes, Queries } from './sqlite-queries.ts'
import type { Tallies } from './tallies.ts'

interface RetiredNodesInit {
  readonly read: Pick<Queries, 'retired'>
  readonly write: Pick<Changes, 'sweepSubscriptions' | 'sweepItems' | 'sweepAffiliations' | 'removeNode'>
  readonly tallies: Tallies
}

/** What is left of nodes that are retired, in a database; nothing of it is remembered. */
export class RetiredNodes {
  readonly #read: RetiredNodesInit['read']
  readonly #write: RetiredNodesInit['write']
  readonly #tallies: Tallies

  constructor({ read, write, tallies }: RetiredNodesInit) {
    this.#read = read
    this.#write = write
    this.#tallies = tallies
  }

  /**
   * @param keep nodes that are left alone
   * @returns how much was taken away, `limit` at most; less when there is no more
   */
  sweep(limit: number, keep: ReadonlySet<number>): number {
    let left = limit
    for (let id = this.#next(0); id !== undefined && left > 0; id = this.#next(id)) {
      if (keep.has(id)) continue
      left -= this.#sweepNode(id, left)
      if (left > 0) left -= this.#write.removeNode.run(id)
    }
    return limit - left
  }

  /** @returns how much of what is left of a node went */
  #sweepNode(id: number, limit: number): number {
    const subscriptions = this.#write.sweepSubscriptions.run(id, limit)
    const items = this.#write.sweepItems.run(id, limit - subscriptions)
    this.#tallies.add(id, 'subscriptions', -subscriptions)
    this.#tallies.add(id, 'items', -items)
    return subscriptions + items + this.#write.sweepAffiliations.run(id, limit - subscriptions - items)
  }

  #next(behind: number): number | undefined {
    return this.#read.retired.get(behind)?.[0]
  }
}
