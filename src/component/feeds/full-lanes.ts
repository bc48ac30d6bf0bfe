import type { Clock } from '../../core/index.ts'

/** Milliseconds until it is looked again whether an account can take more. */
const LOOK_MS = 60_000

/**
 * Accounts that have as much as they may have without acknowledging it. What they have may be purged, withdrawn or over, of which nobody
 * tells them: then they can take what waits behind it, and are to be looked at again.
 */
export class FullLanes implements Disposable {
  readonly #clock: Clock
  readonly #onLook: (account: string) => void
  #accounts = new Set<string>()
  #callOff = () => {}

  constructor(clock: Clock, onLook: (account: string) => void) {
    this.#clock = clock
    this.#onLook = onLook
  }

  /** Looks at it again once, with all others. */
  add(account: string): void {
    this.#accounts.add(account)
    if (this.#accounts.size === 1) this.#callOff = this.#clock.after(LOOK_MS, () => this.#look())
  }

  [Symbol.dispose](): void {
    this.#callOff()
  }

  #look(): void {
    const accounts = this.#accounts
    this.#accounts = new Set()
    for (const account of accounts) this.#onLook(account)
  }
}
