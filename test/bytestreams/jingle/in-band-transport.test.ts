// Goal: XEP-0261 between two of our own sides, and the transport that takes the place of one that failed (XEP-0260 §3).
// Method: sessions on the embedded server; the wire between the two sides is the test's.

import type { Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import type { Bytestream, JingleTransportInit } from '../../../src/bytestreams/index.ts'
import { attribute, buildInBandOpen, type JingleInBand, type JingleSocks5 } from '../../../src/xep/index.ts'
import { joinTransports, playAgainst } from '../../helpers/jingle-wire.ts'
import { Peer } from '../../helpers/peer.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

const hidden = { ownHosts: [] } as const satisfies JingleTransportInit
const offered: JingleInBand = { kind: 'inBand', sid: 'ch3d9s71', blockSize: 4096 }

async function setScene(t: ExecutionContext) {
  const network = await startNetwork(t, ['romeo', 'juliet'])
  const [romeo, juliet] = [await network.logIn('romeo'), await network.logIn('juliet')]
  const opens: { from: string; blockSize: string | undefined; sid: string | undefined }[] = []
  network.server.on('stanza', ({ from, element }) => {
    const open = element.getChild('open', 'http://jabber.org/protocol/ibb')
    if (open) opens.push({ from, blockSize: attribute(open, 'block-size'), sid: attribute(open, 'sid') })
  })
  const join = (initiator: JingleTransportInit, responder: JingleTransportInit) =>
    joinTransports(t, { initiator: { session: romeo, init: initiator }, responder: { session: juliet, init: responder } })
  return { romeo, juliet, opens, join }
}

async function converse(t: ExecutionContext, sent: Bytestream, received: Bytestream): Promise<void> {
  const [one, other] = [sent, received].map(({ stream }) => new Peer(stream as unknown as Socket)) as [Peer, Peer]
  one.write('ping')
  t.is(String(await other.read(4)), 'ping')
  other.write('pong!')
  t.is(String(await one.read(5)), 'pong!')
  one.end()
  other.end()
  t.is(String(await one.readAll()) + String(await other.readAll()), '')
  t.is((await sent.totals).end, 'closed')
  t.is((await received.totals).end, 'closed')
}

for (const [own, theirs, negotiated] of [
  [undefined, undefined, 4096],
  [4096, 2048, 2048],
  [1024, 8192, 1024],
  [65_535, undefined, 65_535],
] as const) {
  test(`offered with blocks of ${own ?? 'the usual'}, accepted with ${theirs ?? 'any'}: ${negotiated}, which the initiator opens (§2.2)`, async (t) => {
    const { romeo, juliet, opens, join } = await setScene(t)
    const wire = await join({ method: 'ibb', ...(own && { blockSize: own }) }, theirs ? { blockSize: theirs } : {})
    t.like(wire.initiator.description, { kind: 'inBand', blockSize: own ?? 4096 })
    t.like(wire.responder.description, { ...wire.initiator.description, blockSize: negotiated })
    wire.begin()
    const [sent, received] = await Promise.all([wire.initiator.opened, wire.responder.opened])
    t.deepEqual(opens, [{ from: romeo.jid, blockSize: String(negotiated), sid: sent.sid }])
    t.like(sent, { method: 'ibb', blockSize: negotiated, peer: juliet.jid, streamhost: undefined })
    t.like(received, { method: 'ibb', blockSize: negotiated, peer: romeo.jid, sid: sent.sid })
    t.deepEqual(wire.said, [])
    await converse(t, sent, received)
  })
}

test('more than was negotiated is resource-constraint (§2.2)', async (t) => {
  const { romeo, juliet } = await setScene(t)
  const { side } = await playAgainst(t, { role: 'responder', session: juliet, peer: romeo.jid, init: { blockSize: 1000 }, offered })
  side.begin(offered)
  const ask = (blockSize: number) =>
    romeo.request({ type: 'set', to: juliet.jid, payload: buildInBandOpen({ sid: offered.sid, blockSize }) }, { answerMsMax: 10_000 })
  await t.throwsAsync(ask(1001), { message: /resource-constraint/ })
  await ask(1000)
  t.is((await side.opened).blockSize, 1000)
})

test('an answer under another sid, or with another transport, is no answer', async (t) => {
  const { romeo, juliet } = await setScene(t)
  for (const theirs of [offered, { kind: 'socks5', sid: 'sid', candidates: [] } as const]) {
    const { side } = await playAgainst(t, { role: 'initiator', session: romeo, peer: juliet.jid, init: { method: 'ibb' } })
    side.begin(theirs)
    await t.throwsAsync(side.opened, { code: 'ERR_NO_VALID_STREAMS' })
  }
})

test('there is nothing to tell about it, and nothing to replace it with', async (t) => {
  const { romeo, juliet } = await setScene(t)
  const { side } = await playAgainst(t, { role: 'responder', session: juliet, peer: romeo.jid, offered })
  t.throws(() => side.receiveInfo(offered), { code: 'ERR_JINGLE_UNSUPPORTED_INFO' })
  await t.throwsAsync(side.receiveReplace({ kind: 'socks5', sid: 'sid', candidates: [] }), { code: 'ERR_NO_VALID_STREAMS' })
})

test('closed before it is open, it will not be', async (t) => {
  const { romeo, juliet } = await setScene(t)
  for (const role of ['initiator', 'responder'] as const) {
    const init = { method: 'ibb' } as const
    const [session, peer] = role === 'initiator' ? [romeo, juliet.jid] : [juliet, romeo.jid]
    const { side } = await playAgainst(t, { role, session, peer, init, ...(role === 'responder' && { offered }) })
    side.close()
    await t.throwsAsync(side.opened, { code: 'ERR_ABORTED' })
  }
})

/** Our side, which has offered or been offered streamhosts; the other side asks for in band. */
async function beReplaced(t: ExecutionContext, role: 'initiator' | 'responder', init: JingleTransportInit = hidden) {
  const { romeo, juliet, opens } = await setScene(t)
  const socks5: JingleSocks5 = { kind: 'socks5', sid: 'vj3hs98y', candidates: [] }
  const [session, other] = role === 'initiator' ? [romeo, juliet] : [juliet, romeo]
  const played = await playAgainst(t, { role, session, peer: other.jid, init, ...(role === 'responder' && { offered: socks5 }) })
  played.side.begin(role === 'responder' ? socks5 : { ...socks5, sid: (played.side.description as JingleSocks5).sid })
  return { ...played, session, other, opens }
}

for (const role of ['initiator', 'responder'] as const) {
  test(`the ${role} takes what the other side wants instead, at any time before it is open; whoever asked for it opens it`, async (t) => {
    const { side, session, other } = await beReplaced(t, role)
    t.deepEqual(await side.receiveReplace(offered), offered)
    await other.request({ type: 'set', to: session.jid, payload: buildInBandOpen(offered) }, { answerMsMax: 10_000 })
    t.like(await side.opened, { method: 'ibb', sid: offered.sid })
    await t.throwsAsync(side.receiveReplace(offered), { code: 'ERR_JINGLE_OUT_OF_ORDER' })
  })
}

test('it is taken once, and only in band; direct and proxy take none', async (t) => {
  const { side } = await beReplaced(t, 'responder')
  await t.throwsAsync(side.receiveReplace({ kind: 'socks5', sid: 'again', candidates: [] }), { code: 'ERR_NO_VALID_STREAMS' })
  await side.receiveReplace(offered)
  await t.throwsAsync(side.receiveReplace({ ...offered, sid: 'again' }), { code: 'ERR_JINGLE_OUT_OF_ORDER' })
  for (const method of ['direct', 'proxy'] as const) {
    const { side: strict } = await beReplaced(t, 'responder', { ...hidden, method })
    await t.throwsAsync(strict.receiveReplace(offered), { code: 'ERR_NO_VALID_STREAMS' })
  }
})

test('the other side takes no transport instead: why there is no streamhost is the error', async (t) => {
  const { side, say, replacements } = await beReplaced(t, 'initiator')
  say({ error: 'candidate' })
  await t.throwsAsync(side.opened, { code: 'ERR_NO_STREAMHOST', message: /neither side.*; and in band: the other side rejects it/ })
  t.like(replacements, [{ kind: 'inBand', blockSize: 4096 }])
})
