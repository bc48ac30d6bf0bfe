import { randomBytes } from 'node:crypto'
import { activate, difference, exchange, openActivePair, openPair } from './contact.ts'
import { type Finding, failed, type Probe, type ProbeContext, passed, warning } from './probe.ts'
import type { RawSocket } from './raw-socket.ts'

const NEEDS = ['both-ways'] as const
const FEW_BYTES = 200

const bothWays: Probe = {
  id: 'both-ways',
  proves: 'octets go both ways on one bytestream',
  section: '§10.1',
  remedy: 'Tunnels, and clients that answer on the stream, cannot work here. This is a fault of the proxy itself.',
  needs: ['target-first'],
  scope: 'one',
  async run(context) {
    const wrong = await exchange(context, await openActivePair(context))
    return wrong ? failed(wrong) : passed('octets went both ways')
  },
}

const early: Probe = {
  id: 'early',
  proves: 'octets sent before the activation are delivered after it, in order',
  section: '§10.1',
  remedy:
    "libpurple's sender does not wait for the activation: the beginning of its files is lost here. XEP-0065 §10.1 would have early octets ignored; no client relies on that.",
  needs: NEEDS,
  scope: 'one',
  async run(context) {
    const pair = await openPair(context)
    const [one, other] = [randomBytes(FEW_BYTES), randomBytes(FEW_BYTES)]
    pair.first.send(one)
    pair.second.send(other)
    await activate(context, pair)
    const wrong = (await difference(context, pair.second, one)) ?? (await difference(context, pair.first, other))
    if (!wrong) return passed('delivered')
    return wrong.startsWith('0 of') && !(await exchange(context, pair)) ? warning('ignored') : failed(wrong)
  },
}

/** Ends one direction, and expects the other to go on until it is ended too. */
async function halfClose(context: ProbeContext, one: RawSocket, other: RawSocket): Promise<Finding> {
  const { quietMsMax } = context.timings
  const [there, back] = [randomBytes(FEW_BYTES), randomBytes(FEW_BYTES)]
  one.send(there)
  one.end()
  const wrong = await difference(context, other, there)
  if (wrong) return failed(`before the end ${wrong}`)
  const { ending } = await other.read(1, quietMsMax)
  if (ending !== 'end') return failed(ending === 'reset' ? 'the end came as a broken connection' : 'the end was not passed on')
  other.send(back)
  other.end()
  const lost = await difference(context, one, back)
  if (lost) return failed(`after the end of one direction, of the other ${lost}`)
  const last = await one.read(1, quietMsMax)
  return last.ending === 'end' ? passed('the other direction went on') : failed('the end of the other direction was not passed on')
}

const HALF_CLOSE_REMEDY =
  'What is still under way in the other direction is lost when one side has finished: answers on the stream, tunnels, and senders that half-close. This is a fault of the proxy itself; only another proxy helps.'

const halfCloseFirst: Probe = {
  id: 'half-close-first',
  proves: 'when the first socket ends its direction, the other goes on',
  section: 'RFC 9293 §3.6',
  remedy: HALF_CLOSE_REMEDY,
  needs: NEEDS,
  scope: 'one',
  async run(context) {
    const { first, second } = await openActivePair(context)
    return halfClose(context, first, second)
  },
}

const halfCloseSecond: Probe = {
  id: 'half-close-second',
  proves: 'when the second socket ends its direction, the other goes on',
  section: 'RFC 9293 §3.6',
  remedy: HALF_CLOSE_REMEDY,
  needs: NEEDS,
  scope: 'one',
  async run(context) {
    const { first, second } = await openActivePair(context)
    return halfClose(context, second, first)
  },
}

/** Around the sizes of read buffers and of buckets of shapers. */
const BURST_BYTES: readonly number[] = [1, 4_095, 4_096, 4_097, 5_000, 16_385, 50_000, 65_537, 131_073, 262_145]

/** Milliseconds that a burst may take if a larger one is to follow: a proxy that shapes its traffic is not withholding it. */
const BURST_MS_MAX = 1_000

/** Sends bursts, each awaited whole before the next. @returns what is wrong with one, or the size of the last */
async function bursts({ clock, timings: { quietMsMax } }: ProbeContext, from: RawSocket, to: RawSocket): Promise<string | number> {
  let last = 0
  for (const size of BURST_BYTES) {
    const burst = randomBytes(size)
    const startedMs = clock.now()
    from.send(burst)
    const { octets, ending } = await to.read(size, quietMsMax)
    if (!octets.equals(burst.subarray(0, octets.length)))
      return `of a burst of ${size} octets ${octets.length} arrived, and not those that were sent`
    if (octets.length < size) {
      if (ending !== 'quiet') return `of a burst of ${size} octets ${octets.length} arrived, then the end`
      // Is the rest lost, or does it wait for something to push it?
      from.send(Buffer.of(0))
      const rest = await to.read(size - octets.length, quietMsMax)
      const isWhole = Buffer.concat([octets, rest.octets]).equals(burst)
      return `of a burst of ${size} octets the last ${size - octets.length} ${isWhole ? 'came only behind the next octet' : 'were lost'}`
    }
    last = size
    if (clock.now() - startedMs > BURST_MS_MAX) break
  }
  return last
}

const burstEnd: Probe = {
  id: 'burst-end',
  proves: 'the end of a burst arrives without further traffic behind it, whatever its size',
  section: '§6.3.5',
  remedy:
    'Transfers hang at the end while the sender waits for the receiver: no answer comes to what has not arrived. This is a fault of the proxy itself; only another proxy helps.',
  needs: NEEDS,
  scope: 'one',
  async run(context) {
    const { first, second } = await openActivePair(context)
    const there = await bursts(context, first, second)
    if (typeof there === 'string') return failed(there)
    const back = await bursts(context, second, first)
    return typeof back === 'string' ? failed(back) : passed(`bursts up to ${Math.min(there, back)} octets arrived whole`)
  },
}

export const relayProbes: readonly Probe[] = [bothWays, early, halfCloseFirst, halfCloseSecond, burstEnd]
