import { once } from 'node:events'
import type { ExecutionContext } from 'ava'
import type { Logger } from '../../../src/core/index.ts'
import { loadNativeRelay } from '../../../src/native/index.ts'
import { SpliceEngine, StreamEngine } from '../../../src/streamhost/index.ts'
import { openStage, relayEngineContract } from '../../contract/relay-engine.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { nativeSuite } from '../../helpers/native.ts'
import { until } from '../../helpers/peer.ts'

const test = nativeSuite('the native relay engine')
const loaded = loadNativeRelay()
/** More than the kernel takes while nobody reads. */
const BLOCKED_BYTES = 64 * 2 ** 20

function makeEngine(t?: ExecutionContext, components: { clock?: FakeClock; logger?: Logger } = {}): SpliceEngine {
  if ('reason' in loaded) throw new Error(loaded.reason)
  const engine = new SpliceEngine({ ...components, native: loaded.start({ threads: 1, pipesMax: 64 }) })
  t?.teardown(() => engine.close())
  return engine
}

relayEngineContract(test, makeEngine)

test("Node's sockets are closed as soon as the connections are handed over, and the bytestream goes on", async (t) => {
  const { first, second, start } = await openStage(t, makeEngine(t))
  const closed = Promise.all([once(first.near, 'close'), once(second.near, 'close')])
  const relay = start()
  await closed
  first.far.write('there')
  t.is(`${await second.far.read(5)}`, 'there')
  second.far.write('back')
  t.is(`${await first.far.read(4)}`, 'back')
  first.far.end()
  second.far.end()
  await Promise.all([first.far.drained(), second.far.drained()])
  t.deepEqual(await relay.done, { firstToSecond: 5, secondToFirst: 4, end: 'end' })
})

test('what Node has still to write goes out before the first octet of the bytestream', async (t) => {
  const { first, second, start } = await openStage(t, makeEngine(t))
  first.near.write(Buffer.alloc(BLOCKED_BYTES, 'r'))
  second.far.write('octets')
  const relay = start()
  const read = await first.far.read(BLOCKED_BYTES + 6)
  t.true(read.subarray(0, BLOCKED_BYTES).equals(Buffer.alloc(BLOCKED_BYTES, 'r')))
  t.is(`${read.subarray(BLOCKED_BYTES)}`, 'octets')
  t.is(relay.secondToFirst, 6)
})

for (const [what, end, act] of [
  ['is reset', 'reset', ({ second }) => second.far.reset()],
  ['is broken off', 'aborted', (_, relay) => relay.breakOff('aborted')],
] as const satisfies readonly (readonly [
  string,
  string,
  (stage: Awaited<ReturnType<typeof openStage>>, relay: ReturnType<Awaited<ReturnType<typeof openStage>>['start']>) => void,
])[]) {
  test(`a bytestream that ${what} while Node has still to write is reset on both sides`, async (t) => {
    const stage = await openStage(t, makeEngine(t))
    const { first, second, start } = stage
    first.near.write(Buffer.alloc(BLOCKED_BYTES))
    // Read on, so that Node hears of a reset.
    second.near.on('readable', () => {})
    const relay = start()
    act(stage, relay)
    t.deepEqual(await relay.done, { firstToSecond: 0, secondToFirst: 0, end })
    t.is(await first.far.drained(), 'ECONNRESET')
    t.regex(await second.far.drained(), /^(ECONNRESET|destroyed)$/)
  })
}

test('a bytestream that cannot be handed over is reset on both sides, counted as failed, and told of once a minute', async (t) => {
  const lines: object[] = []
  const logger = { error: (facts: object) => void lines.push(facts) } as unknown as Logger
  const clock = new FakeClock()
  const engine = makeEngine(undefined, { clock, logger })
  engine.close()
  for (let count = 0; count < 2; count += 1) {
    const { first, second, start } = await openStage(t, engine)
    const relay = start()
    t.deepEqual(await Promise.all([first.far.drained(), second.far.drained()]), ['ECONNRESET', 'ECONNRESET'])
    t.deepEqual(await relay.done, { firstToSecond: 0, secondToFirst: 0, end: 'failed' })
  }
  t.deepEqual(lines, [{ code: undefined, reason: 'the native relay was stopped', suppressed: 0 }])
})

test('a bucket of another engine, and a rate that is none, are mistakes', async (t) => {
  const engine = makeEngine(t)
  t.throws(() => engine.bucket(1_000, new StreamEngine().bucket(1_000)), { instanceOf: TypeError })
  for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => engine.bucket(rate), { instanceOf: TypeError })
    const bucket = engine.bucket(1_000)
    t.throws(() => bucket.change(rate), { instanceOf: TypeError })
    t.is(bucket.bytesPerSecond, 1_000)
  }
})

test('the buffers of the kernel are bounded for each socket and direction', async (t) => {
  const engine = makeEngine(t)
  /** How much it takes until it has that much, or takes no more for so long. */
  const taken = async (bufferBytes: number | undefined, { most, quietMs }: { most: number; quietMs: number }) => {
    const { first, second } = await openStage(t, engine)
    const relay = engine.relay(first.near, second.near, {})
    if (bufferBytes) relay.boundBuffers(bufferBytes)
    first.far.write(Buffer.alloc(BLOCKED_BYTES))
    await until(() => relay.firstToSecond > 0)
    let [seen, sinceMs] = [0, performance.now()]
    await until(() => {
      if (relay.firstToSecond !== seen) [seen, sinceMs] = [relay.firstToSecond, performance.now()]
      return seen > most || performance.now() - sinceMs > quietMs
    })
    relay.breakOff('aborted')
    await relay.done
    return relay.firstToSecond
  }
  const bounded = await taken(64 * 1024, { most: BLOCKED_BYTES, quietMs: 200 })
  // Without a limit it is many times as much, as soon as the thread of the engine gets to it.
  const free = await taken(undefined, { most: 4 * bounded, quietMs: 20_000 })
  t.true(4 * bounded < free, `${bounded} octets with 64 KiB, ${free} without a limit`)
})
