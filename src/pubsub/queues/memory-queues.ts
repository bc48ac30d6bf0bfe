import { Due } from '../store/due.ts'
import { Ordered } from '../store/ordered.ts'
import type { Section } from '../store/section.ts'
import { messageBytes, QUEUE_ENTRY_BYTES } from '../weights.ts'
import type { QueueBounds, QueueCounts, QueuePlace, QueueSection, QueueStore } from './queue-store.ts'
import type { DeadLetter, QueuedMessage, QueueEntry, QueueLength } from './records.ts'

interface Kept {
  message: QueuedMessage
  readonly payloadBytes: number
  readonly accounts: Set<string>
  readonly letters: Map<number, KeptLetter>
}

/** An entry, but for its message, which is one for all. */
interface KeptEntry extends Omit<QueueEntry, 'message'> {
  readonly kept: Kept
}
interface KeptLetter extends Omit<DeadLetter, 'message'> {
  readonly kept: Kept
}

interface Queue {
  readonly entries: Ordered<KeptEntry>
  bytes: number
}

const toEntry = ({ kept, ...entry }: KeptEntry): QueueEntry => ({ ...entry, message: kept.message })
const toLetter = ({ kept, ...letter }: KeptLetter): DeadLetter => ({ ...letter, message: kept.message })

/** The queues of a `MemoryStore`. */
export class MemoryQueues implements QueueStore {
  readonly #messages = new Map<number, Kept>()
  /** By node, then by item. */
  readonly #items = new Map<number, Map<string, Set<Kept>>>()
  readonly #queues = new Map<string, Queue>()
  readonly #letters = new Map<number, Ordered<KeptLetter>>()
  readonly #due = new Due<KeptEntry>(({ notBeforeMs }) => notBeforeMs || undefined)
  readonly #expiring = new Due<QueuedMessage>(({ expiresMs }) => expiresMs)
  #lastMessage = 0
  #lastLetter = 0
  #entryCount = 0
  #letterCount = 0
  #bytes = 0

  /** Octets of what is kept, about. */
  get bytes(): number {
    return this.#bytes
  }

  get counts(): QueueCounts {
    return { messages: this.#messages.size, entries: this.#entryCount, letters: this.#letterCount }
  }

  add(given: Omit<QueuedMessage, 'id'>, accounts: readonly string[]): QueuedMessage {
    const message = { ...given, id: ++this.#lastMessage }
    const kept = { message, payloadBytes: Buffer.byteLength(message.payload ?? ''), accounts: new Set<string>(), letters: new Map() }
    if (accounts.length === 0) return message
    this.#messages.set(message.id, kept)
    this.#ofItem(message.nodeId, message.itemId).add(kept)
    this.#expiring.add(message)
    this.#bytes += messageBytes(message)
    for (const account of accounts) this.#put({ account, kept, ...FRESH })
    return message
  }

  removeItem(nodeId: number, itemId: string): readonly string[] {
    const unaware: string[] = []
    for (const kept of [...(this.#items.get(nodeId)?.get(itemId) ?? [])]) {
      for (const account of kept.accounts) {
        if (this.#find(account, kept.message.id)?.attempts === 0) unaware.push(account)
        this.removeEntry(account, kept.message.id)
      }
      for (const letter of kept.letters.values()) this.#dropLetter(letter)
    }
    return unaware
  }

  removeAt(nodeId: number, account: string): void {
    for (const { kept } of this.#entries(account)) if (kept.message.nodeId === nodeId) this.removeEntry(account, kept.message.id)
    for (const letter of this.#letters.get(nodeId)?.page(ALL) ?? []) if (letter.account === account) this.#dropLetter(letter)
  }

  endNode(nodeId: number): void {
    for (const ofItem of this.#items.get(nodeId)?.values() ?? []) {
      for (const kept of ofItem) {
        this.#expiring.remove(kept.message)
        kept.message = { ...kept.message, expiresMs: 0 }
        this.#expiring.add(kept.message)
      }
    }
  }

  ready(account: string, nowMs: number, { after, limit }: QueueSection): readonly QueueEntry[] {
    const behind = this.#queues.get(account)?.entries.page({ ...ALL, after }) ?? []
    const found = behind.filter((each) => each.awaits === 'nothing' && each.notBeforeMs <= nowMs && isLive(each, nowMs))
    return found.slice(0, limit).map(toEntry)
  }

  entry(account: string, messageId: number): QueueEntry | undefined {
    const found = this.#find(account, messageId)
    return found && toEntry(found)
  }

  entriesOfItem(account: string, nodeId: number, itemId: string): readonly QueueEntry[] {
    const ofItem = [...(this.#items.get(nodeId)?.get(itemId) ?? [])]
    return ofItem.flatMap(({ message }) => this.entry(account, message.id) ?? [])
  }

  entriesAt(account: string, jid: string): readonly QueueEntry[] {
    return this.#entries(account)
      .filter(({ handedTo, awaits }) => handedTo === jid && awaits !== 'nothing')
      .map(toEntry)
  }

  oldest(account: string, limit: number): readonly QueueEntry[] {
    return (this.#queues.get(account)?.entries.page({ limit }) ?? []).map(toEntry)
  }

  oldestOf(accounts: readonly string[]): readonly QueuePlace[] {
    return accounts.flatMap((account) => this.oldest(account, 1))
  }

  replaceEntry({ message, ...state }: QueueEntry): boolean {
    const before = this.#find(state.account, message.id)
    if (!before) return false
    const entry = { ...state, kept: before.kept }
    this.#due.remove(before)
    this.#due.add(entry)
    this.#queues.get(state.account)?.entries.replace(entry)
    return true
  }

  removeEntry(account: string, messageId: number): boolean {
    const entry = this.#find(account, messageId)
    const queue = this.#queues.get(account)
    if (!entry || !queue) return false
    const { kept } = entry
    queue.entries.remove(entry)
    queue.bytes -= kept.payloadBytes
    if (queue.entries.size === 0) this.#queues.delete(account)
    this.#due.remove(entry)
    kept.accounts.delete(account)
    this.#entryCount--
    this.#bytes -= QUEUE_ENTRY_BYTES
    this.#letGo(kept)
    return true
  }

  due(nowMs: number, limit: number): readonly QueueEntry[] {
    return this.#due.page(nowMs, limit).map(toEntry)
  }

  nextDueMs(): number | undefined {
    return this.#due.first?.notBeforeMs
  }

  overfull(accounts: readonly string[], { entriesMax, bytesMax }: QueueBounds): readonly string[] {
    return accounts.filter((account) => {
      const { entries, bytes } = this.sizeOf(account)
      return entries > entriesMax || bytes > bytesMax
    })
  }

  sizeOf(account: string): { readonly entries: number; readonly bytes: number } {
    const queue = this.#queues.get(account)
    return { entries: queue?.entries.size ?? 0, bytes: queue?.bytes ?? 0 }
  }

  lengthOf(nodeId: number, account: string, nowMs: number): QueueLength {
    const here = this.#entries(account).filter((each) => each.kept.message.nodeId === nodeId && isLive(each, nowMs))
    const waiting = here.filter(({ awaits }) => awaits === 'nothing').length
    const times = here.map(({ kept }) => kept.message.publishedMs)
    return { waiting, handed: here.length - waiting, oldestMs: here.length === 0 ? undefined : Math.min(...times) }
  }

  bury(entries: readonly QueuePlace[], reason: string, nowMs: number): void {
    for (const { account, message } of entries) {
      const entry = this.#find(account, message.id)
      if (!entry) continue
      const { kept, attempts } = entry
      const letter = { id: ++this.#lastLetter, account, kept, attempts, reason, diedMs: nowMs }
      kept.letters.set(letter.id, letter)
      this.#lettersOf(message.nodeId).add(letter)
      this.#letterCount++
      this.#bytes += QUEUE_ENTRY_BYTES
      this.removeEntry(account, message.id)
    }
  }

  letters(nodeId: number, section: Section): readonly DeadLetter[] {
    return (this.#letters.get(nodeId)?.section(section) ?? []).map(toLetter)
  }

  letter(nodeId: number, id: number): DeadLetter | undefined {
    const [found] = this.letters(nodeId, { after: id - 1, limit: 1 })
    return found?.id === id ? found : undefined
  }

  countLetters(nodeId: number): number {
    return this.#letters.get(nodeId)?.size ?? 0
  }

  removeLetter({ id, message }: DeadLetter): void {
    const letter = this.#messages.get(message.id)?.letters.get(id)
    if (letter) this.#dropLetter(letter)
  }

  trimLetters(nodeId: number, lettersMax: number): void {
    const beyond = this.countLetters(nodeId) - lettersMax
    for (const letter of this.#letters.get(nodeId)?.page({ limit: Math.max(beyond, 0) }) ?? []) this.#dropLetter(letter)
  }

  revive({ account, message, attempts, id }: DeadLetter): QueueEntry {
    const kept = this.#messages.get(message.id) as Kept
    const letter = kept.letters.get(id) as KeptLetter
    if (!kept.accounts.has(account)) this.#put({ account, kept, ...FRESH, attempts })
    this.#dropLetter(letter)
    return this.entry(account, message.id) as QueueEntry
  }

  sweep(nowMs: number, limit: number): number {
    let swept = 0
    for (let [next] = this.#expiring.page(nowMs, 1); next && swept < limit; [next] = this.#expiring.page(nowMs, 1)) {
      const { accounts, letters } = this.#messages.get(next.id) as Kept
      for (const account of accounts) if (swept < limit && this.removeEntry(account, next.id)) swept++
      for (const letter of letters.values()) if (swept++ < limit) this.#dropLetter(letter)
    }
    return Math.min(swept, limit)
  }

  #put(entry: KeptEntry): void {
    const { account, kept } = entry
    const queue = this.#queues.get(account) ?? { entries: new Ordered<KeptEntry>((each) => each.kept.message.id), bytes: 0 }
    this.#queues.set(account, queue)
    queue.entries.add(entry)
    queue.bytes += kept.payloadBytes
    kept.accounts.add(account)
    this.#entryCount++
    this.#bytes += QUEUE_ENTRY_BYTES
  }

  #entries(account: string): KeptEntry[] {
    return this.#queues.get(account)?.entries.page(ALL) ?? []
  }

  #find(account: string, messageId: number): KeptEntry | undefined {
    const [found] = this.#queues.get(account)?.entries.page({ after: messageId - 1, limit: 1 }) ?? []
    return found?.kept.message.id === messageId ? found : undefined
  }

  #ofItem(nodeId: number, itemId: string): Set<Kept> {
    const ofNode = this.#items.get(nodeId) ?? new Map<string, Set<Kept>>()
    const ofItem = ofNode.get(itemId) ?? new Set()
    this.#items.set(nodeId, ofNode.set(itemId, ofItem))
    return ofItem
  }

  #lettersOf(nodeId: number): Ordered<KeptLetter> {
    const letters = this.#letters.get(nodeId) ?? new Ordered<KeptLetter>(({ id }) => id)
    this.#letters.set(nodeId, letters)
    return letters
  }

  #dropLetter(letter: KeptLetter): void {
    const { kept, id } = letter
    const { nodeId } = kept.message
    kept.letters.delete(id)
    const ofNode = this.#lettersOf(nodeId)
    ofNode.remove(letter)
    if (ofNode.size === 0) this.#letters.delete(nodeId)
    this.#letterCount--
    this.#bytes -= QUEUE_ENTRY_BYTES
    this.#letGo(kept)
  }

  /** Of a message nobody has any more. */
  #letGo(kept: Kept): void {
    const { message, accounts, letters } = kept
    if (accounts.size > 0 || letters.size > 0) return
    this.#messages.delete(message.id)
    this.#expiring.remove(message)
    this.#bytes -= messageBytes(message)
    const ofNode = this.#items.get(message.nodeId)
    const ofItem = ofNode?.get(message.itemId)
    ofItem?.delete(kept)
    if (ofItem?.size === 0) ofNode?.delete(message.itemId)
    if (ofNode?.size === 0) this.#items.delete(message.nodeId)
  }
}

const ALL = { limit: Number.POSITIVE_INFINITY }
const FRESH = { attempts: 0, failures: 0, notBeforeMs: 0, handedTo: undefined, awaits: 'nothing' } as const

const isLive = ({ kept }: KeptEntry, nowMs: number) => kept.message.expiresMs > nowMs
