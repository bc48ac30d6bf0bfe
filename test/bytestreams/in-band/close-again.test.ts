import test from 'ava'
import { InBandStream, type InBandWire } from '../../../src/bytestreams/in-band/in-band-stream.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { stanzaError } from '../../helpers/scripted-session.ts'
import { settle } from '../../helpers/settle.ts'

// Goal: a peer that answers no close (libpurple) holds nobody up, and one that asks twice hears the same twice.
// Method: one end without its stanzas, whose peer is the test.

/** One end; `closes` holds what it asks to close with. */
function start() {
  const clock = new FakeClock()
  const closes: { readonly answer: () => void; readonly refuse: (error: Error) => void }[] = []
  const wire: InBandWire = {
    sendBlock: async () => {},
    sendClose: () =>
      new Promise<void>((answer, refuse) => {
        closes.push({ answer, refuse })
      }),
  }
  let isOver = false
  const onOver = () => {
    isOver = true
  }
  const stream = new InBandStream(clock, { blockSize: 4096, wire, onOver })
  stream.on('error', () => {})
  return { clock, stream, closes, isOver: () => isOver }
}

test('a close nobody answers is sent once more after 5 s, and item-not-found is an answer (XEP-0047 §2.3)', async (t) => {
  const { clock, stream, closes, isOver } = start()
  stream.end('octets')
  stream.resume()
  await settle()
  t.is(closes.length, 1)
  clock.advance(4_999)
  t.is(closes.length, 1)
  clock.advance(1)
  t.is(closes.length, 2)
  closes[1]?.refuse(stanzaError('item-not-found'))
  await settle()
  t.deepEqual([isOver(), stream.writableFinished, stream.isReset, clock.waiting], [true, true, false, 0])
  // What the first one comes to does not matter any more.
  closes[0]?.refuse(stanzaError('service-unavailable'))
  await settle()
  t.is(stream.errored, null)
})

test('a close that is answered in time is sent once', async (t) => {
  const { clock, stream, closes } = start()
  stream.end('octets')
  stream.resume()
  await settle()
  closes[0]?.answer()
  await settle()
  t.is(clock.waiting, 0)
  clock.advance(60_000)
  t.is(closes.length, 1)
})

test('a second close that is refused breaks the bytestream, as the first one would', async (t) => {
  const { clock, stream, closes } = start()
  stream.end('octets')
  await settle()
  clock.advance(5_000)
  closes[1]?.refuse(stanzaError('not-acceptable'))
  await settle()
  t.deepEqual([stream.isReset, stream.destroyed, clock.waiting], [true, true, 0])
})

test('a peer that asks twice hears the same twice, when there is something to hear', async (t) => {
  for (const isWell of [true, false]) {
    const { stream } = start()
    const outcomes: string[] = []
    for (let times = 0; times < 2; times++) {
      stream.receiveClose().then(
        () => outcomes.push('closed'),
        ({ code }) => outcomes.push(code),
      )
    }
    await settle()
    t.deepEqual(outcomes, [])
    if (isWell) stream.end()
    else stream.reset()
    stream.resume()
    await settle()
    t.deepEqual(outcomes, isWell ? ['closed', 'closed'] : ['ERR_IN_BAND_REFUSED', 'ERR_IN_BAND_REFUSED'])
  }
})

test('a peer that asks a third time breaks the bytestream off', async (t) => {
  const { stream } = start()
  const asked = [1, 2, 3].map(() => t.throwsAsync(stream.receiveClose()))
  const [first, second, third] = await Promise.all(asked)
  t.like(first, { code: 'ERR_IN_BAND_REFUSED' })
  t.like(second, { code: 'ERR_IN_BAND_REFUSED' })
  t.like(third, { code: 'ERR_BYTESTREAM_UNKNOWN' })
  t.true(stream.isReset)
})
