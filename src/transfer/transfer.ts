import { EventEmitter } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { BytestreamError, type Clock, toBytestreamError } from '../core/index.ts'
import { Movement } from './movement.ts'
import type { Progress, Sent, TransferEvents, TransferFacts, TransferResult, TransferState } from './transfer-facts.ts'

/** What a transfer does. It tells about it by `update`, `moveTo` and `emit`, and ends when `signal` aborts. */
export type Work = (transfer: Transfer) => Promise<Sent>

/** Milliseconds between two reports of progress. */
const REPORT_MS = 200
/**
 * One file on its way. `done` settles when it has arrived, or when it cannot; `cancel()` ends it on both sides.
 */
export class Transfer extends EventEmitter<TransferEvents> {
  readonly done: Promise<TransferResult>
  /** Aborts when the transfer is cancelled. */
  readonly cancelled: AbortSignal
  readonly #cancelling = new AbortController()
  readonly #clock: Clock
  #attempt = new AbortController()
  #signal: AbortSignal
  #facts: TransferFacts
  #priority: number
  #state: TransferState = 'waiting'
  readonly #movement: Movement
  #size = 0
  #isPaused = false
  /** What the last pause has ended an attempt with. */
  #pausedBy: BytestreamError | undefined
  #attempts = 1
  readonly #watchers = new Set<() => void>()

  constructor(clock: Clock, facts: TransferFacts, run: Work, signal?: AbortSignal) {
    super()
    this.#clock = clock
    this.#movement = new Movement(clock, (error) => this.endAttempt(error))
    this.#facts = facts
    this.#priority = finite(facts.priority ?? 0)
    this.cancelled = signal ? AbortSignal.any([signal, this.#cancelling.signal]) : this.#cancelling.signal
    this.#signal = AbortSignal.any([this.cancelled, this.#attempt.signal])
    this.done = this.#follow(run)
    this.done.catch(() => {}) // Whoever does not look at `done` hears `failed`.
  }

  /** Whether it leaves, or comes. */
  get direction(): TransferFacts['direction'] {
    return this.#facts.direction
  }

  /** The JID at the other end: full, once it is known. */
  get peer(): string {
    return this.#facts.peer
  }

  /** Of the file, behind its folder if it has one; its path here at first, where it is sent. */
  get name(): string {
    return this.#facts.name
  }

  /** What it is doing. */
  get state(): TransferState {
    return this.#state
  }

  /** Octets of the content that are there: those of earlier attempts, which are not sent again, and those that have left, or arrived. */
  get bytes(): number {
    return this.#movement.bytes
  }

  /** Octets that travelled, in all attempts. */
  get movedBytes(): number {
    return this.#movement.movedBytes
  }

  /** Octets in all; 0 until it is known. */
  get size(): number {
    return this.#size
  }

  /** Who has a higher one gets its turn before others that wait; it can be changed until then. */
  get priority(): number {
    return this.#priority
  }

  /** @throws TypeError for what is not a finite number */
  set priority(priority: number) {
    this.#priority = finite(priority)
    this.emit('priority', priority)
  }

  /** Octets that were there already when this attempt began to move. */
  get resumedFrom(): number {
    return this.#movement.resumedFrom
  }

  /** Whether it waits to be resumed. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /**
   * Gives its place to others, until it is resumed; what has arrived stays with whoever receives it. Once it is over this means nothing.
   *
   * @throws TypeError for one that the other side has begun: it would begin it again
   */
  pause(): void {
    if (!this.#facts.isOurs) throw new TypeError('only who has begun a transfer can pause it')
    if (this.#isPaused || this.#isOver) return
    this.#isPaused = true
    this.#endByPause()
    this.emit('paused')
  }

  /** Queues a paused transfer again; it goes on behind what is there. */
  resume(): void {
    if (!this.#isPaused || this.#isOver) return
    this.#isPaused = false
    this.emit('unpaused')
  }

  /** Ends the transfer; `done` rejects with `ERR_ABORTED`. */
  cancel(reason?: unknown): void {
    this.#cancelling.abort(reason)
  }

  /**
   * How far it is, at once and now and again until it is done or failed. While nothing changes nothing is told, and
   * whoever is slow misses some.
   */
  async *progress(): AsyncGenerator<Progress, void> {
    let lastBytes = this.#movement.movedBytes
    let lastMs = this.#clock.now()
    let told: Progress | undefined
    for (;;) {
      const isLast = this.#isOver
      const nowMs = this.#clock.now()
      const bytesPerSecond = nowMs > lastMs ? ((this.#movement.movedBytes - lastBytes) / (nowMs - lastMs)) * 1000 : 0
      const report = { bytes: this.bytes, size: this.#size, bytesPerSecond }
      if (isLast || !isDeepStrictEqual(report, told)) yield report
      told = report
      if (isLast) return
      lastBytes = this.#movement.movedBytes
      lastMs = nowMs
      // Whoever was slow may have missed the end.
      if (!this.#isOver) await this.#nextReport()
    }
  }

  get #isOver(): boolean {
    return this.#state === 'done' || this.#state === 'failed'
  }

  /** For whoever runs it: aborts when the transfer is cancelled, and when the attempt that runs is to end. */
  get signal(): AbortSignal {
    return this.#signal
  }

  /** For whoever runs it: what is known by now. */
  update({ bytes, size, peer, name }: { bytes?: number; size?: number; peer?: string; name?: string }): void {
    if (bytes !== undefined) this.#movement.moved(bytes)
    if (size !== undefined) this.#size = size
    if (peer !== undefined || name !== undefined)
      this.#facts = { ...this.#facts, ...(peer !== undefined && { peer }), ...(name !== undefined && { name }) }
  }

  /**
   * For whoever runs it: before the first octet of an attempt, how many are there already.
   *
   * @param reason why it begins at the start, where octets have moved before
   */
  startFrom(offset: number, reason?: string): void {
    this.#movement.startFrom(offset)
    if (offset > 0) this.emit('resumed', { offset })
    else if (this.#movement.movedBytes > 0 && reason !== undefined) this.emit('resumed', { offset, reason })
  }

  /** For whoever runs it: so many octets are there already, and are being read before this attempt goes on behind them. */
  readAgain(offset: number): void {
    this.#movement.readAgain(offset)
  }

  /** For whoever runs it: the next state. */
  moveTo(state: TransferState): void {
    this.#movement.stop()
    this.#state = state
    this.emit('state', state)
    if (state === 'moving') this.#movement.start()
  }

  /** For whoever runs it: this attempt has failed, and another will follow. */
  interrupt(error: BytestreamError, retryMs: number): void {
    this.moveTo('interrupted')
    this.emit('interrupted', { error, attempt: this.#attempts, retryMs })
  }

  /** For whoever runs it: the next attempt begins, and waits for its turn. */
  tryAgain(): void {
    if (this.#state !== 'waiting') this.#attempts += 1
    this.#attempt = new AbortController()
    this.#signal = AbortSignal.any([this.cancelled, this.#attempt.signal])
    if (this.#isPaused) this.#endByPause()
    this.moveTo('waiting')
  }

  /** For whoever runs it: ends the attempt that runs, and not the transfer. */
  endAttempt(reason: BytestreamError): void {
    this.#attempt.abort(reason)
  }

  /** For whoever runs it: whether it was paused, and not something else, that has ended the attempt. */
  get isEndedByPause(): boolean {
    return this.#pausedBy !== undefined && this.#attempt.signal.reason === this.#pausedBy
  }

  #endByPause(): void {
    this.#pausedBy = new BytestreamError('ERR_ABORTED', 'the transfer is paused')
    this.endAttempt(this.#pausedBy)
  }

  async #follow(run: Work): Promise<TransferResult> {
    // Whoever made the transfer gets to listen before the first event.
    await Promise.resolve()
    try {
      const sent = await run(this)
      this.moveTo('done')
      const { durationMs, resumedFrom, movedBytes } = this.#movement
      const result = { ...sent, durationMs, resumedFrom, attempts: this.#attempts, movedBytes }
      this.emit('done', result)
      return result
    } catch (thrown) {
      const error = toBytestreamError(thrown)
      this.moveTo('failed')
      this.emit('failed', error)
      throw error
    } finally {
      for (const wake of this.#watchers) wake()
    }
  }

  /** Settles when it is time for another report, or at the end of the transfer. */
  #nextReport(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        cancel()
        this.#watchers.delete(wake)
        resolve()
      }
      const cancel = this.#clock.after(REPORT_MS, wake)
      this.#watchers.add(wake)
    })
  }
}

function finite(priority: number): number {
  if (Number.isFinite(priority)) return priority
  throw new TypeError(`a priority is a finite number, not ${priority}`)
}
