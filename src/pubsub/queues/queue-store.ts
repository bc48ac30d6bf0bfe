import type { Section } from '../store/section.ts'
import type { DeadLetter, QueuedMessage, QueueEntry, QueueLength } from './records.ts'

export interface QueueCounts {
  /** Each once, however many it waits for. */
  readonly messages: number
  readonly entries: number
  readonly letters: number
}

/** What one queue may hold. */
export interface QueueBounds {
  readonly entriesMax: number
  /** Of payloads. */
  readonly bytesMax: number
}

/** Which message waits for whom. */
export interface QueuePlace {
  readonly account: string
  readonly message: Pick<QueuedMessage, 'id' | 'nodeId'>
}

/** Of a queue, those behind a message. */
export interface QueueSection {
  readonly after: number
  readonly limit: number
}

/**
 * Keeps what waits in queues, and knows no rules. It is a part of a `PubsubStore`, and writes in the same turn of the event loop, and so in
 * the same transaction: who has an item published has its entries, or neither.
 *
 * A message goes with the last entry, or dead letter, that has it.
 */
export interface QueueStore {
  /**
   * Puts a message at the end of queues, in one pass.
   *
   * @param accounts each once, and each with a subscription
   * @returns what was given, with the id it has from now on
   */
  add(message: Omit<QueuedMessage, 'id'>, accounts: readonly string[]): QueuedMessage
  /** Takes the messages of an item away, from queues and dead letters. @returns the accounts to which they had not been handed */
  removeItem(nodeId: number, itemId: string): readonly string[]
  /** Takes away what an account has of a node, dead letters, too. */
  removeAt(nodeId: number, account: string): void
  /** Nothing of a node is found any more; {@link sweep} takes it away. */
  endNode(nodeId: number): void

  /** Those that are to be handed over, by message: of what has not expired. */
  ready(account: string, nowMs: number, section: QueueSection): readonly QueueEntry[]
  entry(account: string, messageId: number): QueueEntry | undefined
  /** By message. */
  entriesOfItem(account: string, nodeId: number, itemId: string): readonly QueueEntry[]
  /** Those that were handed to a JID, and await something, by message. */
  entriesAt(account: string, jid: string): readonly QueueEntry[]
  /** By message. */
  oldest(account: string, limit: number): readonly QueueEntry[]
  /** The oldest of each account, in one pass. */
  oldestOf(accounts: readonly string[]): readonly QueuePlace[]
  /** Takes the place of the entry of that account and message. @returns whether there was one */
  replaceEntry(entry: QueueEntry): boolean
  /** @returns whether there was one */
  removeEntry(account: string, messageId: number): boolean
  /** Those whose `notBeforeMs` has come, the earliest first. */
  due(nowMs: number, limit: number): readonly QueueEntry[]
  /** The earliest `notBeforeMs` there is. */
  nextDueMs(): number | undefined
  /** Those of the accounts that hold more. */
  overfull(accounts: readonly string[], bounds: QueueBounds): readonly string[]
  /** Of one account, of all nodes. */
  sizeOf(account: string): { readonly entries: number; readonly bytes: number }
  lengthOf(nodeId: number, account: string, nowMs: number): QueueLength

  /** Makes dead letters of entries, in one pass: what is no entry is passed over. */
  bury(entries: readonly QueuePlace[], reason: string, nowMs: number): void
  /** Of a node, by id. */
  letters(nodeId: number, section: Section): readonly DeadLetter[]
  letter(nodeId: number, id: number): DeadLetter | undefined
  countLetters(nodeId: number): number
  removeLetter(letter: DeadLetter): void
  /** Takes the oldest of a node away, but for so many. */
  trimLetters(nodeId: number, lettersMax: number): void
  /** Makes an entry of it again, at the place of its message, as if it had never failed. */
  revive(letter: DeadLetter): QueueEntry

  /** Takes away what has expired. @returns how many rows went, at most `limit`; 0 when none is left */
  sweep(nowMs: number, limit: number): number
  readonly counts: QueueCounts
}
