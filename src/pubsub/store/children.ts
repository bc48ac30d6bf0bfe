import type { NodeRecord } from '../records.ts'
import type { Range } from './section.ts'

/** Which nodes are in which collection. */
export class Children {
  readonly #of = new Map<number, Map<number, NodeRecord>>()

  /** Does nothing with a node that is in none. */
  add(node: NodeRecord): void {
    if (node.parent === undefined) return
    const siblings = this.#of.get(node.parent) ?? new Map<number, NodeRecord>()
    this.#of.set(node.parent, siblings.set(node.id, node))
  }

  remove({ id, parent }: NodeRecord): void {
    if (parent === undefined) return
    const siblings = this.#of.get(parent)
    siblings?.delete(id)
    if (siblings?.size === 0) this.#of.delete(parent)
  }

  /** By id. */
  page(parent: number, { after = 0, limit }: Range): readonly NodeRecord[] {
    return [...(this.#of.get(parent)?.values() ?? [])]
      .filter(({ id }) => id > after)
      .sort((one, other) => one.id - other.id)
      .slice(0, limit)
  }

  countOf(parent: number): number {
    return this.#of.get(parent)?.size ?? 0
  }
}
