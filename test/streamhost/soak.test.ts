// Goal: what test/full/soak.full.ts holds of 100,000 bytestreams, of as many as there is time for every day.

import ava from 'ava'
import { seedOf } from '../helpers/seed.ts'
import { beginSoak } from '../helpers/soak.ts'
import { makePlans } from '../helpers/soak-plans.ts'

/** Elsewhere there is one loopback address. */
const test = process.platform === 'linux' ? ava : ava.skip

test('short bytestreams whose peers leave at any moment: every total adds up, and nothing is left', async (t) => {
  const plans = makePlans(400, seedOf(t))
  const soak = await beginSoak(t, '20s')
  await soak.run(plans)
  await soak.settle()
})
