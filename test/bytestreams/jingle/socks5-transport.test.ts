// Goal: XEP-0260 between two of our own sides, and what each of them does when the other is different.
// Method: sessions on the embedded server, proxies and sockets on this machine. The wire between the two sides is the test's,
// which knows every word that was said; or the test is the other side.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { connectToStreamhost } from '../../../src/bytestreams/connect-streamhost.ts'
import type { Bytestream, InitiatorStep, JingleTransportInit, TransportSide } from '../../../src/bytestreams/index.ts'
import { BytestreamError } from '../../../src/core/index.ts'
import { computeDstAddr, type DstAddr } from '../../../src/socks5/index.ts'
import {
  buildActivate,
  type JingleCandidate,
  type JingleSocks5,
  type JingleTransport,
  type StreamhostAddress,
} from '../../../src/xep/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { joinTransports, type Meddling, playAgainst } from '../../helpers/jingle-wire.ts'
import { Peer, until } from '../../helpers/peer.ts'
import { listenRaw } from '../../helpers/raw-socks5.ts'
import { settle } from '../../helpers/settle.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

const here = ['127.0.0.1']
/** Offers no address of its own. */
const hidden = { ownHosts: [] } as const satisfies JingleTransportInit

async function setScene(t: ExecutionContext) {
  const network = await startNetwork(t, ['romeo', 'juliet'], ['one.localhost', 'two.localhost'])
  const [romeo, juliet] = [await network.logIn('romeo'), await network.logIn('juliet')]
  return {
    ...{ network, romeo, juliet },
    join: (initiator: JingleTransportInit, responder: JingleTransportInit, meddle?: Meddling) =>
      joinTransports(t, { initiator: { session: romeo, init: initiator }, responder: { session: juliet, init: responder } }, meddle),
  }
}

const socks5Of = ({ description }: TransportSide) => description as JingleSocks5
const placesOf = (side: TransportSide) => socks5Of(side).candidates.map(({ type, jid }) => `${type} ${jid}`)
const bothOf = ({ initiator, responder }: { initiator: TransportSide; responder: TransportSide }) =>
  Promise.all([initiator.opened, responder.opened])
const peerOf = ({ stream }: Bytestream) => new Peer(stream as Socket)

/** A word each way, then a proper end of both. */
async function converse(t: ExecutionContext, ...bytestreams: readonly [Bytestream, Bytestream]): Promise<void> {
  const [one, other] = bytestreams.map(peerOf) as [Peer, Peer]
  one.write('ping')
  t.is(String(await other.read(4)), 'ping')
  other.write('pong!')
  t.is(String(await one.read(5)), 'pong!')
  other.end()
  t.is(String(await one.readAll()), '')
  one.end()
  t.is(String(await other.readAll()), '')
  t.deepEqual(await bytestreams[0].totals, { sent: 4, received: 5, end: 'closed' })
  t.deepEqual(await bytestreams[1].totals, { sent: 5, received: 4, end: 'closed' })
}

async function isRefused(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port })
  const outcome = await once(socket, 'connect').catch((error: NodeJS.ErrnoException) => error.code)
  socket.destroy()
  return outcome === 'ECONNREFUSED'
}

/** Waits until the other end of a socket is closed. */
const isClosed = async (socket: Socket | Promise<Socket>) => void (await new Peer(await socket).readAll())

test('both offer direct candidates: that of the highest priority is used, and nothing else stays open (§2.3, §2.4)', async (t) => {
  const { romeo, juliet, join } = await setScene(t)
  const wire = await join({ method: 'direct', ownHosts: here }, { method: 'direct', ownHosts: here })
  t.deepEqual(placesOf(wire.initiator), [`direct ${romeo.jid}`])
  t.deepEqual(placesOf(wire.responder), [`direct ${juliet.jid}`])
  const { sid, candidates } = socks5Of(wire.initiator)
  wire.begin()
  const [sent, received] = await bothOf(wire)
  const [{ host, port }] = candidates as [JingleCandidate]
  const facts = { sid, method: 'direct', streamhost: { jid: romeo.jid, host, port }, dstAddr: computeDstAddr(sid, romeo.jid, juliet.jid) }
  t.like(sent, { ...facts, peer: juliet.jid })
  t.like(received, { ...facts, peer: romeo.jid })
  t.true(wire.story().includes('responder used'))
  await converse(t, sent, received)
  for (const side of [wire.initiator, wire.responder]) t.true(await isRefused(socks5Of(side).candidates[0]?.port ?? 0))
})

test('when only the responder can be reached, the initiator connects to it, under SHA-1(SID + responder + initiator) (§2.2)', async (t) => {
  const { romeo, juliet, join } = await setScene(t)
  const wire = await join(hidden, { ownHosts: here })
  const { sid, dstAddr } = socks5Of(wire.responder)
  t.is(dstAddr, computeDstAddr(sid, juliet.jid, romeo.jid))
  wire.begin()
  const [sent, received] = await bothOf(wire)
  t.like(sent, { method: 'direct', dstAddr })
  t.like(received, { method: 'direct', dstAddr })
  t.deepEqual(wire.story().sort(), ['initiator used', 'responder candidate-error'])
  await converse(t, sent, received)
})

test("the initiator's proxy: the initiator activates it and says so; octets flow both ways (§2.4)", async (t) => {
  const { network, romeo, juliet, join } = await setScene(t)
  const { proxy, streamhost, streamhosts } = await network.startProxy('one.localhost')
  const asked = once(proxy, 'activationAsked')
  const steps: InitiatorStep[] = []
  const wire = await join({ ...hidden, method: 'proxy', onStep: (step) => steps.push(step) }, { ...hidden, method: 'proxy' })
  t.deepEqual(placesOf(wire.initiator), ['proxy one.localhost'])
  t.deepEqual(placesOf(wire.responder), [], 'the responder repeats no host and port of the initiator')
  wire.begin()
  const [sent, received] = await bothOf(wire)
  t.like((await asked)[0], { from: romeo.jid, targetJid: juliet.jid, code: undefined })
  t.deepEqual(sent.streamhost, streamhosts[0])
  t.deepEqual(received.streamhost, streamhosts[0])
  t.deepEqual([sent.method, received.method], ['proxy', 'proxy'])
  t.deepEqual(wire.story().slice(-1), ['initiator activated'])
  t.deepEqual(
    steps.map(({ step }) => step),
    ['offered', 'used', 'connected', 'activated'],
  )
  await converse(t, sent, received)
  await until(() => streamhost.gauges().openSockets === 0)
})

test("the responder's proxy: the responder is the requester of the hash, activates it and says so (§2.2, §2.4)", async (t) => {
  const { network, romeo, juliet, join } = await setScene(t)
  const { proxy, streamhost } = await network.startProxy('two.localhost')
  const asked = once(proxy, 'activationAsked')
  const wire = await join({ ...hidden, proxy: 'one.localhost' }, { ...hidden, proxy: 'two.localhost' })
  t.deepEqual(placesOf(wire.initiator), [])
  t.deepEqual(placesOf(wire.responder), ['proxy two.localhost'])
  wire.begin()
  const [sent, received] = await bothOf(wire)
  t.like((await asked)[0], { from: juliet.jid, targetJid: romeo.jid, code: undefined })
  t.deepEqual(wire.story().slice(-1), ['responder activated'])
  t.is(sent.dstAddr, computeDstAddr(sent.sid, juliet.jid, romeo.jid))
  await converse(t, sent, received)
  await until(() => streamhost.gauges().openSockets === 0)
})

test('each side offers another proxy: one is activated, the socket to the other is closed', async (t) => {
  const { network, join } = await setScene(t)
  const one = await network.startProxy('one.localhost')
  const two = await network.startProxy('two.localhost')
  const wire = await join({ ...hidden, method: 'proxy', proxy: 'one.localhost' }, { ...hidden, method: 'proxy', proxy: 'two.localhost' })
  wire.begin()
  const [sent, received] = await bothOf(wire)
  t.is(sent.streamhost?.jid, 'one.localhost')
  await until(() => two.streamhost.gauges().openSockets === 0)
  await converse(t, sent, received)
  await until(() => one.streamhost.gauges().openSockets === 0)
})

test('proxy: no address of ours is offered, and none of the other side is connected to', async (t) => {
  const { network, join } = await setScene(t)
  await network.startProxy('one.localhost')
  const wire = await join(
    { method: 'auto', ownHosts: here, proxy: 'one.localhost' },
    { method: 'proxy', ownHosts: here, proxy: 'one.localhost' },
  )
  t.is(placesOf(wire.initiator).length, 2)
  t.deepEqual(placesOf(wire.responder), [])
  wire.begin()
  const [sent] = await bothOf(wire)
  t.is(sent.method, 'proxy')
})

test('what a NAT forwards is offered as assisted, at the port it forwards to (§2.1)', async (t) => {
  const { juliet, join } = await setScene(t)
  const free = await listenRaw(t)
  const port = free.port - 1 > 1024 ? free.port - 1 : free.port + 1
  const forwarded = [{ host: '127.0.0.1', port, forwarded: { host: '198.51.100.1', port: 4000 } }]
  const wire = await join(hidden, { ...hidden, forwarded })
  t.like(socks5Of(wire.responder).candidates[0], { type: 'assisted', host: '198.51.100.1', port: 4000, jid: juliet.jid })
  const { dstAddr } = socks5Of(wire.responder)
  const socket = await connectToStreamhost({ host: '127.0.0.1', port }, dstAddr as DstAddr, AbortSignal.timeout(10_000))
  socket.destroy()
})

test('auto: neither side can be reached, so both say so, and the initiator asks for in band (§3)', async (t) => {
  const { join } = await setScene(t)
  const steps: InitiatorStep[] = []
  const wire = await join({ ...hidden, blockSize: 4_000, onStep: (step) => steps.push(step) }, { ...hidden, blockSize: 1_000 })
  wire.begin()
  const [sent, received] = await bothOf(wire)
  t.deepEqual(wire.story().slice(0, 2).sort(), ['initiator candidate-error', 'responder candidate-error'])
  t.deepEqual(wire.said.slice(2), [
    { from: 'initiator', what: 'replace', detail: 4_000 },
    { from: 'responder', what: 'accept', detail: 1_000 },
  ])
  t.like(sent, { method: 'ibb', blockSize: 1_000 })
  t.like(received, { method: 'ibb', blockSize: 1_000, sid: sent.sid })
  t.like(steps.at(-1), { step: 'in band' })
  t.not(sent.sid, socks5Of(wire.initiator).sid)
  await converse(t, sent, received)
})

for (const [initiator, responder] of [
  ['direct', 'direct'],
  ['direct', 'auto'],
  ['auto', 'proxy'],
] as const) {
  test(`${initiator} to ${responder}: without a streamhost there is none, and both say ERR_NO_STREAMHOST`, async (t) => {
    const { join } = await setScene(t)
    const wire = await join({ ...hidden, method: initiator }, { ...hidden, method: responder })
    wire.begin()
    await t.throwsAsync(wire.initiator.opened, { code: 'ERR_NO_STREAMHOST', message: /neither side/ })
    if (responder === 'auto') wire.responder.close() // As the session does when the other side ends it.
    await t.throwsAsync(wire.responder.opened, { code: responder === 'auto' ? 'ERR_ABORTED' : 'ERR_NO_STREAMHOST' })
  })
}

test('a proxy that does not activate is a proxy-error, and both go on in band (§2.4, §3)', async (t) => {
  const { network, join } = await setScene(t)
  const raw = await listenRaw(t)
  await network.startProxy('one.localhost', { advertised: [{ jid: 'one.localhost', host: raw.host, port: raw.port }] })
  const steps: InitiatorStep[] = []
  const wire = await join({ ...hidden, onStep: (step) => steps.push(step) }, hidden)
  wire.begin()
  const [sent, received] = await bothOf(wire)
  t.deepEqual(wire.story().slice(-3), ['initiator proxy-error', 'initiator replace', 'responder accept'])
  const failed = steps.find((step) => step.step === 'proxy failed')
  t.like(failed, { jid: 'one.localhost' })
  const last = steps.at(-1)
  t.true(last?.step === 'in band' && /one\.localhost answered item-not-found/.test(last.reason), 'the reason is told')
  for (const { socket } of [await raw.next(), await raw.next()]) await isClosed(socket)
  await converse(t, sent, received)
})

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

/** An offer of a side that is played by hand. */
const offerOf = (candidates: readonly JingleCandidate[] = [], more: Partial<JingleSocks5> = {}): JingleSocks5 => ({
  ...{ kind: 'socks5', sid: 'vj3hs98y', mode: 'tcp', candidates },
  ...more,
})
const candidateAt = (port: number, more: Partial<JingleCandidate> = {}): JingleCandidate => ({
  ...{ cid: `at-${port}`, host: '127.0.0.1', port, priority: 8_257_636, type: 'direct', jid: 'romeo@montague.example/orchard' },
  ...more,
})

/** Our responder, and an initiator played by hand. */
async function respond(t: ExecutionContext, offered: JingleTransport, init: JingleTransportInit = hidden, clock?: FakeClock) {
  const scene = await setScene(t)
  const played = await playAgainst(t, {
    role: 'responder',
    session: scene.juliet,
    peer: scene.romeo.jid,
    init,
    offered,
    ...(clock && { clock }),
  })
  return { ...scene, ...played }
}

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
  const { side, next, say } = await respond(t, offered, hidden, clock)
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
  const { side, say, next } = await respond(t, offerOf(), { ...hidden, timings: { overallMsMax: 20_000 } }, clock)
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
  const { side, say, infos } = await respond(t, offered, { ownHosts: here, method: 'direct', timings: { staggerMs: 1 } })
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

interface Silent {
  readonly port: number
  /** The first that came. */
  readonly arrived: Promise<Socket>
}

/** Takes connections, and says nothing, as if every packet after the first were lost. */
async function listenSilent(t: ExecutionContext): Promise<Silent> {
  const server = createServer((socket) => t.teardown(() => socket.destroy()))
  const arrived = once(server, 'connection').then(([socket]) => socket as Socket)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, arrived }
}

test('direct candidates that are black holes do not keep the proxy back: it is used a second after the last of them', async (t) => {
  const clock = new FakeClock()
  const holes = [await listenSilent(t), await listenSilent(t), await listenSilent(t)]
  const raw = await listenRaw(t)
  const offered = offerOf([
    candidateAt(raw.port, { type: 'proxy', jid: 'one.localhost', priority: 655_360 }),
    ...holes.map(({ port }, at) => candidateAt(port, { priority: 8_257_636 - at })),
  ])
  const { side, next, infos } = await respond(t, offered, hidden, clock)
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

test('a direct candidate that answers within that second is used, and the proxy is never tried', async (t) => {
  const clock = new FakeClock()
  const [direct, proxy] = [await listenRaw(t), await listenRaw(t)]
  const offered = offerOf([candidateAt(direct.port), candidateAt(proxy.port, { type: 'proxy', jid: 'one.localhost', priority: 655_360 })])
  const { side, next, say } = await respond(t, offered, hidden, clock)
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
  const { side, next } = await respond(t, offered, { ...hidden, mayConnect }, clock)
  side.begin(offered)
  t.deepEqual(await next(), { error: 'candidate' })
  t.is(asked.length, 16)
  t.is(Math.min(...asked.filter((port) => port % 2)), 1_063 - 2 * 11)
  t.is(Math.min(...asked.filter((port) => port % 2 === 0)), 1_062 - 2 * 3)
})

test('candidates that come one by one are tried, until we have told our result (§2.2)', async (t) => {
  const clock = new FakeClock()
  const raw = await listenRaw(t)
  const { side, next } = await respond(t, offerOf(), hidden, clock)
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
    const init = { ...hidden, mayConnect: undefined }
    const { side, next } = await playAgainst(t, { role: 'responder', session: scene.juliet, peer: scene.romeo.jid, init, offered })
    side.begin(offered)
    t.deepEqual(await next(), info)
  }
})

test('UDP is no transport of ours (XEP-0065 §8)', async (t) => {
  await t.throwsAsync(respond(t, offerOf([], { mode: 'udp' })), { code: 'ERR_NO_VALID_STREAMS', message: /TCP/ })
})

for (const [method, offered] of [
  ['ibb', offerOf()],
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

test('closed after it is open: with an error it is broken off, without one it is left alone', async (t) => {
  const { join } = await setScene(t)
  const wire = await join({ ownHosts: here }, hidden)
  wire.begin()
  const [sent, received] = await bothOf(wire)
  wire.initiator.close()
  wire.responder.close()
  sent.stream.write('ping')
  t.is(String(await peerOf(received).read(4)), 'ping')
  received.stream.on('error', () => {})
  wire.initiator.close(new BytestreamError('ERR_RESET', 'the content has failed'))
  t.is((await sent.totals).end, 'reset')
  t.is((await received.totals).end, 'reset')
})

test('an abort ends it at any time before it is open', async (t) => {
  const stopping = new AbortController()
  const { side } = await respond(t, offerOf(), { ...hidden, signal: stopping.signal })
  side.begin(offerOf())
  stopping.abort()
  await t.throwsAsync(side.opened, { code: 'ERR_ABORTED' })
  await t.throwsAsync(respond(t, offerOf(), { ...hidden, signal: stopping.signal }), { code: 'ERR_ABORTED' })
})
