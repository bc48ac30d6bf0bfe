// Goal: at its start the proxy finds out what keeps clients from it, says so with what to do, and blames nobody else.
// Method: proxies on real servers, whole and wrong in one way each; what servers cannot be made to say comes from a script.

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import ava, { type ExecutionContext } from 'ava'
import { checkOwnProxy, type OwnProxyInit } from '../../src/check/index.ts'
import { type Clock, systemClock } from '../../src/core/index.ts'
import type { Session } from '../../src/session/index.ts'
import { Streamhost } from '../../src/streamhost/index.ts'
import { buildDiscoInfo, buildDiscoItems, NS, type StreamhostAddress } from '../../src/xep/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { keepLines } from '../helpers/log-lines.ts'
import { PROXY } from '../helpers/prosody.ts'
import { startProxy } from '../helpers/proxy.ts'
import { type Script, scriptSession, stanzaError } from '../helpers/scripted-session.ts'
import { onEachServer } from '../helpers/server.ts'

const OTHER = 'other.localhost'
const FINE = 'looked from this machine: clients can find the proxy, and reach it'

/** A streamhost that is not the one of the proxy, until the test is over. */
async function startStreamhost(t: ExecutionContext): Promise<{ streamhost: Streamhost; at: StreamhostAddress }> {
  const streamhost = new Streamhost({}, { listen: [{ host: '127.0.0.1', port: 0 }] })
  t.teardown(() => streamhost.close())
  const [at] = await streamhost.listen()
  return { streamhost, at: { jid: PROXY, host: '127.0.0.1', port: at?.port ?? 0 } }
}

async function look(
  session: Session,
  streamhost: Streamhost,
  advertised: readonly StreamhostAddress[],
  { signal = new AbortController().signal, clock = systemClock }: Partial<OwnProxyInit> & { clock?: Clock } = {},
) {
  const { logger, lines } = keepLines()
  const waitingSockets: OwnProxyInit['waitingSockets'] = (dstAddr) => streamhost.waitingSockets(dstAddr)
  const verdict = await checkOwnProxy({ session, clock, logger }, { advertised, waitingSockets, signal })
  return { verdict, lines: lines.filter(({ level }) => level !== 'debug') }
}

onEachServer('the look at the own proxy', { accounts: [], components: [PROXY] }, (test) => {
  test('a proxy with which all is well says so in one line, and keeps no socket', async (t, server) => {
    await using proxy = await startProxy(server, { jid: PROXY })
    const { verdict, lines } = await look(proxy.session, proxy.streamhost, [{ jid: PROXY, ...proxy.address }])
    t.deepEqual(lines, [{ level: 'info', sentence: FINE, domain: PROXY }])
    t.true(verdict)
    t.like(proxy.streamhost.counters, { admitted: 2, activated: 0 })
    while (proxy.streamhost.gauges().waiting > 0) await once(proxy.streamhost, 'left')
  })
})

/** A session and a streamhost with which all is well, behind a script instead of a server. */
async function start(t: ExecutionContext, script: Partial<Record<string, Script>> = {}, jid = PROXY) {
  const { session } = await scriptSession(t, systemClock, jid, (iq) => {
    const about = iq.payload.attrs['xmlns'] === NS.discoItems ? 'items' : 'info'
    const fine = about === 'items' ? buildDiscoItems([{ jid: PROXY }]) : buildDiscoInfo({ identities: [], features: [] })
    return script[about] ? script[about](iq) : fine
  })
  return { session, ...(await startStreamhost(t)) }
}

ava('a proxy that the server does not list', async (t) => {
  const { session, streamhost, at } = await start(t, { items: () => buildDiscoItems([{ jid: OTHER }]) })
  const { verdict, lines } = await look(session, streamhost, [at])
  t.false(verdict)
  t.is(lines.length, 1)
  t.like(lines[0], { level: 'warn', domain: 'localhost' })
  t.regex(String(lines[0]?.sentence), /^the server does not list the proxy, .*: add it to its items/)
})

ava('a server that refuses to list its items to a component is not to blame', async (t) => {
  const refuse = () => {
    throw stanzaError('forbidden')
  }
  const { session, streamhost, at } = await start(t, { items: refuse })
  t.deepEqual((await look(session, streamhost, [at])).lines, [{ level: 'info', sentence: FINE, domain: PROXY }])
})

ava('an address of one label belongs to no domain that could list it', async (t) => {
  const { session, streamhost, at } = await start(t, { items: () => buildDiscoItems([]) }, 'proxy')
  t.true((await look(session, streamhost, [at])).verdict)
})

ava('a server that does not deliver what is sent to the proxy', async (t) => {
  const lose = () => {
    throw stanzaError('service-unavailable')
  }
  const { session, streamhost, at } = await start(t, { info: lose })
  const { lines } = await look(session, streamhost, [at])
  t.deepEqual(
    lines.map(({ level, domain, reason }) => [level, domain, reason]),
    [['warn', PROXY, `${PROXY} answered service-unavailable`]],
  )
  t.regex(String(lines[0]?.sentence), /^the server does not deliver what is sent to the proxy: look for/)
})

ava('an advertised host without an address, and one that nobody listens on: a line each, with what to do', async (t) => {
  const { session, streamhost, at } = await start(t)
  const { verdict, lines } = await look(session, streamhost, [
    at,
    { jid: PROXY, host: 'nowhere.invalid', port: 7777 },
    { jid: PROXY, host: '127.0.0.1', port: 1 },
  ])
  t.false(verdict)
  t.deepEqual(lines.map(({ level, host, port }) => [level, host, port]).sort(), [
    ['warn', '127.0.0.1', 1],
    ['warn', 'nowhere.invalid', 7777],
  ])
  const sentenceOf = (port: number) => String(lines.find((line) => line['port'] === port)?.sentence)
  t.regex(sentenceOf(7777), /^an advertised host has no address, .*--advertise$/)
  t.regex(sentenceOf(1), /^an advertised address cannot be reached from this machine: .*NAT.*streamhost check from elsewhere$/)
})

ava('an advertised address that leads to another streamhost, or to something else', async (t) => {
  const { session, streamhost } = await start(t)
  const other = await startStreamhost(t)
  const chatty = createServer((socket) => socket.on('error', () => {}).end('220 mail.example ESMTP\r\n')).listen(0, '127.0.0.1')
  t.teardown(() => chatty.close())
  await once(chatty, 'listening')
  const { port } = chatty.address() as AddressInfo
  const { lines } = await look(session, streamhost, [other.at, { jid: PROXY, host: '127.0.0.1', port }])
  t.deepEqual(lines.map(({ reason }) => reason).sort(), ['it answered 32 32', 'the socket was let in, but not here'])
  for (const { sentence } of lines) t.regex(sentence, /^an advertised address leads to something that is not this proxy: /)
})

ava('a loopback address of a proxy whose server is elsewhere', async (t) => {
  const { session, streamhost, at } = await start(t, { items: () => buildDiscoItems([{ jid: 'proxy.192.0.2.1' }]) }, 'proxy.192.0.2.1')
  const { lines } = await look(session, streamhost, [at])
  t.deepEqual(
    lines.map(({ level, host }) => [level, host]),
    [['warn', '127.0.0.1']],
  )
  t.regex(String(lines[0]?.sentence), /^an advertised address is loopback or private, while the server has a wider one: /)
})

ava('a proxy that is stopped while it looks says nothing', async (t) => {
  const { session, streamhost, at } = await start(t, { items: () => 'silence' })
  const stopping = new AbortController()
  const looking = look(session, streamhost, [at], { signal: stopping.signal })
  await once(streamhost, 'waiting')
  stopping.abort()
  t.deepEqual(await looking, { verdict: undefined, lines: [] })
})

ava('a session that ends while it looks is no finding', async (t) => {
  const { session, streamhost, at } = await start(t, { items: () => 'silence' })
  const looking = look(session, streamhost, [at])
  await once(streamhost, 'waiting')
  await session.stop()
  t.deepEqual(await looking, { verdict: undefined, lines: [] })
})

ava('an advertised address that accepts and then says nothing keeps the look waiting for its time only', async (t) => {
  const { session, streamhost } = await start(t)
  const silent = createServer((socket) => t.teardown(() => socket.destroy())).listen(0, '127.0.0.1')
  t.teardown(() => silent.close())
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const clock = new FakeClock()
  const looking = look(session, streamhost, [{ jid: PROXY, host: '127.0.0.1', port }], { clock })
  const [socket] = (await once(silent, 'connection')) as [Socket]
  await once(socket, 'data')
  clock.advance(10_000)
  const { verdict, lines } = await looking
  t.false(verdict)
  t.like(lines[0], { level: 'warn', port, reason: 'it answered no octet, then nothing' })
})
