import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { systemClock } from '../../src/core/index.ts'
import { clientConnector, Session } from '../../src/session/index.ts'
import { ScramClient } from '../../src/session/scram-client.ts'
import { DOMAIN } from '../helpers/prosody.ts'
import { embedded, onServer, prosody } from '../helpers/server.ts'

// The dialogues of RFC 5802 §5 and RFC 7677 §3.
const vectors = [
  {
    hash: 'sha1',
    nonce: 'fyko+d2lbbFgONRv9qkxdawL',
    first: 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL',
    challenge: 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
    final: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    success: 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  },
  {
    hash: 'sha256',
    nonce: 'rOprNGfwEbeRWgbNEkqO',
    first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
    challenge: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    final: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    success: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
] as const
const [{ nonce, challenge, success }] = vectors

const user = { username: 'user', password: 'pencil' }
const started = (password = 'pencil') => new ScramClient('sha1', { username: 'user', password }, nonce)

for (const vector of vectors) {
  test(`the dialogue of the specification, ${vector.hash}`, async (t) => {
    const scram = new ScramClient(vector.hash, user, vector.nonce)
    t.is(scram.first(), vector.first)
    t.is(await scram.respond(vector.challenge), vector.final)
    t.false(scram.isVerified)
    scram.verify(vector.success)
    t.true(scram.isVerified)
  })
}

test('a server may prove itself in a last challenge, which is answered with nothing (RFC 4422 §3.3)', async (t) => {
  const scram = started()
  await scram.respond(challenge)
  t.is(await scram.respond(success), '')
  t.true(scram.isVerified)
})

for (const [what, final] of [
  ['a proof for another password', `v=${Buffer.alloc(20).toString('base64')}`],
  ['a proof that is too short', 'v=rmF9pqV8S7s='],
  ['an error', 'e=invalid-proof'],
  ['nothing', ''],
] as const) {
  test(`a server that ends with ${what} is not to be trusted`, async (t) => {
    const scram = started()
    await scram.respond(challenge)
    t.throws(() => scram.verify(final), { code: 'ERR_AUTHENTICATION', message: /does not know the password/ })
    t.false(scram.isVerified)
  })
}

test('a success before the challenge proves nothing', (t) => {
  t.throws(() => started().verify(success), { code: 'ERR_AUTHENTICATION' })
})

for (const [what, wrong] of [
  ['for somebody else', challenge.replace('fyko', 'fyka')],
  ['with our nonce only', challenge.replace('3rfcNHYJY1ZVvWVs7j', '')],
  ['of one iteration', challenge.replace('4096', '1')],
  ['of 4095 iterations', challenge.replace('4096', '4095')],
  ['of a thousand million iterations', challenge.replace('4096', '1000000000')],
  ['without a salt', challenge.replace('s=QSXCR+Q6sek8bf92', 's=')],
  ['with an extension that is mandatory (RFC 5802 §5.1, m=)', `m=ext,${challenge}`],
  ['of nothing', ''],
] as const) {
  test(`a challenge ${what} is not answered`, async (t) => {
    await t.throwsAsync(started().respond(wrong), { code: 'ERR_AUTHENTICATION', message: /not to be trusted/ })
  })
}

test('commas and equals signs in a name are escaped (RFC 5802 §5.1)', (t) => {
  t.is(new ScramClient('sha1', { ...user, username: 'a=b,c' }, 'x').first(), 'n,,n=a=3Db=2Cc,r=x')
})

test('name and password are prepared (RFC 4013): what looks the same is the same', async (t) => {
  t.is(await started('pen\u00adcil').respond(challenge), await started().respond(challenge))
  t.throws(() => new ScramClient('sha1', { ...user, username: 'a\u0007' }), { code: 'ERR_AUTHENTICATION' })
})

test('every client has a nonce of its own', (t) => {
  t.not(new ScramClient('sha1', user).first(), new ScramClient('sha1', user).first())
})

/** A server that lets everybody in, whatever they know. */
async function startImpostor(t: ExecutionContext): Promise<string> {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const server = createServer((socket) => {
    t.teardown(() => socket.destroy())
    socket.on('error', () => {})
    socket.on('data', (octets: Buffer) => {
      const text = octets.toString()
      const [, message = ''] = /<auth[^>]*>([^<]*)</.exec(text) ?? []
      const [, theirs = ''] = /r=(.*)$/.exec(Buffer.from(message, 'base64').toString()) ?? []
      if (text.includes('<stream:stream')) {
        socket.write(
          `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' from='${DOMAIN}' id='x' version='1.0'>` +
            `<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>`,
        )
      } else if (theirs) {
        socket.write(`<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${base64(`r=${theirs}x,s=${base64('salt')},i=4096`)}</challenge>`)
      } else if (text.includes('<response')) {
        socket.write(`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${base64(`v=${base64('I am your server, ok')}`)}</success>`)
      }
    })
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return `xmpp://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a server that does not know the password is not logged in to', async (t) => {
  const service = await startImpostor(t)
  const session = new Session({}, clientConnector(systemClock, { jid: `user@${DOMAIN}`, password: 'pencil', service }), {
    reconnect: 'once online',
  })
  await t.throwsAsync(session.start(), { code: 'ERR_AUTHENTICATION', message: /does not know the password/ })
})

for (const kind of [embedded, prosody]) {
  onServer(kind, 'logging in with SCRAM', { accounts: ['user'] }, (serverTest) => {
    serverTest('the right password logs in, a wrong one does not', async (t, server) => {
      const { local, password } = server.account('user')
      const at = { jid: `${local}@${server.domain}`, service: `xmpp://${server.client.host}:${server.client.port}` }
      const session = new Session({}, clientConnector(systemClock, { ...at, password }), { reconnect: 'never' })
      t.true((await session.start()).startsWith(`user@${server.domain}/`))
      await session.stop()
      const wrong = new Session({}, clientConnector(systemClock, { ...at, password: `${password}!` }), { reconnect: 'never' })
      await t.throwsAsync(wrong.start(), { code: 'ERR_AUTHENTICATION', message: /not-authorized/ })
    })
  })
}
