import test from 'ava'
import { type CrowdInit, loopbacks } from '../helpers/crowd.ts'
import { getsIn, isUndisturbed } from '../helpers/load.ts'

const MIB = 2 ** 20

/** 1 to 8 MiB, all of them different. */
const sizes = Array.from({ length: 200 }, (_, index) => MIB + Math.round((index * 7 * MIB) / 199))

test.serial('200 transfers at once, of 1 to 8 MiB, with 2,000 half-open handshakes beside them: none is disturbed', (t) =>
  isUndisturbed(t, sizes, 4, { size: 2_000, sources: loopbacks(20) }),
)

/** 1,000 more than there may be, in all or of one source. */
const crowds: readonly (readonly [what: string, init: CrowdInit])[] = [
  ['4,096 + 1,000 silent connections from 100 addresses', { size: 5_096, sources: loopbacks(100) }],
  ['4,096 + 1,000 from 100 addresses, who come back at once', { size: 5_096, sources: loopbacks(100), isReturning: true }],
  ['4,096 + 1,000 from one address', { size: 5_096, sources: loopbacks(1) }],
  ['256 + 1,000 from one address, who come back at once', { size: 1_256, sources: loopbacks(1), isReturning: true }],
  ["4,096 + 1,000 from the transfer's own address", { size: 5_096, sources: ['127.0.0.1'] }],
]

for (const [what, init] of crowds) {
  test.serial(`a transfer gets in beside ${what}`, (t) => getsIn(t, 4_096, [MIB, 2 * MIB, 3 * MIB], init))
}
