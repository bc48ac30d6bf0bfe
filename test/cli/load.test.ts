// Goal: what test/full/load.full.ts holds in full size, at a size for every day.

import ava from 'ava'
import { loopbacks } from '../helpers/crowd.ts'
import { getsIn, isUndisturbed } from '../helpers/load.ts'

/** Elsewhere there is one loopback address, and no crowd to come from many. */
const test = process.platform === 'linux' ? ava : ava.skip

test('transfers at once, with half-open handshakes beside them: none is disturbed', (t) =>
  isUndisturbed(
    t,
    Array.from({ length: 12 }, (_, index) => 50_000 + 20_000 * index),
    2,
    { size: 60, sources: loopbacks(3) },
  ))

test('beside more silent connections than there may be, which come back at once, a transfer gets in', (t) =>
  getsIn(t, 50, [100_000], { size: 70, sources: loopbacks(7), isReturning: true }))
