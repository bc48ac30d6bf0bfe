import { abortError, BytestreamError, toBytestreamError } from '../../core/index.ts'
import type { FileToSend, SendInit } from '../offering.ts'
import type { Transfer } from '../transfer.ts'
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
}

/** What sends the files. */
export interface QueueClient {
  readonly session: {
    /** Once it is over for good. */
    readonly end: object | undefined
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
  /** Entries that are to be handed to the client together. */
  #fresh: QueueEntry[] = []
  /** Groups of records that are on their way to the disk. */
  #writing = 0
  #isStopping = false
  #isStalled = false
  #error: BytestreamError | undefined
  #settle = () => {}

  constructor(queue: WorkedQueue, client: QueueClient) {
    this.#queue = queue
    this.#client = client
  }

  /** Settles when nothing is left to do. @throws BytestreamError why it was stopped before */
  async run(signal: AbortSignal | undefined): Promise<void> {
    const over = new Promise<void>((resolve) => {
      this.#settle = resolve
    })
    const onAbort = () => this.#stop(abortError(signal as AbortSignal))
    const onEnded = ({
      error = new BytestreamError('ERR_SESSION_CLOSED', 'the session has ended'),
    }: {
      error: BytestreamError | undefined
    }) => this.#stop(error)
    const stopWatching = this.#queue.watch(() => this.#during(this.#queue.refresh()))
    this.#queue.on('entry', this.#onEntry)
    this.#client.session.once('ended', onEnded)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      for (const entry of this.#queue.entries) this.#onEntry(entry)
      if (signal?.aborted) onAbort()
      this.#look()
      await over
    } finally {
      stopWatching()
      this.#queue.off('entry', this.#onEntry)
      this.#client.session.off('ended', onEnded)
      signal?.removeEventListener('abort', onAbort)
    }
    if (this.#error) throw this.#error
  }

  readonly #onEntry = (entry: QueueEntry) => {
    const transfer = this.#transfers.get(entry.id)
    if (transfer) this.#direct(transfer, entry)
    else if (entry.state === 'waiting' && !this.#isStopping) {
      if (this.#fresh.length === 0) queueMicrotask(() => this.#begin())
      this.#fresh.push(entry)
    }
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
    for (const { id } of this.#fresh.splice(0)) {
      const entry = this.#queue.get(id)
      if (entry?.state !== 'waiting' || this.#transfers.has(id) || this.#isStopping) continue
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
    transfer.on('state', (state) => {
      if (state === 'preparing') this.#write({ op: 'begin', id, at: now() })
    })
    transfer.once('done', ({ size, sha256 }) => this.#leave(id, { op: 'done', id, at: now(), size, sha256 }))
    transfer.once('failed', (error) => this.#leave(id, this.#recordOf(id, error)))
    this.#queue.emit('transfer', transfer, entry)
  }

  /** @returns what is to be written of a failure: nothing where the reason was written before */
  #recordOf(id: string, { code, message }: BytestreamError): QueueRecord | undefined {
    if (this.#isStopping || this.#client.session.end) return { op: 'released', id, at: now() }
    if (this.#cancelled.has(id)) return undefined
    return code === 'ERR_ABORTED' ? { op: 'cancel', id, at: now() } : { op: 'failed', id, at: now(), code, message }
  }

  #leave(id: string, record: QueueRecord | undefined): void {
    this.#transfers.delete(id)
    this.#cancelled.delete(id)
    if (record) this.#write(record)
    // It may have been ordered anew before it was over.
    const entry = this.#queue.get(id)
    if (!record && entry) this.#onEntry(entry)
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
