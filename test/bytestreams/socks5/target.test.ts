import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { BytestreamTarget, type ExpectInit } from '../../../src/bytestreams/index.ts'
import { BytestreamError, silentLogger } from '../../../src/core/index.ts'
import { computeDstAddr, type DstAddr, ServerHandshake } from '../../../src/socks5/index.ts'
import { attribute, buildIq, type Element, parseStreamhostUsed, xml } from '../../../src/xep/index.ts'
import { anywhere } from '../../helpers/anywhere.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { Peer } from '../../helpers/peer.ts'
import { scriptSession } from '../../helpers/scripted-session.ts'
import { settle } from '../../helpers/settle.ts'

// Method: the session's other side is the test, word by word; the streamhosts are sockets of this machine.

const target = 'target@example.org/bar'
const requester = 'requester@example.com/foo'
const sid = 'vxf9n471bn46'
const hash = computeDstAddr(sid, requester, target)
const timings = { attemptMsMax: 10_000, staggerMs: 200, overallMsMax: 120_000, answerMsMax: 90_000 }

async function setScene(t: ExecutionContext) {
  const clock = new FakeClock()
  const { session, sent, receive } = await scriptSession(t, clock, target, () => 'silence')
  const bytestreams = new BytestreamTarget(session, clock, silentLogger, anywhere)
  /** Sends an offer, and waits for its answer. */
  const offer = async (streamhosts: readonly Element[], attributes: Readonly<Record<string, string>> = {}, from = requester) => {
    const id = `offer-${sent.length}-${Math.random()}`
    receive(
      buildIq(
        { type: 'set', id, from, to: target },
        xml('query', { xmlns: 'http://jabber.org/protocol/bytestreams', sid, mode: 'tcp', ...attributes }, ...streamhosts),
      ),
    )
    for (;;) {
      const answer = sent.find((stanza) => attribute(stanza, 'id') === id)
      if (answer) return answer
      await settle()
    }
  }
  const expect = (init: Partial<ExpectInit> = {}) => bytestreams.expect({ from: requester, sid, timings, ...init })
  return { clock, offer, expect }
}

/** A streamhost, and the sockets it has let in. */
async function listen(t: ExecutionContext, isWilling: (dstAddr: DstAddr) => boolean = (dstAddr) => dstAddr === hash) {
  const sockets: Peer[] = []
  const asked: DstAddr[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    t.teardown(() => socket.destroy())
    const peer = new Peer(socket)
    const handshake = new ServerHandshake()
    const onData = (octets: Buffer) => {
      const { replies, request } = handshake.push(octets)
      for (const reply of replies) socket.write(reply)
      if (!request) return
      asked.push(request.dstAddr)
      socket.off('data', onData).pause()
      if (!isWilling(request.dstAddr)) return void socket.end(handshake.refuse('ERR_PLACES_TAKEN'))
      socket.write(handshake.accept())
      sockets.push(peer)
    }
    socket.on('data', onData)
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const element = (jid = 'streamer.example.com') => xml('streamhost', { jid, host: '127.0.0.1', port })
  return { sockets, asked, element }
}

const usedIn = (answer: Element) => {
  const query = answer.getChild('query')
  return query && parseStreamhostUsed(query)
}
const conditionOf = (answer: Element) => answer.getChild('error')?.getChildElements()[0]?.name

test('§6.3.3: the target connects, says which streamhost it used, and has the bytestream with its first octet', async (t) => {
  const { offer, expect } = await setScene(t)
  const { sockets, element } = await listen(t)
  let bytestream: Awaited<ReturnType<typeof expect>> | undefined
  const expected = expect().then((opened) => {
    bytestream = opened
  })
  const answer = await offer([element()])
  t.is(attribute(answer, 'type'), 'result')
  t.is(usedIn(answer), 'streamer.example.com')
  await settle()
  t.is(bytestream, undefined, 'not before it is known to be activated')
  sockets[0]?.write('first')
  await expected
  t.like(bytestream, { sid, peer: requester, method: 'proxy', dstAddr: hash, streamhost: { jid: 'streamer.example.com' } })
  t.is(String(await new Peer(bytestream?.stream as Socket).read(5)), 'first')
})

test('where it may be empty, a bytestream of no octets is one too: its end opens it', async (t) => {
  const { offer, expect } = await setScene(t)
  const { sockets, element } = await listen(t)
  const expected = expect({ mayBeEmpty: true })
  await offer([element(requester)])
  sockets[0]?.end()
  const { method, stream } = await expected
  t.is(method, 'direct', 'the streamhost is the requester itself')
  t.is(String(await new Peer(stream as Socket).readAll()), '')
})

for (const [what, attributes, from] of [
  ['of a sid nobody negotiated', { sid: 'another' }, requester],
  ['from another resource than the one it was negotiated with', {}, 'requester@example.com/other'],
  ['from somebody else', {}, 'mallory@example.net/x'],
  ['for datagrams (§8)', { mode: 'udp' }, requester],
] as const) {
  test(`an offer ${what} is not acceptable, and no streamhost is connected to`, async (t) => {
    const { offer, expect } = await setScene(t)
    const { asked, element } = await listen(t)
    const stopping = new AbortController()
    const expected = expect({ signal: stopping.signal })
    const answer = await offer([element()], attributes, from)
    t.is(conditionOf(answer), 'not-acceptable')
    t.deepEqual(asked, [])
    stopping.abort()
    await t.throwsAsync(expected, { code: 'ERR_ABORTED' })
  })
}

for (const [what, streamhosts, attributes] of [
  ['without a streamhost', [], {}],
  ['without a usable streamhost', [xml('streamhost', { jid: 'a', host: '127.0.0.1', port: 0 }), xml('streamhost', { host: 'x' })], {}],
  ['of a mode that does not exist', [xml('streamhost', { jid: 'a', host: '127.0.0.1', port: 1 })], { mode: 'sctp' }],
] as const) {
  test(`an offer ${what} is a bad request`, async (t) => {
    const { offer } = await setScene(t)
    t.is(conditionOf(await offer(streamhosts, attributes)), 'bad-request')
  })
}

test('§5.3.2: when no streamhost can be reached the answer is item-not-found, which tells nothing of our network', async (t) => {
  const { offer, expect } = await setScene(t)
  const { element } = await listen(t, () => false)
  const closed = xml('streamhost', { jid: 'closed.example.com', host: '127.0.0.1', port: 1 })
  const stopping = new AbortController()
  const expected = expect({ signal: stopping.signal })
  const answer = await offer([closed, element()])
  t.is(conditionOf(answer), 'item-not-found')
  t.notRegex(String(answer), /ECONNREFUSED|127\.0\.0\.1|refused/)
  stopping.abort()
  await t.throwsAsync(expected)
})

test('unknown children of an offer and of a streamhost are passed over (COMPAT: Psi)', async (t) => {
  const { offer, expect } = await setScene(t)
  const { sockets, element } = await listen(t)
  const expected = expect()
  const streamhost = element()
  streamhost.append(xml('proxy', { xmlns: 'http://affinix.com/jabber/stream' }))
  const answer = await offer([xml('fast', { xmlns: 'http://affinix.com/jabber/stream' }), streamhost])
  t.is(usedIn(answer), 'streamer.example.com')
  sockets[0]?.write('!')
  await expected
})

test('of several streamhosts the first that lets us in is used', async (t) => {
  const { offer, expect } = await setScene(t)
  const unwilling = await listen(t, () => false)
  const willing = await listen(t)
  const expected = expect()
  const answer = await offer([unwilling.element('one.example.com'), willing.element('two.example.com')])
  t.is(usedIn(answer), 'two.example.com')
  willing.sockets[0]?.write('!')
  t.is((await expected).streamhost?.jid, 'two.example.com')
})

test('sixteen streamhosts of an offer are tried, and no more', async (t) => {
  const { offer, expect } = await setScene(t)
  const { asked, element } = await listen(t, () => false)
  const stopping = new AbortController()
  const expected = expect({ signal: stopping.signal })
  await offer(Array.from({ length: 40 }, (_, index) => element(`${index}.example.com`)))
  t.is(asked.length, 16)
  stopping.abort()
  await t.throwsAsync(expected)
})

test('§7: the DST.ADDR an offer brings goes before the one we compute', async (t) => {
  const { offer, expect } = await setScene(t)
  const theirs = computeDstAddr(sid, 'room@rooms.example.org/me', 'room@rooms.example.org/you')
  const { asked, sockets, element } = await listen(t, (dstAddr) => dstAddr === theirs)
  const expected = expect()
  t.is(usedIn(await offer([element()], { dstaddr: theirs })), 'streamer.example.com')
  t.deepEqual(asked, [theirs])
  sockets[0]?.write('!')
  t.is((await expected).dstAddr, theirs)
})

test('a DST.ADDR that is none is not used', async (t) => {
  const { offer, expect } = await setScene(t)
  const { asked, sockets, element } = await listen(t)
  const expected = expect()
  await offer([element()], { dstaddr: 'GET / HTTP/1.1' })
  t.deepEqual(asked, [hash])
  sockets[0]?.write('!')
  await expected
})

test('another offer replaces one that was not activated, and its socket is broken off', async (t) => {
  const { offer, expect } = await setScene(t)
  const [first, second] = [await listen(t), await listen(t)]
  const expected = expect()
  await offer([first.element('one.example.com')])
  t.is(usedIn(await offer([second.element('two.example.com')])), 'two.example.com')
  t.is(await first.sockets[0]?.drained(), 'ECONNRESET')
  second.sockets[0]?.write('!')
  t.is((await expected).streamhost?.jid, 'two.example.com')
})

for (const [how, hangUp] of [
  ['ends', (socket: Peer | undefined) => socket?.end()],
  ['is reset', (socket: Peer | undefined) => socket?.socket.resetAndDestroy()],
] as const) {
  test(`a streamhost that ${how} before the first octet has given up: the next offer is taken`, async (t) => {
    const { offer, expect } = await setScene(t)
    const [first, second] = [await listen(t), await listen(t)]
    const expected = expect()
    await offer([first.element('one.example.com')])
    hangUp(first.sockets[0])
    t.is(usedIn(await offer([second.element('two.example.com')])), 'two.example.com')
    second.sockets[0]?.write('!')
    t.is((await expected).streamhost?.jid, 'two.example.com')
  })
}

test('another offer ends one that still connects, which is answered too', async (t) => {
  const { offer, expect } = await setScene(t)
  let connected: Promise<unknown> = Promise.resolve()
  const silent = createServer((socket) => {
    t.teardown(() => socket.destroy())
    connected = once(socket.on('error', () => {}).resume(), 'close')
  }).listen(0, '127.0.0.1')
  t.teardown(() => silent.close())
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const accepted = once(silent, 'connection')
  const { sockets, element } = await listen(t)

  const expected = expect()
  const superseded = offer([xml('streamhost', { jid: 'silent.example.com', host: '127.0.0.1', port })])
  await accepted
  t.is(usedIn(await offer([element()])), 'streamer.example.com')
  t.is(conditionOf(await superseded), 'item-not-found')
  await connected
  sockets[0]?.write('!')
  t.is((await expected).streamhost?.jid, 'streamer.example.com')
})

test('an offer that comes once the bytestream is open is not acceptable', async (t) => {
  const { offer, expect } = await setScene(t)
  const { sockets, element } = await listen(t)
  const expected = expect()
  await offer([element()])
  sockets[0]?.write('still here')
  const { stream } = await expected
  t.is(conditionOf(await offer([element()])), 'not-acceptable')
  t.is(String(await new Peer(stream as Socket).read(10)), 'still here')
})

test('an abort while the socket waits for its first octet breaks it off', async (t) => {
  const { offer, expect } = await setScene(t)
  const { sockets, element } = await listen(t)
  const stopping = new AbortController()
  const reason = new BytestreamError('ERR_SHUTTING_DOWN', 'we close')
  const expected = expect({ signal: stopping.signal })
  await offer([element()])
  stopping.abort(reason)
  t.is(await t.throwsAsync(expected), reason)
  t.is(await sockets[0]?.drained(), 'ECONNRESET')
})

test('nothing for 120 s is ERR_TIMEOUT, and a late offer not acceptable', async (t) => {
  const { clock, offer, expect } = await setScene(t)
  const { element } = await listen(t)
  const expected = expect()
  expected.catch(() => {})
  clock.advance(119_999)
  await settle()
  clock.advance(1)
  await t.throwsAsync(expected, { code: 'ERR_TIMEOUT', message: /requester@example\.com\/foo opened no bytestream within 120 s/ })
  t.is(conditionOf(await offer([element()])), 'not-acceptable')
  t.is(clock.waiting, 0)
})

test('the same sid of the same requester is expected once, that of another beside it', async (t) => {
  const { expect } = await setScene(t)
  const stopping = new AbortController()
  const { signal } = stopping
  const running = [expect({ signal }), expect({ signal, from: 'other@example.com/foo' })]
  await t.throwsAsync(expect(), { code: 'ERR_BAD_REQUEST' })
  stopping.abort()
  for (const each of running) await t.throwsAsync(each, { code: 'ERR_ABORTED' })
})

test('a thousand bytestreams are waited for at once, and no more', async (t) => {
  const { expect } = await setScene(t)
  const stopping = Array.from({ length: 1_000 }, () => new AbortController())
  const running = stopping.map(({ signal }, index) => expect({ sid: String(index), signal }))
  await t.throwsAsync(expect(), { code: 'ERR_LIMIT_WAITING' })
  for (const one of stopping) one.abort()
  t.is((await Promise.allSettled(running)).filter(({ status }) => status === 'rejected').length, 1_000)
})
