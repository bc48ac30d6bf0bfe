import { BytestreamError, type Clock } from '../core/index.ts'

/** Milliseconds without an octet until an attempt is given up. */
const STALL_MS_MAX = 300_000
/** Looks within that time: it is kept to a quarter of itself. */
const STALL_LOOKS = 4
/** Octets a second at which either side reads again what is there already: so long the first octet behind it has in addition. */
const READ_AGAIN_BYTES_PER_SECOND_MIN = 20_000_000

/**
 * The octets of a transfer in all of its attempts, and the time in which they move. Notices an attempt whose other side neither moves
 * nor closes.
 */
export class Movement {
  readonly #clock: Clock
  readonly #onStall: (error: BytestreamError) => void
  #bytes = 0
  #resumedFrom = 0
  #movedBytes = 0
  /** Octets that are read again before the first one of this attempt moves. */
  #readAgain = 0
  #durationMs = 0
  /** `undefined` while it does not move. */
  #sinceMs: number | undefined
  #stopWatch = () => {}

  constructor(clock: Clock, onStall: (error: BytestreamError) => void) {
    this.#clock = clock
    this.#onStall = onStall
  }

  /** Octets of the content that are there. */
  get bytes(): number {
    return this.#bytes
  }

  /** Octets that were there already when this attempt began to move. */
  get resumedFrom(): number {
    return this.#resumedFrom
  }

  /** Octets that travelled, in all attempts. */
  get movedBytes(): number {
    return this.#movedBytes
  }

  /** Milliseconds in which it moved; without the time that runs. */
  get durationMs(): number {
    return this.#durationMs
  }

  /** So many are there by now. */
  moved(bytes: number): void {
    this.#movedBytes += Math.max(0, bytes - this.#bytes)
    this.#bytes = bytes
  }

  /** So many are there before the first octet of an attempt. */
  startFrom(offset: number): void {
    this.#bytes = offset
    this.#resumedFrom = offset
    this.#readAgain = offset
  }

  /** So many are being read before this attempt goes on behind them. */
  readAgain(offset: number): void {
    this.#readAgain = offset
  }

  start(): void {
    this.#sinceMs = this.#clock.now()
    this.#watch(this.#bytes, 0)
  }

  /** Nothing moves from now on, which is in order. */
  stop(): void {
    if (this.#sinceMs === undefined) return
    this.#stopWatch()
    this.#durationMs += this.#clock.now() - this.#sinceMs
    this.#sinceMs = undefined
  }

  #watch(seen: number, quietLooks: number): void {
    this.#stopWatch = this.#clock.after(STALL_MS_MAX / STALL_LOOKS, () => {
      const quiet = this.#bytes === seen ? quietLooks + 1 : 0
      if (quiet < STALL_LOOKS + this.#readAgainLooks) this.#watch(this.#bytes, quiet)
      else this.#onStall(new BytestreamError('ERR_TIMEOUT', `no octet has moved for ${STALL_MS_MAX / 60_000} minutes`))
    })
  }

  /** Looks that may go by while nothing moves, since what is there already is being read. */
  get #readAgainLooks(): number {
    if (this.#bytes > this.#readAgain) return 0
    return Math.ceil(((this.#readAgain / READ_AGAIN_BYTES_PER_SECOND_MIN) * 1000) / (STALL_MS_MAX / STALL_LOOKS))
  }
}
