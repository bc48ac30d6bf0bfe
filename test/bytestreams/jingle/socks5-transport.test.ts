// Goal: XEP-0260 between two of our own sides.
// Method: sessions on the embedded server, proxies and sockets on this machine. The wire between the two sides is the test's,
// which knows every word that was said.

import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import type { Bytestream, InitiatorStep, TransportSide } from '../../../src/bytestreams/index.ts'
import { connectToStreamhost } from '../../../src/bytestreams/socks5/connect-streamhost.ts'
import { BytestreamError } from '../../../src/core/index.ts'
import { computeDstAddr, type DstAddr } from '../../../src/socks5/index.ts'
import type { JingleCandidate } from '../../../src/xep/index.ts'
import { joinTransports } from '../../helpers/jingle-wire.ts'
import { type Peer, until } from '../../helpers/peer.ts'
import { freePort } from '../../helpers/prosody.ts'
import { listenRaw } from '../../helpers/raw-socks5.ts'
import { here, hidden, isClosed, isRefused, peerOf, setScene, socks5Of } from '../../helpers/socks5-scene.ts'

const placesOf = (side: TransportSide) => socks5Of(side).candidates.map(({ type, jid }) => `${type} ${jid}`)
const bothOf = ({ initiator, responder }: { initiator: TransportSide; responder: TransportSide }) =>
  Promise.all([initiator.opened, responder.opened])
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
  const { romeo, juliet } = await setScene(t)
  const port = await freePort()
  const forwarded = [{ host: '127.0.0.1', port, forwarded: { host: '198.51.100.1', port: 4000 } }]
  const wire = await joinTransports(t, {
    initiator: { session: romeo, init: hidden },
    responder: { session: juliet, init: hidden, forwarded },
  })
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
