// Goal: what our side of XEP-0260 does when the other side is not like ours: silent, slow, wrong, or another client.
// Method: a session on the embedded server; the test is the other side, word by word, with sockets of this machine.

import { once } from 'node:events'
import test from 'ava'
import { connectToStreamhost } from '../../../src/bytestreams/socks5/connect-streamhost.ts'
import { BytestreamError } from '../../../src/core/index.ts'
import { computeDstAddr, type DstAddr } from '../../../src/socks5/index.ts'
import { buildActivate, type JingleCandidate, type StreamhostAddress } from '../../../src/xep/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { readAll } from '../../helpers/in-band.ts'
import { playAgainst } from '../../helpers/jingle-wire.ts'
import { listenRaw } from '../../helpers/raw-socks5.ts'
import { settle } from '../../helpers/settle.ts'
import {
  candidateAt,
  here,
  hidden,
  isClosed,
  isRefused,
  listenSilent,
  offerOf,
  peerOf,
  respond,
  type Silent,
  setScene,
  socks5Of,
} from '../../helpers/socks5-scene.ts'

test('candidate-used that comes before the side has begun counts', async (t) => {
  const { romeo, juliet } = await setScene(t)
  const { side, say, infos } = await playAgainst(t, {
    role: 'responder',
    session: juliet,
    peer: romeo.jid,
    init: { ownHosts: here },
    offered: offerOf(),
  })
  const [own] = socks5Of(side).candidates as [JingleCandidate]
  const socket = await connectToStreamhost(own, socks5Of(side).dstAddr as DstAddr, AbortSignal.timeout(10_000))
  say({ used: own.cid })
  side.begin(offerOf())
  const opened = await side.opened
  t.deepEqual(infos, [{ error: 'candidate' }])
  socket.write('ping')
  t.is(String(await peerOf(opened).read(4)), 'ping')
  socket.destroy()
})

test('a side that stays silent is not waited for longer than 60 s, and then it goes on without', async (t) => {
  const clock = new FakeClock()
  const { romeo, juliet } = await setScene(t)
  const { side, next, replacements } = await playAgainst(t, { role: 'initiator', session: romeo, peer: juliet.jid, init: hidden, clock })
  const raw = await listenRaw(t)
  side.begin(offerOf([candidateAt(raw.port)], { sid: socks5Of(side).sid }))
  t.deepEqual(await next(), { used: `at-${raw.port}` })
  clock.advance(59_999)
  await settle()
  t.deepEqual(replacements, [])
  clock.advance(1)
  await t.throwsAsync(side.opened, {
    code: 'ERR_TIMEOUT',
    message: /did not say which.* within 60 s; and in band: the other side rejects it/,
  })
  t.is(replacements.length, 1)
  await isClosed((await raw.next()).socket)
  t.is(clock.waiting, 0)
})

test('an activation is waited for 30 s; a responder then waits 30 s for another transport', async (t) => {
  const clock = new FakeClock()
  const raw = await listenRaw(t)
  const offered = offerOf([candidateAt(raw.port, { type: 'proxy', jid: 'one.localhost' })])
  const { side, next, say } = await respond(t, offered, hidden, { clock })
  side.begin(offered)
  t.deepEqual(await next(), { used: `at-${raw.port}` })
  say({ error: 'candidate' })
  clock.advance(30_000)
  await settle()
  await isClosed((await raw.next()).socket)
  clock.advance(29_999)
  await settle()
  clock.advance(1)
  await t.throwsAsync(side.opened, {
    code: 'ERR_TIMEOUT',
    message: /did not activate one\.localhost within 30 s; and in band: .* no other transport within 30 s/,
  })
  t.is(clock.waiting, 0)
})

test('everything together has its time, whatever the other side does', async (t) => {
  const clock = new FakeClock()
  const { side, say, next } = await respond(t, offerOf(), { ...hidden, timings: { overallMsMax: 20_000 } }, { clock })
  side.begin(offerOf())
  clock.advance(1_000)
  t.deepEqual(await next(), { error: 'candidate' })
  say({ error: 'candidate' })
  clock.advance(18_999)
  await settle()
  clock.advance(1)
  await t.throwsAsync(side.opened, { code: 'ERR_TIMEOUT', message: /no bytestream to romeo@.* within 20 s/ })
  t.is(clock.waiting, 0)
})

test('a side that says <activated/> before the proxy has activated anything is believed (COMPAT: Gajim)', async (t) => {
  const { network, romeo, juliet } = await setScene(t)
  const { streamhosts } = await network.startProxy('one.localhost')
  const [{ host, port }] = streamhosts as readonly [StreamhostAddress]
  const offered = offerOf([candidateAt(port, { host, type: 'proxy', jid: 'one.localhost', priority: 655_360 })])
  const { side, next, say } = await playAgainst(t, { role: 'responder', session: juliet, peer: romeo.jid, init: hidden, offered })
  side.begin(offered)
  t.deepEqual(await next(), { used: `at-${port}` })
  say({ error: 'candidate' })
  const dstAddr = computeDstAddr(offered.sid, romeo.jid, juliet.jid)
  const socket = await connectToStreamhost({ host, port }, dstAddr, AbortSignal.timeout(10_000))
  t.teardown(() => socket.destroy())
  say({ activated: `at-${port}` })
  const opened = await side.opened
  socket.write('ping')
  await romeo.request(
    { type: 'set', to: 'one.localhost', payload: buildActivate({ sid: offered.sid, targetJid: juliet.jid }) },
    { answerMsMax: 10_000 },
  )
  t.is(String(await peerOf(opened).read(4)), 'ping')
})

test('a proxy that breaks off while its activation is waited for is a proxy-error; one that ends is not: there may be no octets', async (t) => {
  for (const isBroken of [true, false]) {
    const raw = await listenRaw(t)
    const offered = offerOf([candidateAt(raw.port, { type: 'proxy', jid: 'one.localhost' })])
    const { side, next, say, infos } = await respond(t, offered, { ...hidden, method: 'proxy' })
    side.begin(offered)
    t.deepEqual(await next(), { used: `at-${raw.port}` })
    const { socket } = await raw.next()
    say({ error: 'candidate' })
    if (isBroken) {
      socket.resetAndDestroy()
      t.deepEqual(await next(), { error: 'proxy' })
      await t.throwsAsync(side.opened, { code: 'ERR_NO_STREAMHOST', message: /has gone/ })
      t.notThrows(() => say({ activated: `at-${raw.port}` }), 'it was on its way')
    } else {
      socket.end()
      await once(socket, 'finish')
      say({ activated: `at-${raw.port}` })
      const { stream } = await side.opened
      t.is((await readAll(stream)).length, 0)
      t.is(infos.length, 1)
    }
  }
})

test('the other side cannot use our proxy after all: what was open is broken off', async (t) => {
  const { network, romeo, juliet } = await setScene(t)
  await network.startProxy('one.localhost')
  const { side, next, say } = await playAgainst(t, { role: 'initiator', session: romeo, peer: juliet.jid, init: hidden })
  const { sid, dstAddr, candidates } = socks5Of(side)
  const [own] = candidates as [JingleCandidate]
  const socket = await connectToStreamhost(own, dstAddr as DstAddr, AbortSignal.timeout(10_000))
  t.teardown(() => socket.destroy())
  side.begin(offerOf([], { sid }))
  say({ used: own.cid })
  t.deepEqual(await next(), { error: 'candidate' })
  t.deepEqual(await next(), { activated: own.cid })
  const { totals } = await side.opened
  say({ error: 'proxy' })
  t.is((await totals).end, 'reset')
})

test('trying stops for what is below what the other side uses, and goes on for what is above (§2.3)', async (t) => {
  const silent = [await listenSilent(t), await listenSilent(t)]
  const [high, low] = silent.map(({ port }, at) => candidateAt(port, { priority: at === 0 ? 8_400_000 : 100 })) as [
    JingleCandidate,
    JingleCandidate,
  ]
  const offered = offerOf([high, low])
  const { side, say, infos } = await respond(t, offered, {
    ownHosts: here,
    method: 'direct',
    timings: { staggerMs: 1, proxyHeadStartMs: 60_000 },
  })
  side.begin(offered)
  await Promise.all(silent.map(({ arrived }) => arrived))
  const [own] = socks5Of(side).candidates as [JingleCandidate]
  const socket = await connectToStreamhost(own, socks5Of(side).dstAddr as DstAddr, AbortSignal.timeout(10_000))
  t.teardown(() => socket.destroy())
  say({ used: own.cid })
  await isClosed((silent[1] as Silent).arrived)
  t.deepEqual(infos, [], 'the other is still tried')
  ;(await (silent[0] as Silent).arrived).destroy()
  await side.opened
  t.deepEqual(infos, [{ error: 'candidate' }])
})

test('direct candidates that are black holes do not keep the proxy back: it is used a second after the last of them', async (t) => {
  const clock = new FakeClock()
  const holes = [await listenSilent(t), await listenSilent(t), await listenSilent(t)]
  const raw = await listenRaw(t)
  const offered = offerOf([
    candidateAt(raw.port, { type: 'proxy', jid: 'one.localhost', priority: 655_360 }),
    ...holes.map(({ port }, at) => candidateAt(port, { priority: 8_257_636 - at })),
  ])
  const { side, next, infos } = await respond(t, offered, hidden, { clock })
  side.begin(offered)
  let isProxyTried = false
  const arrived = raw.next().then((arrival) => {
    isProxyTried = true
    return arrival
  })
  for (const [at, hole] of holes.entries()) {
    await hole.arrived
    if (at < holes.length - 1) clock.advance(200)
  }
  clock.advance(999)
  await settle()
  t.false(isProxyTried)
  clock.advance(1)
  await arrived
  t.deepEqual(await next(), { used: `at-${raw.port}` })
  t.is(clock.now(), 1_400, 'no attempt has timed out')
  for (const hole of holes) await isClosed(hole.arrived)
  t.is(infos.length, 1)
})

test('nor do they keep back what the other side has reached: they have that second, and then it is used', async (t) => {
  const clock = new FakeClock()
  const holes = [await listenSilent(t), await listenSilent(t)]
  const offered = offerOf(holes.map(({ port }, at) => candidateAt(port, { priority: 8_400_000 - at })))
  const { side, say, infos, next } = await respond(t, offered, { ownHosts: here }, { clock })
  side.begin(offered)
  await holes[0]?.arrived
  const [own] = socks5Of(side).candidates as [JingleCandidate]
  const socket = await connectToStreamhost(own, socks5Of(side).dstAddr as DstAddr, AbortSignal.timeout(10_000))
  t.teardown(() => socket.destroy())
  say({ used: own.cid })
  clock.advance(200)
  await holes[1]?.arrived
  clock.advance(999)
  await settle()
  t.deepEqual(infos, [])
  clock.advance(1)
  t.deepEqual(await next(), { error: 'candidate' })
  t.is((await side.opened).method, 'direct')
  t.is(clock.waiting, 0)
})

test('a direct candidate that answers within that second is used, and the proxy is never tried', async (t) => {
  const clock = new FakeClock()
  const [direct, proxy] = [await listenRaw(t), await listenRaw(t)]
  const offered = offerOf([candidateAt(direct.port), candidateAt(proxy.port, { type: 'proxy', jid: 'one.localhost', priority: 655_360 })])
  const { side, next, say } = await respond(t, offered, hidden, { clock })
  side.begin(offered)
  clock.advance(900)
  t.deepEqual(await next(), { used: `at-${direct.port}` })
  say({ error: 'candidate' })
  t.is((await side.opened).method, 'direct')
})

test('endless candidates: twelve are tried, and four proxies, those of the highest priority', async (t) => {
  const clock = new FakeClock()
  const offered = offerOf(
    Array.from({ length: 64 }, (_, at) =>
      candidateAt(1, { cid: `${at}`, host: '192.0.2.1', priority: 1_000 + at, type: at % 2 ? 'direct' : 'proxy', port: 1_000 + at }),
    ),
  )
  const asked: number[] = []
  const mayConnect = ({ port }: { port: number }) => {
    asked.push(port)
    return false
  }
  const { side, next } = await respond(t, offered, hidden, { clock, reach: { mayConnect } })
  side.begin(offered)
  t.deepEqual(await next(), { error: 'candidate' })
  t.is(asked.length, 16)
  t.is(Math.min(...asked.filter((port) => port % 2)), 1_063 - 2 * 11)
  t.is(Math.min(...asked.filter((port) => port % 2 === 0)), 1_062 - 2 * 3)
})

test('candidates that come one by one are tried, until we have told our result (§2.2)', async (t) => {
  const clock = new FakeClock()
  const raw = await listenRaw(t)
  const { side, next } = await respond(t, offerOf(), hidden, { clock })
  side.begin(offerOf())
  await settle()
  side.receiveInfo(offerOf([candidateAt(raw.port)]))
  t.deepEqual(await next(), { used: `at-${raw.port}` })
  const late = await listenSilent(t)
  side.receiveInfo(offerOf([candidateAt(late.port, { priority: 2 ** 31 })]))
  clock.advance(500)
  await settle()
  t.is(await Promise.race([late.arrived, settle().then(() => 'nobody')]), 'nobody')
})

test('loopback that a peer names is not connected to, unless it is a proxy of our own server (§5)', async (t) => {
  const raw = await listenRaw(t)
  const scene = await setScene(t)
  const { streamhosts } = await scene.network.startProxy('one.localhost')
  const [{ host, port }] = streamhosts as readonly [StreamhostAddress]
  const proxy = candidateAt(port, { host, type: 'proxy', jid: 'one.localhost', priority: 1 })
  for (const [candidates, info] of [
    [[candidateAt(raw.port)], { error: 'candidate' }],
    [[candidateAt(raw.port), proxy], { used: proxy.cid }],
  ] as const) {
    const offered = offerOf(candidates, { sid: `sid-${candidates.length}` })
    const played = { role: 'responder', session: scene.juliet, peer: scene.romeo.jid, init: hidden, offered, reach: {} } as const
    const { side, next } = await playAgainst(t, played)
    side.begin(offered)
    t.deepEqual(await next(), info)
  }
})

test('UDP is no transport of ours (XEP-0065 §8)', async (t) => {
  await t.throwsAsync(respond(t, offerOf([], { mode: 'udp' })), { code: 'ERR_NO_VALID_STREAMS', message: /TCP/ })
})

for (const [method, offered] of [
  ['direct', { kind: 'inBand', sid: 'sid', blockSize: 4096 }],
  ['proxy', { kind: 'inBand', sid: 'sid', blockSize: 4096 }],
  ['auto', { kind: 'unknown', xmlns: 'urn:xmpp:jingle:transports:ice:0' }],
] as const) {
  test(`${method} does not take what is offered as ${offered.kind}`, async (t) => {
    await t.throwsAsync(respond(t, offered, { ...hidden, method }), { code: 'ERR_NO_VALID_STREAMS' })
  })
}

test('an answer under another sid is no answer (§2.2)', async (t) => {
  const { romeo, juliet } = await setScene(t)
  const { side } = await playAgainst(t, { role: 'initiator', session: romeo, peer: juliet.jid, init: { ...hidden, method: 'direct' } })
  side.begin(offerOf([], { sid: 'another' }))
  await t.throwsAsync(side.opened, { code: 'ERR_NO_VALID_STREAMS' })
})

test('what cannot be is answered with an error, and changes nothing', async (t) => {
  const { side, say, next } = await respond(t, offerOf())
  const refused = (info: () => void, code: string) => t.throws(info, { instanceOf: BytestreamError, code })
  refused(() => say({ used: 'nobody' }), 'ERR_ITEM_NOT_FOUND')
  refused(() => say({ activated: 'nobody' }), 'ERR_JINGLE_OUT_OF_ORDER')
  refused(() => say({ error: 'proxy' }), 'ERR_JINGLE_OUT_OF_ORDER')
  refused(() => side.receiveInfo(offerOf([], { sid: 'another' })), 'ERR_ITEM_NOT_FOUND')
  refused(() => side.receiveInfo(offerOf()), 'ERR_JINGLE_UNSUPPORTED_INFO')
  refused(() => side.receiveInfo({ kind: 'inBand', sid: 'sid', blockSize: 1 }), 'ERR_JINGLE_UNSUPPORTED_INFO')
  side.begin(offerOf())
  say({ error: 'candidate' })
  refused(() => say({ error: 'candidate' }), 'ERR_JINGLE_OUT_OF_ORDER')
  t.deepEqual(await next(), { error: 'candidate' })
})

test('a side that says it is connected to us, and is not, gets no bytestream', async (t) => {
  const { side, say } = await respond(t, offerOf(), { ownHosts: here, method: 'direct' })
  side.begin(offerOf())
  say({ used: socks5Of(side).candidates[0]?.cid ?? '' })
  await t.throwsAsync(side.opened, { code: 'ERR_NO_STREAMHOST', message: /has gone before it was used/ })
})

test('closed before it is open: nothing is opened any more, and no socket stays', async (t) => {
  const raw = await listenRaw(t)
  const offered = offerOf([candidateAt(raw.port)])
  const { side, next } = await respond(t, offered, { ownHosts: here })
  const [own] = socks5Of(side).candidates as [JingleCandidate]
  side.begin(offered)
  await next()
  side.close()
  await t.throwsAsync(side.opened, { code: 'ERR_ABORTED' })
  await isClosed((await raw.next()).socket)
  t.true(await isRefused(own.port))
  side.close()
})

test('an abort ends it at any time before it is open', async (t) => {
  const stopping = new AbortController()
  const { side } = await respond(t, offerOf(), { ...hidden, signal: stopping.signal })
  side.begin(offerOf())
  stopping.abort()
  await t.throwsAsync(side.opened, { code: 'ERR_ABORTED' })
  await t.throwsAsync(respond(t, offerOf(), { ...hidden, signal: stopping.signal }), { code: 'ERR_ABORTED' })
})
