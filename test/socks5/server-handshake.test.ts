import test from 'ava'
import fc from 'fast-check'
import { BytestreamError, type ErrorCode } from '../../src/core/index.ts'
import { type ConnectRequest, encodeGreeting, ServerHandshake } from '../../src/socks5/index.ts'
import { cut, cuts, oneByOne } from '../helpers/fragments.ts'
import { almost, connectRequests, dstAddr, greetings, hex } from '../helpers/socks5.ts'
import { type NaiveDialogue, naiveServerHandshake } from '../naive/socks5.ts'

const NAME = Buffer.from(dstAddr).toString('hex')
const REQUEST = `05 01 00 03 28 ${NAME} 00 00`
const greetingAndRequest = hex(`05 01 00 ${REQUEST}`)

interface Dialogue {
  readonly replies: Buffer[]
  readonly request: ConnectRequest | undefined
  readonly early: Buffer
  readonly error: BytestreamError | undefined
}

/** Pushes fragments until the handshake wants no more; what is left over then is early too. */
function converse(handshake: ServerHandshake, fragments: readonly Buffer[]): Dialogue {
  const replies: Buffer[] = []
  for (const [index, fragment] of fragments.entries()) {
    const step = handshake.push(fragment)
    replies.push(...step.replies)
    if (step.request || step.error) {
      const early = Buffer.concat([step.early ?? Buffer.alloc(0), ...(step.request ? fragments.slice(index + 1) : [])])
      return { replies, request: step.request, early, error: step.error }
    }
  }
  return { replies, request: undefined, early: Buffer.alloc(0), error: undefined }
}

function inNaiveWords({ replies, request, early, error }: Dialogue): NaiveDialogue {
  const address = request?.address.toString('hex') ?? ''
  const outcome = error?.code ?? (request ? { dstAddr: request.dstAddr, address } : 'more')
  return { replies: replies.map((reply) => reply.toString('hex')), outcome, early: early.toString('hex') }
}

test('the handshake takes turns: greeting, choice, request, reply (RFC 1928 §3, §4, §6)', (t) => {
  const handshake = new ServerHandshake()
  t.deepEqual(handshake.push(hex('05 01 00')), { replies: [hex('05 00')] })
  const { replies, request, early, error } = handshake.push(hex(REQUEST))
  t.deepEqual(replies, [])
  t.is(request?.dstAddr, dstAddr)
  t.deepEqual(early, Buffer.alloc(0))
  t.is(error, undefined)
  t.deepEqual(handshake.accept(), hex(`05 00 00 03 28 ${NAME} 00 00`))
})

test('octet by octet the handshake goes the same way', (t) => {
  const { replies, request } = converse(new ServerHandshake(), oneByOne(greetingAndRequest))
  t.deepEqual(replies, [hex('05 00')])
  t.is(request?.dstAddr, dstAddr)
})

test('greeting, request and payload in one segment: the payload is kept', (t) => {
  const payload = Buffer.from('the first octets of the file')
  const { replies, request, early } = converse(new ServerHandshake(), [Buffer.concat([greetingAndRequest, payload])])
  t.deepEqual(replies, [hex('05 00')])
  t.is(request?.dstAddr, dstAddr)
  t.deepEqual(early, payload)
})

test('the choice of a method and the reply are two writes, so that a client reading once for each finds each', (t) => {
  const handshake = new ServerHandshake()
  const { replies } = handshake.push(greetingAndRequest)
  t.is(replies.length, 1)
  t.is(handshake.accept().length, 47)
})

test('an address in upper case is echoed as it was sent, whichever way it is answered', (t) => {
  const upper = Buffer.from(dstAddr.toUpperCase()).toString('hex')
  for (const [answer, reply] of [
    [(handshake: ServerHandshake) => handshake.accept(), '00'],
    [(handshake: ServerHandshake) => handshake.refuse('ERR_PLACES_TAKEN'), '02'],
    [(handshake: ServerHandshake) => handshake.refuse('ERR_LIMIT_WAITING'), '01'],
  ] as const) {
    const handshake = new ServerHandshake()
    const { request } = handshake.push(hex(`05 01 00 05 01 00 03 28 ${upper} 04 38`))
    t.is(request?.dstAddr, dstAddr)
    t.deepEqual(answer(handshake), hex(`05 ${reply} 00 03 28 ${upper} 04 38`))
  }
})

const turnsAway = test.macro({
  exec(t, digits: string, code: ErrorCode, written: readonly string[]) {
    const expected = written.map(hex)
    for (const fragments of [[hex(digits)], oneByOne(hex(digits))]) {
      const { replies, request, error } = converse(new ServerHandshake(), fragments)
      t.is(error?.code, code)
      t.is(request, undefined)
      t.deepEqual(replies, expected)
    }
  },
  title: (given) => `${given}, whole or octet by octet`,
})
const CHOICE = '05 00'
test('methods without 0x00 are answered 05 FF', turnsAway, '05 02 01 02', 'ERR_SOCKS5_METHOD', ['05 ff'])
test('BIND is answered 07', turnsAway, '05 01 00 05 02', 'ERR_SOCKS5_COMMAND', [CHOICE, '05 07 00 01 00000000 0000'])
test('UDP ASSOCIATE is answered 07', turnsAway, '05 01 00 05 03', 'ERR_SOCKS5_COMMAND', [CHOICE, '05 07 00 01 00000000 0000'])
test('an IPv4 address is answered 08', turnsAway, '05 01 00 05 01 00 01', 'ERR_SOCKS5_ADDRESS_TYPE', [CHOICE, '05 08 00 01 00000000 0000'])
test('an IPv6 address is answered 08', turnsAway, '05 01 00 05 01 00 04', 'ERR_SOCKS5_ADDRESS_TYPE', [CHOICE, '05 08 00 01 00000000 0000'])
test('a name of another length is answered 02', turnsAway, '05 01 00 05 01 00 03 0b', 'ERR_SOCKS5_DST_ADDR', [
  CHOICE,
  '05 02 00 01 00000000 0000',
])
test(
  'a name that is not hexadecimal is answered 02',
  turnsAway,
  `05 01 00 05 01 00 03 28 ${'7a'.repeat(40)} 00 50`,
  'ERR_SOCKS5_DST_ADDR',
  [CHOICE, '05 02 00 01 00000000 0000'],
)
test('another version in the request is answered 01', turnsAway, '05 01 00 04', 'ERR_SOCKS5_MALFORMED', [
  CHOICE,
  '05 01 00 01 00000000 0000',
])
test('SOCKS4 is answered with nothing, for it could not read it', turnsAway, '04', 'ERR_SOCKS5_MALFORMED', [])
test('a greeting without methods is answered with nothing', turnsAway, '05 00', 'ERR_SOCKS5_MALFORMED', [])

test('any fragments of a valid handshake with payload are the same handshake', (t) => {
  fc.assert(
    fc.property(greetings, connectRequests, fc.uint8Array({ maxLength: 100 }), cuts, (greeting, request, payload, offsets) => {
      const octets = Buffer.concat([greeting, request, payload])
      const dialogue = converse(new ServerHandshake(), cut(octets, offsets))
      t.deepEqual(dialogue.early, Buffer.from(payload))
      t.deepEqual(inNaiveWords(dialogue), naiveServerHandshake(octets))
    }),
    { numRuns: 500 },
  )
})

test('any octets in any fragments go the way of the naive twin: more, a request, or a coded error', (t) => {
  const dialogues = fc.tuple(greetings, connectRequests).map(([greeting, request]) => Buffer.concat([greeting, request]))
  fc.assert(
    fc.property(almost(dialogues), cuts, (octets, offsets) => {
      t.deepEqual(inNaiveWords(converse(new ServerHandshake(), cut(octets, offsets))), naiveServerHandshake(octets))
    }),
    { numRuns: 1_000 },
  )
})

test('octets already taken may be overwritten by the next read', (t) => {
  const handshake = new ServerHandshake()
  const buffer = Buffer.alloc(1)
  let request: ConnectRequest | undefined
  for (const octet of greetingAndRequest) {
    buffer[0] = octet
    request = handshake.push(buffer).request ?? request
  }
  t.is(request?.dstAddr, dstAddr)
  t.deepEqual(request?.address, hex(`28 ${NAME} 00 00`))
})

test('to push after the request, or after an error, is a mistake of the caller', (t) => {
  const asked = new ServerHandshake()
  asked.push(greetingAndRequest)
  t.throws(() => asked.push(Buffer.alloc(1)), { instanceOf: TypeError })

  const wrong = new ServerHandshake()
  t.true(wrong.push(hex('04')).error instanceof BytestreamError)
  t.throws(() => wrong.push(Buffer.alloc(1)), { instanceOf: TypeError })
})

test('to answer before the request, after an error, or twice is a mistake of the caller', (t) => {
  t.throws(() => new ServerHandshake().accept(), { instanceOf: TypeError })

  const wrong = new ServerHandshake()
  wrong.push(hex('04'))
  t.throws(() => wrong.refuse('ERR_PLACES_TAKEN'), { instanceOf: TypeError })

  const answered = new ServerHandshake()
  answered.push(Buffer.concat([encodeGreeting(), hex(REQUEST)]))
  answered.accept()
  t.throws(() => answered.accept(), { instanceOf: TypeError })
})

test('an empty segment changes nothing', (t) => {
  const handshake = new ServerHandshake()
  t.deepEqual(handshake.push(Buffer.alloc(0)), { replies: [] })
  t.deepEqual(handshake.push(encodeGreeting()), { replies: [hex('05 00')] })
  t.deepEqual(handshake.push(Buffer.alloc(0)), { replies: [] })
  t.is(handshake.push(hex(REQUEST)).request?.dstAddr, dstAddr)
})
