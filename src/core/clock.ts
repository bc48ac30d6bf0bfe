/** Time and timers, so that a test can bring its own. */
export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  now(): number
  /** Calls `callback` once, after `ms` milliseconds; the returned function calls it off. Until then it keeps the process alive. */
  after(ms: number, callback: () => void): () => void
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}
