import type { Clock } from '../../src/core/index.ts'

/** Of a process that stands still for longer, no more has passed. */
const STEP_MS = 50

/**
 * A clock that goes no further than a step while the process stands still, as on a machine that is kept busy. Otherwise deadlines are over
 * before anybody has read what came in time: Node calls timers before it reads from sockets.
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
