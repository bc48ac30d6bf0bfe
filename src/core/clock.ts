/** Time and timers, so that a test can bring its own. */
export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  now(): number
  /** Calls `callback` once, after `ms` milliseconds; the returned function calls it off. Until then it keeps the process alive. */
  after(ms: number, callback: () => void): () => void
}

/** The longest a timer of Node can wait; beyond it, a timer would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** In steps that a timer can wait. */
function afterLong(ms: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout
  const wait = (left: number) => {
    const step = Math.min(left, TIMER_MS_MAX)
    timer = setTimeout(() => (left > step ? wait(left - step) : callback()), step)
  }
  wait(ms)
  return () => clearTimeout(timer)
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    if (ms > TIMER_MS_MAX) return afterLong(ms, callback)
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}
