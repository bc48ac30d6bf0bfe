import { type EntryEvent, isActive, nextState, type QueueEntry } from './entry.ts'
import type { QueueRecord } from './records.ts'

/** Entries that have ended, and are still told of. */
const ENDED_MAX = 1_000

type Change = Partial<Omit<QueueEntry, 'id' | 'path' | 'to' | 'state'>>

const keyOf = ({ path, to }: Pick<QueueEntry, 'path' | 'to'>) => `${to}\n${path}`

/** What the records of a queue come to; each costs the same, however many entries there are. */
export class Entries {
  readonly #entries = new Map<string, QueueEntry>()
  /** Those that have not ended, by what is sent to whom: nothing is queued twice. */
  readonly #active = new Map<string, string>()
  readonly #paused = new Set<string>()
  /** Ids, the first to have ended first. */
  readonly #ended = new Set<string>()

  /** In the order in which they were added. */
  get all(): readonly QueueEntry[] {
    return [...this.#entries.values()].toSorted((one, other) => (one.addedAt < other.addedAt ? -1 : Number(one.addedAt > other.addedAt)))
  }

  /** What leads to the same entries. */
  get records(): readonly QueueRecord[] {
    return this.#inOrderOfEnds.map((entry) => ({ op: 'entry', entry }))
  }

  /** The same, if nobody works them any more. */
  get releasedRecords(): readonly QueueRecord[] {
    return this.#inOrderOfEnds.map((entry) => ({ op: 'entry', entry: { ...entry, state: nextState(entry.state, 'released') } }))
  }

  /** Those that have not ended last. */
  get #inOrderOfEnds(): readonly QueueEntry[] {
    const ended = [...this.#ended].map((id) => this.#entries.get(id) as QueueEntry)
    return [...ended, ...[...this.#entries.values()].filter(isActive)]
  }

  /** How many have not ended. */
  get active(): number {
    return this.#active.size
  }

  /** Of them, how many are paused. */
  get paused(): number {
    return this.#paused.size
  }

  get(id: string): QueueEntry | undefined {
    return this.#entries.get(id)
  }

  /** The same file to the same JID, which has not ended. */
  like(file: Pick<QueueEntry, 'path' | 'to'>): QueueEntry | undefined {
    return this.#entries.get(this.#active.get(keyOf(file)) ?? '')
  }

  /** @returns the id of the entry that is not what it was */
  apply(record: QueueRecord): string | undefined {
    if (record.op === 'entry') return this.#add(record.entry)
    const entry = this.#entries.get(record.id)
    if (!entry) return undefined // It has ended so long ago that it was forgotten.
    const { op, at } = record
    if (op === 'priority') return this.#put({ ...entry, priority: record.priority })
    const tells = record.op === 'done' || record.op === 'failed' || record.op === 'released'
    return this.#happen(entry, op, at, tells ? record : undefined)
  }

  #add(entry: QueueEntry): string | undefined {
    if (this.#entries.has(entry.id) || (isActive(entry) && this.like(entry))) return undefined
    return this.#put(entry)
  }

  #happen(
    entry: QueueEntry,
    event: EntryEvent,
    at: string,
    end: Extract<QueueRecord, { op: 'done' | 'failed' | 'released' }> | undefined,
  ): string | undefined {
    const state = nextState(entry.state, event)
    const isBegun = event === 'begin' && state === 'running'
    if (state === entry.state && !isBegun) return undefined
    const again = isActive({ state }) && !isActive(entry)
    // What was cancelled or has failed may have been queued anew meanwhile.
    if (again && this.like(entry)) return undefined
    const change: Change = {
      ...(isBegun && { begunAt: at, attempts: entry.attempts + 1 }),
      ...(!isActive({ state }) && { endedAt: at }),
      ...(again && { endedAt: undefined, error: undefined }),
      ...(end?.op === 'done' && { size: end.size, sha256: end.sha256, error: undefined }),
      ...(end?.op === 'released' && { error: end.error }),
      ...(end?.op === 'failed' && { error: { code: end.code, message: end.message } }),
    }
    return this.#put({ ...entry, ...change, state })
  }

  #put(entry: QueueEntry): string {
    const { id } = entry
    this.#entries.set(id, entry)
    if (entry.state === 'paused') this.#paused.add(id)
    else this.#paused.delete(id)
    if (isActive(entry)) {
      this.#active.set(keyOf(entry), id)
      this.#ended.delete(id)
      return id
    }
    if (this.#active.get(keyOf(entry)) === id) this.#active.delete(keyOf(entry))
    this.#ended.add(id)
    const [oldest] = this.#ended
    if (this.#ended.size > ENDED_MAX && oldest !== undefined) {
      this.#ended.delete(oldest)
      this.#entries.delete(oldest)
    }
    return id
  }
}
