import type { Affiliation, AffiliationRecord, NodeRecord } from '../records.ts'
import { type ItemsReader, KnownItems } from './known-items.ts'

/** Nodes that are remembered: those that were used last. */
const KNOWN_NODES_MAX = 1_000
/** Of one node; where there are more, each is looked up. */
const KNOWN_AFFILIATIONS_MAX = 20

/** What a store has read of a node, and what it has written since. Whatever is missing has to be read. */
interface KnownNode {
  readonly record: NodeRecord
  /** All there are; `many` where those are too many. */
  affiliations?: ReadonlyMap<string, Affiliation> | 'many' | undefined
  subscriptions?: number | undefined
  /** Likewise. */
  items?: KnownItems | 'many' | undefined
}

/** The nodes that were used last, as they are in the database, or will be at the end of this turn of the event loop. */
export class KnownNodes {
  /** The one that was used last is the last. */
  readonly #byName = new Map<string, KnownNode>()
  readonly #byId = new Map<number, KnownNode>()

  named(name: string): NodeRecord | undefined {
    const known = this.#byName.get(name)
    if (!known) return undefined
    this.#byName.delete(name)
    this.#byName.set(name, known)
    return known.record
  }

  ofId(id: number): NodeRecord | undefined {
    return this.#byId.get(id)?.record
  }

  add(record: NodeRecord): void {
    const known = { record }
    this.#byName.set(record.name, known)
    this.#byId.set(record.id, known)
    if (this.#byName.size <= KNOWN_NODES_MAX) return
    for (const oldest of this.#byName.values()) return this.forget(oldest.record.id)
  }

  /** All of a node, where they can be remembered. @param read asked for so many, once */
  affiliationsOf(id: number, read: (limit: number) => readonly AffiliationRecord[]): ReadonlyMap<string, Affiliation> | undefined {
    const known = this.#byId.get(id)
    if (!known) return undefined
    if (!known.affiliations) {
      const all = read(KNOWN_AFFILIATIONS_MAX + 1)
      known.affiliations =
        all.length > KNOWN_AFFILIATIONS_MAX ? 'many' : new Map(all.map(({ account, affiliation }) => [account, affiliation]))
    }
    return known.affiliations === 'many' ? undefined : known.affiliations
  }

  forgetAffiliations(id: number): void {
    const known = this.#byId.get(id)
    if (known) known.affiliations = undefined
  }

  /** How many a node has. @param read asked once of a node that is remembered */
  countSubscriptions(id: number, read: () => number): number {
    const known = this.#byId.get(id)
    if (!known) return read()
    known.subscriptions ??= read()
    return known.subscriptions
  }

  addSubscriptions(id: number, more: number): void {
    const known = this.#byId.get(id)
    if (known?.subscriptions !== undefined) known.subscriptions += more
  }

  /** Those of a node, where they can be remembered. @param reader asked once */
  itemsOf(id: number, reader: ItemsReader): KnownItems | undefined {
    const known = this.#byId.get(id)
    if (!known) return undefined
    known.items ??= KnownItems.read(reader)
    return known.items === 'many' ? undefined : known.items
  }

  /** How many items a node has, where they have been read, and are few. */
  countItems(nodeId: number): number | undefined {
    const items = this.#byId.get(nodeId)?.items
    return items === 'many' ? undefined : items?.count
  }

  putItem(nodeId: number, id: string): void {
    const known = this.#byId.get(nodeId)
    if (known?.items && known.items !== 'many' && !known.items.put(id)) known.items = 'many'
  }

  removeItem(nodeId: number, id: string): void {
    const known = this.#byId.get(nodeId)
    if (known?.items === 'many') known.items = undefined
    else known?.items?.remove(id)
  }

  forgetItems(nodeId: number): void {
    const known = this.#byId.get(nodeId)
    if (known) known.items = undefined
  }

  forget(id: number): void {
    const known = this.#byId.get(id)
    if (!known) return
    this.#byId.delete(id)
    this.#byName.delete(known.record.name)
  }

  clear(): void {
    this.#byId.clear()
    this.#byName.clear()
  }
}
