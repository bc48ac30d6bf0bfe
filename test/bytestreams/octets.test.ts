// Goal: octets that are taken straight from a socket are those that a stream would have given, with its back-pressure and its ends.
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { type Bytestream, openBytestream } from '../../src/bytestreams/bytestream.ts'
import { ContentBuffers, systemClock } from '../../src/core/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { type Link, openLink } from '../helpers/link.ts'
import { Peer, until } from '../helpers/peer.ts'
import { socketPair } from '../helpers/socket-pair.ts'

const BUFFER_BYTES = 1024 * 1024
const SMALL_BYTES = 64 * 1024
/** More than the kernel takes for a reader that has stopped. */
const FLOOD_BYTES = 64 * 2 ** 20

interface Ends {
  readonly bytestream: Bytestream & Required<Pick<Bytestream, 'octets'>>
  readonly far: Peer
}

/** As a direct bytestream has one that was accepted, and one through a proxy one that has connected. */
async function openLinkBy(t: ExecutionContext, way: 'accepted' | 'connected'): Promise<Link> {
  if (way === 'accepted') return openLink(t)
  const { accepted, connected } = await socketPair(t, { allowHalfOpen: true })
  return { near: connected.pause(), far: new Peer(accepted) }
}

async function open(t: ExecutionContext, way: 'accepted' | 'connected' = 'accepted'): Promise<Ends> {
  const { near, far } = await openLinkBy(t, way)
  const facts = {
    sid: 'sid',
    peer: 'juliet@example.org/a',
    method: 'direct',
    streamhost: { jid: 'a', host: 'b', port: 1 },
    dstAddr: '',
  } as const
  const bytestream = openBytestream(near, facts) as Ends['bytestream']
  t.teardown(() => bytestream.stream.destroy())
  return { bytestream, far }
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate)
}

/** Everything there is; each buffer is looked at when its reader is through with it. */
async function readAll(octets: AsyncGenerator<Buffer, void>, pause = async () => {}): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of octets) {
    await pause()
    pieces.push(Buffer.from(piece))
  }
  return Buffer.concat(pieces)
}

/** Octets that Node has read of the connection. */
const bytesRead = ({ stream }: Bytestream) => (stream as Socket).bytesRead

/** As when 16 others are under way. */
function withSmallBuffers(t: ExecutionContext): void {
  for (let file = 0; file < 16; file += 1) {
    const others = new ContentBuffers(BUFFER_BYTES)
    t.teardown(() => others[Symbol.dispose]())
  }
}

/** Octets that are written at once, and turns of the event loop until the next. */
const pieces = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 * SMALL_BYTES }), fc.nat(3)), { maxLength: 8 })

for (const size of ['large', 'small'] as const) {
  test.serial(
    `whatever pieces come, however slowly they are read, octets are the same, in ${size} buffers; what comes behind them is in the stream`,
    async (t) => {
      if (size === 'small') withSmallBuffers(t)
      await fc.assert(
        fc.asyncProperty(pieces, pieces, fc.nat(4), fc.nat(2), async (before, behind, slow, early) => {
          const { bytestream, far } = await open(t)
          const sizeOf = (part: typeof before) => part.reduce((sum, [bytes]) => sum + bytes, 0)
          const [wanted, rest] = [sizeOf(before), sizeOf(behind)]
          const content = randomBytes(wanted + rest)
          const sending = (async () => {
            let at = 0
            for (const [bytes, wait] of [...before, ...behind]) {
              far.write(content.subarray(at, at + bytes))
              at += bytes
              await turns(wait)
            }
            far.end()
          })()
          await turns(early * 3)
          const heard = await readAll(bytestream.octets(wanted, systemClock), () => turns(slow))
          await sending
          t.true(heard.equals(content.subarray(0, wanted)))
          const others: Buffer[] = []
          for await (const piece of bytestream.stream.iterator({ destroyOnReturn: false })) others.push(piece as Buffer)
          t.true(Buffer.concat(others).equals(content.subarray(wanted)))
          bytestream.stream.end()
          t.deepEqual(await bytestream.totals, { received: wanted + rest, sent: 0, end: 'closed' })
        }),
        { numRuns: 60 },
      )
    },
  )
}

test.serial('many buffers full, one behind the other, are read whole', async (t) => {
  const { bytestream, far } = await open(t)
  const content = randomBytes(10 * BUFFER_BYTES + 1)
  far.write(content)
  const sizes: number[] = []
  const heard = await readAll(
    (async function* () {
      for await (const piece of bytestream.octets(content.length, systemClock)) {
        sizes.push(piece.length)
        yield piece
      }
    })(),
  )
  t.true(heard.equals(content))
  t.true(sizes.every((bytes) => bytes <= BUFFER_BYTES))
  // It is the full ones that save the time.
  t.true(sizes.filter((bytes) => bytes === BUFFER_BYTES).length >= 5, `${sizes}`)
})

test('while its reader has one buffer, no more is read than fits into the other', async (t) => {
  const { bytestream, far } = await open(t)
  far.write(Buffer.alloc(FLOOD_BYTES, 'x'))
  const octets = bytestream.octets(FLOOD_BYTES, systemClock)
  const first = (await octets.next()).value as Buffer
  const stands = async () => {
    const before = bytesRead(bytestream)
    await turns(100)
    return bytesRead(bytestream) === before
  }
  while (!(await stands())) t.pass()
  t.true(bytesRead(bytestream) <= 2 * BUFFER_BYTES)
  t.true(far.socket.writableLength > 0)
  t.is((await readAll(octets)).length, FLOOD_BYTES - first.length)
})

test('few octets wait a moment for more, and no longer', async (t) => {
  const { bytestream, far } = await open(t)
  const clock = new FakeClock()
  const octets = bytestream.octets(BUFFER_BYTES, clock)
  far.write('first')
  let isThere = false
  const next = octets.next().finally(() => {
    isThere = true
  })
  await until(() => clock.waiting > 0)
  far.write(', second')
  await until(() => bytesRead(bytestream) === 13)
  clock.advance(49)
  await turns(3)
  t.false(isThere)
  clock.advance(1)
  t.is(`${(await next).value}`, 'first, second')
  t.is(clock.waiting, 0)
  far.write('third')
  const another = octets.next()
  await until(() => clock.waiting > 0)
  clock.advance(50)
  t.is(`${(await another).value}`, 'third')
  await octets.return()
})

test('octets end with the stream, while the other direction flows on', async (t) => {
  const { bytestream, far } = await open(t)
  far.write('half')
  far.end()
  t.is(`${await readAll(bytestream.octets(100, systemClock))}`, 'half')
  bytestream.stream.end('answer')
  t.is(`${await far.readAll()}`, 'answer')
  t.deepEqual(await bytestream.totals, { received: 4, sent: 6, end: 'closed' })
})

test('whoever has ended its own direction before, is closed when the other has ended, too', async (t) => {
  const { bytestream, far } = await open(t)
  bytestream.stream.end('all there is')
  t.is(`${await far.readAll()}`, 'all there is')
  const heard = readAll(bytestream.octets(100, systemClock))
  far.write('answer')
  far.end()
  t.is(`${await heard}`, 'answer')
  t.deepEqual(await bytestream.totals, { received: 6, sent: 12, end: 'closed' })
})

test('what was written before is sent whole, however slow the other side takes it', async (t) => {
  const { bytestream, far } = await open(t)
  const content = randomBytes(FLOOD_BYTES)
  bytestream.stream.write(content)
  far.write('begin')
  const heard = readAll(bytestream.octets(5, systemClock))
  t.true((await far.read(FLOOD_BYTES)).equals(content))
  t.is(`${await heard}`, 'begin')
})

for (const bytes of [0, 10, SMALL_BYTES + 10, BUFFER_BYTES + 10]) {
  test(`a reset behind ${bytes} octets is told behind them`, async (t) => {
    const { bytestream, far } = await open(t)
    const content = randomBytes(bytes)
    const heard: Buffer[] = []
    const reading = (async () => {
      for await (const piece of bytestream.octets(3 * BUFFER_BYTES, systemClock)) heard.push(Buffer.from(piece))
    })()
    if (bytes > 0) await new Promise((resolve) => far.socket.write(content, resolve))
    await until(() => bytesRead(bytestream) === bytes)
    far.reset()
    await t.throwsAsync(reading, { code: 'ECONNRESET' })
    t.true(Buffer.concat(heard).equals(content))
    t.like(await bytestream.totals, { received: bytes, end: 'reset' })
    t.is((bytestream.stream.errored as NodeJS.ErrnoException).code, 'ECONNRESET')
  })
}

test('octets with a reset right behind them are a reset, also where the reader has not looked in between', async (t) => {
  const { bytestream, far } = await open(t)
  const octets = bytestream.octets(BUFFER_BYTES, systemClock)
  far.write('some')
  t.is(`${(await octets.next()).value}`, 'some')
  const next = octets.next()
  far.write('more')
  far.socket.resetAndDestroy()
  t.is(`${(await next).value}`, 'more')
  await t.throwsAsync(octets.next(), { code: 'ECONNRESET' })
})

test('a reset on our side ends the reading, and is told to the other', async (t) => {
  const { bytestream, far } = await open(t)
  const octets = bytestream.octets(BUFFER_BYTES, systemClock)
  far.write('some')
  t.is(`${(await octets.next()).value}`, 'some')
  const next = octets.next()
  bytestream.reset()
  await t.throwsAsync(next)
  t.is(await far.drained(), 'ECONNRESET')
  t.like(await bytestream.totals, { received: 4, end: 'reset' })
})

test('a bytestream that was broken before has none', async (t) => {
  const { bytestream } = await open(t)
  bytestream.reset()
  await t.throwsAsync(bytestream.octets(1, systemClock).next())
  t.is((await bytestream.totals).end, 'reset')
})

test('of none that are wanted nothing is waited for', async (t) => {
  const { bytestream, far } = await open(t)
  far.write('behind')
  t.is((await readAll(bytestream.octets(0, systemClock))).length, 0)
  bytestream.stream.read(0)
  await until(() => bytestream.stream.readableLength === 6)
  t.is(`${bytestream.stream.read()}`, 'behind')
})

for (const bytes of [10, BUFFER_BYTES, 2 * BUFFER_BYTES]) {
  test(`one octet behind ${bytes} that has come by then is in the stream at once`, async (t) => {
    const { bytestream, far } = await open(t)
    far.write(Buffer.alloc(bytes + 1, 'x'))
    let length = 0
    for await (const piece of bytestream.octets(bytes, systemClock)) {
      length += piece.length
      // As long as writing it would take; behind the last, until it has come.
      if (length < bytes) await turns(50)
      else await until(() => bytesRead(bytestream) === bytes + 1)
    }
    t.is(length, bytes)
    t.is(bytestream.stream.readableLength, 1)
  })
}

test('whoever stops in the midst reads no more, and nobody else gets the buffer the socket knows', async (t) => {
  const { bytestream, far } = await open(t)
  far.write('some')
  let buffer: ArrayBufferLike | undefined
  for await (const piece of bytestream.octets(BUFFER_BYTES, systemClock)) {
    buffer = piece.buffer
    break
  }
  for (let file = 0; file < 16; file += 1) {
    const others = new ContentBuffers(BUFFER_BYTES)
    t.teardown(() => others[Symbol.dispose]())
    t.not(others.at(0).buffer, buffer)
    t.not(others.at(1).buffer, buffer)
  }
  far.write('more')
  await turns(10)
  t.is(bytesRead(bytestream), 4)
  bytestream.stream.resume()
  const heard: Buffer[] = []
  bytestream.stream.on('data', (piece: Buffer) => heard.push(piece))
  await until(() => heard.length > 0)
  t.is(`${heard[0]}`, 'more')
})

// Before the others, which have some of these places at times.
test.serial('whoever stops at what came before the reading keeps no place among the large buffers', async (t) => {
  for (let file = 0; file < 16; file += 1) {
    const { bytestream, far } = await open(t)
    far.write('early')
    bytestream.stream.read(0)
    await until(() => bytestream.stream.readableLength > 0)
    for await (const piece of bytestream.octets(BUFFER_BYTES, systemClock)) {
      t.is(`${piece}`, 'early')
      break
    }
  }
  using buffers = new ContentBuffers(BUFFER_BYTES)
  t.is(buffers.bytes, BUFFER_BYTES)
})
