import { abortError, BytestreamError, type Clock, toBytestreamError } from '../../core/index.ts'
import type { FileToSend, SendInit } from '../offering.ts'
import type { Transfer } from '../transfer.ts'
import { Absences, type Absent, isAbsence } from './absences.ts'
import type { QueueEntry } from './entry.ts'
import type { QueueRecord } from './records.ts'

/** What a worker has to do with its queue. */
export interface WorkedQueue {
  readonly entries: readonly QueueEntry[]
  /** How many have not ended, and of them, how many are paused. */
  readonly active: number
  readonly paused: number
  get(id: string): QueueEntry | undefined
  /** Settles when the records are on the disk, and heard of. */
  write(records: readonly QueueRecord[]): Promise<void>
  refresh(): Promise<void>
  watch(listener: () => void): () => void
  on(event: 'entry', listener: (entry: QueueEntry) => void): unknown
  off(event: 'entry', listener: (entry: QueueEntry) => void): unknown
  emit(event: 'transfer', transfer: Transfer, entry: QueueEntry): unknown
  emit(event: 'stalled', facts: { paused: number }): unknown
  emit(event: 'absent', facts: Absent): unknown
}

interface HeardPresence {
  readonly type: string
  readonly from?: string | undefined
}

/** What sends the files. */
export interface QueueClient {
  readonly session: {
    /** Once it is over for good. */
    readonly end: object | undefined
    readonly isOnline: boolean
    on(event: 'online' | 'offline', listener: () => void): unknown
    on(event: 'presence', listener: (presence: HeardPresence) => void): unknown
    off(event: 'online' | 'offline', listener: () => void): unknown
    off(event: 'presence', listener: (presence: HeardPresence) => void): unknown
    once(event: 'ended', listener: (facts: { error: BytestreamError | undefined }) => void): unknown
    off(event: 'ended', listener: (facts: { error: BytestreamError | undefined }) => void): unknown
  }
  sendAll(files: readonly FileToSend[], init: SendInit): readonly Transfer[]
}

/** Makes transfers of the entries of a queue, and records of what becomes of them. */
export class QueueWorker {
  readonly #queue: WorkedQueue
  readonly #client: QueueClient
  readonly #transfers = new Map<string, Transfer>()
  /** Ids of those that were cancelled by an order, which needs no record of its own. */
  readonly #cancelled = new Set<string>()
  /** Ids of those whose turn has come. */
  readonly #begun = new Set<string>()
  /** Ids of those that were taken back before that, since nobody is there to take them. */
  readonly #takenBack = new Set<string>()
  readonly #absences: Absences
  /** Ids of entries that are to be handed to the client together. */
  readonly #fresh = new Set<string>()
  readonly #clock: Clock
  /** When each that is under way was handed over, by the clock. */
  readonly #handedMs = new Map<string, number>()
  /** Groups of records that are on their way to the disk. */
  #writing = 0
  #isStopping = false
  #isStalled = false
  #error: BytestreamError | undefined
  #settle = () => {}

  /** @param given `absentMsMax`: milliseconds for which a receiver that is not there is waited for; 0 does not */
  constructor(queue: WorkedQueue, client: QueueClient, { clock, absentMsMax }: { readonly clock: Clock; readonly absentMsMax: number }) {
    this.#queue = queue
    this.#client = client
    this.#clock = clock
    this.#absences = new Absences(clock, absentMsMax, this.#handAll)
  }

  /** Settles when nothing is left to do. @throws BytestreamError why it was stopped before */
  async run(signal: AbortSignal): Promise<void> {
    const over = new Promise<void>((resolve) => {
      this.#settle = resolve
    })
    const onAbort = () => this.#stop(abortError(signal))
    const onEnded = ({
      error = new BytestreamError('ERR_SESSION_CLOSED', 'the session has ended'),
    }: {
      error: BytestreamError | undefined
    }) => this.#stop(error)
    const stopWatching = this.#queue.watch(() => this.#during(this.#queue.refresh()))
    this.#queue.on('entry', this.#onEntry)
    const { session } = this.#client
    session.on('online', this.#onOnline)
    session.on('offline', this.#onOffline)
    session.on('presence', this.#onPresence)
    session.once('ended', onEnded)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      this.#handAll()
      if (signal.aborted) onAbort()
      this.#look()
      await over
    } finally {
      stopWatching()
      this.#queue.off('entry', this.#onEntry)
      session.off('online', this.#onOnline)
      session.off('offline', this.#onOffline)
      session.off('presence', this.#onPresence)
      session.off('ended', onEnded)
      this.#absences[Symbol.dispose]()
      signal.removeEventListener('abort', onAbort)
    }
    if (this.#error) throw this.#error
  }

  readonly #onEntry = (entry: QueueEntry) => {
    const transfer = this.#transfers.get(entry.id)
    if (transfer) this.#direct(transfer, entry)
    else if (this.#mayBegin(entry)) {
      if (this.#fresh.size === 0) queueMicrotask(() => this.#begin())
      this.#fresh.add(entry.id)
    }
  }

  /** What waited for somebody, or for our own session, may go now. */
  readonly #handAll = () => {
    for (const entry of this.#queue.entries) this.#onEntry(entry)
  }

  readonly #onOnline = () => {
    this.#absences.resume()
    this.#handAll()
  }

  readonly #onOffline = () => this.#absences.pause()

  readonly #onPresence = ({ type, from }: HeardPresence) => {
    if (type === 'available' && from !== undefined) this.#absences.hear(from)
  }

  #mayBegin(entry: QueueEntry): boolean {
    const isHeld = this.#isStopping || !this.#client.session.isOnline || this.#absences.has(entry)
    return entry.state === 'waiting' && !isHeld && !this.#transfers.has(entry.id)
  }

  /** What was ordered. */
  #direct(transfer: Transfer, { id, state, priority }: QueueEntry): void {
    if (transfer.priority !== priority) transfer.priority = priority
    if (state === 'cancelled') {
      this.#cancelled.add(id)
      transfer.cancel()
    } else if (state === 'paused') transfer.pause()
    else if (transfer.isPaused) transfer.resume()
  }

  /** Those for the same receiver go together. */
  #begin(): void {
    const groups = new Map<string, QueueEntry[]>()
    const fresh = [...this.#fresh]
    this.#fresh.clear()
    for (const id of fresh) {
      const entry = this.#queue.get(id)
      if (!entry || !this.#mayBegin(entry)) continue
      const key = JSON.stringify([entry.to, entry.priority, entry.options])
      const group = groups.get(key)
      if (group) group.push(entry)
      else groups.set(key, [entry])
    }
    for (const entries of groups.values()) {
      const [{ to, priority, options }] = entries as [QueueEntry]
      const transfers = this.#client.sendAll(entries, { ...options, to, priority })
      for (const [at, entry] of entries.entries()) this.#follow(entry, transfers[at] as Transfer)
    }
    this.#look()
  }

  #follow(entry: QueueEntry, transfer: Transfer): void {
    const { id } = entry
    this.#transfers.set(id, transfer)
    this.#handedMs.set(id, this.#clock.now())
    transfer.on('state', (state) => {
      if (state !== 'preparing') return
      this.#begun.add(id)
      this.#write({ op: 'begin', id, at: now() })
    })
    transfer.on('step', ({ step }) => {
      if (step === 'accepted') this.#absences.forget(entry)
    })
    transfer.once('done', ({ size, sha256 }) => this.#leave(id, { op: 'done', id, at: now(), size, sha256 }))
    transfer.once('failed', (error) => this.#leave(id, this.#recordOf(entry, error)))
    this.#queue.emit('transfer', transfer, entry)
  }

  /** @returns what is to be written of a failure: nothing where the reason was written before */
  #recordOf(entry: QueueEntry, error: BytestreamError): QueueRecord | undefined {
    const { id } = entry
    const { code, message } = error
    const { end, isOnline } = this.#client.session
    if (this.#isStopping || end) return { op: 'released', id, at: now() }
    if (this.#cancelled.has(id) || this.#takenBack.has(id)) return undefined
    if (code === 'ERR_ABORTED') return { op: 'cancel', id, at: now() }
    // Being offline, for however long, is no matter of the file: it goes on once we are online.
    if (!isOnline) return { op: 'released', id, at: now() }
    if (this.#waitsFor(entry, error)) return { op: 'released', id, at: now(), error: { code, message } }
    return { op: 'failed', id, at: now(), code, message }
  }

  /** Takes back what is queued for somebody who is not there. @returns whether that was why it failed, and may change */
  #waitsFor(entry: QueueEntry, error: BytestreamError): boolean {
    if (!isAbsence(error)) return false
    const isKnown = this.#absences.has(entry)
    const look = this.#absences.note(entry, this.#handedMs.get(entry.id))
    if (!look || isKnown) return look !== undefined
    this.#queue.emit('absent', { to: entry.to, error, ...look })
    for (const [id, transfer] of this.#transfers) {
      const other = this.#queue.get(id)
      if (!other || id === entry.id || this.#begun.has(id) || !this.#absences.has(other)) continue
      this.#takenBack.add(id)
      transfer.cancel(error)
    }
    return true
  }

  #leave(id: string, record: QueueRecord | undefined): void {
    for (const ids of [this.#transfers, this.#handedMs, this.#cancelled, this.#begun, this.#takenBack]) ids.delete(id)
    // It may have been ordered anew before it was over, or be ready for another time at once.
    const again = () => {
      const entry = this.#queue.get(id)
      if (entry) this.#onEntry(entry)
    }
    if (record) this.#during(this.#queue.write([record]).then(again))
    else again()
    this.#look()
  }

  #write(record: QueueRecord): void {
    this.#during(this.#queue.write([record]))
  }

  /** What is on its way to the disk, or from there, is waited for; without the file there is no queue. */
  #during(work: Promise<void>): void {
    this.#writing += 1
    work
      .catch((error: unknown) => this.#stop(toBytestreamError(error)))
      .finally(() => {
        this.#writing -= 1
        this.#look()
      })
  }

  /** Cancels what is under way; it stays in the queue. */
  #stop(error: BytestreamError): void {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#error = error
    for (const transfer of this.#transfers.values()) transfer.cancel(error)
    this.#look()
  }

  #look(): void {
    const { active, paused } = this.#queue
    const isStalled = !this.#isStopping && active > 0 && paused === active
    if (isStalled && !this.#isStalled) this.#queue.emit('stalled', { paused })
    this.#isStalled = isStalled
    if (this.#transfers.size > 0 || this.#writing > 0) return
    if (this.#isStopping || active === 0) this.#settle()
  }
}

const now = () => new Date().toISOString()
