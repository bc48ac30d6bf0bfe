import test from 'ava'
import {
  BytestreamError,
  type ErrorCode,
  errorCodes,
  NodeMoved,
  StanzaError,
  type StanzaErrorType,
  toBytestreamError,
  UnsupportedFeature,
} from '../../src/core/index.ts'

/** RFC 6120 §8.3.3, but for `redirect`, which nothing of ours answers. */
const CONDITIONS = [
  ...[
    'bad-request',
    'conflict',
    'feature-not-implemented',
    'forbidden',
    'gone',
    'internal-server-error',
    'item-not-found',
    'jid-malformed',
  ],
  ...['not-acceptable', 'not-allowed', 'not-authorized', 'policy-violation', 'recipient-unavailable', 'registration-required'],
  ...['remote-server-not-found', 'remote-server-timeout', 'resource-constraint', 'service-unavailable', 'subscription-required'],
  ...['undefined-condition', 'unexpected-request'],
]
const TYPES: StanzaErrorType[] = ['auth', 'cancel', 'continue', 'modify', 'wait']

for (const code of errorCodes) {
  test(`${code} has a name of its kind, and a stanza error of RFC 6120 §8.3`, (t) => {
    const { type, condition, application } = new BytestreamError(code, '').stanzaError
    t.regex(code, /^ERR(_[A-Z0-9]+)+$/)
    t.true(TYPES.includes(type))
    t.true(CONDITIONS.includes(condition))
    if (application) t.regex(application.slice(0, 2).join(' '), /^[a-z-]+ (https?|urn):\S+$/)
  })
}

const isAnswered = test.macro({
  exec(t, code: ErrorCode, type: StanzaErrorType, condition: string, application?: [string, string]) {
    t.deepEqual(new BytestreamError(code, '').stanzaError, { type, condition, ...(application && { application }) })
  },
  title: (clause, code) => `${code} is answered as ${clause} says`,
})
const SI = 'http://jabber.org/protocol/si'
test('XEP-0065 §4', isAnswered, 'ERR_FORBIDDEN', 'auth', 'forbidden')
test('XEP-0065 §4, example 8,', isAnswered, 'ERR_NOT_A_STREAMHOST', 'cancel', 'not-allowed')
test('XEP-0065 §5.3.1', isAnswered, 'ERR_NOT_ACCEPTABLE', 'modify', 'not-acceptable')
test('XEP-0065 §5.3.2', isAnswered, 'ERR_NO_STREAMHOST', 'cancel', 'item-not-found')
test('XEP-0065 §6.3.5', isAnswered, 'ERR_BYTESTREAM_UNKNOWN', 'cancel', 'item-not-found')
test('XEP-0065 §6.3.5, with one socket,', isAnswered, 'ERR_PEER_MISSING', 'cancel', 'not-allowed')
test('XEP-0065 §6.3.5, in a malfunction,', isAnswered, 'ERR_INTERNAL', 'cancel', 'internal-server-error')
test('XEP-0095 §3.2, example 6,', isAnswered, 'ERR_NO_VALID_STREAMS', 'cancel', 'bad-request', ['no-valid-streams', SI])
test('XEP-0095 §3.2, example 7,', isAnswered, 'ERR_BAD_PROFILE', 'cancel', 'bad-request', ['bad-profile', SI])
test('XEP-0095 §3.2, example 8,', isAnswered, 'ERR_DECLINED', 'cancel', 'forbidden')
const TOO_LARGE: [string, string] = ['file-too-large', 'urn:xmpp:jingle:apps:file-transfer:errors:0']
test('XEP-0095 §3.2, with the word of XEP-0234 §9.2,', isAnswered, 'ERR_FILE_TOO_LARGE', 'cancel', 'forbidden', TOO_LARGE)
test('XEP-0234 §9.2', isAnswered, 'ERR_DISK_SPACE', 'cancel', 'resource-constraint', TOO_LARGE)
const JINGLE = 'urn:xmpp:jingle:errors:1'
test('XEP-0166 §10', isAnswered, 'ERR_JINGLE_OUT_OF_ORDER', 'wait', 'unexpected-request', ['out-of-order', JINGLE])
test('XEP-0166 §7.2.16, example 34,', isAnswered, 'ERR_JINGLE_TIE_BREAK', 'cancel', 'conflict', ['tie-break', JINGLE])
test('XEP-0166 §6.7, example 29,', isAnswered, 'ERR_JINGLE_UNKNOWN_SESSION', 'cancel', 'item-not-found', ['unknown-session', JINGLE])
test('XEP-0166 §6.8, example 31,', isAnswered, 'ERR_JINGLE_UNSUPPORTED_INFO', 'modify', 'feature-not-implemented', [
  'unsupported-info',
  JINGLE,
])

const PUBSUB = 'http://jabber.org/protocol/pubsub#errors'
test('XEP-0060 §6.1.3.4', isAnswered, 'ERR_PUBSUB_CLOSED_NODE', 'cancel', 'not-allowed', ['closed-node', PUBSUB])
test('XEP-0060 §6.1.3.7', isAnswered, 'ERR_PUBSUB_PENDING', 'auth', 'not-authorized', ['pending-subscription', PUBSUB])
test('XEP-0060 §6.1.3.9', isAnswered, 'ERR_PUBSUB_TOO_MANY_SUBSCRIPTIONS', 'wait', 'policy-violation', ['too-many-subscriptions', PUBSUB])
test('XEP-0060 §6.2.3.2', isAnswered, 'ERR_PUBSUB_NOT_SUBSCRIBED', 'cancel', 'unexpected-request', ['not-subscribed', PUBSUB])
test('XEP-0060 §6.2.3.5', isAnswered, 'ERR_PUBSUB_INVALID_SUBID', 'modify', 'not-acceptable', ['invalid-subid', PUBSUB])
test('XEP-0060 §6.5.9.3', isAnswered, 'ERR_PUBSUB_SUBSCRIBERS_ONLY', 'auth', 'not-authorized', ['not-subscribed', PUBSUB])
test('XEP-0060 §7.1.3.5', isAnswered, 'ERR_PUBSUB_PAYLOAD_TOO_BIG', 'modify', 'not-acceptable', ['payload-too-big', PUBSUB])
test('XEP-0060 §7.1.5', isAnswered, 'ERR_PUBSUB_PRECONDITION', 'cancel', 'conflict', ['precondition-not-met', PUBSUB])

test('what is not supported is answered with the feature that is missing (XEP-0060 §11)', (t) => {
  const error = new UnsupportedFeature('persistent-items', 'nothing is kept')
  t.true(error instanceof BytestreamError)
  t.like(error, { code: 'ERR_PUBSUB_UNSUPPORTED', feature: 'persistent-items', message: 'nothing is kept' })
  t.deepEqual(error.stanzaError, {
    type: 'cancel',
    condition: 'feature-not-implemented',
    application: ['unsupported', PUBSUB, { feature: 'persistent-items' }],
  })
})

test('a node that has moved says where to (XEP-0060 §6.1.3.11)', (t) => {
  const uri = 'xmpp:pubsub.shakespeare.lit?;node=some-other-node'
  const error = new NodeMoved(uri, 'it is elsewhere')
  t.like(error, { code: 'ERR_PUBSUB_NODE_MOVED', uri, message: 'it is elsewhere' })
  t.deepEqual(error.stanzaError, { type: 'modify', condition: 'gone', uri })
})

test('an error is an Error with a code, a message and a cause', (t) => {
  const cause = new Error('below')
  const error = new BytestreamError('ERR_TIMEOUT', 'nobody came', { cause })
  t.true(error instanceof Error)
  t.like(error, { name: 'BytestreamError', code: 'ERR_TIMEOUT', message: 'nobody came', cause })
  t.regex(String(error.stack), /^BytestreamError: nobody came/)
})

test('an error of ours passes through unchanged', (t) => {
  const error = new BytestreamError('ERR_RESET', 'gone')
  t.is(toBytestreamError(error, 'ERR_FILE'), error)
  const stanzaError = new StanzaError({ type: 'wait', condition: 'conflict' }, '', 'a@example.com')
  t.is(toBytestreamError(stanzaError), stanzaError)
})

test('any other error is wrapped under the code given, and nothing of it is lost', (t) => {
  const cause = new RangeError('too far')
  t.like(toBytestreamError(cause, 'ERR_FILE'), { code: 'ERR_FILE', message: 'too far', cause })
  t.like(toBytestreamError(cause), { code: 'ERR_INTERNAL' })
})

test('what is no error at all is wrapped too', (t) => {
  for (const thrown of ['text', 7, undefined, null, { toString: () => 'object' }]) {
    t.like(toBytestreamError(thrown), { code: 'ERR_INTERNAL', message: String(thrown), cause: thrown })
  }
})

test('a stanza error is told apart by its condition, and passed on as it came', (t) => {
  const error = new StanzaError(
    { type: 'cancel', condition: 'bad-request', application: ['bad-profile', SI] },
    'No such thing',
    'a@example.com/x',
  )
  t.true(error instanceof BytestreamError)
  t.like(error, { name: 'StanzaError', code: 'ERR_STANZA', condition: 'bad-request', text: 'No such thing' })
  t.deepEqual(error.stanzaError, { type: 'cancel', condition: 'bad-request', application: ['bad-profile', SI] })
  t.is(error.message, 'a@example.com/x answered bad-request (bad-profile): No such thing')
})

for (const [absence, conditions] of [
  ['for now', ['recipient-unavailable', 'remote-server-not-found', 'remote-server-timeout', 'service-unavailable']],
  ['for good', ['gone']],
  ['unknown', ['item-not-found']],
] as const) {
  test(`these conditions say that nobody is there, ${absence} (RFC 6120 §8.3.3): ${conditions.join(', ')}`, (t) => {
    const said = [...CONDITIONS, 'gone', 'redirect'].filter(
      (condition) => new StanzaError({ type: 'cancel', condition }, '', 'example.com').absence === absence,
    )
    t.deepEqual([...new Set(said)].sort(), [...conditions].sort())
  })
}

test('a stanza error without a text says only what it is', (t) => {
  t.is(new StanzaError({ type: 'wait', condition: 'conflict' }, '', 'example.com').message, 'example.com answered conflict')
})
