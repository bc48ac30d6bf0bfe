import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import {
  type Bytestream,
  BytestreamTarget,
  ProxyFinder,
  type RequesterStep,
  type RequestInit,
  requestBytestream,
} from '../../../src/bytestreams/index.ts'
import { connectToStreamhost } from '../../../src/bytestreams/socks5/connect-streamhost.ts'
import { BytestreamError, type Clock, silentLogger, systemClock } from '../../../src/core/index.ts'
import type { Session } from '../../../src/session/index.ts'
import { computeDstAddr, type DstAddr } from '../../../src/socks5/index.ts'
import { type BytestreamOffer, buildStreamhostUsed, NS, parseBytestreamOffer } from '../../../src/xep/index.ts'
import { anywhere } from '../../helpers/anywhere.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { Peer } from '../../helpers/peer.ts'
import { stanzaError } from '../../helpers/scripted-session.ts'
import { settle } from '../../helpers/settle.ts'
import { steadyClock } from '../../helpers/steady-clock.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

// Method: sessions on the embedded server, proxies and sockets on this machine. The target is our own where it should
// behave, else a handler of a few lines.

const PROXIES = ['one.localhost', 'two.localhost'] as const
const sid = 'vxf9n471bn46'
const here = ['127.0.0.1']

interface Scene {
  readonly network: Awaited<ReturnType<typeof startNetwork>>
  readonly requester: Session
  readonly target: Session
  readonly steps: RequesterStep[]
  request(init?: Partial<RequestInit>): ReturnType<typeof requestBytestream>
}

async function setScene(t: ExecutionContext, clock: Clock = steadyClock()): Promise<Scene> {
  const network = await startNetwork(t, ['requester', 'target'], PROXIES)
  const [requester, target] = [await network.logIn('requester', clock), await network.logIn('target')]
  const proxies = new ProxyFinder(requester, clock, silentLogger)
  const steps: RequesterStep[] = []
  return {
    network,
    requester,
    target,
    steps,
    request: (init = {}) =>
      requestBytestream(
        { session: requester, proxies, clock, logger: silentLogger },
        { to: target.jid, sid, ownHosts: here, onStep: (step) => steps.push(step), ...init },
      ),
  }
}

const namesOf = (steps: readonly RequesterStep[]) => steps.map(({ step }) => step)

/** A target that answers offers as `answer` says; it is told which offer it is, from 0 on. */
function playTarget(target: Session, answer: (offer: BytestreamOffer, count: number, dstAddr: DstAddr) => string | Promise<string>) {
  const offers: BytestreamOffer[] = []
  target.iqs.handle('set', NS.bytestreams, 'query', async ({ payload, from }) => {
    const offer = parseBytestreamOffer(payload)
    offers.push(offer)
    const jid = await answer(offer, offers.length - 1, computeDstAddr(offer.sid, from, target.jid))
    return buildStreamhostUsed(offer.sid, jid)
  })
  return offers
}

/** Connects as a target does. */
async function connectTo(t: ExecutionContext, offer: BytestreamOffer, jid: string, dstAddr: DstAddr): Promise<Socket> {
  const streamhost = offer.streamhosts.find((candidate) => candidate.jid === jid)
  if (!streamhost) throw new Error(`${jid} was not offered`)
  const socket = await connectToStreamhost(streamhost, dstAddr, new AbortController().signal)
  t.teardown(() => socket.destroy())
  return socket
}

const peerOf = ({ stream }: Bytestream) => new Peer(stream as Socket)

/** A word each way, then a proper end of both. */
async function converse(t: ExecutionContext, sent: Bytestream, received: Bytestream): Promise<void> {
  const [one, other] = [peerOf(sent), peerOf(received)]
  one.write('ping')
  t.is(String(await other.read(4)), 'ping')
  other.write('pong!')
  t.is(String(await one.read(5)), 'pong!')
  one.end()
  t.is(String(await other.readAll()), '')
  other.end()
  t.is(String(await one.readAll()), '')
}

test('auto: own addresses come first, proxies behind them; the target that connects to us gets a direct bytestream (§5)', async (t) => {
  const { network, requester, target, steps, request } = await setScene(t)
  const { streamhosts } = await network.startProxy('one.localhost')
  const incoming = new BytestreamTarget(target, systemClock, silentLogger, anywhere).expect({ from: requester.jid, sid })
  const bytestream = await request()
  t.like(bytestream, { method: 'direct', peer: target.jid, sid, dstAddr: computeDstAddr(sid, requester.jid, target.jid) })
  const [offered] = steps
  t.deepEqual(namesOf(steps), ['offered', 'used'])
  t.true(offered?.step === 'offered' && offered.streamhosts[0]?.jid === requester.jid)
  t.deepEqual(offered?.step === 'offered' && offered.streamhosts.slice(1), streamhosts)
  bytestream.stream.write('1')
  const received = await incoming
  t.is(received.method, 'direct')
  t.is(String(received.stream.read()), '1')
  await converse(t, bytestream, received)
  t.deepEqual(await bytestream.totals, { sent: 5, received: 5, end: 'closed' })
  t.deepEqual(await received.totals, { sent: 5, received: 5, end: 'closed' })
})

test('proxy: both connect to it, it is activated, and octets flow (§6)', async (t) => {
  const { network, requester, target, steps, request } = await setScene(t)
  const { streamhosts, proxy } = await network.startProxy('one.localhost')
  const activated = once(proxy, 'activationAsked')
  const incoming = new BytestreamTarget(target, systemClock, silentLogger, anywhere).expect({ from: requester.jid, sid })
  const bytestream = await request({ method: 'proxy' })
  t.like(bytestream, { method: 'proxy', streamhost: streamhosts[0] })
  t.deepEqual(namesOf(steps), ['offered', 'used', 'connected', 'activated'])
  t.like((await activated)[0], { from: requester.jid, targetJid: target.jid, code: undefined })
  bytestream.stream.write('1')
  const received = await incoming
  t.is(received.method, 'proxy')
  t.is(String(received.stream.read()), '1')
  await converse(t, bytestream, received)
})

test('proxy: no address of ours is in any stanza', async (t) => {
  const { network, requester, target, request } = await setScene(t)
  await network.startProxy('one.localhost', { advertised: [{ jid: 'one.localhost', host: '192.0.2.7', port: 7777 }] })
  const stanzas: string[] = []
  network.server.on('stanza', ({ from, element }) => {
    if (from === requester.jid) stanzas.push(String(element))
  })
  playTarget(target, () => {
    throw stanzaError('not-acceptable')
  })
  await t.throwsAsync(request({ method: 'proxy', ownHosts: ['198.51.100.23'] }), { code: 'ERR_NOT_ACCEPTABLE' })
  t.true(
    stanzas.some((stanza) => stanza.includes('192.0.2.7')),
    'the offer was seen',
  )
  t.false(stanzas.some((stanza) => stanza.includes('198.51.100.23') || stanza.includes(`jid="${requester.jid}"`)))
})

test('direct: only own addresses are offered, and no proxy is looked for', async (t) => {
  const { network, requester, target, request } = await setScene(t)
  await network.startProxy('one.localhost')
  const asked: string[] = []
  network.server.on('stanza', ({ from, to }) => {
    if (from === requester.jid) asked.push(to)
  })
  const offers = playTarget(target, () => {
    throw stanzaError('item-not-found')
  })
  await t.throwsAsync(request({ method: 'direct' }), { code: 'ERR_NO_STREAMHOST', message: /could reach none/ })
  t.deepEqual(
    offers[0]?.streamhosts.map(({ jid, host }) => [jid, host]),
    [[requester.jid, '127.0.0.1']],
  )
  t.deepEqual(asked, [target.jid])
})

test('an own address that cannot be listened on is left out', async (t) => {
  const { requester, target, request } = await setScene(t)
  const offers = playTarget(target, async (offer, _, dstAddr) => {
    await connectTo(t, offer, requester.jid, dstAddr)
    return requester.jid
  })
  const { method } = await request({ method: 'direct', ownHosts: ['192.0.2.1', '127.0.0.1'] })
  t.is(method, 'direct')
  t.is(offers[0]?.streamhosts.length, 1)
})

test('a proxy that cannot be reached is left out, and the rest is offered again', async (t) => {
  const { network, requester, target, steps, request } = await setScene(t)
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  closed.close()
  await network.startProxy('one.localhost', { advertised: [{ jid: 'one.localhost', host: '127.0.0.1', port }] })
  const { streamhosts } = await network.startProxy('two.localhost')
  const offers = playTarget(target, async (offer, count, dstAddr) => {
    if (count === 0) return 'one.localhost' // It says so.
    await connectTo(t, offer, 'two.localhost', dstAddr)
    return 'two.localhost'
  })
  const bytestream = await request({ method: 'proxy' })
  t.deepEqual(bytestream.streamhost, streamhosts[0])
  t.deepEqual(offers[1]?.streamhosts, streamhosts)
  t.deepEqual(namesOf(steps), ['offered', 'used', 'proxy failed', 'offered', 'used', 'connected', 'activated'])
  const [, , failed] = steps
  t.true(failed?.step === 'proxy failed' && failed.error.message.includes('ECONNREFUSED'))
  t.is(bytestream.peer, target.jid)
  t.is(requester.isOnline, true)
})

test('a proxy that does not activate is left out, its socket closed, and own addresses still do', async (t) => {
  const { network, requester, target, steps, request } = await setScene(t)
  const { streamhost } = await network.startProxy('one.localhost')
  playTarget(target, async (offer, count, dstAddr) => {
    if (count === 0) return 'one.localhost' // Without a connection: the proxy has one socket of two.
    await connectTo(t, offer, requester.jid, dstAddr)
    return requester.jid
  })
  const left = once(streamhost, 'left')
  const { method } = await request()
  t.is(method, 'direct')
  const failed = steps.find((step) => step.step === 'proxy failed')
  t.true(failed?.step === 'proxy failed' && failed.error.message.includes('1 of 2 sockets'), 'the proxy explains')
  await left
  t.is(streamhost.gauges().openSockets, 0)
})

test('when the last proxy fails, its own error is the end', async (t) => {
  const { network, target, request } = await setScene(t)
  await network.startProxy('one.localhost')
  const offers = playTarget(target, () => 'one.localhost')
  await t.throwsAsync(request({ method: 'proxy' }), { code: 'ERR_STANZA', message: /one\.localhost answered not-allowed/ })
  t.is(offers.length, 1)
})

for (const [condition, code] of [
  ['not-acceptable', 'ERR_NOT_ACCEPTABLE'], // §5.3.1
  ['item-not-found', 'ERR_NO_STREAMHOST'], // §5.3.2
  ['remote-server-not-found', 'ERR_NO_STREAMHOST'], // Psi
  ['service-unavailable', 'ERR_STANZA'],
  ['forbidden', 'ERR_STANZA'],
] as const) {
  test(`a target that answers ${condition} is ${code}`, async (t) => {
    const { target, request } = await setScene(t)
    playTarget(target, () => {
      throw stanzaError(condition)
    })
    const error = await t.throwsAsync(request({ method: 'direct' }), { instanceOf: BytestreamError, code })
    t.is((error as BytestreamError).code === 'ERR_STANZA' || error?.cause !== undefined, true)
  })
}

test('a target that is not there is what its server answers', async (t) => {
  const { request } = await setScene(t)
  await t.throwsAsync(request({ method: 'direct', to: 'target@localhost/gone' }), { code: 'ERR_STANZA', message: /service-unavailable/ })
})

for (const jid of ['three.localhost', '']) {
  test(`a target that used ${jid || 'nothing'} of what was offered is ERR_NO_STREAMHOST`, async (t) => {
    const { target, request } = await setScene(t)
    playTarget(target, () => jid)
    await t.throwsAsync(request({ method: 'direct' }), { code: 'ERR_NO_STREAMHOST', message: /without naming a streamhost/ })
  })
}

test('a target that says it connected to us, and did not, is ERR_NO_STREAMHOST', async (t) => {
  const { requester, target, request } = await setScene(t)
  playTarget(target, () => requester.jid)
  await t.throwsAsync(request({ method: 'direct' }), { code: 'ERR_NO_STREAMHOST', message: /but it is not/ })
})

test('whoever connects to us with another DST.ADDR, or second, is turned away', async (t) => {
  const { requester, target, request } = await setScene(t)
  playTarget(target, async (offer, _, dstAddr) => {
    const stranger = computeDstAddr(offer.sid, 'mallory@localhost/x', target.jid)
    await t.throwsAsync(connectTo(t, offer, requester.jid, stranger), { code: 'ERR_SOCKS5_REFUSED' })
    await connectTo(t, offer, requester.jid, dstAddr)
    await t.throwsAsync(connectTo(t, offer, requester.jid, dstAddr), { code: 'ERR_SOCKS5_REFUSED' })
    return requester.jid
  })
  t.is((await request({ method: 'direct' })).method, 'direct')
})

test('we stop listening once the bytestream is open, and when there is none', async (t) => {
  const { requester, target, request } = await setScene(t)
  const offers = playTarget(target, async (offer, count, dstAddr) => {
    if (count > 0) throw stanzaError('not-acceptable')
    await connectTo(t, offer, requester.jid, dstAddr)
    return requester.jid
  })
  await request({ method: 'direct' })
  await t.throwsAsync(request({ method: 'direct' }))
  for (const { streamhosts } of offers) {
    const [at] = streamhosts
    if (!at) return t.fail()
    await t.throwsAsync(connectToStreamhost(at, computeDstAddr(sid, requester.jid, target.jid), new AbortController().signal), {
      code: 'ERR_UNREACHABLE',
    })
  }
  return undefined
})

test('a target that connected to us and then chose a proxy leaves no socket of ours open', async (t) => {
  const { network, requester, target, request } = await setScene(t)
  await network.startProxy('one.localhost')
  let spare: Socket | undefined
  playTarget(target, async (offer, _, dstAddr) => {
    spare = await connectTo(t, offer, requester.jid, dstAddr)
    await connectTo(t, offer, 'one.localhost', dstAddr)
    return 'one.localhost'
  })
  t.is((await request()).method, 'proxy')
  spare?.resume().on('error', () => {})
  if (spare && !spare.readableEnded && !spare.closed) await Promise.race([once(spare, 'end'), once(spare, 'close')])
  t.pass()
})

test('the overall deadline ends a negotiation with a target that never answers', async (t) => {
  const clock = new FakeClock()
  const { target, request, steps } = await setScene(t, clock)
  const offered = new Promise<void>((resolve) => {
    target.iqs.handle('set', NS.bytestreams, 'query', () => {
      resolve()
      return new Promise(() => {})
    })
  })
  const opening = request({ method: 'direct', timings: { overallMsMax: 50_000 } })
  opening.catch(() => {})
  await offered
  clock.advance(49_999)
  await settle()
  t.deepEqual(namesOf(steps), ['offered'])
  clock.advance(1)
  await t.throwsAsync(opening, { code: 'ERR_TIMEOUT', message: /no bytestream to target@localhost\/.* within 50 s/ })
})

test("the target's answer has a deadline of its own", async (t) => {
  const clock = new FakeClock()
  const { target, request } = await setScene(t, clock)
  const offered = new Promise<void>((resolve) => {
    target.iqs.handle('set', NS.bytestreams, 'query', () => {
      resolve()
      return new Promise(() => {})
    })
  })
  const opening = request({ method: 'direct' })
  opening.catch(() => {})
  await offered
  clock.advance(90_000)
  await t.throwsAsync(opening, { code: 'ERR_TIMEOUT', message: /did not answer within 90 s/ })
})

test('an abort ends a negotiation at once, with its reason, whichever step it is in', async (t) => {
  const { network, target, request } = await setScene(t)
  const silent = await network.plugIn('one.localhost')
  const stopping = new AbortController()
  // The proxy that is looked for never says what it is.
  silent.iqs.handle('get', NS.discoInfo, 'query', () => {
    stopping.abort()
    return new Promise(() => {})
  })
  await t.throwsAsync(request({ signal: stopping.signal }), { code: 'ERR_ABORTED' })

  const later = new AbortController()
  const reason = new BytestreamError('ERR_SHUTTING_DOWN', 'we close')
  playTarget(target, () => {
    later.abort(reason)
    return new Promise(() => {})
  })
  t.is(await t.throwsAsync(request({ method: 'direct', signal: later.signal })), reason)
})

test('without an own address and without a proxy there is nothing to offer, and the error says what is missing', async (t) => {
  const { request } = await setScene(t)
  const code = 'ERR_NO_STREAMHOST'
  await t.throwsAsync(request({ ownHosts: [] }), { code, message: /no address of use to others, and the account's server lists no proxy/ })
  await t.throwsAsync(request({ method: 'direct', ownHosts: [] }), { code, message: /no address of use to others$/ })
  await t.throwsAsync(request({ method: 'proxy' }), { code, message: /lists no proxy it may use$/ })
})

test('a proxy by name is the only one that is offered', async (t) => {
  const { network, target, request } = await setScene(t)
  await network.startProxy('one.localhost')
  const { streamhosts } = await network.startProxy('two.localhost')
  const offers = playTarget(target, () => {
    throw stanzaError('not-acceptable')
  })
  await t.throwsAsync(request({ method: 'proxy', proxy: 'two.localhost' }))
  t.deepEqual(offers[0]?.streamhosts, streamhosts)
})

test('a proxy by name that is none is the end with `proxy`, and not with `auto`', async (t) => {
  const { requester, target, request } = await setScene(t)
  await t.throwsAsync(request({ method: 'proxy', proxy: 'one.localhost' }), { code: 'ERR_STANZA', message: /one\.localhost answered/ })
  playTarget(target, async (offer, _, dstAddr) => {
    await connectTo(t, offer, requester.jid, dstAddr)
    return requester.jid
  })
  t.is((await request({ proxy: 'one.localhost' })).method, 'direct')
})

test('of several addresses of one proxy, the first that answers is used', async (t) => {
  const { network, target, requester, request } = await setScene(t)
  const { streamhosts } = await network.startProxy('one.localhost')
  const working = streamhosts[0]?.port ?? 0
  await network.startProxy('two.localhost', {
    advertised: [
      { jid: 'two.localhost', host: '127.0.0.1', port: 1 },
      { jid: 'two.localhost', host: '127.0.0.1', port: working },
    ],
  })
  playTarget(target, async (_, __, dstAddr) => {
    await connectTo(t, { sid, streamhosts: [{ jid: 'two.localhost', host: '127.0.0.1', port: working }] }, 'two.localhost', dstAddr)
    return 'two.localhost'
  })
  // Who activates is the component of the other address, which does not know the sockets: the refusal tells it was asked.
  await t.throwsAsync(request({ method: 'proxy', proxy: 'two.localhost' }), { message: /two\.localhost answered item-not-found.*0 of 2/ })
  t.true(requester.isOnline)
})
