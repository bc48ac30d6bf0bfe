import test from 'ava'
import { type WatchedTransfer, watchTransfers } from '../helpers/memory.ts'

const GIB = 2 ** 30
const MIB = 2 ** 20
const GROWTH_BYTES_MAX = 10 * MIB

test('1 GiB through the proxy, and another: the hashes are equal, and the memory of the service does not grow by 10 MiB', async (t) => {
  const transfers = await watchTransfers(t, GIB)
  for (const { rate, firstQuarterBytes, restBytes } of transfers) {
    const [early, late] = [firstQuarterBytes, restBytes].map((bytes) => (bytes / MIB).toFixed(1))
    t.log(`${(rate / MIB).toFixed(0)} MiB/s; largest RSS of the service ${early} MiB over the first quarter, ${late} MiB over the rest`)
  }
  for (const { sent, received } of transfers) t.is(received, sent)
  const [first, second] = transfers as [WatchedTransfer, WatchedTransfer]
  const settledBytes = Math.max(first.firstQuarterBytes, first.restBytes)
  t.true(second.firstQuarterBytes > 0)
  t.true(second.firstQuarterBytes - settledBytes < GROWTH_BYTES_MAX)
  t.true(second.restBytes - settledBytes < GROWTH_BYTES_MAX)
  t.true(second.restBytes - second.firstQuarterBytes < GROWTH_BYTES_MAX)
})
