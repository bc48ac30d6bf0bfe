import test from 'ava'
import { StreamEngine } from '../../../src/streamhost/index.ts'
import { relayEngineContract } from '../../contract/relay-engine.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { openLink } from '../../helpers/link.ts'

relayEngineContract(test, () => new StreamEngine())

test('a bucket of another engine is refused', (t) => {
  const [engine, bucket] = [new StreamEngine(), { bytesPerSecond: 1, change: () => {} }]
  t.throws(() => engine.bucket(1, bucket), { instanceOf: TypeError })
})

test('rates go by the clock of the engine, whose timer goes with the last bytestream that waits for it', async (t) => {
  const clock = new FakeClock()
  const engine = new StreamEngine({ clock })
  const [first, second] = [await openLink(t), await openLink(t)]
  const relay = engine.relay(first.near, second.near, { bucket: engine.bucket(1_000) })
  first.far.write(Buffer.alloc(240))
  while (clock.waiting === 0) await new Promise(setImmediate)
  t.is(relay.firstToSecond, 0)
  clock.advance(80)
  t.is((await second.far.read(160)).length, 160)
  t.is(relay.firstToSecond, 160)
  clock.advance(80)
  t.is((await second.far.read(80)).length, 80)
  first.far.write(Buffer.alloc(1_000))
  while (clock.waiting === 0) await new Promise(setImmediate)
  relay.breakOff('aborted')
  await relay.done
  t.is(clock.waiting, 0)
})
