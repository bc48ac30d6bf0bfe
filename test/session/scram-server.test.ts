import test from 'ava'
import fc from 'fast-check'
import { deriveCredential, isPassword, ScramServer } from '../../src/session/scram-server.ts'
import { scramProof } from '../helpers/raw-client.ts'

const credential = deriveCredential('pencil', Buffer.from('QSXCR+Q6sek8bf92', 'base64'))
const CLIENT_FIRST = 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL'
const NONCE = 'fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j'
const SERVER_FIRST = `r=${NONCE},s=QSXCR+Q6sek8bf92,i=4096`

function startExchange() {
  if (!credential) throw new Error('a sound password has a credential')
  return new ScramServer(() => credential, '3rfcNHYJY1ZVvWVs7j')
}

test('the exchange of RFC 5802 §5, octet for octet', (t) => {
  const scram = startExchange()
  t.is(scram.first(CLIENT_FIRST), SERVER_FIRST)
  t.deepEqual(scram.final(`c=biws,r=${NONCE},p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=`), {
    username: 'user',
    authzid: '',
    data: 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  })
})

test('a client that knows of channel binding, but was offered none, is let in (RFC 5802 §6)', (t) => {
  const scram = startExchange()
  const serverFirst = scram.first('y,,n=user,r=abc') ?? ''
  const { final } = scramProof('pencil', 'n=user,r=abc', serverFirst, 'y,,')
  t.like(scram.final(final), { username: 'user' })
})

test('commas and equals signs in names are unescaped (RFC 5802 §5.1)', (t) => {
  const scram = startExchange()
  const serverFirst = scram.first('n,a=some=2Cone,n=us=3Der=2C,r=abc') ?? ''
  const { final } = scramProof('pencil', 'n=us=3Der=2C,r=abc', serverFirst, 'n,a=some=2Cone,')
  t.like(scram.final(final), { username: 'us=er,', authzid: 'some,one' })
})

test('extensions that are not mandatory are passed over (RFC 5802 §5.1)', (t) => {
  t.truthy(startExchange().first('n,,n=user,r=abc,x=y'))
})

const refusesFirst = test.macro({
  exec: (t, message: string) => t.is(startExchange().first(message), undefined),
  title: (given) => `a first message ${given} is malformed (RFC 5802 §7)`,
})
test('with a channel binding that was not offered', refusesFirst, 'p=tls-unique,,n=user,r=abc')
test('with a mandatory extension', refusesFirst, 'n,,m=x,n=user,r=abc')
test('without a name', refusesFirst, 'n,,n=,r=abc')
test('without a nonce', refusesFirst, 'n,,n=user,r=')
test('with a space in the nonce', refusesFirst, 'n,,n=user,r=a b')
test('with "=" that stands for nothing', refusesFirst, 'n,,n=us=er,r=abc')
test('without a GS2 header', refusesFirst, 'n=user,r=abc')
test('without anything', refusesFirst, '')

const concludes = test.macro({
  exec(t, message: string, outcome: 'malformed' | 'refused') {
    const scram = startExchange()
    scram.first(CLIENT_FIRST)
    t.is(scram.final(message), outcome)
  },
  title: (given, _message, outcome) => `a final message ${given} is ${outcome} (RFC 5802 §5)`,
})
const PROOF = 'p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts='
test('with another proof', concludes, `c=biws,r=${NONCE},p=v0X8v3Bz2T0CJGbJQyF0X+HI4Tw=`, 'refused')
test("with the client's nonce alone", concludes, `c=biws,r=fyko+d2lbbFgONRv9qkxdawL,${PROOF}`, 'refused')
test('with another channel binding', concludes, `c=eSws,r=${NONCE},${PROOF}`, 'refused')
test('with a short proof', concludes, `c=biws,r=${NONCE},p=v0X8v3Bz`, 'malformed')
test('without a proof', concludes, `c=biws,r=${NONCE}`, 'malformed')
test('that is empty', concludes, '', 'malformed')

test('a final message without a first one is malformed', (t) => {
  t.is(startExchange().final(`c=biws,r=${NONCE},${PROOF}`), 'malformed')
})

test('any message ends in an answer, never in an exception', (t) => {
  const message = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom('n', ',', '=', 'r=abc', 'n=user', 'a=', 'c=biws', `r=${NONCE}`, PROOF)).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(message, message, (first, final) => {
      const scram = startExchange()
      scram.first(first)
      return scram.final(final) !== undefined
    }),
  )
  t.pass()
})

test('a password is compared as SASLprep makes it (RFC 5802 §2.2)', (t) => {
  const romanNine = deriveCredential('Ⅸ')
  t.truthy(romanNine)
  t.true(romanNine && isPassword('IX', romanNine))
  t.false(romanNine && isPassword('ix', romanNine))
  t.false(romanNine && isPassword('\u0007', romanNine))
})

test('a password SASLprep forbids has no credential', (t) => t.is(deriveCredential('\u0007'), undefined))
