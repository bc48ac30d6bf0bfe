import test from 'ava'
import { type WatchedTransfer, watchTransfers } from '../helpers/memory.ts'

const GIB = 2 ** 30
const MIB = 2 ** 20

test('1 GiB through the proxy, and another: the hashes are equal, and the memory of the service does not grow by 10 MiB', async (t) => {
  const transfers = await watchTransfers(t, GIB)
  for (const { rate, residentBytes } of transfers)
    t.log(`${(rate / MIB).toFixed(0)} MiB/s; largest RSS of the service ${(residentBytes / MIB).toFixed(1)} MiB`)
  for (const { sent, received } of transfers) t.is(received, sent)
  const [first, second] = transfers as [WatchedTransfer, WatchedTransfer]
  t.true(first.residentBytes > 0)
  t.true(second.residentBytes - first.residentBytes < 10 * MIB)
})
