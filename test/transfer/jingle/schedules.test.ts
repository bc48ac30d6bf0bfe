import test from 'ava'
import fc from 'fast-check'
import { calmFileSchedules, playFileSchedule, violentFileSchedules } from '../../helpers/file-schedules.ts'
import { seedOf } from '../../helpers/seed.ts'

// Goal: whatever two sides that send each other files say, and however it crosses or comes in one segment, both know the same
// of every file; and whatever a hostile side says, a lost one leaves unsaid, or the clock brings about, every transfer ends,
// and nothing is kept.
// Method: schedules of chance; 10,000 of each in test/full/jingle.full.ts.

test.serial('both sides agree on every file when nothing is lost', async (t) => {
  t.timeout(120_000)
  await t.notThrowsAsync(
    fc.assert(fc.asyncProperty(calmFileSchedules, playFileSchedule), { numRuns: 150, seed: seedOf(t), includeErrorInReport: true }),
  )
})

test.serial('every transfer ends, whatever is lost, duplicated or forged', async (t) => {
  t.timeout(120_000)
  await t.notThrowsAsync(
    fc.assert(fc.asyncProperty(violentFileSchedules, playFileSchedule), { numRuns: 150, seed: seedOf(t), includeErrorInReport: true }),
  )
})
