// Goal: both sides of a Jingle session agree on what became of it whatever crosses, and every session ends whatever is lost,
// duplicated or forged; for 10,000 schedules of chance each.

import test from 'ava'
import fc from 'fast-check'
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
