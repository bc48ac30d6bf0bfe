import type { Clock } from './clock.ts'

/** Milliseconds between two lines for one reason. */
const REPEAT_MS = 60_000

interface Line {
  readonly atMs: number
  suppressed: number
}

/**
 * Which of many alike facts are worth a line in the log: the first for each reason, and then at most one a minute, which
 * tells how many were passed over. What it holds grows with the reasons there are, not with who brings them up.
 */
export class LogRation<Reason extends string> {
  readonly #clock: Clock
  readonly #last = new Map<Reason, Line>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns how many were passed over since the last line for that reason; `undefined` when this one is passed over too */
  take(reason: Reason): number | undefined {
    const last = this.#last.get(reason)
    const atMs = this.#clock.now()
    if (last && atMs - last.atMs < REPEAT_MS) {
      last.suppressed += 1
      return undefined
    }
    this.#last.set(reason, { atMs, suppressed: 0 })
    return last?.suppressed ?? 0
  }
}
