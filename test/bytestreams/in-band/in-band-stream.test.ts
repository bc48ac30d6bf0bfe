import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import type { InBandStream } from '../../../src/bytestreams/in-band/in-band-stream.ts'
import { BytestreamError, type ErrorCode } from '../../../src/core/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { readAll } from '../../helpers/in-band.ts'
import { InBandLink } from '../../helpers/in-band-link.ts'
import { settle } from '../../helpers/settle.ts'

// Method: two ends without a session between them; what one says arrives when the test lets it.

function setScene(blockSize = 4096) {
  const clock = new FakeClock()
  const link = new InBandLink(clock, blockSize)
  const [one, other] = link.ends
  return { clock, link, one, other }
}

/** How a stream was broken off: the code of its error, `ERR_RESET` where it has none. */
const brokenBy = (t: ExecutionContext, stream: InBandStream, code: ErrorCode | undefined) => {
  t.true(stream.destroyed && stream.isReset)
  t.is((stream.errored as BytestreamError | null)?.code, code)
}

test('writes become blocks of at most the block size, numbered from 0 in each direction (XEP-0047 §2.2, §3)', async (t) => {
  const { link, one, other } = setScene(10)
  one.write(Buffer.alloc(25))
  other.write(Buffer.alloc(11))
  const [heard, answered] = [readAll(other), readAll(one)]
  one.end()
  other.end()
  await link.deliverAll()
  const blocks = link.log.filter(({ what }) => what === 'block')
  t.deepEqual(
    blocks.filter(({ side }) => side === 0).map(({ detail }) => detail),
    [0, 1, 2],
  )
  t.deepEqual(
    blocks.filter(({ side }) => side === 1).map(({ detail }) => detail),
    [0, 1],
  )
  t.is((await heard).length, 25)
  t.is((await answered).length, 11)
})

test('after block 65535 comes block 0 (XEP-0047 §2.2)', async (t) => {
  const { link, one, other } = setScene(1)
  const octets = randomBytes(65_540)
  const heard = readAll(other)
  one.end(octets)
  other.end()
  await link.deliverAll()
  t.true((await heard).equals(octets))
  const numbers = link.log.filter(({ what }) => what === 'block').map(({ detail }) => detail)
  t.deepEqual(numbers.slice(65_533), [65_533, 65_534, 65_535, 0, 1, 2, 3])
  t.deepEqual([one.isReset, other.isReset], [false, false])
})

const breaks = test.macro({
  async exec(t, seq: number, size: number, code: ErrorCode) {
    const { link, one, other } = setScene(10)
    one.write(Buffer.alloc(20))
    await link.deliverAll()
    t.is(await link.forge(0, seq, Buffer.alloc(size)), code)
    brokenBy(t, other, code)
    t.is(other.bytes.received, 20)
    await link.deliverAll()
    t.true(link.log.some(({ side, what }) => side === 1 && what === 'close'))
    // The other end hears a close, and that its own octets, if it has more, are not wanted.
    one.write('more')
    await link.deliverAll()
    brokenBy(t, one, 'ERR_RESET')
    t.deepEqual(link.isOver, [true, true])
  },
  title: (given) => `${given} breaks the bytestream, is not processed, and closes it (XEP-0047 §2.2)`,
})
test('a number that was used already', breaks, 1, 1, 'ERR_IN_BAND_SEQUENCE')
test('a number that leaves one out', breaks, 3, 1, 'ERR_IN_BAND_SEQUENCE')
test('a block larger than agreed', breaks, 2, 11, 'ERR_IN_BAND_DATA')

test('a block after the close breaks the bytestream', async (t) => {
  const { link, one, other } = setScene()
  one.end('all')
  const heard = readAll(other)
  await link.deliverAll()
  t.is((await heard).toString(), 'all')
  t.is(await link.forge(0, 1, Buffer.from('more')), 'ERR_BYTESTREAM_UNKNOWN')
  brokenBy(t, other, 'ERR_BYTESTREAM_UNKNOWN')
  await link.deliverAll()
  brokenBy(t, one, 'ERR_RESET')
})

for (const [blockSize, blocks] of [
  [1, 16],
  [4096, 16],
  [16_384, 4],
  [65_535, 1],
] as const) {
  test(`no more than ${blocks} blocks of ${blockSize} octets are without an answer`, async (t) => {
    const { link, one, other } = setScene(blockSize)
    other.resume()
    one.end(Buffer.alloc(blockSize * 60))
    other.end()
    await link.deliverAll()
    t.is(other.bytes.received, blockSize * 60)
    t.is(link.unansweredPeak[0], blocks)
  })
}

test('nothing more is sent while nothing is answered, and the writer waits', async (t) => {
  const { link, one } = setScene()
  let hasLeft = false
  one.write(Buffer.alloc(4096 * 3), () => {
    hasLeft = true
  })
  t.false(one.write(Buffer.alloc(64 * 1024)))
  await settle()
  t.is(link.log.length, 2)
  t.false(hasLeft)
})

test('answers are withheld while 64 KiB are unread, until the reader takes some', async (t) => {
  const { link, one, other } = setScene()
  one.write(Buffer.alloc(1024 * 1024))
  await link.deliverAll()
  const held = other.readableLength
  t.true(held >= 64 * 1024 && held <= 128 * 1024, `${held}`)
  t.is(link.unanswered[0], link.unansweredPeak[0])
  other.read()
  await link.deliverAll()
  t.true(other.bytes.received > held)
  other.resume()
  await link.deliverAll()
  t.is(one.bytes.sent, 1024 * 1024)
})

test('the end of a peer is answered although nobody reads it', async (t) => {
  const { link, one, other } = setScene()
  const seqs = Array.from({ length: 32 }, (_, seq) => seq)
  const answers = Promise.all(seqs.map((seq) => link.forge(0, seq, Buffer.alloc(4096))))
  const closed = other.receiveClose()
  t.deepEqual([...new Set(await answers)], [undefined])
  other.end()
  await closed
  t.is(other.readableLength, 32 * 4096)
  t.is((await readAll(other)).length, 32 * 4096)
  t.false(other.isReset)
  one.destroy()
})

test('a peer that does not wait for answers is cut off at 1 MiB unread', async (t) => {
  const { link, other } = setScene(4096)
  const flood = Array.from({ length: 257 }, (_, seq) => link.forge(0, seq, Buffer.alloc(4096)))
  const answers = await Promise.all(flood)
  t.is(answers.filter((code) => code === undefined).length, 15)
  t.is(answers.at(-1), 'ERR_LIMIT_READ_AHEAD')
  brokenBy(t, other, 'ERR_LIMIT_READ_AHEAD')
  t.is(other.bytes.received, 256 * 4096)
})

test('or at 1,024 answers withheld, however small its blocks', async (t) => {
  const { link, other } = setScene(65_535)
  await link.forge(0, 0, Buffer.alloc(65_535))
  const flood = Array.from({ length: 1_025 }, (_, index) => link.forge(0, index + 1, Buffer.alloc(1)))
  t.is((await Promise.all(flood)).at(-1), 'ERR_LIMIT_READ_AHEAD')
  brokenBy(t, other, 'ERR_LIMIT_READ_AHEAD')
})

test('blocks without an octet are answered, and take no room', async (t) => {
  const { link, other } = setScene()
  for (let seq = 0; seq < 3_000; seq++) t.is(await link.forge(0, seq, Buffer.alloc(0)), undefined)
  t.is(other.readableLength, 0)
  t.false(other.destroyed)
})

test('a peer that answers nothing for 5 minutes is given up; then its answer to the close has 30 s', async (t) => {
  const { clock, link, one } = setScene()
  one.write('octets')
  await settle()
  clock.advance(299_999)
  t.false(one.destroyed)
  clock.advance(1)
  brokenBy(t, one, 'ERR_TIMEOUT')
  t.is(link.log.at(-1)?.what, 'close')
  clock.advance(29_999)
  t.false(link.isOver[0])
  clock.advance(1)
  t.true(link.isOver[0])
  t.is(clock.waiting, 0)
})

test('each answer, and each block that comes, begins the 5 minutes anew', async (t) => {
  const { clock, link, one, other } = setScene(1)
  other.resume()
  one.write('abcdef')
  for (let minutes = 0; minutes < 24; minutes += 4) {
    clock.advance(240_000)
    link.deliver(0)
    await settle()
    link.deliver(1)
    await settle()
  }
  t.false(one.destroyed)
  await link.deliverAll()
  t.is(one.bytes.sent, 6)
  t.false(one.destroyed)
  one.end()
  await settle()
  for (let seq = 0; seq < 6; seq++) {
    clock.advance(240_000)
    await link.forge(1, seq, Buffer.from('x'))
  }
  t.false(one.destroyed, 'the close may wait while octets come back')
  clock.advance(300_000)
  brokenBy(t, one, 'ERR_TIMEOUT')
})

test('a bytestream from which nothing is due may rest for hours', async (t) => {
  const { clock, link, one, other } = setScene()
  other.resume()
  one.write('octets')
  await link.deliverAll()
  clock.advance(24 * 3_600_000)
  t.false(one.destroyed)
  one.write('more')
  await settle()
  clock.advance(299_999)
  t.false(one.destroyed)
  await link.deliverAll()
  t.is(one.bytes.sent, 10)
})

test('the close follows the answer to the last block, and is answered when the other side has ended, too (XEP-0047 §2.3)', async (t) => {
  const { link, one, other } = setScene()
  let isFinished = false
  one.end('question', () => {
    isFinished = true
  })
  await settle()
  t.deepEqual(
    link.log.map(({ what }) => what),
    ['block'],
  )
  const heard = readAll(other)
  await link.deliverAll()
  t.is((await heard).toString(), 'question')
  t.false(isFinished)
  const answer = readAll(one)
  other.write('answer')
  await link.deliverAll()
  t.false(isFinished)
  other.end()
  await link.deliverAll()
  t.is((await answer).toString(), 'answer')
  t.true(isFinished)
  t.deepEqual([one.isReset, other.isReset, one.closed, other.closed], [false, false, true, true])
})

test('a reader that never wrote answers a close without one of its own (XEP-0047 §2.3)', async (t) => {
  const { link, one, other } = setScene()
  one.end('all')
  one.resume()
  other.resume().once('end', () => other.end())
  await link.deliverAll()
  t.deepEqual(
    link.log.map(({ side, what }) => [side, what]),
    [
      [0, 'block'],
      [1, 'result'],
      [0, 'close'],
      [1, 'result'],
    ],
  )
  t.deepEqual([one.closed, other.closed, one.isReset], [true, true, false])
})

test('closes that cross are both answered', async (t) => {
  const { link, one, other } = setScene()
  one.resume()
  other.resume()
  one.end()
  other.end()
  await link.deliverAll()
  t.deepEqual(
    link.log.map(({ what }) => what),
    ['close', 'close', 'result', 'result'],
  )
  t.deepEqual([one.isReset, other.isReset, ...link.isOver], [false, false, true, true])
})

test('a peer that has forgotten the bytestream has closed it as well (XEP-0047 §2.3)', async (t) => {
  const { link, one, other } = setScene()
  one.resume()
  other.resume()
  one.write('all')
  await link.deliverAll()
  link.isOver[1] = true
  one.end()
  await link.deliverAll()
  t.deepEqual([one.closed, one.isReset, link.isOver[0]], [true, false, true])
})

test('a sender whose octets were thrown away hears of no proper end, whether it had ended or not', async (t) => {
  for (const hasEnded of [true, false]) {
    const { link, one, other } = setScene()
    one.write('all')
    await link.deliverAll()
    if (hasEnded) one.end()
    let hasHeardEnd = false
    one.resume().once('end', () => {
      hasHeardEnd = true
    })
    other.reset()
    await settle()
    if (!hasEnded) {
      await link.deliverAll()
      one.end()
    }
    await link.deliverAll()
    brokenBy(t, one, 'ERR_RESET')
    t.is(hasHeardEnd, !hasEnded, 'who has ended hears only of the answer')
    t.deepEqual(link.isOver, [true, true])
  }
})

test('what waits for an answer is refused when the reader breaks off', async (t) => {
  const { link, one, other } = setScene()
  one.end(Buffer.alloc(512 * 1024))
  await link.deliverAll()
  other.reset()
  await link.deliverAll()
  brokenBy(t, one, 'ERR_RESET')
  t.true(link.log.some(({ side, what, detail }) => side === 1 && what === 'error' && detail === 'ERR_IN_BAND_REFUSED'))
})

test('whoever leaves after its own close leaves properly', async (t) => {
  const { link, one, other } = setScene()
  one.write('all')
  await link.deliverAll()
  other.end()
  await settle()
  other.destroy()
  t.false(other.isReset)
  one.resume().end()
  await link.deliverAll()
  t.deepEqual([one.isReset, one.closed, ...link.isOver], [false, true, true, true])
})

test('a lost session breaks it off without a word, and whoever writes hears why', async (t) => {
  const { clock, link, one } = setScene()
  const failed = new Promise<Error | null | undefined>((resolve) => void one.write(Buffer.alloc(256 * 1024), resolve))
  const ended = new Promise<Error | null | undefined>((resolve) => one.end(resolve))
  await settle()
  const said = link.log.length
  one.lose(new BytestreamError('ERR_SESSION_CLOSED', ''))
  t.like(await failed, { code: 'ERR_SESSION_CLOSED' })
  t.truthy(await ended)
  brokenBy(t, one, 'ERR_SESSION_CLOSED')
  t.deepEqual([link.log.length, link.isOver[0], clock.waiting], [said, true, 0])
})

test('what was closed by both sides can be read to its end, although the session is lost meanwhile', async (t) => {
  const { link, one, other } = setScene()
  one.end('all')
  other.end()
  await link.deliverAll()
  other.lose(new BytestreamError('ERR_SESSION_CLOSED', ''))
  t.is((await readAll(other)).toString(), 'all')
  t.false(other.isReset)
})

test('a reset breaks off at once, and tells no error', async (t) => {
  const { clock, link, one, other } = setScene()
  let error: unknown
  one.on('error', (thrown) => {
    error = thrown
  })
  other.resume().once('end', () => other.end())
  one.write('octets')
  one.reset()
  one.reset()
  await link.deliverAll()
  t.is(error, undefined)
  t.deepEqual([one.isReset, link.isOver[0], clock.waiting], [true, true, 0])
  t.is(link.log.filter(({ what }) => what === 'close').length, 1)
})
