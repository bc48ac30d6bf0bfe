/** How long to wait before the next try. */
export interface BackOffInit {
  /** Milliseconds before the second try, at most. */
  readonly firstMs: number
  /** Milliseconds between tries, at most. */
  readonly retryMsMax: number
}

export const defaultBackOff: BackOffInit = { firstMs: 1_000, retryMsMax: 60_000 }

/**
 * Exponential back-off with jitter: each delay is drawn from the upper half of a span that doubles up to
 * `retryMsMax`, so that a thousand components do not all come back in the same second.
 */
export class BackOff {
  readonly #init: BackOffInit
  readonly #random: () => number
  #tries = 0

  /** @param random 0 up to, not including, 1 */
  constructor(init: BackOffInit = defaultBackOff, random: () => number = Math.random) {
    this.#init = init
    this.#random = random
  }

  /** Milliseconds to wait before the next try. */
  next(): number {
    const { firstMs, retryMsMax } = this.#init
    const span = Math.min(retryMsMax, firstMs * 2 ** Math.min(this.#tries, 30))
    this.#tries += 1
    return Math.round(span * (0.5 + this.#random() / 2))
  }

  /** After a success: the next failure starts small again. */
  reset(): void {
    this.#tries = 0
  }
}
