import type { Clock } from '../../src/core/index.ts'

/** The most that passes between two looks at it, by timers or by who asks. */
const STEP_MS = 50

/**
 * A clock that goes no further than a step while nobody looks at it: because the process stands still, as on a machine that is kept busy,
 * or has no timers. By another one deadlines are over before anybody has read what came in time: Node calls timers before it reads.
 */
export function steadyClock(): Clock {
  let [nowMs, lastMs] = [0, performance.now()]
  const tick = () => {
    const ms = performance.now()
    nowMs += Math.min(ms - lastMs, STEP_MS)
    lastMs = ms
    return nowMs
  }
  return {
    now: tick,
    after(ms, callback) {
      let timer: NodeJS.Timeout
      const wait = (left: number) => {
        const step = Math.min(left, STEP_MS)
        timer = setTimeout(() => {
          tick()
          if (left > step) wait(left - step)
          else callback()
        }, step)
      }
      wait(ms)
      return () => clearTimeout(timer)
    },
  }
}
