import test from 'ava'
import { TheirCandidates } from '../../../src/bytestreams/jingle/their-candidates.ts'
import { defaultTimings } from '../../../src/bytestreams/timings.ts'
import { BytestreamError } from '../../../src/core/index.ts'
import type { DstAddr } from '../../../src/socks5/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

test('a side that offered nothing is not waited for any more once the content is over', async (t) => {
  const clock = new FakeClock()
  const theirs = new TheirCandidates(clock, { method: 'auto', timings: defaultTimings, reach: {} })
  const over = new AbortController()
  const reached = theirs.reach('0'.repeat(40) as DstAddr, over.signal)
  t.is(clock.waiting, 1)
  over.abort(new BytestreamError('ERR_RESET', 'the content is over'))
  await t.throwsAsync(reached, { code: 'ERR_RESET' })
  t.is(clock.waiting, 0)
})
