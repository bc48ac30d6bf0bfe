import { randomBytes } from 'node:crypto'
import type { ExecutionContext, TestFn } from 'ava'
import { systemClock } from '../../src/core/index.ts'
import type { RateBucket, Relay, RelayEngine } from '../../src/streamhost/index.ts'
import { type Link, openLink } from '../helpers/link.ts'
import { until } from '../helpers/peer.ts'

/** What a bucket lets pass at once. */
const BURST_SECONDS = 0.16
const TICK_SECONDS = 0.08
/** What passes in no time at all when nothing limits it, and takes a third of a second at the rate. */
const BYTES = 200_000
const RATE = 400_000

interface Stage {
  readonly first: Link
  readonly second: Link
  readonly relay: Relay
}

/** A bytestream in the time of this machine, which is what native rates go by. */
async function openStage(t: ExecutionContext, engine: RelayEngine, bucket: RateBucket): Promise<Stage> {
  const [first, second] = [await openLink(t), await openLink(t)]
  const relay = engine.relay(first.near, second.near, { bucket })
  return { first, second, relay }
}

async function end({ first, second, relay }: Stage): Promise<void> {
  first.far.end()
  second.far.end()
  await Promise.all([first.far.drained(), second.far.drained(), relay.done])
}

/** Seconds that pass until it has settled. */
async function secondsOf(work: Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await work
  return (performance.now() - startedMs) / 1_000
}

/** The least time in which so many octets may pass. */
const dueSeconds = (bytes: number, rate: number) => bytes / rate - BURST_SECONDS

/** What every relay engine makes of rates. Only what takes too little time can fail by time. */
export function relayRateContract(test: TestFn, makeEngine: () => RelayEngine): void {
  test('no faster than its rate, both directions together, and nothing is lost', async (t) => {
    const engine = makeEngine()
    const stage = await openStage(t, engine, engine.bucket(RATE))
    const [there, back] = [randomBytes(BYTES / 2), randomBytes(BYTES / 2)]
    const seconds = secondsOf(
      Promise.all([
        stage.second.far.read(there.length).then((octets) => t.true(octets.equals(there))),
        stage.first.far.read(back.length).then((octets) => t.true(octets.equals(back))),
      ]),
    )
    stage.first.far.write(there)
    stage.second.far.write(back)
    t.true((await seconds) >= dueSeconds(BYTES, RATE))
    t.deepEqual([stage.relay.firstToSecond, stage.relay.secondToFirst], [there.length, back.length])
    await end(stage)
  })

  test('no faster than the rate above it, and octets behind which an end waits arrive, too', async (t) => {
    const engine = makeEngine()
    const stage = await openStage(t, engine, engine.bucket(10 * RATE, engine.bucket(RATE)))
    const octets = randomBytes(BYTES)
    const seconds = secondsOf(stage.second.far.readAll().then((read) => t.true(read.equals(octets))))
    stage.first.far.socket.end(octets)
    t.true((await seconds) >= dueSeconds(BYTES, RATE))
    stage.second.far.end()
    t.deepEqual(await stage.relay.done, { firstToSecond: BYTES, secondToFirst: 0, end: 'end' })
  })

  test('two below one bucket get equal shares of it', async (t) => {
    const engine = makeEngine()
    const shared = engine.bucket(1_000)
    const stages = [await openStage(t, engine, engine.bucket(undefined, shared)), await openStage(t, engine, shared)] as const
    for (const { first, second } of stages) {
      first.far.write(Buffer.alloc(2 * BYTES))
      second.far.socket.resume()
    }
    const [one, other] = stages
    // Both are there before it matters.
    await until(() => one.relay.firstToSecond > 0 && other.relay.firstToSecond > 0)
    shared.change(RATE)
    // Looked at in the moment in which the first of them has so much.
    await until(() => Math.max(one.relay.firstToSecond, other.relay.firstToSecond) >= BYTES)
    const [least = 0, most = 0] = [one.relay.firstToSecond, other.relay.firstToSecond].sort((a, b) => a - b)
    // Who comes first finds the bucket full, and may have had its share of a tick when the other one has not.
    t.true(most - least <= (BURST_SECONDS + TICK_SECONDS) * RATE + 2 * 4_096, `${least} and ${most} octets`)
    for (const { first } of stages) first.far.reset()
    await Promise.all(stages.map(({ relay }) => relay.done))
  })

  test('a rate that is lifted in flight: what waits arrives, and nothing is lost', async (t) => {
    const engine = makeEngine()
    const bucket = engine.bucket(1_000)
    t.is(bucket.bytesPerSecond, 1_000)
    const stage = await openStage(t, engine, bucket)
    const octets = randomBytes(2 ** 20)
    stage.first.far.write(octets)
    await until(() => stage.relay.firstToSecond > 0)
    bucket.change(undefined)
    t.is(bucket.bytesPerSecond, undefined)
    // At 1,000 octets a second it would take until long after the timeout of the test.
    t.true((await stage.second.far.read(octets.length)).equals(octets))
    await end(stage)
  })

  test('a rate that is set in flight holds, and nothing is lost', async (t) => {
    const engine = makeEngine()
    const bucket = engine.bucket(undefined)
    const stage = await openStage(t, engine, bucket)
    const before = randomBytes(2 ** 20)
    stage.first.far.write(before)
    t.true((await stage.second.far.read(before.length)).equals(before))
    bucket.change(RATE)
    // What was allowed at the last tick may be taken until the next one.
    await new Promise<void>((resolve) => void systemClock.after(100, resolve))
    const octets = randomBytes(BYTES)
    const seconds = secondsOf(stage.second.far.read(octets.length).then((read) => t.true(read.equals(octets))))
    stage.first.far.write(octets)
    t.true((await seconds) >= dueSeconds(BYTES, RATE))
    await end(stage)
  })

  test('what waits for its rate is broken off like anything else', async (t) => {
    const engine = makeEngine()
    const stage = await openStage(t, engine, engine.bucket(1_000))
    stage.first.far.write(randomBytes(BYTES))
    await until(() => stage.relay.firstToSecond > 0)
    stage.second.far.reset()
    t.is(await stage.first.far.drained(), 'ECONNRESET')
    t.is((await stage.relay.done).end, 'reset')
  })
}
