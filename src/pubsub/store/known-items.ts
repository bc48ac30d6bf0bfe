import { ownText } from '../../core/index.ts'

/** Ids that are remembered of one node; where there are more, each is looked up. */
const KNOWN_ITEMS_MAX = 50
/** Characters of all of them together; where there are more, each is looked up. */
const KNOWN_ITEM_CHARACTERS_MAX = 4_096

/** What there is of one node. */
export interface ItemsReader {
  count(): number
  oldest(limit: number): readonly string[]
}

/** The ids of all items of one node, the oldest first, where they are few: a publish to a node that is full asks for them several times. */
export class KnownItems {
  readonly #ids = new Set<string>()
  #characters = 0

  /** @returns `many` where they are too many, or too long */
  static read({ count, oldest }: ItemsReader): KnownItems | 'many' {
    if (count() > KNOWN_ITEMS_MAX) return 'many'
    const items = new KnownItems()
    return oldest(KNOWN_ITEMS_MAX).every((id) => items.put(id)) ? items : 'many'
  }

  get count(): number {
    return this.#ids.size
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  oldest(limit: number): readonly string[] {
    const ids: string[] = []
    for (const id of this.#ids) {
      if (ids.length >= limit) break
      ids.push(id)
    }
    return ids
  }

  /** As the newest. @returns whether they are few still */
  put(id: string): boolean {
    this.remove(id)
    this.#ids.add(ownText(id))
    this.#characters += id.length
    return this.#ids.size <= KNOWN_ITEMS_MAX && this.#characters <= KNOWN_ITEM_CHARACTERS_MAX
  }

  remove(id: string): void {
    if (this.#ids.delete(id)) this.#characters -= id.length
  }
}
