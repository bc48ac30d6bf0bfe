import type { Clock } from './clock.ts'

/** What a bucket holds at the most: what it is given in this time. */
const BURST_MS = 160

/**
 * Octets a second, shared by whoever takes them from this bucket or from one below it. A bucket that has been left alone
 * is full: within any time no more than the rate allows and one filling pass.
 *
 * What passes is decided by {@link RateQueue}; here is only counted.
 */
export class TokenBucket {
  readonly parent: TokenBucket | undefined
  /** Claims of {@link RateQueue} below this bucket that wait. */
  waiting = 0
  /** Octets of what it holds that claims may still take. */
  promised = 0
  readonly #clock: Clock
  #bytesPerSecond: number | undefined
  #octets = 0
  #filledAtMs = 0

  /** @param bytesPerSecond `undefined`: no limit of its own */
  constructor(clock: Clock, bytesPerSecond: number | undefined, parent?: TokenBucket) {
    this.#clock = clock
    this.parent = parent
    this.#bytesPerSecond = checkRate(bytesPerSecond)
    this.#filledAtMs = clock.now()
    this.#octets = this.#capacity
  }

  get bytesPerSecond(): number | undefined {
    return this.#bytesPerSecond
  }

  /** What it holds stays in it, as far as it may hold so much; a limit where there was none begins with a full bucket. */
  change(bytesPerSecond: number | undefined): void {
    const wasLimited = this.#bytesPerSecond !== undefined
    const octets = this.octets
    this.#bytesPerSecond = checkRate(bytesPerSecond)
    this.#filledAtMs = this.#clock.now()
    this.#octets = wasLimited ? Math.min(octets, this.#capacity) : this.#capacity
  }

  /** What it holds now. */
  get octets(): number {
    if (this.#bytesPerSecond === undefined) return Number.POSITIVE_INFINITY
    const nowMs = this.#clock.now()
    this.#octets = Math.min(this.#octets + ((nowMs - this.#filledAtMs) / 1000) * this.#bytesPerSecond, this.#capacity)
    this.#filledAtMs = nowMs
    return this.#octets
  }

  /** @param octets no more than it holds */
  take(octets: number): void {
    if (this.#bytesPerSecond !== undefined) this.#octets = this.octets - octets
  }

  /** At least one octet, or nothing would ever pass. */
  get #capacity(): number {
    return Math.max((BURST_MS / 1000) * (this.#bytesPerSecond ?? 0), 1)
  }
}

function checkRate(bytesPerSecond: number | undefined): number | undefined {
  if (bytesPerSecond !== undefined && !(bytesPerSecond > 0 && bytesPerSecond < Number.POSITIVE_INFINITY)) {
    throw new TypeError(`a rate is a number of octets a second, not ${bytesPerSecond}`)
  }
  return bytesPerSecond
}
