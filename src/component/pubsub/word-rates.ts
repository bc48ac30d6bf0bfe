import type { Clock } from '../../core/index.ts'

/** Messages to others that an account brings about at once. */
const MESSAGES_AT_ONCE_MAX = 1_000
/** Until there is one more of them. */
const MESSAGE_MS = 1_000
/** Accounts that are remembered to have brought about some. */
const ACCOUNTS_MAX = 10_000

/** How much of what an account does others are sent a message about: else we would write to strangers whatever it wants, as often as it wants. */
export class WordRates {
  readonly #clock: Clock
  /** When each account has all of its messages again; the one that asked longest ago is the first. */
  readonly #wholeMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns whether so many are sent: all or none */
  take(account: string, messages: number): boolean {
    const nowMs = this.#clock.now()
    const wholeMs = Math.max(this.#wholeMs.get(account) ?? 0, nowMs) + messages * MESSAGE_MS
    if (wholeMs - nowMs > MESSAGES_AT_ONCE_MAX * MESSAGE_MS) return false
    this.#wholeMs.delete(account)
    this.#wholeMs.set(account, wholeMs)
    if (this.#wholeMs.size > ACCOUNTS_MAX) this.#forgetFirst()
    return true
  }

  #forgetFirst(): void {
    for (const account of this.#wholeMs.keys()) {
      this.#wholeMs.delete(account)
      return
    }
  }
}
