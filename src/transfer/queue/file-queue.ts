import { randomInt } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { resolve } from 'node:path'
import { BytestreamError, type Clock, prepareJid, systemClock, throwIfAborted } from '../../core/index.ts'
import type { Transfer } from '../transfer.ts'
import type { TransferClient } from '../transfer-client.ts'
import { ABSENT_MS_MAX, type Absent } from './absences.ts'
import { Entries } from './entries.ts'
import type { QueuedFile, QueueEntry } from './entry.ts'
import { holderOf, QueueHold, type QueueHolder } from './hold.ts'
import { Journal, locate } from './journal.ts'
import type { QueueRecord } from './records.ts'
import { QueueWorker } from './worker.ts'

/** Entries of a queue that have not ended. */
const ENTRIES_MAX = 10_000
/** Characters of an id: no vowels, so that it is no word, and nothing that looks like something else. */
const ID_CHARACTERS = '23456789bcdfghjkmnpqrstvwxz'
const ID_LENGTH = 8

/** What can be ordered of an entry, whoever works the queue. */
export type QueueOrder = 'pause' | 'resume' | 'cancel' | 'retry'

/** What came of adding files. */
export interface Queued {
  readonly added: readonly QueueEntry[]
  /** Those that were there, and have not ended: the same file to the same JID. */
  readonly repeated: readonly QueueEntry[]
}

/** How a queue is worked. */
export interface WorkInit {
  readonly signal?: AbortSignal | undefined
  /**
   * Milliseconds for which a receiver that is not there is waited for; then what is queued for it fails, and at 0 at once. Default
   * 86,400,000 (24 hours).
   */
  readonly absentMsMax?: number | undefined
}

/** Facts. */
export interface FileQueueEvents {
  /** A file was handed to the client; it has to wait for its turn. */
  transfer: [transfer: Transfer, entry: QueueEntry]
  /** An entry is new, or is not what it was. */
  entry: [entry: QueueEntry]
  /** Nothing is left but entries that are paused. */
  stalled: [facts: { paused: number }]
  /** Somebody is not there: what is queued for them waits, and is tried again after `retryMs`, or once they show their presence. */
  absent: [facts: Absent]
}

/**
 * Files to be sent, in a file, so that they outlive the process. One process works it; others may add to it and give orders
 * meanwhile, which are heard at once.
 *
 * ```ts
 * const queue = await FileQueue.open('outbox.queue')
 * await queue.add([{ path: 'photo.jpg', to: 'desk@example.org' }])
 * await queue.work(client)
 * ```
 */
export class FileQueue extends EventEmitter<FileQueueEvents> {
  /** Absolute, and no symbolic link. */
  readonly path: string
  readonly #clock: Clock
  readonly #journal: Journal
  #entries = new Entries()
  #exists = false
  /** While this process works it. */
  #hold: QueueHold | undefined
  #reading: Promise<unknown> = Promise.resolve()

  private constructor(path: string, clock: Clock) {
    super()
    this.path = path
    this.#clock = clock
    this.#journal = new Journal(path)
  }

  /**
   * Reads the queue in a file; where there is none it is empty, and the file made with the first entry.
   *
   * @throws BytestreamError `ERR_FILE` with the number of a line that is wrong
   */
  static async open(path: string, { clock = systemClock }: { readonly clock?: Clock } = {}): Promise<FileQueue> {
    const queue = new FileQueue(await locate(resolve(path)), clock)
    await queue.refresh()
    return queue
  }

  /** Whether there is a file. */
  get exists(): boolean {
    return this.#exists
  }

  /** In the order in which they were added. */
  get entries(): readonly QueueEntry[] {
    return this.#entries.all
  }

  /** Who works the queue now. */
  holder(): Promise<QueueHolder | undefined> {
    return holderOf(this.path)
  }

  /**
   * Finds an entry by the beginning of its id.
   *
   * @throws BytestreamError `ERR_ITEM_NOT_FOUND` when none begins that way, or several do
   */
  find(text: string): QueueEntry {
    const [entry, another] = this.entries.filter(({ id }) => id.startsWith(text))
    if (entry && !another) return entry
    throw new BytestreamError('ERR_ITEM_NOT_FOUND', `${another ? 'several entries begin' : 'no entry begins'} with ${text} in ${this.path}`)
  }

  /**
   * Adds files.
   *
   * @throws BytestreamError `ERR_JID_MALFORMED`, `ERR_LIMIT_WAITING` when there are too many, `ERR_FILE`, `ERR_CONFIG`; then none is added
   */
  async add(files: readonly QueuedFile[]): Promise<Queued> {
    await this.refresh()
    const added: QueueEntry[] = []
    const repeated: QueueEntry[] = []
    const entries = new Entries()
    for (const { path, folder, to, priority = 0, options = {} } of files) {
      const file = { path: resolve(path), ...(folder !== undefined && { folder }), to: prepareJid(to) }
      const known = this.#entries.like(file) ?? entries.like(file)
      if (known) {
        repeated.push(known)
        continue
      }
      const facts = { priority, options, state: 'waiting', attempts: 0, addedAt: new Date().toISOString() } as const
      const entry: QueueEntry = { id: this.#newId(), ...file, ...facts }
      entries.apply({ op: 'entry', entry })
      added.push(entry)
    }
    if (this.#entries.active + added.length > ENTRIES_MAX)
      throw new BytestreamError('ERR_LIMIT_WAITING', `${this.path} would have more than ${ENTRIES_MAX} files that are still to be sent`)
    if (added.length > 0) await this.write(added.map((entry) => ({ op: 'entry', entry })))
    const inList = added.map((entry) => this.#inList(entry))
    return {
      added: added.filter((entry, at) => inList[at] === entry),
      repeated: [...repeated, ...inList.filter((entry, at) => entry !== added[at])],
    }
  }

  /** @returns the one of another process instead, which has added the same in the same moment, and was first */
  #inList(added: QueueEntry): QueueEntry {
    const { id, path, to } = added
    if (this.get(id)) return added
    return this.#entries.like(added) ?? this.entries.findLast((entry) => entry.path === path && entry.to === to) ?? added
  }

  /**
   * Gives an order.
   *
   * @returns the entries it has changed
   * @throws BytestreamError `ERR_FILE`
   */
  async order(order: QueueOrder, ids: readonly string[]): Promise<readonly QueueEntry[]> {
    return await this.#change(ids.map((id) => ({ op: order, id, at: new Date().toISOString() })))
  }

  /** Changes priorities. @returns the entries it has changed @throws BytestreamError `ERR_FILE` */
  async setPriority(priority: number, ids: readonly string[]): Promise<readonly QueueEntry[]> {
    if (!Number.isFinite(priority)) throw new TypeError(`a priority is a finite number, not ${priority}`)
    return await this.#change(ids.map((id) => ({ op: 'priority', id, at: new Date().toISOString(), priority })))
  }

  /**
   * Sends what is in the queue, until nothing of it is left to do; what was under way when a process ended goes on.
   *
   * @throws BytestreamError `ERR_FILE` when another process works it, with who that is, or has taken it over; the reason of `signal`; what has ended the
   *   session of `client`. What was not sent stays in the queue
   */
  async work(client: TransferClient, { signal, absentMsMax = ABSENT_MS_MAX }: WorkInit = {}): Promise<void> {
    throwIfAborted(signal)
    do {
      await using hold = await QueueHold.take(this.path, this.#clock)
      await this.#journal.sweep()
      if (!(await this.#inTurn(() => this.#compact()))) return
      this.#hold = hold
      try {
        await new QueueWorker(this, client, { clock: this.#clock, absentMsMax }).run(
          signal ? AbortSignal.any([signal, hold.lost]) : hold.lost,
        )
      } finally {
        this.#hold = undefined
      }
      // Somebody may have seen that the queue is worked, and left something, just before it no longer was.
    } while (await this.#hasMore())
  }

  /** By its whole id. */
  get(id: string): QueueEntry | undefined {
    return this.#entries.get(id)
  }

  /** How many have not ended. */
  get active(): number {
    return this.#entries.active
  }

  /** Of them, how many are paused. */
  get paused(): number {
    return this.#entries.paused
  }

  /** Takes in what others have written. @throws BytestreamError `ERR_FILE` */
  async refresh(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#read()
      if (this.#hold && !this.#hold.lost.aborted) await this.#journal.tidy(() => this.#entries.records)
    })
  }

  /** @internal */
  async write(records: readonly QueueRecord[]): Promise<void> {
    await this.#journal.append(records)
    await this.refresh()
  }

  /** @internal */
  watch(listener: () => void): () => void {
    return this.#journal.watch(listener)
  }

  async #read(): Promise<void> {
    const read = await this.#journal.read()
    this.#exists = read !== undefined
    if (!read) return
    if (read.isNew) this.#entries = new Entries()
    const changed = new Set(read.records.flatMap((record) => this.#entries.apply(record) ?? []))
    for (const id of changed) {
      const entry = this.#entries.get(id)
      if (entry) this.emit('entry', entry)
    }
  }

  /** Makes of the file what it comes to; what ran when a process ended waits again. @returns whether there is one */
  async #compact(): Promise<boolean> {
    await this.#read()
    if (!this.#exists) return false
    const records = this.#entries.releasedRecords
    await this.#journal.rewrite(records)
    this.#entries = new Entries()
    for (const record of records) this.#entries.apply(record)
    return true
  }

  async #hasMore(): Promise<boolean> {
    await this.refresh()
    return this.#entries.active > 0
  }

  async #change(records: readonly QueueRecord[]): Promise<readonly QueueEntry[]> {
    const ids = records.flatMap((record) => (record.op === 'entry' ? [] : [record.id]))
    await this.refresh()
    const before = ids.map((id) => this.#entries.get(id))
    if (records.length > 0) await this.write(records)
    const after = ids.map((id) => this.#entries.get(id))
    return after.filter((entry, at) => entry !== before[at]) as QueueEntry[]
  }

  #newId(): string {
    const id = Array.from({ length: ID_LENGTH }, () => ID_CHARACTERS[randomInt(ID_CHARACTERS.length)]).join('')
    return this.#entries.get(id) ? this.#newId() : id
  }

  /** One after the other: each begins where the one before has ended. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#reading.then(work)
    this.#reading = turn.catch(() => {})
    return turn
  }
}
