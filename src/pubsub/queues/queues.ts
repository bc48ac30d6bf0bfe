import { BytestreamError } from '../../core/index.ts'
import { type Asker, accessQuestion, type Core, findNode, type QueueKeeper, settingOf } from '../core.ts'
import type { Notice } from '../notices.ts'
import type { Page, Part } from '../operations/parts.ts'
import type { ItemRecord, NodeRecord } from '../records.ts'
import { type Contact, mayReceive, mayRetrieve } from '../rules/access.ts'
import { messageBytes, QUEUE_ENTRY_BYTES } from '../weights.ts'
import { Bindings, isBound } from './bindings.ts'
import { deadLettersAt, findDeadLetter, type QueueView, queuesAt } from './owners.ts'
import type { QueueBounds, QueueCounts, QueuePlace } from './queue-store.ts'
import type { DeadLetter, QueueEntry } from './records.ts'

type QueueCore = Pick<Core, 'store' | 'limits' | 'defaults' | 'now'>

/** Of one account: some of a queue. */
export interface QueuePart {
  /** Behind that message. */
  readonly after?: number | undefined
  readonly limit: number
  readonly nowMs: number
}

/** What was handed over: by the number of its message, or by its item. */
export type WhichMessage = { readonly messageId: number } | { readonly node: string; readonly itemId: string }

/** What has become of what was handed over, and for whom there is something to be handed over because of it. */
export interface Settled {
  readonly accounts: readonly string[]
  /** What was not acknowledged in time, as it was before. */
  readonly unacknowledged: readonly QueueEntry[]
  readonly delivered: number
  readonly dead: number
  /** Whether there is more to be settled now. */
  readonly more: boolean
}

/** Why there are dead letters, besides what came back. */
const FULL = 'queue-full'
const UNACKNOWLEDGED = 'not-acknowledged'

/**
 * What waits for accounts, in the order of publication; whoever delivers it asks here. Each account hears of each message until it is
 * acknowledged, has expired, or has failed too often; which is more than once, where an acknowledgement was lost.
 *
 * A message that pauses after a failure lets those behind it pass: they may be of another publisher, or about something that is there.
 */
export class Queues implements QueueKeeper {
  readonly #core: QueueCore
  readonly bindings: Bindings

  constructor(core: QueueCore) {
    this.#core = core
    this.bindings = new Bindings(core)
  }

  get counts(): QueueCounts {
    return this.#store.counts
  }

  /**
   * What is to be handed to an account now, the oldest first. What it may not receive any more has gone. Where the access model of a node
   * asks rosters, `mayHear` has to be asked besides.
   */
  next(account: string, { after = 0, limit, nowMs }: QueuePart): readonly QueueEntry[] {
    for (;;) {
      const ready = this.#store.ready(account, nowMs, { after, limit })
      const nodes = [...new Set(ready.map(({ message }) => message.nodeId))]
      const barred = nodes.filter((nodeId) => !this.#isBoundAt(nodeId, account))
      if (barred.length === 0) return ready
      for (const nodeId of barred) this.#store.removeAt(nodeId, account)
    }
  }

  /** Whether an account may be told of a message, by what the rosters of `Pubsub.rostersFor` say of it. */
  mayHear({ account, message }: QueueEntry, contacts: readonly Contact[]): boolean {
    const node = this.#core.store.nodeById(message.nodeId)
    return node !== undefined && mayRetrieve(accessQuestion(this.#core, node, account, contacts)) === 'yes'
  }

  /**
   * An entry is about to be handed to somebody: to be called before, and to be committed.
   *
   * @param untilMs for the acknowledgement, or for an error, to come
   * @returns the entry as it is now; `undefined` where there is nothing to be handed over any more
   */
  handed(
    { account, message }: QueueEntry,
    { to, awaits, untilMs }: { readonly to: string; readonly awaits: 'acknowledgement' | 'error'; readonly untilMs: number },
  ): QueueEntry | undefined {
    const before = this.#store.entry(account, message.id)
    if (before?.awaits !== 'nothing') return undefined
    const entry: QueueEntry = { ...before, attempts: before.attempts + 1, notBeforeMs: untilMs, handedTo: to, awaits }
    this.#store.replaceEntry(entry)
    return entry
  }

  /**
   * An account has it. By its item all of what was handed over of it is meant, and nothing that was not.
   *
   * @returns whether it was still in the queue
   */
  acknowledge(account: string, which: WhichMessage): boolean {
    if ('messageId' in which) return this.#store.removeEntry(account, which.messageId)
    const node = this.#core.store.node(which.node)
    if (!node) return false
    const handed = this.#store.entriesOfItem(account, node.id, which.itemId).filter(({ attempts }) => attempts > 0)
    for (const { message } of handed) this.#store.removeEntry(account, message.id)
    return handed.length > 0
  }

  /**
   * It came back: it is tried again after a pause, or has failed too often.
   *
   * @param reason the condition that came back
   * @returns `gone` where it was not awaited any more
   */
  returned(account: string, messageId: number, { reason }: { readonly reason: string }): 'again' | 'dead' | 'gone' {
    const entry = this.#store.entry(account, messageId)
    if (!entry || entry.awaits === 'nothing') return 'gone'
    return this.#failed(entry, reason)
  }

  /**
   * Whoever it was handed to is not there any more: what he has not acknowledged, or has sent back for that reason, is to be handed over
   * again at once, and that does not count as a failure.
   *
   * @param messageId this one, which came back; else all that awaits an acknowledgement from that full JID, or without it from any:
   *   whoever had it to deliver is there no more himself
   * @returns whether there was something
   */
  released(account: string, { jid, messageId }: { readonly jid?: string; readonly messageId?: number | undefined }): boolean {
    const { queueEntriesPerAccountMax } = this.#core.limits
    const all = jid === undefined ? this.#store.oldest(account, queueEntriesPerAccountMax) : this.#store.entriesAt(account, jid)
    const handed = all.filter(({ message, awaits }) => (messageId === undefined ? awaits === 'acknowledgement' : message.id === messageId))
    for (const entry of handed) this.#store.replaceEntry({ ...entry, notBeforeMs: 0, handedTo: undefined, awaits: 'nothing' })
    return handed.length > 0
  }

  /** Whether an account has that message, and has still to acknowledge it: it may have been replaced, or be over. */
  isUnacknowledged(account: string, messageId: number): boolean {
    const entry = this.#store.entry(account, messageId)
    return entry?.awaits === 'acknowledgement' && entry.message.expiresMs > this.#core.now()
  }

  /** What an account has, and has not acknowledged, the oldest first. */
  unacknowledged(account: string, limit: number): readonly QueueEntry[] {
    const entries = this.#store.oldest(account, this.#core.limits.queueEntriesPerAccountMax)
    return entries.filter(({ awaits }) => awaits === 'acknowledgement').slice(0, limit)
  }

  /**
   * Settles what was handed over and whose time is over: what awaited an error is delivered, and what awaited an acknowledgement pauses, or
   * is dead. What has paused is to be handed over. To be called at {@link nextDueMs}.
   */
  settleHanded(nowMs: number, limit: number): Settled {
    const due = this.#store.due(nowMs, limit)
    const accounts = new Set<string>()
    const unacknowledged: QueueEntry[] = []
    let [delivered, dead] = [0, 0]
    for (const entry of due) {
      const { account, message, awaits } = entry
      if (message.expiresMs <= nowMs) this.#store.removeEntry(account, message.id)
      else if (awaits === 'error') delivered += Number(this.#store.removeEntry(account, message.id))
      else if (awaits === 'acknowledgement') {
        unacknowledged.push(entry)
        dead += Number(this.#failed(entry, UNACKNOWLEDGED) === 'dead')
      } else {
        this.#store.replaceEntry({ ...entry, notBeforeMs: 0 })
        accounts.add(account)
      }
    }
    return { accounts: [...accounts], unacknowledged, delivered, dead, more: due.length === limit }
  }

  /** When there is something to be settled, in milliseconds since 1970; `undefined` for never. */
  nextDueMs(): number | undefined {
    return this.#store.nextDueMs()
  }

  /**
   * Whose queues there are at a node, and how much waits in each: for its owners.
   *
   * @throws BytestreamError `ERR_ITEM_NOT_FOUND`, `ERR_FORBIDDEN`
   */
  waiting(asker: Asker, name: string, page?: Page): Part<QueueView> {
    return queuesAt(this.#core, asker, name, () => this.bindings.countAt(findNode(this.#core, name)), page)
  }

  /** What was given up at a node, the oldest first: for its owners. @throws BytestreamError as {@link waiting} does */
  deadLetters(asker: Asker, name: string, page?: Page): Part<DeadLetter> {
    return deadLettersAt(this.#core, asker, name, page)
  }

  /**
   * Has a dead letter wait again, at the place of its message, as if it had never failed: for owners.
   *
   * @throws BytestreamError as {@link waiting} does; `ERR_ITEM_NOT_FOUND` for one there is not; `ERR_LIMIT_WAITING` where the queue has no
   *   room for it: it would be the oldest, and go again
   */
  redeliver(asker: Asker, name: string, id: number): { readonly notices: Notice[] } {
    const { node, letter } = findDeadLetter(this.#core, asker, name, id)
    const { account, message } = letter
    const { entriesMax, bytesMax } = this.#bounds
    const { entries, bytes } = this.#store.sizeOf(account)
    if (entries >= entriesMax || bytes + Buffer.byteLength(message.payload ?? '') > bytesMax) {
      throw new BytestreamError('ERR_LIMIT_WAITING', `the queue of ${account} is full`)
    }
    this.#store.revive(letter)
    return { notices: this.#queued(node, [[account]]) }
  }

  /** Takes a dead letter away: for owners. @throws BytestreamError as {@link redeliver} does */
  dropDead(asker: Asker, name: string, id: number): void {
    this.#store.removeLetter(findDeadLetter(this.#core, asker, name, id).letter)
  }

  countAt(node: NodeRecord): number {
    return this.bindings.countAt(node)
  }

  bytesFor(
    node: NodeRecord,
    items: readonly { readonly payload?: string | undefined; readonly routingKey?: string | undefined }[],
  ): number {
    return items.reduce((sum, { payload, routingKey }) => {
      const count = this.bindings.accountsFor(node, routingKey).length
      const message = { node: node.name, itemId: '', publisher: '', payload }
      return count === 0 ? sum : sum + messageBytes(message) + count * QUEUE_ENTRY_BYTES
    }, 0)
  }

  /** In the place of what waits of the same item. */
  published(node: NodeRecord, items: readonly ItemRecord[]): Notice[] {
    if (this.bindings.countAt(node) === 0) return []
    const withPayload = settingOf(this.#core, node, 'deliverPayloads')
    return this.#queued(
      node,
      items.map((item) => {
        this.#store.removeItem(node.id, item.id)
        const accounts = this.bindings.accountsFor(node, item.routingKey)
        this.#add(node, { ...item, kind: 'published', payload: withPayload ? item.payload : undefined }, accounts)
        return accounts
      }),
    )
  }

  /** Those it had not been handed to never hear of it. */
  retracted(node: NodeRecord, items: readonly ItemRecord[], isTold: boolean): Notice[] {
    if (this.bindings.countAt(node) === 0) return []
    const publishedMs = this.#core.now()
    const withPayload = settingOf(this.#core, node, 'deliverPayloads')
    return this.#queued(
      node,
      items.map((item) => {
        const unaware = new Set(this.#store.removeItem(node.id, item.id))
        if (!isTold) return []
        const accounts = this.bindings.accountsFor(node, item.routingKey).filter((account) => !unaware.has(account))
        // People are told what it was.
        const payload = withPayload ? item.payload : undefined
        this.#add(node, { ...item, kind: 'retracted', publishedMs, expiresMs: undefined, payload }, accounts)
        return accounts
      }),
    )
  }

  /** What was published last, to somebody who has just come. */
  welcome(node: NodeRecord, account: string, item: ItemRecord): Notice[] {
    const before = this.#store.entriesOfItem(account, node.id, item.id)
    if (before.length > 0 || !this.bindings.accountsFor(node, item.routingKey).includes(account)) return []
    const payload = settingOf(this.#core, node, 'deliverPayloads') ? item.payload : undefined
    this.#add(node, { ...item, kind: 'published', payload }, [account])
    return this.#queued(node, [[account]])
  }

  nodeEnded(nodeId: number): void {
    this.#store.endNode(nodeId)
    this.bindings.forget(nodeId)
  }

  changed(nodeId: number, account: string): void {
    if (!this.#isBoundAt(nodeId, account)) this.#store.removeAt(nodeId, account)
  }

  sweep(limit: number): number {
    return this.#store.sweep(this.#core.now(), limit)
  }

  get #store() {
    return this.#core.store.queues
  }

  #isBoundAt(nodeId: number, account: string): boolean {
    const { store, now } = this.#core
    const node = store.nodeById(nodeId)
    if (!node || !mayReceive(store.affiliation(nodeId, account), settingOf(this.#core, node, 'accessModel'))) return false
    const nowMs = now()
    return store.subscriptionsAt(nodeId, account).some((each) => isBound(each, nowMs))
  }

  #add(
    node: NodeRecord,
    item: Omit<ItemRecord, 'nodeId' | 'seq' | 'isExpiryTold'> & { readonly kind: 'published' | 'retracted' },
    accounts: readonly string[],
  ): void {
    if (accounts.length === 0) return
    const { limits } = this.#core
    const { id: itemId, kind, publisher, publishedMs, routingKey, payload } = item
    const expiresMs = Math.min(item.expiresMs ?? Number.POSITIVE_INFINITY, this.#core.now() + limits.queueMsMax)
    this.#store.add({ node: node.name, nodeId: node.id, kind, itemId, publisher, publishedMs, expiresMs, routingKey, payload }, accounts)
    this.#cut(accounts)
  }

  /** Of queues that hold too much the oldest become dead letters. */
  #cut(accounts: readonly string[]): void {
    const bounds = this.#bounds
    for (let full = this.#store.overfull(accounts, bounds); full.length > 0; full = this.#store.overfull(full, bounds)) {
      this.#bury(this.#store.oldestOf(full), FULL)
    }
  }

  get #bounds(): QueueBounds {
    const { queueEntriesPerAccountMax: entriesMax, queueBytesPerAccountMax: bytesMax } = this.#core.limits
    return { entriesMax, bytesMax }
  }

  #failed(entry: QueueEntry, reason: string): 'again' | 'dead' {
    const { queueFailuresMax, queuePauseMs, queuePauseMsMax } = this.#core.limits
    const failures = entry.failures + 1
    if (failures >= queueFailuresMax) {
      this.#bury([entry], reason)
      return 'dead'
    }
    const pauseMs = Math.min(queuePauseMs * 2 ** (failures - 1), queuePauseMsMax)
    this.#store.replaceEntry({ ...entry, failures, notBeforeMs: this.#core.now() + pauseMs, awaits: 'nothing' })
    return 'again'
  }

  #bury(entries: readonly QueuePlace[], reason: string): void {
    this.#store.bury(entries, reason, this.#core.now())
    const nodes = new Set(entries.map(({ message }) => message.nodeId))
    for (const nodeId of nodes) this.#store.trimLetters(nodeId, this.#core.limits.deadLettersPerNodeMax)
  }

  #queued(node: NodeRecord, each: readonly (readonly string[])[]): Notice[] {
    const [first = []] = each
    const accounts = each.length === 1 ? first : [...new Set(each.flat())]
    return accounts.length === 0 ? [] : [{ kind: 'queued', node: node.name, accounts }]
  }
}
