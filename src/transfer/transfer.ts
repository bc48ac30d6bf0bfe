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
  /** How the octets travelled. */
  readonly method: BytestreamMethod
  /** Milliseconds from the first octet to the last. */
  readonly durationMs: number
  /**
   * Whether the other side said that it has the file, by closing properly after the last octet. `false` is for receivers
   * that just stay: the file was sent whole, and nobody complained for five minutes.
   */
  readonly confirmed: boolean
}

/** What is known at the end of a transfer by whoever ran it. */
export type Sent = Omit<TransferResult, 'durationMs'>

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

/** The states of a transfer, in their order, of which not every transfer has each; the last two are final. */
export type TransferState = 'waiting' | 'preparing' | 'negotiating' | 'moving' | 'done' | 'failed'

/** What is known of a transfer from its beginning. */
export interface TransferFacts {
  readonly direction: 'send' | 'receive'
  /** The JID at the other end: full, once it is known. */
  readonly peer: string
  readonly name: string
  /** Default 0. */
  readonly priority?: number | undefined
}

/** The bytestream of a transfer, and what was negotiated to get there. */
export interface Opened extends Pick<Bytestream, 'method' | 'streamhost' | 'dstAddr' | 'blockSize' | 'peer'> {
  readonly negotiation: Negotiation
}

/** Facts. After `done` or `failed` there are none. */
export interface TransferEvents {
  state: [state: TransferState]
  /** What the negotiation has come to, on the sending side. */
  step: [step: InitiatorStep | NegotiationStep]
  /** The bytestream is open. */
  opened: [facts: Opened]
  /** Its priority was changed. */
  priority: [priority: number]
  done: [result: TransferResult]
  failed: [error: BytestreamError]
}

/** Milliseconds between two reports of progress. */
const REPORT_MS = 200
/** Milliseconds without an octet until a transfer is given up. */
const STALL_MS_MAX = 300_000
/** Looks within that time: it is kept to a quarter of itself. */
const STALL_LOOKS = 4

/**
 * One file on its way. `done` settles when it has arrived, or when it cannot; `cancel()` ends it on both sides.
 */
export class Transfer extends EventEmitter<TransferEvents> {
  readonly done: Promise<TransferResult>
  /** Aborts when the transfer is cancelled. */
  readonly signal: AbortSignal
  readonly #cancelling = new AbortController()
  readonly #clock: Clock
  #facts: TransferFacts
  #priority: number
  #state: TransferState = 'waiting'
  #bytes = 0
  #size = 0
  #startedMs = 0
  #stopWatch = () => {}
  readonly #watchers = new Set<() => void>()

  constructor(clock: Clock, facts: TransferFacts, run: Work, signal?: AbortSignal) {
    super()
    this.#clock = clock
    this.#facts = facts
    this.#priority = finite(facts.priority ?? 0)
    this.signal = signal ? AbortSignal.any([signal, this.#cancelling.signal]) : this.#cancelling.signal
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

  /** Of the file: its path here at first, where it is sent. */
  get name(): string {
    return this.#facts.name
  }

  /** What it is doing. */
  get state(): TransferState {
    return this.#state
  }

  /** Octets of the content that have left, or arrived. */
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

  /** Ends the transfer; `done` rejects with `ERR_ABORTED`. */
  cancel(reason?: unknown): void {
    this.#cancelling.abort(reason)
  }

  /**
   * How far it is, at once and now and again until it is done or failed. While nothing changes nothing is told, and
   * whoever is slow misses some.
   */
  async *progress(): AsyncGenerator<Progress, void> {
    let lastBytes = 0
    let lastMs = this.#clock.now()
    let told: Progress | undefined
    for (;;) {
      const isLast = this.#isOver
      const nowMs = this.#clock.now()
      const bytesPerSecond = nowMs > lastMs ? ((this.#bytes - lastBytes) / (nowMs - lastMs)) * 1000 : 0
      const report = { bytes: this.#bytes, size: this.#size, bytesPerSecond }
      if (isLast || !isDeepStrictEqual(report, told)) yield report
      told = report
      if (isLast) return
      lastBytes = this.#bytes
      lastMs = nowMs
      // Whoever was slow may have missed the end.
      if (!this.#isOver) await this.#nextReport()
    }
  }

  get #isOver(): boolean {
    return this.#state === 'done' || this.#state === 'failed'
  }

  /** For whoever runs it: what is known by now. */
  update({ bytes, size, peer, name }: { bytes?: number; size?: number; peer?: string; name?: string }): void {
    if (bytes !== undefined) this.#bytes = bytes
    if (size !== undefined) this.#size = size
    if (peer !== undefined || name !== undefined)
      this.#facts = { ...this.#facts, ...(peer !== undefined && { peer }), ...(name !== undefined && { name }) }
  }

  /** For whoever runs it: the next state. */
  moveTo(state: TransferState): void {
    this.#state = state
    this.emit('state', state)
    if (state !== 'moving') return
    this.#startedMs = this.#clock.now()
    this.#watchStall(this.#bytes, 0)
  }

  /** Gives up a transfer whose other side neither moves nor closes. */
  #watchStall(seen: number, quietLooks: number): void {
    this.#stopWatch = this.#clock.after(STALL_MS_MAX / STALL_LOOKS, () => {
      const quiet = this.#bytes === seen ? quietLooks + 1 : 0
      if (quiet < STALL_LOOKS) this.#watchStall(this.#bytes, quiet)
      else this.cancel(new BytestreamError('ERR_TIMEOUT', `no octet has moved for ${STALL_MS_MAX / 60_000} minutes`))
    })
  }

  async #follow(run: Work): Promise<TransferResult> {
    // Whoever made the transfer gets to listen before the first event.
    await Promise.resolve()
    try {
      const result = { ...(await run(this)), durationMs: this.#clock.now() - this.#startedMs }
      this.moveTo('done')
      this.emit('done', result)
      return result
    } catch (thrown) {
      const error = toBytestreamError(thrown)
      this.moveTo('failed')
      this.emit('failed', error)
      throw error
    } finally {
      this.#stopWatch()
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
