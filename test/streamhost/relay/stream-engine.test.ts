import test from 'ava'
import { StreamEngine } from '../../../src/streamhost/index.ts'
import { openStage, relayEngineContract } from '../../contract/relay-engine.ts'
import { until } from '../../helpers/peer.ts'

relayEngineContract(test, () => new StreamEngine())

/** What Node reads at once. */
const READ_BYTES_MAX = 65_536

test('while a reader has stopped, one read waits for it and one is made ahead, no more', async (t) => {
  const { first, second, start } = await openStage(t, new StreamEngine())
  const relay = start()
  first.far.write(Buffer.alloc(64 * 2 ** 20))
  let held = 0
  first.near.on('data', () => {
    held = Math.max(held, second.near.writableLength)
  })
  await until(() => second.near.writableLength > 0 && first.near.readableLength > 0)
  t.true(held <= READ_BYTES_MAX, `${held} octets waited to be written`)
  t.true(first.near.readableLength <= READ_BYTES_MAX)
  const taken = relay.firstToSecond
  await new Promise(setImmediate)
  t.true(first.near.readableLength <= READ_BYTES_MAX)
  t.true(relay.firstToSecond - taken <= 2 * READ_BYTES_MAX)
})

test('aborted while an end is being passed on, it breaks off all the same', async (t) => {
  const { clock, first, second, start } = await openStage(t, new StreamEngine())
  const relay = start()
  first.near.on('end', () => relay.breakOff('aborted'))
  first.far.end()
  t.is(await first.far.drained(), 'ECONNRESET')
  t.is((await relay.done).end, 'aborted')
  t.true(first.near.closed && second.near.closed)
  t.is(clock.waiting, 0)
})

test('a socket that anybody else closes breaks its bytestream off', async (t) => {
  const { first, second, start } = await openStage(t, new StreamEngine())
  const relay = start()
  first.near.destroy()
  t.is(await second.far.drained(), 'ECONNRESET')
  t.is((await relay.done).end, 'reset')
})
