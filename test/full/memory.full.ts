import test from 'ava'
import { watchTransfer } from '../helpers/memory.ts'

const GIB = 2 ** 30
const MIB = 2 ** 20

test('1 GiB through the proxy: the hashes are equal, and the memory of the service does not grow by 10 MiB', async (t) => {
  const { sent, received, firstQuarterBytes, restBytes, rate } = await watchTransfer(t, GIB)
  t.log(
    `${(rate / MIB).toFixed(0)} MiB/s; largest RSS of the service ${(firstQuarterBytes / MIB).toFixed(1)} MiB over the first quarter, ${(restBytes / MIB).toFixed(1)} MiB over the rest`,
  )
  t.is(received, sent)
  t.true(firstQuarterBytes > 0)
  t.true(restBytes - firstQuarterBytes < 10 * MIB)
})
