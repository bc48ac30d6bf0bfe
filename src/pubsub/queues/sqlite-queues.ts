import type { Change, Query, Storage } from '../../storage/index.ts'
import type { Section } from '../store/section.ts'
import { Sequence } from '../store/sequence.ts'
import { mapValues, numbers } from '../store/sqlite-queries.ts'
import { changes, queries } from '../store/statements.ts'
import type { QueueBounds, QueueCounts, QueuePlace, QueueSection, QueueStore } from './queue-store.ts'
import type { Awaited, DeadLetter, QueuedMessage, QueueEntry, QueueLength } from './records.ts'
import { queueChanges, queueQueries } from './statements.ts'

type MessageRow = readonly [
  id: number,
  nodeId: number,
  node: string,
  isRetraction: number,
  itemId: string,
  publisher: string,
  publishedMs: number,
  expiresMs: number,
  routingKey: string | null,
  payload: string | null,
]
type EntryRow = readonly [
  account: string,
  attempts: number,
  failures: number,
  notBeforeMs: number,
  handedTo: string | null,
  awaits: number,
  ...message: MessageRow,
]
type LetterRow = readonly [id: number, account: string, attempts: number, reason: string, diedMs: number, ...message: MessageRow]

interface Rows {
  ready: EntryRow
  entry: EntryRow
  entriesOfItem: EntryRow
  entriesAt: EntryRow
  oldest: EntryRow
  oldestOf: readonly [account: string, messageId: number, nodeId: number]
  due: EntryRow
  overfull: readonly [account: string]
  size: readonly [entries: number, bytes: number]
  length: readonly [waiting: number, handed: number, oldestMs: number | null]
  unaware: readonly [account: string]
  letters: LetterRow
  lettersFromEnd: LetterRow
  counts: readonly [messages: number, entries: number, letters: number]
}
type Number1 = readonly [value: number]
type Queries = { readonly [Name in keyof typeof queueQueries]: Query<Name extends keyof Rows ? Rows[Name] : Number1> }
type Changes = { readonly [Name in keyof typeof queueChanges]: Change }

const AWAITED: readonly Awaited[] = ['nothing', 'acknowledgement', 'error']

/** The queues of a `SqliteStore`. It remembers nothing. */
export class SqliteQueues implements QueueStore {
  readonly #read: Queries
  readonly #write: Changes
  readonly #messageIds: Sequence
  readonly #letterIds: Sequence

  /**
   * @param storage borrowed; opened with `pubsubMigrations`
   * @param onChange with the last thing that waits for it an account may go, which nobody may remember then
   */
  constructor(storage: Storage, onChange: () => void) {
    this.#read = mapValues(queueQueries, (sql) => storage.query(sql)) as Queries
    this.#write = mapValues(queueChanges, (sql) => {
      const change = storage.change(sql)
      return {
        run: (...values) => {
          onChange()
          return change.run(...values)
        },
      }
    })
    const [reserved, reserve] = [storage.query<Number1>(queries.reserved), storage.change(changes.reserve)]
    this.#messageIds = new Sequence('message', reserved, reserve)
    this.#letterIds = new Sequence('letter', reserved, reserve)
    storage.on('rolledBack', () => {
      this.#messageIds.forget()
      this.#letterIds.forget()
    })
  }

  get counts(): QueueCounts {
    const [messages = 0, entries = 0, letters = 0] = this.#read.counts.get() ?? []
    return { messages, entries, letters }
  }

  add(given: Omit<QueuedMessage, 'id'>, accounts: readonly string[]): QueuedMessage {
    const message = { ...given, id: this.#messageIds.next() }
    if (accounts.length === 0) return message
    const { id, nodeId, node, kind, itemId, publisher, publishedMs, expiresMs, routingKey, payload } = message
    const words = [nodeId, node, Number(kind === 'retracted'), itemId, publisher, publishedMs, expiresMs] as const
    this.#write.addMessage.run(id, ...words, routingKey ?? null, payload ?? null, Buffer.byteLength(payload ?? ''))
    this.#write.addEntries.run(id, JSON.stringify(accounts))
    return message
  }

  removeItem(nodeId: number, itemId: string): readonly string[] {
    if (!this.#read.ofItem.get(nodeId, itemId)) return []
    const unaware = this.#read.unaware.all(nodeId, itemId).map(([account]) => account)
    this.#write.removeItemLetters.run(nodeId, itemId)
    this.#write.removeItemEntries.run(nodeId, itemId)
    return unaware
  }

  removeAt(nodeId: number, account: string): void {
    this.#write.removeLettersAt.run(account, nodeId)
    this.#write.removeEntriesAt.run(account, nodeId)
  }

  endNode(nodeId: number): void {
    this.#write.endNode.run(nodeId)
  }

  ready(account: string, nowMs: number, { after, limit }: QueueSection): readonly QueueEntry[] {
    return this.#read.ready.all(account, after, nowMs, nowMs, limit).map(toEntry)
  }

  entry(account: string, messageId: number): QueueEntry | undefined {
    const row = this.#read.entry.get(account, messageId)
    return row && toEntry(row)
  }

  entriesOfItem(account: string, nodeId: number, itemId: string): readonly QueueEntry[] {
    return this.#read.entriesOfItem.all(account, nodeId, itemId).map(toEntry)
  }

  entriesAt(account: string, jid: string): readonly QueueEntry[] {
    return this.#read.entriesAt.all(account, jid).map(toEntry)
  }

  oldest(account: string, limit: number): readonly QueueEntry[] {
    return this.#read.oldest.all(account, limit).map(toEntry)
  }

  oldestOf(accounts: readonly string[]): readonly QueuePlace[] {
    const rows = this.#read.oldestOf.all(JSON.stringify(accounts))
    return rows.map(([account, id, nodeId]) => ({ account, message: { id, nodeId } }))
  }

  replaceEntry({ account, message, attempts, failures, notBeforeMs, handedTo, awaits }: QueueEntry): boolean {
    const state = [attempts, failures, notBeforeMs, handedTo ?? null, AWAITED.indexOf(awaits)] as const
    return this.#write.replaceEntry.run(...state, account, message.id) > 0
  }

  removeEntry(account: string, messageId: number): boolean {
    return this.#write.removeEntry.run(account, messageId) > 0
  }

  due(nowMs: number, limit: number): readonly QueueEntry[] {
    return this.#read.due.all(nowMs, limit).map(toEntry)
  }

  nextDueMs(): number | undefined {
    return this.#read.nextDue.get()?.[0]
  }

  overfull(accounts: readonly string[], { entriesMax, bytesMax }: QueueBounds): readonly string[] {
    return this.#read.overfull.all(JSON.stringify(accounts), entriesMax, bytesMax).map(([account]) => account)
  }

  sizeOf(account: string): { readonly entries: number; readonly bytes: number } {
    const [entries = 0, bytes = 0] = this.#read.size.get(account) ?? []
    return { entries, bytes }
  }

  lengthOf(nodeId: number, account: string, nowMs: number): QueueLength {
    const [waiting = 0, handed = 0, oldestMs] = this.#read.length.get(account, nodeId, nowMs) ?? []
    return { waiting, handed, oldestMs: oldestMs ?? undefined }
  }

  bury(entries: readonly QueuePlace[], reason: string, nowMs: number): void {
    const triples = JSON.stringify(entries.map(({ account, message }) => [account, message.id, this.#letterIds.next()]))
    this.#write.addLetters.run(reason, nowMs, triples)
    this.#write.removeBuried.run(triples)
  }

  letters(nodeId: number, section: Section): readonly DeadLetter[] {
    const { after, before, limit, fromEnd } = numbers(section)
    const query = this.#read[fromEnd ? 'lettersFromEnd' : 'letters']
    const rows = query.all(nodeId, after as number, before as number, limit).map(toLetter)
    return fromEnd ? rows.reverse() : rows
  }

  letter(nodeId: number, id: number): DeadLetter | undefined {
    return this.letters(nodeId, { after: id - 1, before: id + 1, limit: 1 })[0]
  }

  countLetters(nodeId: number): number {
    return this.#read.countLetters.get(nodeId)?.[0] ?? 0
  }

  removeLetter({ id }: DeadLetter): void {
    this.#write.removeLetter.run(id)
  }

  trimLetters(nodeId: number, lettersMax: number): void {
    const beyond = this.countLetters(nodeId) - lettersMax
    if (beyond > 0) this.#write.removeOldestLetters.run(nodeId, beyond)
  }

  revive({ id, account, message }: DeadLetter): QueueEntry {
    this.#write.revive.run(id)
    this.#write.removeLetter.run(id)
    return this.entry(account, message.id) as QueueEntry
  }

  sweep(nowMs: number, limit: number): number {
    let left = limit
    for (let id = this.#expired(nowMs); id !== undefined && left > 0; id = this.#expired(nowMs)) {
      left -= this.#write.sweepEntries.run(id, left)
      if (left > 0) left -= this.#write.sweepLetters.run(id, left)
    }
    return limit - left
  }

  #expired(nowMs: number): number | undefined {
    return this.#read.expired.get(nowMs)?.[0]
  }
}

function toMessage(row: MessageRow): QueuedMessage {
  const [id, nodeId, node, isRetraction, itemId, publisher, publishedMs, expiresMs, routingKey, payload] = row
  const kind = isRetraction === 1 ? 'retracted' : 'published'
  const rest = { routingKey: routingKey ?? undefined, payload: payload ?? undefined }
  return { node, nodeId, kind, itemId, publisher, publishedMs, expiresMs, ...rest, id }
}

function toEntry([account, attempts, failures, notBeforeMs, handedTo, awaits, ...message]: EntryRow): QueueEntry {
  const state = { attempts, failures, notBeforeMs, handedTo: handedTo ?? undefined, awaits: AWAITED[awaits] as Awaited }
  return { account, ...state, message: toMessage(message) }
}

function toLetter([id, account, attempts, reason, diedMs, ...message]: LetterRow): DeadLetter {
  return { id, account, attempts, reason, diedMs, message: toMessage(message) }
}
