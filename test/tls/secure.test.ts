// Goal: TLS leads to whom it is meant to lead, or to nobody, and the reason fits behind the name of the server.
// Method: TLS servers of Node, with certificates of an authority of the test's own; names XMPP has besides host names are
// made by openssl, which npm packages cannot.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { BytestreamError } from '../../src/core/index.ts'
import { secure, Trust, type TrustInit } from '../../src/tls/index.ts'
import { type Certified, fileOf, selfSigned, startAuthority } from '../helpers/certificates.ts'
import { foreign } from '../helpers/foreign.ts'

const authority = await startAuthority()
const stranger = await startAuthority('stranger.test')
const DOMAIN = 'example.test'
const good = await authority.issue(DOMAIN)

interface Attempt extends TlsOptions {
  readonly certified?: Certified
  readonly domain?: string
  readonly trust?: TrustInit
  readonly alpn?: string
  readonly signal?: AbortSignal
}

/** Connects to a server of the test's own, and lays TLS over the connection. */
async function attempt(t: ExecutionContext, init: Attempt = {}) {
  const {
    certified = good,
    domain = DOMAIN,
    trust = { ca: authority.cert },
    alpn,
    signal = new AbortController().signal,
    ...options
  } = init
  const server = createServer({ ...certified, ...options })
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>
  accepted.catch(() => {})
  server.on('tlsClientError', () => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => {
    socket.destroy()
    server.close()
  })
  await once(socket, 'connect')
  const secured = await secure(socket, { domain, trust: new Trust(trust), signal, ...(alpn !== undefined && { alpn }) })
  t.teardown(() => secured.destroy())
  return { secured, accepted }
}

test('a certificate of the domain, of an authority that is trusted, is good; the domain is named (SNI), and the protocol', async (t) => {
  const { secured, accepted } = await attempt(t, { alpn: 'xmpp-client', ALPNProtocols: ['xmpp-client'] })
  const [other] = await accepted
  t.true(secured.authorized)
  t.is(other.servername, DOMAIN)
  t.is(other.alpnProtocol, 'xmpp-client')
})

test('a server that has never heard of ALPN will do', async (t) => {
  t.false((await attempt(t, { alpn: 'xmpp-client' })).secured.alpnProtocol)
})

test('an address is no server name (RFC 6066 §3)', async (t) => {
  const { accepted } = await attempt(t, { domain: '127.0.0.1', trust: { insecure: true } })
  const [{ servername }] = await accepted
  t.false(servername)
})

test('any certificate will do where that is asked for, and the caller can tell', async (t) => {
  const { secured } = await attempt(t, { certified: await selfSigned('other.test'), trust: { insecure: true } })
  t.false(secured.authorized)
  t.true((await attempt(t, { trust: { insecure: true, ca: authority.cert } })).secured.authorized)
})

const refuses = test.macro({
  async exec(t, init: Attempt | Promise<Attempt>, reason: string | RegExp) {
    const error = await t.throwsAsync(attempt(t, await init), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_TLS')
    if (typeof reason === 'string') t.is(error.message, reason)
    else t.regex(error.message, reason)
  },
  title: (given) => `${given} is refused`,
})

const issued = async (domain: string, days?: { from?: number; until?: number }) => ({ certified: await authority.issue(domain, days) })
const UNKNOWN =
  'its certificate comes from an authority that is unknown here; name a file with the certificate of that authority (--tls-ca)'
const UNNAMED = 'its certificate comes from an authority that is unknown here, and not one of those that --tls-ca names'
const FOR_OTHER = `its certificate is for other.test, not for ${DOMAIN}; whoever runs it has to get one for ${DOMAIN}`
test(
  'an expired certificate',
  refuses,
  issued(DOMAIN, { from: -9, until: -1 }),
  'its certificate has expired; if the clock here is right, whoever runs it has to renew it',
)
test(
  'a certificate of the future',
  refuses,
  issued(DOMAIN, { from: 1, until: 9 }),
  'its certificate is not valid yet; compare the clocks of both sides',
)
test('a certificate of another domain', refuses, issued('other.test'), FOR_OTHER)
test('a certificate of a domain below', refuses, issued(`chat.${DOMAIN}`), /is for chat\.example\.test, not for example\.test/)
test('a certificate of every domain below', refuses, issued(`*.${DOMAIN}`), /is for \*\.example\.test, not for example\.test/)
test('a certificate of an authority nobody named', refuses, { trust: {} }, UNKNOWN)
test('a certificate of an authority other than the named one', refuses, { trust: { ca: stranger.cert } }, UNNAMED)
test(
  'a certificate that vouches for itself, where none is named,',
  refuses,
  selfSigned(DOMAIN).then((certified) => ({ certified, trust: {} })),
  'its certificate is self-signed; if it is the right one, name a file with it (--tls-ca)',
)
test(
  'a certificate that vouches for itself, where another is named,',
  refuses,
  selfSigned(DOMAIN).then((certified) => ({ certified })),
  'its certificate is self-signed, and not one of those that --tls-ca names',
)
test('TLS 1.1 (RFC 8996)', refuses, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' }, /^TLS failed \(/)
test('a server of another protocol', refuses, { alpn: 'xmpp-client', ALPNProtocols: ['http/1.1'] }, /^TLS failed \(/)

test('a certificate of every domain below one is good for those', async (t) => {
  const { secured } = await attempt(t, { certified: await authority.issue(`*.${DOMAIN}`), domain: `chat.${DOMAIN}` })
  t.true(secured.authorized)
})

test("a server's own certificate may be named, whoever vouches for it; it vouches for no other", async (t) => {
  const trust = { ca: good.cert }
  t.true((await attempt(t, { trust })).secured.authorized)
  const error = await t.throwsAsync(attempt(t, { trust, certified: await authority.issue(DOMAIN) }), { instanceOf: BytestreamError })
  t.is(error.message, UNNAMED)
})

test('what is trusted is trusted by whom it was given to, and nobody else', async (t) => {
  t.true((await attempt(t)).secured.authorized)
  const error = await t.throwsAsync(attempt(t, { trust: {} }), { instanceOf: BytestreamError })
  t.is(error.code, 'ERR_TLS')
})

test('when it is cancelled the connection is cut', async (t) => {
  const controller = new AbortController()
  controller.abort()
  const error = await t.throwsAsync(attempt(t, { signal: controller.signal }), { instanceOf: BytestreamError })
  t.is(error.code, 'ERR_ABORTED')
})

const opensslTest = foreign('names of XMPP in certificates', ['openssl'])

/** A certificate that vouches for itself, for `elsewhere.test`, and with another kind of name. */
async function withName(t: ExecutionContext, otherName: string): Promise<Certified> {
  const configuration = `[req]
distinguished_name=subject
x509_extensions=extensions
prompt=no
[subject]
CN=x
[extensions]
subjectAltName=@names
[names]
otherName.1=${otherName}
DNS.1=elsewhere.test
`
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-config',
    await fileOf(t, configuration),
    '-keyout',
    '-',
  ]
  const { stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  const [key] = /-----BEGIN PRIVATE KEY.*END PRIVATE KEY-----/s.exec(stdout) ?? []
  const [cert] = /-----BEGIN CERTIFICATE.*END CERTIFICATE-----/s.exec(stdout) ?? []
  if (!key || !cert) throw new Error(`openssl made none: ${stderr}`)
  return { key, cert }
}

const XMPP_ADDR = '1.3.6.1.5.5.7.8.5;UTF8'
const SRV_NAME = '1.3.6.1.5.5.7.8.7;IA5'

for (const [name, otherName] of [
  ['SRVName (RFC 4985)', `${SRV_NAME}:_xmpp-client.example.test`],
  ['XmppAddr (RFC 6120 §13.7.1.4)', `${XMPP_ADDR}:example.test`],
] as const) {
  opensslTest(`a certificate may name the domain as ${name}`, async (t) => {
    const certified = await withName(t, otherName)
    t.true((await attempt(t, { certified, trust: { ca: certified.cert } })).secured.authorized)
  })
}

for (const [what, otherName] of [
  ['another service', `${SRV_NAME}:_xmpp-server.example.test`],
  ['an account', `${XMPP_ADDR}:romeo@example.test`],
  ['a name that only looks like two', `${XMPP_ADDR}:x, othername:XmppAddr:example.test`],
] as const) {
  opensslTest(`a certificate for ${what} is not one for the domain`, async (t) => {
    const certified = await withName(t, otherName)
    const error = await t.throwsAsync(attempt(t, { certified, trust: { ca: certified.cert } }), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_TLS')
    t.regex(error.message, /^its certificate is for .*elsewhere\.test, not for example\.test/)
  })
}
