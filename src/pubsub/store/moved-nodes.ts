import type { MovedRecord } from '../records.ts'
import { Due, expiryOf } from './due.ts'

/** Where nodes are that a `MemoryStore` had. */
export class MovedNodes {
  readonly #byName = new Map<string, MovedRecord>()
  readonly #byCreator = new Map<string, Due<MovedRecord>>()
  readonly #due = new Due<MovedRecord>(expiryOf)

  put(moved: MovedRecord): void {
    this.remove(moved.name)
    this.#byName.set(moved.name, moved)
    this.#due.add(moved)
    const own = this.#byCreator.get(moved.creator) ?? new Due<MovedRecord>(expiryOf)
    this.#byCreator.set(moved.creator, own)
    own.add(moved)
  }

  get(name: string): MovedRecord | undefined {
    return this.#byName.get(name)
  }

  remove(name: string): void {
    const moved = this.#byName.get(name)
    if (!moved) return
    this.#byName.delete(name)
    this.#due.remove(moved)
    const own = this.#byCreator.get(moved.creator)
    own?.remove(moved)
    if (own?.size === 0) this.#byCreator.delete(moved.creator)
  }

  get size(): number {
    return this.#byName.size
  }

  countOf(creator: string): number {
    return this.#byCreator.get(creator)?.size ?? 0
  }

  due(nowMs: number, limit: number): readonly MovedRecord[] {
    return this.#due.page(nowMs, limit)
  }

  dueOf(creator: string, limit: number): readonly MovedRecord[] {
    return this.#byCreator.get(creator)?.page(Number.MAX_SAFE_INTEGER, limit) ?? []
  }
}
