import { type Clock, systemClock } from '../../src/core/index.ts'

/** A clock that goes so many times as fast as that of the machine: deadlines and pauses are so much shorter, what is to happen in them is not. */
export const hurriedClock = (times: number): Clock => ({
  now: () => systemClock.now() * times,
  after: (ms, callback) => systemClock.after(ms / times, callback),
})
