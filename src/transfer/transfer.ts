import { EventEmitter } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import type { Bytestream, BytestreamMethod, InitiatorStep } from '../bytestreams/index.ts'
import { BytestreamError, type Clock, toBytestreamError } from '../core/index.ts'
import type { HashAlgorithm } from './hashes.ts'

/** How far a transfer is. */
export interface Progress {
  /** Octets of the content that have left, or arrived. */
  readonly bytes: number
  /** Octets in all. */
  readonly size: number
  /** Octets a second, over the last moments. */
  readonly bytesPerSecond: number
}

/** A transfer that is done: every octet and the hash were right, and the other side took it. */
export interface TransferResult {
  /** The file that was sent, or the one that was written. */
  readonly path: string
  readonly size: number
  /** Lower-case hexadecimal digits. */
  readonly sha256: string
  /** Of a file that was received: the hash of the sender that was verified, the strongest it gave. */
  readonly verified?: HashAlgorithm | undefined
  /** Of a file that was received: whether it was here before, and nothing was written. */
  readonly alreadyThere?: boolean | undefined
  /** How the octets travelled. */
  readonly method: BytestreamMethod
  /** Milliseconds in which octets moved, from the first one to the last; without the time between two attempts. */
  readonly durationMs: number
  /**
   * Whether the other side said that it has the file, by closing properly after the last octet. `false` is for receivers
   * that just stay: the file was sent whole, and nobody complained for five minutes.
   */
  readonly confirmed: boolean
  /** Octets that were there already when the last attempt began, and were not sent again. */
  readonly resumedFrom: number
  /** How often it was tried: 1 where nothing went wrong. */
  readonly attempts: number
  /** Octets of the content that travelled, in all attempts: what had to be sent twice counts twice. */
  readonly movedBytes: number
}

/** What is known at the end of a transfer by whoever ran it. */
export type Sent = Omit<TransferResult, 'durationMs' | 'resumedFrom' | 'attempts' | 'movedBytes'>

/** What a transfer does. It tells about it by `update`, `moveTo` and `emit`, and ends when `signal` aborts. */
export type Work = (transfer: Transfer) => Promise<Sent>

/** How two ends agree on a transfer: by stream initiation (XEP-0095), or by Jingle (XEP-0234). */
export type Negotiation = 'jingle' | 'si'

/** How a transfer will be negotiated, and why not the other way, where that was not asked for. */
export interface NegotiationStep {
  readonly step: 'negotiation'
  readonly negotiation: Negotiation
  readonly reason?: string | undefined
}

/** The receiver gets a file without the folder it is sent with. */
export interface WithoutFolderStep {
  readonly step: 'without folder'
  readonly reason: string
}

/**
 * The states of a transfer, in their order, of which not every transfer has each; the last two are final. Behind `interrupted`,
 * where an attempt has failed and another will follow, they begin anew.
 */
export type TransferState = 'waiting' | 'preparing' | 'negotiating' | 'moving' | 'interrupted' | 'done' | 'failed'

/** What is known of a transfer from its beginning. */
export interface TransferFacts {
  readonly direction: 'send' | 'receive'
  /** The JID at the other end: full, once it is known. */
  readonly peer: string
  readonly name: string
  /** Default 0. */
  readonly priority?: number | undefined
  /** Whether it was begun here, and not by the other side. */
  readonly isOurs?: boolean
}

/** The bytestream of a transfer, and what was negotiated to get there. */
export interface Opened extends Pick<Bytestream, 'method' | 'streamhost' | 'dstAddr' | 'blockSize' | 'peer'> {
  readonly negotiation: Negotiation
}

/** Facts. After `done` or `failed` there are none. */
export interface TransferEvents {
  state: [state: TransferState]
  /** What the negotiation has come to; where the other side has offered the file, only by Jingle. */
  step: [step: InitiatorStep | NegotiationStep | WithoutFolderStep]
  /** The bytestream is open. */
  opened: [facts: Opened]
  /** Its priority was changed. */
  priority: [priority: number]
  /** It has given its place up, until it is resumed. */
  paused: []
  /** It waits for its turn again. */
  unpaused: []
  /** An attempt has failed, and another follows after `retryMs` milliseconds, once the session is online. */
  interrupted: [facts: { error: BytestreamError; attempt: number; retryMs: number }]
  /** How many octets were there already; 0 where it has to begin again, with the reason. */
  resumed: [facts: { offset: number; reason?: string }]
  /** What has come of a file stays, so that its rest can follow another time: where it is, and how many octets it has. */
  kept: [facts: { path: string; bytes: number }]
  done: [result: TransferResult]
  failed: [error: BytestreamError]
}

/** Milliseconds between two reports of progress. */
const REPORT_MS = 200
/** Milliseconds without an octet until an attempt is given up. */
const STALL_MS_MAX = 300_000
/** Looks within that time: it is kept to a quarter of itself. */
const STALL_LOOKS = 4
/** Octets a second at which either side reads again what is there already: so long the first octet behind it has in addition. */
const READ_AGAIN_BYTES_PER_SECOND_MIN = 20_000_000

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
  #bytes = 0
  #size = 0
  #isPaused = false
  /** What the last pause has ended an attempt with. */
  #pausedBy: BytestreamError | undefined
  #attempts = 1
  #resumedFrom = 0
  /** Octets that are read again before the first one of this attempt moves. */
  #readAgain = 0
  #movedBytes = 0
  #movingMs = 0
  #movingSinceMs = 0
  #stopWatch = () => {}
  readonly #watchers = new Set<() => void>()

  constructor(clock: Clock, facts: TransferFacts, run: Work, signal?: AbortSignal) {
    super()
    this.#clock = clock
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
    return this.#bytes
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
    return this.#resumedFrom
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
    let lastBytes = this.#movedBytes
    let lastMs = this.#clock.now()
    let told: Progress | undefined
    for (;;) {
      const isLast = this.#isOver
      const nowMs = this.#clock.now()
      const bytesPerSecond = nowMs > lastMs ? ((this.#movedBytes - lastBytes) / (nowMs - lastMs)) * 1000 : 0
      const report = { bytes: this.#bytes, size: this.#size, bytesPerSecond }
      if (isLast || !isDeepStrictEqual(report, told)) yield report
      told = report
      if (isLast) return
      lastBytes = this.#movedBytes
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
    if (bytes !== undefined) {
      this.#movedBytes += Math.max(0, bytes - this.#bytes)
      this.#bytes = bytes
    }
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
    this.#bytes = offset
    this.#resumedFrom = offset
    this.#readAgain = offset
    if (offset > 0) this.emit('resumed', { offset })
    else if (this.#movedBytes > 0 && reason !== undefined) this.emit('resumed', { offset, reason })
  }

  /** For whoever runs it: so many octets are there already, and are being read before this attempt goes on behind them. */
  readAgain(offset: number): void {
    this.#readAgain = offset
  }

  /** For whoever runs it: the next state. */
  moveTo(state: TransferState): void {
    this.#stopMoving()
    this.#state = state
    this.emit('state', state)
    if (state !== 'moving') return
    this.#movingSinceMs = this.#clock.now()
    this.#watchStall(this.#bytes, 0)
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

  #stopMoving(): void {
    if (this.#state !== 'moving') return
    this.#stopWatch()
    this.#movingMs += this.#clock.now() - this.#movingSinceMs
  }

  /** Gives up an attempt whose other side neither moves nor closes. */
  #watchStall(seen: number, quietLooks: number): void {
    this.#stopWatch = this.#clock.after(STALL_MS_MAX / STALL_LOOKS, () => {
      const quiet = this.#bytes === seen ? quietLooks + 1 : 0
      if (quiet < STALL_LOOKS + this.#readAgainLooks) this.#watchStall(this.#bytes, quiet)
      else this.endAttempt(new BytestreamError('ERR_TIMEOUT', `no octet has moved for ${STALL_MS_MAX / 60_000} minutes`))
    })
  }

  /** Looks that may go by while nothing moves, since what is there already is being read. */
  get #readAgainLooks(): number {
    if (this.#bytes > this.#readAgain) return 0
    return Math.ceil(((this.#readAgain / READ_AGAIN_BYTES_PER_SECOND_MIN) * 1000) / (STALL_MS_MAX / STALL_LOOKS))
  }

  async #follow(run: Work): Promise<TransferResult> {
    // Whoever made the transfer gets to listen before the first event.
    await Promise.resolve()
    try {
      const sent = await run(this)
      this.moveTo('done')
      const facts = { resumedFrom: this.#resumedFrom, attempts: this.#attempts, movedBytes: this.#movedBytes }
      const result = { ...sent, durationMs: this.#movingMs, ...facts }
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
