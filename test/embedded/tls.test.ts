// Goal: clients can encrypt, those from elsewhere must, and nothing said before TLS is taken for something said in it.
// Method: raw XML before TLS and over it; openssl as a client of somebody else; hosts of their own for "elsewhere".

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { BytestreamError, systemClock } from '../../src/core/index.ts'
import { EmbeddedServer } from '../../src/embedded/index.ts'
import { clientConnector, Session } from '../../src/session/index.ts'
import { makeIdentity } from '../../src/tls/index.ts'
import { fileOf, selfSigned, startAuthority } from '../helpers/certificates.ts'
import { startEmbeddedProcess } from '../helpers/embedded-process.ts'
import { accountOf, DOMAIN, startServer } from '../helpers/embedded-server.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { foreign } from '../helpers/foreign.ts'
import { startStar } from '../helpers/namespaces.ts'
import { ourProgram } from '../helpers/our-programs.ts'
import { type Address, auth, clientHeader, loginUnbound } from '../helpers/raw-client.ts'
import { ServerSide } from '../helpers/scripted-server.ts'

const authority = await startAuthority()
const certified = await authority.issue(DOMAIN)
const { local, password } = accountOf('romeo')
const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
const PLAIN = auth('PLAIN', `\0${local}\0${password}`)

/** A connection in raw text, up to the features. */
async function begin(t: ExecutionContext, { host, port }: Address) {
  const socket = connect(port, host)
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  const side = new ServerSide(socket)
  side.say(clientHeader(DOMAIN))
  const features = await side.hears(/<stream:features>.*<\/stream:features>/)
  return { socket, side, features }
}

/** Lays TLS over a connection that has consented to it, and begins a stream there. */
async function encrypt(t: ExecutionContext, socket: Socket) {
  socket.removeAllListeners('data')
  const secured: TLSSocket = connectTls({ socket, servername: DOMAIN, ca: authority.cert })
  t.teardown(() => secured.destroy())
  await once(secured, 'secureConnect')
  const side = new ServerSide(secured)
  side.say(clientHeader(DOMAIN))
  const features = await side.hears(/<stream:features>.*<\/stream:features>/)
  return { side, features }
}

test('on this machine STARTTLS is offered beside the login; over it there is a login, and no second offer (RFC 6120 §5.4)', async (t) => {
  await using server = await startServer({ tls: certified })
  const { socket, side, features } = await begin(t, server.client)
  t.regex(features, /<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"\/><mechanisms/)
  side.say(STARTTLS)
  await side.hears(/^<proceed xmlns="urn:ietf:params:xml:ns:xmpp-tls"\/>$/)
  const encrypted = await encrypt(t, socket)
  t.notRegex(encrypted.features, /starttls/)
  t.regex(encrypted.features, /<mechanism>SCRAM-SHA-1<\/mechanism><mechanism>PLAIN<\/mechanism>/)
  encrypted.side.say(PLAIN)
  await encrypted.side.hears(/<success/)
})

test('without a certificate nobody is offered STARTTLS', async (t) => {
  await using server = await startServer()
  const { features } = await begin(t, server.client)
  t.notRegex(features, /starttls/)
})

test('over TLS, and after the login, STARTTLS is not consented to', async (t) => {
  await using server = await startServer({ tls: certified })
  const { socket, side } = await begin(t, server.client)
  side.say(STARTTLS)
  await side.hears(/<proceed[^>]*>/)
  const encrypted = await encrypt(t, socket)
  encrypted.side.say(STARTTLS)
  await encrypted.side.hears(/<not-authorized/)

  const late = await loginUnbound(server.client, accountOf('juliet'))
  late.send(STARTTLS)
  t.is(await late.streamError(), 'not-authorized')
})

for (const [what, injected] of Object.entries({
  'a login': PLAIN,
  'a new stream': clientHeader(DOMAIN),
  'half a stanza': '<auth',
  'one octet': '<',
})) {
  test(`${what} in the clear behind <starttls/>, in the same segment, ends the stream unheard (RFC 6120 §5.3.4)`, async (t) => {
    await using server = await startServer({ tls: certified })
    const { side } = await begin(t, server.client)
    side.say(STARTTLS + injected)
    await side.hears(/<stream:error><(?:policy-violation|restricted-xml)/)
    await side.hungUp
    t.notRegex(side.rest, /proceed|success|features/)
  })
}

test('octets in the clear behind the consent end the connection', async (t) => {
  await using server = await startServer({ tls: certified })
  const { side } = await begin(t, server.client)
  side.say(STARTTLS)
  await side.hears(/<proceed[^>]*>/)
  side.say(PLAIN)
  await side.hungUp
  t.notRegex(side.rest, /success|stream/)
})

test('a client that asks for TLS and then says nothing has the deadline of every login', async (t) => {
  const clock = new FakeClock()
  await using server = await startServer({ tls: certified }, { clock })
  const { side } = await begin(t, server.client)
  side.say(STARTTLS)
  await side.hears(/<proceed[^>]*>/)
  clock.advance(30_000)
  await side.hungUp
  t.is(clock.waiting, 0)
})

test('closing the server ends streams over TLS as it ends others', async (t) => {
  const server = await startServer({ tls: certified })
  const { socket, side } = await begin(t, server.client)
  side.say(STARTTLS)
  await side.hears(/<proceed[^>]*>/)
  const encrypted = await encrypt(t, socket)
  const closed = server.server.close()
  await encrypted.side.hears(/<system-shutdown/)
  encrypted.side.say('</stream:stream>')
  await closed
  t.pass()
})

/** A session of ours, stopped when the test is over. */
function open(t: ExecutionContext, { host, port }: Address, tls: { ca?: string; insecure?: boolean }, domain = DOMAIN): Session {
  const account = { jid: `${local}@${domain}`, password, service: `xmpp://${host}:${port}`, tls }
  const session = new Session({}, clientConnector(systemClock, account), { reconnect: 'never' })
  t.teardown(() => session.stop())
  return session
}

test('our client encrypts where an authority is named, or any certificate will do, and else stays in the clear on this machine', async (t) => {
  await using server = await startServer({ tls: certified })
  for (const tls of [{ ca: authority.cert }, { insecure: true }, {}]) t.regex(await open(t, server.client, tls).start(), /^romeo@/)
  const error = await t.throwsAsync(open(t, server.client, { ca: (await selfSigned(DOMAIN)).cert }).start(), {
    instanceOf: BytestreamError,
  })
  t.is(error.code, 'ERR_TLS')
})

test('a certificate made for a domain is good for it once it is named, also beyond ASCII', async (t) => {
  for (const domain of ['localhost', 'münchen.test', `${'a'.repeat(60)}.${'b'.repeat(60)}.test`]) {
    const tls = await makeIdentity(domain)
    await using server = await startServer({ tls, domain, components: [] })
    t.regex(server.server.fingerprint ?? '', /^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/)
    t.true((await open(t, server.client, { ca: tls.cert }, domain).start()).startsWith(`romeo@${domain}/`))
    const error = await t.throwsAsync(open(t, server.client, { ca: authority.cert }, domain).start(), { instanceOf: BytestreamError })
    t.regex(error.message, /its certificate is self-signed/)
  }
})

const refuses = test.macro({
  async exec(t, tls: Promise<{ cert: string; key: string }>, pattern: RegExp) {
    const listen = { host: '127.0.0.1', port: 0 }
    const init = { domain: DOMAIN, accounts: [], components: [], clientListen: listen, componentListen: listen, tls: await tls }
    const error = t.throws(() => new EmbeddedServer({}, init), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_CONFIG')
    t.regex(error.message, pattern)
  },
  title: (given) => `a server does not start with ${given}`,
})
const PAIR = /^certificate and private key do not belong together$/
test(
  "somebody else's key",
  refuses,
  selfSigned(DOMAIN).then(({ key }) => ({ ...certified, key })),
  PAIR,
)
test('a key that is none', refuses, Promise.resolve({ ...certified, key: 'key' }), /^the private key is not readable: /)
test('a certificate that is none', refuses, Promise.resolve({ ...certified, cert: certified.key }), /^there is no certificate in it/)

/** `openssl s_client`, up to what it has to say about the certificate. */
async function askOpenssl(t: ExecutionContext, { host, port }: Address, ca: string): Promise<string> {
  const args = ['s_client', '-starttls', 'xmpp', '-xmpphost', DOMAIN, '-verify_hostname', DOMAIN, '-verify_return_error']
  const child = spawn('openssl', [...args, '-connect', `${host}:${port}`, '-CAfile', await fileOf(t, ca)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  await once(child, 'close')
  return said
}

const opensslTest = foreign('openssl on the embedded server', ['openssl'])

opensslTest('openssl s_client -starttls xmpp verifies the certificate, by TLS 1.2 at least', async (t) => {
  await using server = await startServer({ tls: certified })
  const said = await askOpenssl(t, server.client, authority.cert)
  t.regex(said, /Verify return code: 0 \(ok\)/)
  t.regex(said, /TLSv1\.3/)
  t.regex(await askOpenssl(t, server.client, (await selfSigned(DOMAIN)).cert), /verify error:num=/)
})

const elsewhereTest = foreign('clients of the embedded server from elsewhere', ['namespaces'])

elsewhereTest('from elsewhere STARTTLS is required before the login, and our client insists on it (RFC 6120 §5.3.1)', async (t) => {
  const { centre, leaves } = await startStar(t, { leaves: 1, families: ['ipv4'] })
  const [leaf] = leaves
  if (!leaf) return t.fail('there is no leaf')
  const init = {
    ...{ domain: DOMAIN, accounts: [{ local, password }], components: [], tls: certified },
    ...{ clientListen: { host: centre.ipv4, port: 5222 }, componentListen: { host: '127.0.0.1', port: 0 } },
  }
  await using _server = await startEmbeddedProcess(init, centre)
  const { tls: _, ...clear } = init
  await using _clear = await startEmbeddedProcess({ ...clear, clientListen: { host: centre.ipv4, port: 5221 } }, centre)

  const pipe = `const s=require('net').connect(5222,'${centre.ipv4}');process.stdin.pipe(s).pipe(process.stdout)`
  const raw = spawn(...leaf.command(process.execPath, ['-e', pipe]), { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => raw.kill('SIGKILL'))
  let said = ''
  raw.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  raw.stdin.write(clientHeader(DOMAIN))
  while (!said.includes('</stream:features>')) await once(raw.stdout, 'data')
  t.regex(said, /<stream:features><starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"><required\/><\/starttls><\/stream:features>$/)
  raw.stdin.write(PLAIN)
  while (!said.includes('</stream:stream>')) await once(raw.stdout, 'data')
  t.regex(said, /<policy-violation/)
  t.notRegex(said, /success/)

  const ask = async (port: number, ...more: readonly string[]) => {
    const cli = [...ourProgram('src/cli/main.ts'), 'disco', 'info', DOMAIN, '--account', `${local}@${DOMAIN}`]
    const args = [...cli, '--service', `xmpp://${centre.ipv4}:${port}`, ...more]
    const child = spawn(...leaf.command(process.execPath, args), {
      env: { ...process.env, STREAMHOST_PASSWORD: password },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const [code] = (await once(child, 'close')) as [number]
    return { code, stderr }
  }
  const ca = await fileOf(t, authority.cert)
  const [trusted, untrusted, unencrypted] = await Promise.all([ask(5222, '--tls-ca', ca), ask(5222), ask(5221, '--tls-insecure')])
  t.deepEqual(trusted, { code: 0, stderr: '' })
  t.is(untrusted.code, 1)
  t.regex(untrusted.stderr, /its certificate comes from an authority that is unknown here/)
  t.is(unencrypted.code, 1)
  t.regex(unencrypted.stderr, /offers no encryption \(STARTTLS\): nothing is sent to it in the clear\n$/)
})
