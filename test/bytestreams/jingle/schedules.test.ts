import test from 'ava'
import fc from 'fast-check'
import { calmSchedules, playSchedule, violentSchedules } from '../../helpers/jingle-schedules.ts'
import { seedOf } from '../../helpers/seed.ts'

// Goal: whatever two sides say to each other, and however it crosses, both know the same contents and the same end; and
// whatever a hostile side says, a lost one leaves unsaid, or the clock brings about, there is an end, and nothing is kept.
// Method: schedules of chance; 10,000 of each in test/full/jingle.full.ts.

test('both sides agree on every session when nothing is lost', async (t) => {
  t.timeout(120_000)
  await t.notThrowsAsync(fc.assert(fc.asyncProperty(calmSchedules, playSchedule), { numRuns: 300, seed: seedOf(t) }))
})

test('every session ends, whatever is lost, duplicated or forged', async (t) => {
  t.timeout(120_000)
  await t.notThrowsAsync(fc.assert(fc.asyncProperty(violentSchedules, playSchedule), { numRuns: 300, seed: seedOf(t) }))
})
