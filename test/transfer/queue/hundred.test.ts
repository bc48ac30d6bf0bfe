// Goal: a hundred transfers that are begun at once all arrive, within the limits at every moment, the highest priority first.
// Method: two accounts on the embedded server; each change of state is a moment that is looked at.

import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import type { Transfer } from '../../../src/transfer/index.ts'
import { settle } from '../../helpers/settle.ts'
import { filesIn, makeFolder } from '../../helpers/transfers.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

const here = { to: 'receiver@localhost', ownHosts: ['127.0.0.1'] }

test('a hundred transfers at once between two accounts: all right, limits kept at every moment, the order of priorities kept', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const receiver = await network.connect('receiver')
  const sender = await network.connect('sender', { concurrency: 8, concurrencyPerPeer: 5 })
  const [from, into] = [await makeFolder(t), await makeFolder(t)]
  receiver.receive({ into, from: ['sender@localhost'] })
  const paths = Array.from({ length: 100 }, (_, at) => join(from, `${String(at).padStart(2, '0')}.bin`))
  await Promise.all(paths.map((path, at) => writeFile(path, Buffer.alloc(100 * at, at))))
  sender.pause()
  const transfers: Transfer[] = []
  // Each tenth file in one session with the others of its priority; 7 times anything modulo 10 is not in order.
  for (let group = 0; group < 10; group++) {
    const own = paths.filter((_, at) => at % 10 === group)
    transfers.push(...sender.sendAll(own, { ...here, priority: (7 * group) % 10 }))
  }
  const begun: number[] = []
  let most = 0
  const isRunning = ({ state }: Transfer) => state === 'preparing' || state === 'negotiating' || state === 'moving'
  for (const transfer of transfers) {
    transfer.on('state', (state) => {
      most = Math.max(most, transfers.filter(isRunning).length)
      if (state === 'preparing') begun.push(transfer.priority)
    })
  }
  await settle() // All of them wait.
  sender.resume()
  const results = await Promise.all(transfers.map(({ done }) => done))
  t.is(most, 5)
  t.deepEqual(
    begun,
    begun.toSorted((one, other) => other - one),
  )
  t.is(begun.length, 100)
  t.is((await filesIn(into)).length, 100)
  for (const [at, { path, sha256, confirmed }] of results.entries()) {
    const content = await readFile(path)
    t.true(confirmed)
    t.is(sha256, createHash('sha256').update(content).digest('hex'), String(at))
    t.true(content.equals(await readFile(join(into, path.slice(from.length + 1)))))
  }
})
