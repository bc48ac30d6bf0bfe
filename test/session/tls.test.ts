// Goal: an account is only used over TLS that leads to its server, and who uses it is told why not.
// Method: real servers with certificates of an authority of the test's own, good ones and bad ones.

import test, { type ExecutionContext } from 'ava'
import { BytestreamError, systemClock } from '../../src/core/index.ts'
import { type AccountInit, clientConnector, Session } from '../../src/session/index.ts'
import { buildPing } from '../../src/xep/index.ts'
import { selfSigned, startAuthority } from '../helpers/certificates.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { foreign } from '../helpers/foreign.ts'
import { meddle } from '../helpers/meddler.ts'
import { type Prosody, startProsody } from '../helpers/prosody.ts'
import type { Address } from '../helpers/raw-client.ts'
import { listenScripted } from '../helpers/scripted-server.ts'
import { ejabberd, onServer, prosody, type ServerUnderTest } from '../helpers/server.ts'

const authority = await startAuthority()
const stranger = await startAuthority('stranger.test')
const certified = await authority.issue('localhost')
const trusted = { ca: authority.cert }

/** A session of an account, stopped when the test is over. */
function open(t: ExecutionContext, service: string, init: Partial<AccountInit> = {}): Session {
  const account = { jid: 'romeo@localhost', password: 'pencil', service, ...init }
  // A server that stands still is waited for.
  const session = new Session({}, clientConnector(new FakeClock(), account), { reconnect: 'never' })
  t.teardown(() => session.stop())
  return session
}

async function refusal(t: ExecutionContext, service: string, init: Partial<AccountInit> = {}): Promise<BytestreamError> {
  const error = await t.throwsAsync(open(t, service, init).start(), { instanceOf: BytestreamError })
  t.false(error.message.includes('pencil'))
  return error
}

const serviceOf = ({ host, port }: Address, scheme = 'xmpp') => `${scheme}://${host}:${port}`
const ways = {
  STARTTLS: ({ client }: ServerUnderTest) => serviceOf(client),
  'direct TLS (XEP-0368)': ({ directTls, client }: ServerUnderTest) => serviceOf(directTls ?? client, 'xmpps'),
}

const UNKNOWN = 'its certificate comes from an authority that is unknown here'

for (const kind of [prosody, ejabberd]) {
  onServer(kind, 'accounts over TLS', { accounts: ['romeo'], certified }, (serverTest) => {
    for (const [way, at] of Object.entries(ways)) {
      serverTest(`${way}: a session over a certificate that is trusted`, async (t, server) => {
        const session = open(t, at(server), { tls: trusted })
        t.regex(await session.start(), /^romeo@localhost\/./)
        t.is(await session.request({ type: 'get', to: server.domain, payload: buildPing() }), undefined)
      })

      serverTest(`${way}: several certificates may be trusted, with text between them`, async (t, server) => {
        const tls = { ca: `# ours\n${stranger.cert}\n# theirs\n${authority.cert}` }
        t.regex(await open(t, at(server), { tls }).start(), /^romeo@localhost\/./)
      })

      serverTest(`${way}: an authority nobody named is unknown, and said to be`, async (t, server) => {
        for (const [tls, advice] of [
          [undefined, '; name a file with the certificate of that authority (--tls-ca)'],
          [{ ca: stranger.cert }, ', and not one of those that --tls-ca names'],
        ] as const) {
          const error = await refusal(t, at(server), { tls })
          t.is(error.code, 'ERR_TLS')
          t.is(error.message, `${at(server)} cannot be trusted: ${UNKNOWN}${advice}`)
        }
      })

      serverTest(`${way}: any certificate will do when that is asked for`, async (t, server) => {
        t.regex(await open(t, at(server), { tls: { insecure: true } }).start(), /^romeo@localhost\/./)
      })
    }
  })
}

const prosodyTest = foreign('certificates of Prosody', ['prosody'])
let server: Prosody
const bad = {
  'expired.test': authority.issue('expired.test', { from: -30, until: -1 }),
  'early.test': authority.issue('early.test', { from: 10, until: 30 }),
  'wrong.test': authority.issue('other.test'),
  'self.test': selfSigned('self.test'),
  'münchen.test': authority.issue('xn--mnchen-3ya.test'),
} as const

prosodyTest.before('Prosody starts with a host for each kind of certificate', async () => {
  const entries = await Promise.all(Object.entries(bad).map(async ([domain, certificate]) => [domain, await certificate] as const))
  server = await startProsody({
    accounts: { romeo: 'pencil' },
    domain: 'münchen.test',
    certified: Object.fromEntries(entries),
    hosts: ['Component "proxy.localhost"\n  component_secret = "x"', ...entries.map(([domain]) => `VirtualHost "${domain}"`)].join('\n'),
  })
})
prosodyTest.after.always('Prosody ends', () => server?.[Symbol.asyncDispose]())

const isRefused = prosodyTest.macro({
  async exec(t, domain: string, reason: string) {
    const service = `xmpp://127.0.0.1:${server.clientPort}`
    const error = await refusal(t, service, { jid: `romeo@${domain}`, tls: trusted })
    t.is(error.code, 'ERR_TLS')
    t.is(error.message, `${service} cannot be trusted: ${reason}`)
  },
  title: (given) => `a certificate ${given} is refused`,
})
const RENEW = 'if the clock here is right, whoever runs it has to renew it'
prosodyTest('that has expired', isRefused, 'expired.test', `its certificate has expired; ${RENEW}`)
prosodyTest('of the future', isRefused, 'early.test', 'its certificate is not valid yet; compare the clocks of both sides')
prosodyTest(
  'for another domain (RFC 6120 §13.7.2.1)',
  isRefused,
  'wrong.test',
  'its certificate is for other.test, not for wrong.test; whoever runs it has to get one for wrong.test',
)
prosodyTest('that vouches for itself', isRefused, 'self.test', 'its certificate is self-signed, and not one of those that --tls-ca names')

prosodyTest('a certificate that vouches for itself is good once it is named itself', async (t) => {
  const service = `xmpp://127.0.0.1:${server.clientPort}`
  const { cert } = await bad['self.test']
  const error = await refusal(t, service, { jid: 'nobody@self.test', tls: { ca: cert } })
  t.is(error.code, 'ERR_AUTHENTICATION', 'it came as far as the login')
})

prosodyTest('a domain beyond ASCII is compared as certificates write it (RFC 6125 §6.4.2)', async (t) => {
  const session = open(t, `xmpp://127.0.0.1:${server.clientPort}`, { jid: 'romeo@münchen.test', tls: trusted })
  t.regex(await session.start(), /^romeo@münchen.test/)
})

/** Takes the offer of STARTTLS away, as if it had never been made. */
const stripped = (octets: Buffer) =>
  [octets.toString('latin1').replace(/<starttls.*?<\/starttls>|<starttls[^>]*\/>/, '')].map((text) => Buffer.from(text, 'latin1'))

onServer(prosody, 'STARTTLS on its way', { accounts: ['romeo'], certified }, (serverTest) => {
  serverTest('an offer of STARTTLS that somebody took out is missed, and nothing is sent in the clear', async (t, { client }) => {
    let said = ''
    const meddler = await meddle(t, client, {
      fromServer: stripped,
      fromClient: (octets) => {
        said += octets
        return [octets]
      },
    })
    const error = await refusal(t, serviceOf(meddler), { tls: trusted })
    t.is(error.code, 'ERR_TLS')
    t.is(error.message, `${serviceOf(meddler)} offers no encryption (STARTTLS): nothing is sent to it in the clear`)
    t.notRegex(said, /<auth/)
  })

  const features =
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>"
  for (const [what, injected] of Object.entries({
    'a stanza': features,
    'the beginning of one': features.slice(0, 20),
    'one octet': '<',
  })) {
    serverTest(`${what} in the clear behind the consent to STARTTLS ends the session (RFC 6120 §5.4.3.3)`, async (t, { client }) => {
      const meddler = await meddle(t, client, {
        fromServer: (octets) => (octets.includes('<proceed') ? [Buffer.concat([octets, Buffer.from(injected)])] : [octets]),
      })
      const error = await refusal(t, serviceOf(meddler), { tls: trusted })
      t.is(error.code, 'ERR_STREAM')
      t.is(error.message, 'there are octets between STARTTLS and TLS')
    })
  }
})

const loginTest = foreign('logins over TLS', ['prosody'])

/** A Prosody that knows one way to log in. */
async function startWith(t: ExecutionContext, configuration: string): Promise<string> {
  const one = await startProsody({ accounts: { romeo: 'pencil' }, configuration, certified: { localhost: certified } })
  t.teardown(() => one[Symbol.asyncDispose]())
  return `xmpps://127.0.0.1:${one.directTlsPort}`
}

loginTest('a server that knows SCRAM-SHA-256 only is logged in to (RFC 7677)', async (t) => {
  const service = await startWith(t, 'password_hash = "SHA-256"\ndisable_sasl_mechanisms = { "PLAIN" }')
  t.regex(await open(t, service, { tls: trusted }).start(), /^romeo@localhost\/./)
  const error = await refusal(t, service, { tls: trusted, password: 'guessed' })
  t.is(error.code, 'ERR_AUTHENTICATION')
})

loginTest('a password is told to a server whose certificate was checked, and to no other (RFC 6120 §13.8.3)', async (t) => {
  const service = await startWith(t, 'disable_sasl_mechanisms = { "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS" }')
  t.regex(await open(t, service, { tls: trusted }).start(), /^romeo@localhost\/./)
  const error = await refusal(t, service, { tls: { insecure: true } })
  t.is(error.code, 'ERR_AUTHENTICATION')
  t.is(error.message, `${service} offers no login that is safe without a certificate that was checked`)
})

const HEADER = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='1' from='localhost'>"
const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"

/** A server that has been asked for STARTTLS, and the login that waits for it. */
async function asked(t: ExecutionContext) {
  const scripted = await listenScripted(t)
  const refused = refusal(t, serviceOf(scripted), { tls: trusted })
  const side = await scripted.next()
  await side.hears(/<stream:stream[^>]*>/)
  side.say(`${HEADER}<stream:features>${STARTTLS}</stream:features>`)
  await side.hears(/<starttls[^>]*>/)
  return { side, refused, where: serviceOf(scripted) }
}

test('a server that offers STARTTLS and refuses it is not logged in to', async (t) => {
  const { side, refused, where } = await asked(t)
  side.say("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>")
  const error = await refused
  t.is(error.code, 'ERR_TLS')
  t.is(error.message, `${where} offers encryption (STARTTLS), and then refuses it`)
})

test('a server that consents to STARTTLS and speaks something else is not heard', async (t) => {
  const { side, refused } = await asked(t)
  side.say("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  await side.hears(/./s)
  side.say('<stream:stream>')
  const error = await refused
  t.is(error.code, 'ERR_TLS')
  t.regex(error.message, /cannot be trusted: TLS failed \(/)
  await side.hungUp
})

test('a server that consents to STARTTLS and hangs up is said to', async (t) => {
  const { side, refused } = await asked(t)
  side.say("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  side.socket.end()
  t.regex((await refused).message, /cannot be trusted: (?:it hung up instead of beginning with TLS|TLS failed)/)
})

test('text without a certificate is no authority, and no service is another', (t) => {
  for (const init of [{ tls: { ca: 'no certificate' } }, { service: 'https://localhost' }, { service: 'xmpp://localhost:0' }]) {
    const error = t.throws(() => clientConnector(systemClock, { jid: 'romeo@localhost', password: '', ...init }), {
      instanceOf: BytestreamError,
    })
    t.is(error.code, 'ERR_CONFIG')
  }
})
