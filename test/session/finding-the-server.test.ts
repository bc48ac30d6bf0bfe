// Goal: the server of a domain is found as DNS says, one that does not answer makes way for the next, and what was tried
// is told.
// Method: a name server of the test's own on loopback, servers of the embedded kind, and TLS servers of Node.

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { BytestreamError, type Clock, systemClock } from '../../src/core/index.ts'
import { EmbeddedServer } from '../../src/embedded/index.ts'
import { type AccountInit, clientConnector, type NameResolver, Session } from '../../src/session/index.ts'
import { findServers, parseService } from '../../src/session/server-addresses.ts'
import { startAuthority } from '../helpers/certificates.ts'
import { a, srv, startNameServer } from '../helpers/dns.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { freePort } from '../helpers/prosody.ts'

const DOMAIN = 'example.test'
const STARTTLS = `_xmpp-client._tcp.${DOMAIN}`
const DIRECT = `_xmpps-client._tcp.${DOMAIN}`
const authority = await startAuthority()
const certified = await authority.issue(DOMAIN)
const other = await authority.issue('other.test')

/** An XMPP server for the domain, with one account. */
async function startServer(t: ExecutionContext): Promise<number> {
  const listen = { host: '127.0.0.1', port: 0 }
  const accounts = [{ local: 'romeo', password: 'pencil' }]
  const server = new EmbeddedServer({}, { domain: DOMAIN, accounts, components: [], clientListen: listen, componentListen: listen })
  t.teardown(() => server.close())
  return (await server.listen()).client.port
}

/** A server that ends every connection at once, after TLS where it has a certificate. */
async function startBrokenServer(t: ExecutionContext, certificate?: { cert: string; key: string }): Promise<number> {
  const server = certificate ? createTlsServer(certificate, (socket) => socket.end()) : createServer((socket) => socket.destroy())
  server.on('tlsClientError', () => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

function open(t: ExecutionContext, resolver: NameResolver, init: Partial<AccountInit> = {}): Session {
  const account = { jid: `romeo@${DOMAIN}`, password: 'pencil', ...init }
  const session = new Session({}, clientConnector(systemClock, account, resolver), { reconnect: 'never' })
  t.teardown(() => session.stop())
  return session
}

async function failure(t: ExecutionContext, resolver: NameResolver, init: Partial<AccountInit> = {}): Promise<BytestreamError> {
  return await t.throwsAsync(open(t, resolver, init).start(), { instanceOf: BytestreamError })
}

const find = (
  resolver: NameResolver,
  { domain = DOMAIN, clock = systemClock as Clock, random = () => 0, signal = new AbortController().signal } = {},
) => findServers({ clock, resolver, random }, domain, signal)

test('the server is where SRV says, and both kinds are asked for (RFC 6120 §3.2.1, XEP-0368 §3)', async (t) => {
  const port = await startServer(t)
  const names = await startNameServer(t, {
    [STARTTLS]: [srv(STARTTLS, 'xmpp.example.test', port)],
    'xmpp.example.test': [a('xmpp.example.test', '127.0.0.1')],
  })
  t.regex(await open(t, names).start(), /^romeo@example\.test\/./)
  t.true(names.asked.includes(`SRV ${STARTTLS}`))
  t.true(names.asked.includes(`SRV ${DIRECT}`))
})

test('servers that do not answer make way for the next, in the order of their priorities', async (t) => {
  const [port, dead, broken] = [await startServer(t), await freePort(), await startBrokenServer(t, other)]
  const hosts = ['one', 'two', 'three', 'four'].map((name) => `${name}.example.test`)
  const [one = '', two = '', three = '', four = ''] = hosts
  const names = await startNameServer(t, {
    [STARTTLS]: [srv(STARTTLS, four, port, 30), srv(STARTTLS, one, dead, 0)],
    [DIRECT]: [srv(DIRECT, two, broken, 10), srv(DIRECT, three, port, 20)],
    [one]: [a(one, '127.0.0.1')],
    [two]: [a(two, '127.0.0.1')],
    [four]: [a(four, '127.0.0.1')],
  })
  t.regex(await open(t, names).start(), /^romeo@example\.test\/./)
  t.deepEqual(
    // One may be asked twice, where the answer is late.
    [...new Set(names.asked.filter((question) => question.startsWith('A ')))],
    [one, two, three, four].map((name) => `A ${name}`),
  )
})

test('each address of a server is tried', async (t) => {
  const port = await startServer(t)
  const names = await startNameServer(t, {
    [STARTTLS]: [srv(STARTTLS, 'xmpp.example.test', port)],
    'xmpp.example.test': [a('xmpp.example.test', '127.0.0.9'), a('xmpp.example.test', '127.0.0.1')],
  })
  t.regex(await open(t, names).start(), /^romeo@example\.test\/./)
})

test('when none can be reached, each is named with its reason', async (t) => {
  const dead = await freePort()
  const names = await startNameServer(t, {
    [STARTTLS]: [srv(STARTTLS, 'one.example.test', dead, 0), srv(STARTTLS, 'two.example.test', dead, 1)],
    'one.example.test': [a('one.example.test', '127.0.0.1'), a('one.example.test', '127.0.0.2')],
  })
  const error = await failure(t, names)
  t.is(error.code, 'ERR_UNREACHABLE')
  t.is(
    error.message,
    `the server of ${DOMAIN} cannot be reached: ` +
      [1, 2].map((last) => `one.example.test:${dead}: connect ECONNREFUSED 127.0.0.${last}:${dead}; `).join('') +
      `two.example.test:${dead}: there is no host of that name`,
  )
})

test('a certificate that is wrong is what the error is about, if others could not be reached at all', async (t) => {
  const [dead, broken] = [await freePort(), await startBrokenServer(t, other)]
  const names = await startNameServer(t, {
    [STARTTLS]: [srv(STARTTLS, 'one.example.test', dead, 0)],
    [DIRECT]: [srv(DIRECT, 'two.example.test', broken, 1)],
    'one.example.test': [a('one.example.test', '127.0.0.1')],
    'two.example.test': [a('two.example.test', '127.0.0.1')],
  })
  const error = await failure(t, names, { tls: { ca: authority.cert } })
  t.is(error.code, 'ERR_TLS')
  t.regex(
    error.message,
    /^the server of example\.test cannot be trusted: one\.example\.test:\d+: connect ECONNREFUSED .*; two\.example\.test:/,
  )
  t.regex(error.message, /: its certificate is for other\.test, not for example\.test; whoever/)
})

test('the certificate has to be that of the domain, not of the host DNS names (RFC 6120 §13.7.2.1)', async (t) => {
  const port = await startBrokenServer(t, certified)
  const names = await startNameServer(t, { [DIRECT]: [srv(DIRECT, 'host.test', port)], 'host.test': [a('host.test', '127.0.0.1')] })
  const error = await failure(t, names, { tls: { ca: authority.cert } })
  t.is(error.code, 'ERR_SESSION_CLOSED', 'TLS came about')
})

test('a server that accepts connections and says nothing makes way for the next', async (t) => {
  const port = await startServer(t)
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const names = await startNameServer(t, {
    [DIRECT]: [srv(DIRECT, 'one.example.test', (silent.address() as AddressInfo).port, 0)],
    [STARTTLS]: [srv(STARTTLS, 'two.example.test', port, 1)],
    'one.example.test': [a('one.example.test', '127.0.0.1')],
    'two.example.test': [a('two.example.test', '127.0.0.1')],
  })
  const clock = new FakeClock()
  const connect = clientConnector(clock, { jid: `romeo@${DOMAIN}`, password: 'pencil' }, names)
  const connecting = connect(() => {}, new AbortController().signal)
  const [socket] = (await once(silent, 'connection')) as [Socket]
  await once(socket, 'data')
  clock.advance(5_000)
  const connection = await connecting
  t.regex(connection.jid, /^romeo@example\.test\/./)
  connection.close()
  await connection.closed
})

test('without records it is the domain itself, at port 5222 (RFC 6120 §3.2.2)', async (t) => {
  const names = await startNameServer(t, {})
  t.deepEqual(await find(names), [{ host: DOMAIN, port: 5222, isDirectTls: false }])
})

test('a name server that is broken, or silent, is as good as one without records', async (t) => {
  for (const said of ['broken', 'silent'] as const) {
    const names = await startNameServer(t, { [STARTTLS]: said, [DIRECT]: said })
    t.deepEqual(await find(names), [{ host: DOMAIN, port: 5222, isDirectTls: false }])
  }
})

test('a name server that never answers has a deadline', async (t) => {
  const clock = new FakeClock()
  const signals: AbortSignal[] = []
  const resolver: NameResolver = {
    srv: (_, signal) => {
      signals.push(signal)
      return new Promise(() => {})
    },
    addresses: async () => [],
  }
  const found = find(resolver, { clock })
  clock.advance(5_000)
  t.deepEqual(await found, [{ host: DOMAIN, port: 5222, isDirectTls: false }])
  t.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true, true],
  )
  t.is(clock.waiting, 0)
})

test('who is stopped while DNS is asked hears so', async (t) => {
  const controller = new AbortController()
  const resolver: NameResolver = { srv: () => new Promise(() => {}), addresses: async () => [] }
  const found = find(resolver, { signal: controller.signal })
  controller.abort()
  t.is((await t.throwsAsync(found, { instanceOf: BytestreamError })).code, 'ERR_ABORTED')
})

test('a domain that says "." has no server, and is not looked for elsewhere (RFC 2782)', async (t) => {
  const names = await startNameServer(t, { [STARTTLS]: [srv(STARTTLS, '.', 0)] })
  const error = await t.throwsAsync(find(names), { instanceOf: BytestreamError })
  t.is(error.code, 'ERR_UNREACHABLE')
  t.is(error.message, `${DOMAIN} says in DNS that it has no XMPP server for clients`)
})

test('a domain may say "." to direct TLS only (XEP-0368 §3)', async (t) => {
  const some = { host: 'xmpp.example.test', port: 5222, isDirectTls: false }
  const records = { [DIRECT]: [srv(DIRECT, '.', 0)], [STARTTLS]: [srv(STARTTLS, some.host, some.port)] }
  t.deepEqual(await find(await startNameServer(t, records)), [some])
  t.deepEqual(await find(await startNameServer(t, { [DIRECT]: [srv(DIRECT, '.', 0)] })), [{ host: DOMAIN, port: 5222, isDirectTls: false }])
})

test('of very many servers the first are tried', async (t) => {
  const resolver: NameResolver = {
    srv: async () => Array.from({ length: 50 }, (_, index) => ({ name: `${index}.test`, port: 5222, priority: index, weight: 0 })),
    addresses: async () => [],
  }
  t.is((await find(resolver)).length, 16)
})

test('DNS is not asked for this machine, nor for addresses (RFC 6761 §6.3)', async (t) => {
  const names = await startNameServer(t, {})
  for (const domain of ['localhost', 'xmpp.localhost', '127.0.0.1', '::1']) {
    t.deepEqual(await find(names, { domain }), [{ host: domain, port: 5222, isDirectTls: false }])
  }
  t.deepEqual(names.asked, [])
})

test('a domain beyond ASCII is asked for as DNS writes it', async (t) => {
  const names = await startNameServer(t, {})
  t.deepEqual(await find(names, { domain: 'münchen.test' }), [{ host: 'xn--mnchen-3ya.test', port: 5222, isDirectTls: false }])
  t.true(names.asked.includes('SRV _xmpp-client._tcp.xn--mnchen-3ya.test'))
})

test('a service is a scheme, a host and a port; the port may be left out', (t) => {
  t.deepEqual(parseService('xmpp://chat.test'), { host: 'chat.test', port: 5222, isDirectTls: false })
  t.deepEqual(parseService('xmpps://chat.test'), { host: 'chat.test', port: 5223, isDirectTls: true })
  t.deepEqual(parseService('xmpps://[::1]:1'), { host: '::1', port: 1, isDirectTls: true })
  for (const wrong of ['chat.test', 'http://chat.test', 'xmpp://', 'xmpp://chat.test:0', 'xmpp://chat.test:65536', 'xmpp://::1:5222']) {
    t.is(t.throws(() => parseService(wrong), { instanceOf: BytestreamError }).code, 'ERR_CONFIG', wrong)
  }
})
