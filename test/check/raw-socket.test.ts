// Goal: a probe sees exactly what a peer sent, in how many pieces, and how it ended.
// Method: a peer of a few lines at the other end of a real connection, and a clock that stands still.

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { type RawSocket, Sockets } from '../../src/check/raw-socket.ts'
import { FakeClock } from '../helpers/fake-clock.ts'

const signal = new AbortController().signal

async function connectPair(t: ExecutionContext): Promise<{ ours: RawSocket; theirs: Socket; clock: FakeClock; sockets: Sockets }> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const clock = new FakeClock()
  const sockets = new Sockets(clock)
  const accepted = once(server, 'connection')
  const ours = await sockets.connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, signal)
  const [theirs] = (await accepted) as [Socket]
  theirs.on('error', () => {})
  t.teardown(() => theirs.destroy())
  return { ours, theirs, clock, sockets }
}

test('octets come as they were wanted, the rest stays', async (t) => {
  const { ours, theirs } = await connectPair(t)
  theirs.write('abcdef')
  t.deepEqual(await ours.read(4, 1_000), { octets: Buffer.from('abcd'), pieces: 1, ending: undefined })
  t.is(ours.waitingBytes, 2)
  t.deepEqual(await ours.read(2, 1_000), { octets: Buffer.from('ef'), pieces: 1, ending: undefined })
})

test('pieces are counted', async (t) => {
  const { ours, theirs } = await connectPair(t)
  const reading = ours.read(4, 1_000)
  theirs.write('ab')
  while (ours.waitingBytes < 2) await new Promise((resolve) => setImmediate(resolve))
  theirs.write('cd')
  t.deepEqual(await reading, { octets: Buffer.from('abcd'), pieces: 2, ending: undefined })
})

test('an end behind octets is told with them, and our side stays open', async (t) => {
  const { ours, theirs } = await connectPair(t)
  theirs.end('abc')
  t.deepEqual(await ours.read(4, 1_000), { octets: Buffer.from('abc'), pieces: 1, ending: 'end' })
  t.true(ours.isOver)
  ours.send(Buffer.from('still'))
  const [said] = await once(theirs, 'data')
  t.is(String(said), 'still')
})

test('a reset is no end', async (t) => {
  const { ours, theirs } = await connectPair(t)
  theirs.resetAndDestroy()
  t.is((await ours.read(1, 1_000)).ending, 'reset')
})

test('a peer that says nothing is quiet after the time, which begins again with each piece', async (t) => {
  const { ours, theirs, clock } = await connectPair(t)
  const reading = ours.read(4, 1_000)
  clock.advance(999)
  theirs.write('ab')
  while (ours.waitingBytes < 2) await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  clock.advance(999)
  t.is(ours.waitingBytes, 2)
  clock.advance(1)
  t.deepEqual(await reading, { octets: Buffer.from('ab'), pieces: 1, ending: 'quiet' })
})

test('a peer that sends without end is held up, and loses nothing by it', async (t) => {
  const { ours, theirs } = await connectPair(t)
  const sent = Buffer.alloc(32 * 1024 * 1024, 'streamhost')
  theirs.end(sent)
  const received: Buffer[] = []
  for (let bytes = 0; bytes < sent.length; bytes += received.at(-1)?.length ?? 0) {
    // As long as a probe that is busy elsewhere: what there is has time to come.
    for (let turns = 0; turns < 200; turns++) await new Promise((resolve) => setImmediate(resolve))
    t.true(ours.waitingBytes < 2 * 1024 * 1024, `${ours.waitingBytes} octets are held`)
    const { octets } = await ours.read(512 * 1024, 1_000)
    received.push(octets)
  }
  t.true(Buffer.concat(received).equals(sent))
  t.is((await ours.read(1, 1_000)).ending, 'end')
})

test('no socket outlives its probe', async (t) => {
  const { theirs, sockets } = await connectPair(t)
  const over = once(theirs, 'end')
  theirs.resume()
  sockets[Symbol.dispose]()
  await t.notThrowsAsync(over)
})

test('a host that cannot be reached, or a caller that gives up, is an error', async (t) => {
  const sockets = new Sockets(new FakeClock())
  await t.throwsAsync(sockets.connect({ host: '127.0.0.1', port: 1 }, signal), {
    code: 'ERR_UNREACHABLE',
    message: /^127\.0\.0\.1:1 cannot be reached: /,
  })
  await t.throwsAsync(sockets.connect({ host: '127.0.0.1', port: 1 }, AbortSignal.abort()), { code: 'ERR_ABORTED' })
})
