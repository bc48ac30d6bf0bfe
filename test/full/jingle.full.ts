// Goal: both sides of a Jingle session agree on what became of it, and of every file in it, whatever crosses or comes in one
// segment; and every session and every transfer ends whatever is lost, duplicated or forged; for 10,000 schedules of chance each.

import test from 'ava'
import fc from 'fast-check'
import { calmFileSchedules, playFileSchedule, violentFileSchedules } from '../helpers/file-schedules.ts'
import { calmSchedules, playSchedule, violentSchedules } from '../helpers/jingle-schedules.ts'
import { seedOf } from '../helpers/seed.ts'

for (const [title, schedules] of [
  ['nothing is lost: both sides agree', calmSchedules],
  ['anything may happen: every session ends', violentSchedules],
] as const) {
  test(`${title}, for 10,000 seeds`, async (t) => {
    t.timeout(600_000)
    await t.notThrowsAsync(fc.assert(fc.asyncProperty(schedules, playSchedule), { numRuns: 10_000, seed: seedOf(t) }))
  })
}

// One after the other: what the file system is busy with is asked of the whole process.
for (const [title, schedules] of [
  ['nothing is lost: both sides agree on every file', calmFileSchedules],
  ['anything may happen: every transfer ends', violentFileSchedules],
] as const) {
  test.serial(`${title}, for 10,000 seeds`, async (t) => {
    t.timeout(900_000)
    await t.notThrowsAsync(
      fc.assert(fc.asyncProperty(schedules, playFileSchedule), { numRuns: 10_000, seed: seedOf(t), includeErrorInReport: true }),
    )
  })
}
