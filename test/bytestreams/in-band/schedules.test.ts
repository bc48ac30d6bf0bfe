import test from 'ava'
import fc from 'fast-check'
import { inBandSchedules, playSchedule } from '../../helpers/in-band-schedules.ts'

// Goal: whatever both sides write, read, end and break off, in whatever order it arrives, both get to an end, and neither
// believes what is not so.

test('any schedule ends in a state both sides can rely on', async (t) => {
  await fc.assert(
    fc.asyncProperty(inBandSchedules, (schedule) => playSchedule(t, schedule)),
    { numRuns: 10_000 },
  )
})
