// Goal: every limit of a streamhost is reached; who is refused is told so, counted, and logged without a flood.
// Method: each limit is met three times, a minute of an injected clock before the third: the first and the third are lines
// at their level, the second is one at debug, and the third line knows of it.

import test, { type ExecutionContext } from 'ava'
import type { ErrorCode } from '../../src/core/index.ts'
import type { StreamhostLimits } from '../../src/streamhost/index.ts'
import { keepLines, type LogLine } from '../helpers/log-lines.ts'
import { connectPeer, type Peer, until } from '../helpers/peer.ts'
import { dstAddrOf, handshake, join, joinBoth, openStreamhost, replyOctets, type StreamhostStage } from '../helpers/streamhost.ts'

/** Reaches the limit once more, with a DST.ADDR that nobody had. @returns what the refused peer was told */
type Reach = (t: ExecutionContext, stage: StreamhostStage, turn: number) => Promise<string>

/** Longer than any test lets pass, where the deadline is not what is tested. */
const LONG_MS = 36_000_000
const patient = { handshakeMsMax: LONG_MS, waitingMsMax: LONG_MS }

async function arrive(t: ExecutionContext, { streamhost, ports }: StreamhostStage): Promise<Peer> {
  const { accepted } = streamhost.counters
  const peer = await connectPeer(t, ports[0])
  await until(() => streamhost.counters.accepted > accepted)
  return peer
}

/** The octets a peer was sent, and how its connection was over. */
async function lastWords(peer: Peer): Promise<string> {
  const octets = (await peer.readAll()).toString('hex')
  peer.end()
  return `${octets} ${await peer.closed}`
}

const closedUnanswered: Reach = async (t, stage) => lastWords(await arrive(t, stage))

/** Of two in their handshake the older goes; then the newcomer leaves too. */
const olderMakesWay: Reach = async (t, stage) => {
  const older = await arrive(t, stage)
  const newcomer = await arrive(t, stage)
  newcomer.end()
  await until(() => stage.streamhost.gauges().halfOpen === 0)
  return lastWords(older)
}

const refusedWith =
  (reply: number): Reach =>
  async (t, { ports }, turn) => {
    const peer = await connectPeer(t, ports[0])
    const octets = await handshake(peer, dstAddrOf(turn))
    t.deepEqual(octets, replyOctets(reply, dstAddrOf(turn)))
    return lastWords(peer)
  }

const reaches = test.macro({
  async exec(t, limits: Partial<StreamhostLimits>, code: ErrorCode, level: LogLine['level'], told: string, reach: Reach) {
    const { logger, lines } = keepLines()
    const stage = await openStreamhost(t, { limits: { ...patient, ...limits } }, logger)
    const { streamhost, clock, ports } = stage
    // Somebody is there already, and is not disturbed by any of it.
    const [one, other] = await joinBoth(t, ports[0], dstAddrOf(0))
    t.is(await reach(t, stage, 1), told)
    t.is(await reach(t, stage, 2), told)
    clock.advance(60_000)
    t.is(await reach(t, stage, 3), told)

    t.deepEqual(streamhost.counters.refusals, { [code]: 3 })
    t.deepEqual(
      lines.map(({ level: at, code: why, remoteAddress, suppressed }) => [at, why, remoteAddress, suppressed]),
      [
        [level, code, '127.0.0.1', 0],
        ['debug', code, '127.0.0.1', undefined],
        [level, code, '127.0.0.1', 1],
      ],
    )

    streamhost.activate(dstAddrOf(0))
    one.write('undisturbed')
    t.is(`${await other.read(11)}`, 'undisturbed')
  },
  title: (given) => `${given}: told, counted, and logged at most once a minute`,
})

test('open sockets', reaches, { openSocketsMax: 2 }, 'ERR_LIMIT_SOCKETS', 'warn', ' end', closedUnanswered)
test('open sockets of one source', reaches, { openPerSourceMax: 2 }, 'ERR_LIMIT_SOURCE_SOCKETS', 'warn', ' end', closedUnanswered)
test('handshakes', reaches, { halfOpenMax: 1 }, 'ERR_LIMIT_HALF_OPEN', 'warn', ' end', olderMakesWay)
test('handshakes of one source', reaches, { halfOpenPerSourceMax: 1 }, 'ERR_LIMIT_HALF_OPEN', 'warn', ' end', olderMakesWay)
test('waiting sockets', reaches, { waitingMax: 2 }, 'ERR_LIMIT_WAITING', 'warn', ' end', refusedWith(1))
test('the places of a DST.ADDR', reaches, {}, 'ERR_PLACES_TAKEN', 'info', ' end', async (t, { ports }) => {
  const peer = await connectPeer(t, ports[0])
  t.deepEqual(await handshake(peer, dstAddrOf(0)), replyOctets(2, dstAddrOf(0)))
  return lastWords(peer)
})
test('octets read ahead', reaches, { readAheadBytesMax: 10 }, 'ERR_LIMIT_READ_AHEAD', 'warn', ' ECONNRESET', async (t, stage, turn) => {
  const peer = await join(t, stage.ports[0], dstAddrOf(turn))
  peer.write('eleven octets')
  return lastWords(peer)
})
test('the time of a handshake', reaches, { handshakeMsMax: 500 }, 'ERR_HANDSHAKE_TIMEOUT', 'info', ' end', async (t, stage) => {
  const peer = await arrive(t, stage)
  stage.clock.advance(500)
  return lastWords(peer)
})
test('a malformed handshake', reaches, {}, 'ERR_SOCKS5_MALFORMED', 'info', ' end', async (t, stage) => {
  const peer = await arrive(t, stage)
  peer.write(Buffer.from([4]))
  return lastWords(peer)
})

test('the time of waiting: told, counted, and logged at most once a minute', async (t) => {
  const { logger, lines } = keepLines()
  const { streamhost, clock, ports } = await openStreamhost(t, { limits: { waitingMsMax: 500 } }, logger)
  for (const turn of [1, 2, 3]) {
    if (turn === 3) clock.advance(60_000)
    const [one, other] = await joinBoth(t, ports[0], dstAddrOf(turn))
    clock.advance(500)
    for (const peer of [one, other]) t.is(await lastWords(peer), ' ECONNRESET')
  }
  t.deepEqual(streamhost.counters.refusals, { ERR_TIMEOUT: 6 })
  t.deepEqual(
    lines.filter(({ level }) => level !== 'debug').map(({ level, code, suppressed, dstAddr }) => [level, code, suppressed, dstAddr]),
    [
      ['info', 'ERR_TIMEOUT', 0, dstAddrOf(1)],
      ['info', 'ERR_TIMEOUT', 3, dstAddrOf(3)],
    ],
  )
})
