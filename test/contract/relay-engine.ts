import { randomBytes } from 'node:crypto'
import type { ExecutionContext, TestFn } from 'ava'
import fc from 'fast-check'
import type { Relay, RelayEngine } from '../../src/streamhost/index.ts'
import { IdleWatch } from '../../src/streamhost/relay/idle-watch.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { type Link, openLink } from '../helpers/link.ts'
import { Peer, until } from '../helpers/peer.ts'
import { makeRelayPlans } from '../helpers/relay-plans.ts'
import { runRelays } from '../helpers/relay-runs.ts'
import { seedOf } from '../helpers/seed.ts'
import { socketPair } from '../helpers/socket-pair.ts'
import { relayRateContract } from './relay-rates.ts'

const IDLE_MS_MAX = 1_000
/** What the buffers of the kernel may take for one direction, at the most. */
const KERNEL_BYTES_MAX = 32 * 2 ** 20

/** A relay and the clients at its ends. */
export interface Stage {
  readonly clock: FakeClock
  readonly first: Link
  readonly second: Link
  start(): Relay
}

/** Two connections that an engine may be given. */
export async function openStage(t: ExecutionContext, engine: RelayEngine): Promise<Stage> {
  const clock = new FakeClock()
  const [first, second] = [await openLink(t), await openLink(t)]
  const idle = new IdleWatch(clock, IDLE_MS_MAX)
  const start = () => {
    const relay = engine.relay(first.near, second.near, {})
    idle.add(relay)
    void relay.done.then(() => idle.delete(relay))
    return relay
  }
  return { clock, first, second, start }
}

/** Waits until a counter of a relay stands still, as far as a look can tell. */
async function standstill(counter: () => number): Promise<number> {
  let seen = counter()
  for (let quiet = 0; quiet < 100; quiet += 1) {
    await new Promise(setImmediate)
    if (counter() !== seen) quiet = 0
    seen = counter()
  }
  return seen
}

/** Whether it is not over, as far as a look can tell. */
async function isRunning(relay: Relay): Promise<boolean> {
  let isOver = false
  void relay.done.then(() => {
    isOver = true
  })
  await standstill(() => Number(isOver))
  return !isOver
}

/** What every relay engine has to do, over real sockets. Its JS sockets may be closed early: it may take the connections. */
export function relayEngineContract(test: TestFn, makeEngine: () => RelayEngine): void {
  orderTests(test, makeEngine)
  endTests(test, makeEngine)
  resetTests(test, makeEngine)
  slowReaderTests(test, makeEngine)
  breakOffTests(test, makeEngine)
  seedTests(test, makeEngine)
  relayRateContract(test, makeEngine)
}

const sides = [
  ['first', 'second'],
  ['second', 'first'],
] as const

function orderTests(test: TestFn, makeEngine: () => RelayEngine): void {
  test('3 MiB both ways at once arrive as they were sent, and are counted to the octet', async (t) => {
    const { first, second, start } = await openStage(t, makeEngine())
    const relay = start()
    const [there, back] = [randomBytes(3 * 2 ** 20), randomBytes(3 * 2 ** 20 + 1)]
    first.far.socket.end(there)
    second.far.socket.end(back)
    const [atSecond, atFirst] = await Promise.all([second.far.readAll(), first.far.readAll()])
    t.true(atSecond.equals(there))
    t.true(atFirst.equals(back))
    t.deepEqual(await relay.done, { firstToSecond: there.length, secondToFirst: back.length, end: 'end' })
    t.deepEqual(await Promise.all([first.far.closed, second.far.closed]), ['end', 'end'])
  })

  test('a burst of any size arrives whole, without an octet behind it', async (t) => {
    const { first, second, start } = await openStage(t, makeEngine())
    const relay = start()
    let total = 0
    for (const bytes of [1, 2, 47, 1_000, 16_384, 65_535, 65_536, 65_537, 200_001, 1]) {
      const burst = randomBytes(bytes)
      total += bytes
      first.far.write(burst)
      t.true((await second.far.read(bytes)).equals(burst))
      t.is(relay.firstToSecond, total)
      second.far.write(burst)
      t.true((await first.far.read(bytes)).equals(burst))
      t.is(relay.secondToFirst, total)
    }
  })

  test('octets that came before the start are delivered before those that came after', async (t) => {
    const { first, second, start } = await openStage(t, makeEngine())
    first.far.write('early ')
    second.far.write('frühe ')
    await until(() => first.near.readableLength > 0 && second.near.readableLength > 0)
    start()
    first.far.write('late')
    second.far.write('späte')
    t.is(`${await second.far.read(10)}`, 'early late')
    t.is(`${await first.far.read(13)}`, 'frühe späte')
  })

  test('what was written to a side before the start and has yet to go out goes out first', async (t) => {
    const { first, second, start } = await openStage(t, makeEngine())
    const reply = randomBytes(2 * KERNEL_BYTES_MAX)
    second.near.write(reply)
    t.true(second.near.writableLength > 0)
    first.far.socket.end('the first octets')
    const relay = start()
    t.true((await second.far.read(reply.length)).equals(reply))
    t.is(`${await second.far.readAll()}`, 'the first octets')
    second.far.end()
    t.deepEqual(await relay.done, { firstToSecond: 16, secondToFirst: 0, end: 'end' })
  })

  test('so do few octets, of which Node tells no drain', async (t) => {
    const { connected: near, accepted } = await socketPair(t, { allowHalfOpen: true })
    const engine = makeEngine()
    const { second } = await openStage(t, engine)
    near.pause().cork()
    t.true(near.write('reply'))
    second.far.write(' octets')
    const relay = engine.relay(near, second.near, {})
    near.uncork()
    t.is(`${await new Peer(accepted).read(12)}`, 'reply octets')
    relay.breakOff('aborted')
    t.like(await relay.done, { secondToFirst: 7, end: 'aborted' })
  })

  test('whatever is written in whatever pieces arrives in its order', async (t) => {
    const engine = makeEngine()
    const pieces = fc.array(fc.tuple(fc.boolean(), fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 150_000 }))), {
      maxLength: 12,
    })
    await fc.assert(
      fc.asyncProperty(pieces, fc.nat({ max: 12 }), async (writes, startAt) => {
        const { first, second, start } = await openStage(t, engine)
        const sent = { there: [] as Buffer[], back: [] as Buffer[] }
        let relay: Relay | undefined
        for (const [index, [isThere, bytes]] of writes.entries()) {
          if (index === startAt) relay = start()
          const octets = randomBytes(bytes)
          sent[isThere ? 'there' : 'back'].push(octets)
          ;(isThere ? first : second).far.write(octets)
        }
        relay ??= start()
        first.far.end()
        second.far.end()
        const [atSecond, atFirst] = await Promise.all([second.far.readAll(), first.far.readAll()])
        t.true(atSecond.equals(Buffer.concat(sent.there)))
        t.true(atFirst.equals(Buffer.concat(sent.back)))
        t.deepEqual(await relay.done, { firstToSecond: atSecond.length, secondToFirst: atFirst.length, end: 'end' })
      }),
      { numRuns: 30 },
    )
  })
}

function endTests(test: TestFn, makeEngine: () => RelayEngine): void {
  for (const [one, other] of sides) {
    test(`the ${one} ends its direction: the ${other} hears it, and goes on sending (half-close)`, async (t) => {
      const stage = await openStage(t, makeEngine())
      const relay = stage.start()
      const [sender, receiver] = [stage[one].far, stage[other].far]
      sender.socket.end('the last octets')
      t.is(`${await receiver.readAll()}`, 'the last octets')
      receiver.write('are answered')
      t.is(`${await sender.read(12)}`, 'are answered')
      receiver.end()
      t.is((await sender.readAll()).length, 0)
      t.is((await relay.done).end, 'end')
      t.deepEqual(await Promise.all([sender.closed, receiver.closed]), ['end', 'end'])
    })

    test(`octets and end of the ${one} came before the start: both are delivered, in order`, async (t) => {
      const stage = await openStage(t, makeEngine())
      const [sender, receiver] = [stage[one], stage[other].far]
      sender.far.socket.end('all of it')
      await until(() => sender.near.readableLength > 0)
      const relay = stage.start()
      t.is(`${await receiver.readAll()}`, 'all of it')
      receiver.end()
      t.is((await relay.done).end, 'end')
    })
  }

  test('two that have nothing to say are over properly', async (t) => {
    const { clock, first, second, start } = await openStage(t, makeEngine())
    const relay = start()
    first.far.end()
    second.far.end()
    t.deepEqual(await Promise.all([first.far.drained(), second.far.drained()]), ['end', 'end'])
    t.deepEqual(await relay.done, { firstToSecond: 0, secondToFirst: 0, end: 'end' })
    t.is(clock.waiting, 0)
  })
}

function resetTests(test: TestFn, makeEngine: () => RelayEngine): void {
  for (const [one, other] of sides) {
    test(`a reset of the ${one} is a reset for the idle ${other}`, async (t) => {
      const stage = await openStage(t, makeEngine())
      const relay = stage.start()
      stage[one].far.reset()
      t.is(await stage[other].far.drained(), 'ECONNRESET')
      t.is((await relay.done).end, 'reset')
      t.is(stage.clock.waiting, 0)
    })

    test(`a reset of the ${one} before the start is a reset for the ${other}`, async (t) => {
      const stage = await openStage(t, makeEngine())
      const gone = new Promise((resolve) => stage[one].near.once('close', resolve))
      stage[one].far.reset()
      await gone
      const relay = stage.start()
      t.is(await stage[other].far.drained(), 'ECONNRESET')
      t.is((await relay.done).end, 'reset')
      t.is(stage.clock.waiting, 0)
    })

    test(`a reset of the ${one} while its octets and an end of the ${other} wait for the start is no proper end`, async (t) => {
      const stage = await openStage(t, makeEngine())
      stage[one].far.write('all but the last')
      stage[other].far.socket.end('all of it')
      await until(() => stage[one].near.readableLength > 0 && stage[other].near.readableLength > 0)
      stage[one].far.reset()
      const relay = stage.start()
      // What this peer makes of octets with a reset right behind them is for libuv to say.
      stage[other].far.socket.resume()
      t.is((await relay.done).end, 'reset')
    })

    test(`the ${one} ends its direction and is reset later: a reset for the ${other} that still sends`, async (t) => {
      const stage = await openStage(t, makeEngine())
      const relay = stage.start()
      stage[one].far.end()
      await stage[other].far.readAll()
      stage[one].far.reset()
      // Only who writes hears of it: the first octets go out, later ones are answered with a reset.
      await until(() => {
        stage[other].far.write('more')
        return stage[other].far.socket.destroyed
      })
      t.regex(await stage[other].far.closed, /^(ECONNRESET|EPIPE)$/)
      t.is((await relay.done).end, 'reset')
    })

    test(`the ${one} ends its direction, the ${other} is reset: a reset for the ${one}`, async (t) => {
      const stage = await openStage(t, makeEngine())
      const relay = stage.start()
      stage[one].far.end()
      await stage[other].far.readAll()
      stage[other].far.reset()
      t.is(await stage[one].far.drained(), 'ECONNRESET')
      t.is((await relay.done).end, 'reset')
    })
  }

  test('a reader that stopped is reset: a reset for the writer that waits for it', async (t) => {
    const { first, second, start } = await openStage(t, makeEngine())
    const relay = start()
    first.far.write(Buffer.alloc(2 * KERNEL_BYTES_MAX))
    await standstill(() => relay.firstToSecond)
    second.far.reset()
    t.is(await first.far.drained(), 'ECONNRESET')
    t.is((await relay.done).end, 'reset')
  })

  test('a writer is reset while its reader has stopped: the reader does not take what it has for all there is', async (t) => {
    const { first, second, start } = await openStage(t, makeEngine())
    const relay = start()
    first.far.write(Buffer.alloc(2 * KERNEL_BYTES_MAX))
    await standstill(() => relay.firstToSecond)
    first.far.reset()
    t.is(await second.far.drained(), 'ECONNRESET')
    t.false(second.far.socket.readableEnded)
    t.is((await relay.done).end, 'reset')
  })
}

function slowReaderTests(test: TestFn, makeEngine: () => RelayEngine): void {
  const isTaken = async (t: ExecutionContext, octets: Buffer, relay: Relay, writer: Peer, reader: Peer, counter: () => number) => {
    writer.socket.end(octets)
    const taken = await standstill(counter)
    t.true(taken < KERNEL_BYTES_MAX, `${taken} octets were taken from the writer`)
    // The other direction is not held up by it.
    reader.write('and back')
    t.is(`${await writer.read(8)}`, 'and back')
    t.true((await reader.readAll()).equals(octets))
    reader.end()
    writer.socket.resume()
    t.is((await relay.done).end, 'end')
    t.is(counter(), octets.length)
  }

  test('no more is taken from the first than the second reads (back-pressure)', async (t) => {
    const { first, second, start } = await openStage(t, makeEngine())
    const relay = start()
    await isTaken(t, randomBytes(2 * KERNEL_BYTES_MAX), relay, first.far, second.far, () => relay.firstToSecond)
  })

  test('no more is taken from the second than the first reads (back-pressure)', async (t) => {
    const { first, second, start } = await openStage(t, makeEngine())
    const relay = start()
    await isTaken(t, randomBytes(2 * KERNEL_BYTES_MAX), relay, second.far, first.far, () => relay.secondToFirst)
  })
}

function breakOffTests(test: TestFn, makeEngine: () => RelayEngine): void {
  test('to abort breaks off, and both sides see a reset', async (t) => {
    const { clock, first, second, start } = await openStage(t, makeEngine())
    const relay = start()
    first.far.write('on its way')
    await second.far.read(10)
    relay.breakOff('aborted')
    t.deepEqual(await Promise.all([first.far.drained(), second.far.drained()]), ['ECONNRESET', 'ECONNRESET'])
    t.deepEqual(await relay.done, { firstToSecond: 10, secondToFirst: 0, end: 'aborted' })
    t.is(clock.waiting, 0)
  })

  test('to abort as soon as it has started breaks off, too', async (t) => {
    const { clock, first, second, start } = await openStage(t, makeEngine())
    const relay = start()
    relay.breakOff('aborted')
    t.deepEqual(await Promise.all([first.far.drained(), second.far.drained()]), ['ECONNRESET', 'ECONNRESET'])
    t.is((await relay.done).end, 'aborted')
    t.is(clock.waiting, 0)
  })

  test('to abort breaks off what still has to go out before the start, and what a reader does not take', async (t) => {
    const { first, second, start } = await openStage(t, makeEngine())
    second.near.write(Buffer.alloc(2 * KERNEL_BYTES_MAX))
    const relay = start()
    await new Promise(setImmediate)
    relay.breakOff('aborted')
    t.is(await first.far.drained(), 'ECONNRESET')
    t.deepEqual(await relay.done, { firstToSecond: 0, secondToFirst: 0, end: 'aborted' })
    const blocked = await openStage(t, makeEngine())
    const other = blocked.start()
    blocked.first.far.write(Buffer.alloc(2 * KERNEL_BYTES_MAX))
    await standstill(() => other.firstToSecond)
    other.breakOff('aborted')
    t.is(await blocked.first.far.drained(), 'ECONNRESET')
    t.is((await other.done).end, 'aborted')
  })

  test('to abort in any turn of the event loop behind an end, while it is being passed on, breaks off all the same', async (t) => {
    const engine = makeEngine()
    for (let turns = 0; turns < 12; turns += 1) {
      const { first, second, start } = await openStage(t, engine)
      const relay = start()
      first.far.socket.end('the last octets')
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate)
      relay.breakOff('aborted')
      t.is(await first.far.drained(), 'ECONNRESET')
      t.is((await relay.done).end, 'aborted')
      second.far.socket.destroy()
    }
  })

  test('to abort what is over changes nothing', async (t) => {
    const { first, second, start } = await openStage(t, makeEngine())
    const relay = start()
    first.far.end()
    second.far.end()
    await Promise.all([first.far.drained(), second.far.drained()])
    t.is((await relay.done).end, 'end')
    relay.breakOff('aborted')
    t.is((await relay.done).end, 'end')
  })

  test('without an octet for the idle time it is broken off, not a millisecond before', async (t) => {
    const { clock, first, second, start } = await openStage(t, makeEngine())
    const relay = start()
    clock.advance(IDLE_MS_MAX - 1)
    t.true(await isRunning(relay))
    clock.advance(1)
    t.deepEqual(await Promise.all([first.far.drained(), second.far.drained()]), ['ECONNRESET', 'ECONNRESET'])
    t.is((await relay.done).end, 'idle')
    t.is(clock.waiting, 0)
  })

  test('one octet in either direction keeps it, and the idle time is exceeded by a quarter at most', async (t) => {
    const { clock, first, second, start } = await openStage(t, makeEngine())
    const relay = start()
    for (const [from, to] of [
      [first, second],
      [second, first],
      [first, second],
    ] as const) {
      clock.advance(IDLE_MS_MAX - 1)
      from.far.write('.')
      await to.far.read(1)
    }
    clock.advance(IDLE_MS_MAX - 1)
    t.true(await isRunning(relay))
    clock.advance(1 + IDLE_MS_MAX / 4)
    t.is(await first.far.drained(), 'ECONNRESET')
    t.deepEqual(await relay.done, { firstToSecond: 2, secondToFirst: 1, end: 'idle' })
  })
}

/** What test/full/relay.full.ts does with 1,000. */
function seedTests(test: TestFn, makeEngine: () => RelayEngine): void {
  // Alone: it looks at what the whole process holds.
  test.serial(
    'half-closes, resets, aborts and other rates at any moment, by seed: octets and ends are equal, nothing is left open',
    async (t) => {
      await runRelays(t, makeEngine(), makeRelayPlans(60, seedOf(t), 300_000))
    },
  )
}
