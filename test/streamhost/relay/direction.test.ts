import test, { type ExecutionContext } from 'ava'
import { Direction } from '../../../src/streamhost/relay/direction.ts'
import { takeSocket } from '../../../src/streamhost/relay/handle.ts'
import { ReadBuffers } from '../../../src/streamhost/relay/read-buffers.ts'
import { openLink } from '../../helpers/link.ts'
import { type Peer, until } from '../../helpers/peer.ts'

const SMALL_BYTES = 16_384
const LARGE_BYTES = 262_144
/** More than the kernel takes for a reader that has stopped. */
const FLOOD_BYTES = 64 * 2 ** 20

interface Stage {
  readonly direction: Direction
  readonly from: Peer
  readonly to: Peer
  /** Octets the next read may take. */
  readonly target: () => number
}

async function openStage(
  t: ExecutionContext,
  buffers: ReadBuffers,
  passes: (octets: number) => number = (octets) => octets,
): Promise<Stage> {
  const [first, second] = [await openLink(t), await openLink(t)]
  const direction = new Direction(buffers, () => ({ take: passes, close: () => {} }))
  const source = takeSocket(first.near, direction.reading).socket
  const sink = takeSocket(second.near, new Direction(buffers, () => undefined).reading).socket
  for (const socket of [source, sink]) t.teardown(() => socket.on('error', () => {}).destroy())
  direction.start(source, sink, undefined)
  return { direction, from: first.far, to: second.far, target: () => direction.target.length }
}

/** Larger than one read, so that the last one is as full as can be told. */
async function flood(t: ExecutionContext, { direction, from }: Stage): Promise<void> {
  const before = direction.bytes
  from.write(Buffer.alloc(FLOOD_BYTES))
  for (let seen = -1, quiet = 0; quiet < 100; quiet += 1) {
    await new Promise(setImmediate)
    if (direction.bytes !== seen) quiet = 0
    seen = direction.bytes
  }
  t.true(direction.bytes - before < FLOOD_BYTES)
}

test('a direction reads much at once while much comes, and little when little comes', async (t) => {
  const stage = await openStage(t, new ReadBuffers())
  t.is(stage.target(), SMALL_BYTES)
  await flood(t, stage)
  t.is(stage.target(), LARGE_BYTES)
  t.is((await stage.to.read(FLOOD_BYTES)).length, FLOOD_BYTES)
  stage.from.write('.')
  await stage.to.read(1)
  t.is(stage.target(), SMALL_BYTES)
  stage.from.write(Buffer.alloc(1_000))
  await stage.to.read(1_000)
  t.is(stage.target(), SMALL_BYTES)
})

test('when more are busy than may be, all read little at once, until one of them is quiet or gone', async (t) => {
  const buffers = new ReadBuffers()
  for (let reader = 1; reader < 512; reader += 1) buffers.readsLarge()
  const [one, other] = [await openStage(t, buffers), await openStage(t, buffers)]
  await flood(t, one)
  t.is(one.target(), LARGE_BYTES)
  await flood(t, other)
  t.deepEqual([one.target(), other.target()], [SMALL_BYTES, SMALL_BYTES])
  t.is((await one.to.read(FLOOD_BYTES)).length, FLOOD_BYTES)
  one.from.write('.')
  await one.to.read(1)
  t.deepEqual([one.target(), other.target()], [SMALL_BYTES, LARGE_BYTES])
  await flood(t, one)
  t.is(one.target(), SMALL_BYTES)
  other.direction.close()
  t.is(one.target(), LARGE_BYTES)
})

test('a direction that waits for its rate reads little at once, however much comes', async (t) => {
  let passes = Number.POSITIVE_INFINITY
  const stage = await openStage(t, new ReadBuffers(), (octets) => Math.min(octets, passes))
  await flood(t, stage)
  t.is(stage.target(), LARGE_BYTES)
  passes = 0
  stage.to.socket.resume()
  await until(() => stage.target() === SMALL_BYTES)
  t.true(stage.direction.bytes < FLOOD_BYTES)
})
