import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { filesIn, makeFile, makeFolder, moved } from '../../helpers/transfers.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

const here = { to: 'receiver@localhost', ownHosts: ['127.0.0.1'] }
const MIB = 1024 * 1024

test('a transfer that is paused gives its place up, and goes on behind what has arrived when it is resumed', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const proxy = await network.startProxy(undefined, { rates: { bytestreamBytes: 4 * MIB } })
  const [receiver, sender] = [await network.connect('receiver'), await network.connect('sender', { concurrency: 1 })]
  const into = await makeFolder(t)
  receiver.receive({ into, from: ['sender@localhost'] })
  const [large, small] = [await makeFile(t, 16 * MIB, 'large.bin'), await makeFile(t, 10, 'small.bin')]
  const first = sender.send(large.path, { ...here, method: 'proxy' })
  const second = sender.send(small.path, here)
  await moved(first, 4 * MIB)
  first.pause()
  t.true(first.isPaused)
  await second.done
  t.is(first.state, 'interrupted')
  t.true((await filesIn(into)).some((name) => name.endsWith('.part')))
  const resumed = once(first, 'resumed')
  proxy.streamhost.changeRates({})
  first.resume()
  t.false(first.isPaused)
  const [{ offset }] = (await resumed) as [{ offset: number }]
  t.true(offset > 0)
  const { sha256, resumedFrom, attempts } = await first.done
  t.deepEqual([sha256, resumedFrom, attempts], [large.sha256, offset, 2])
  t.true(large.content.equals(await readFile(join(into, 'large.bin'))))
  t.deepEqual(await filesIn(into), ['large.bin', 'small.bin'])
})

test('paused while it waits, a transfer is passed over; cancelled while it is paused, it ends', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const [receiver, sender] = [await network.connect('receiver'), await network.connect('sender', { concurrency: 1 })]
  const receiving = receiver.receive({ into: await makeFolder(t), from: ['sender@localhost'] })
  const { path, sha256 } = await makeFile(t, 10)
  sender.pause()
  const [first, second, third] = [sender.send(path, here), sender.send(path, here), sender.send(path, here)]
  first.pause()
  second.pause()
  second.pause()
  sender.resume()
  await third.done
  t.deepEqual([first.state, second.state], ['waiting', 'waiting'])
  second.cancel()
  await t.throwsAsync(second.done, { code: 'ERR_ABORTED', message: 'the operation was cancelled' })
  first.resume()
  first.pause()
  first.resume()
  t.like(await first.done, { sha256, attempts: 1 })
  first.pause()
  t.false(first.isPaused, 'it is over')
  receiving.once('transfer', (transfer) => {
    t.throws(() => transfer.pause(), { instanceOf: TypeError, message: /only who has begun/ })
  })
  await sender.send(path, here).done
})
