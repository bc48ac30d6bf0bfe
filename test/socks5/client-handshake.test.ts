import test from 'ava'
import fc from 'fast-check'
import { BytestreamError, type ErrorCode } from '../../src/core/index.ts'
import { ClientHandshake, encodeConnectRequest, ServerHandshake } from '../../src/socks5/index.ts'
import { cut, cuts, oneByOne } from '../helpers/fragments.ts'
import { almost, dstAddr, dstAddrs, hex } from '../helpers/socks5.ts'

const NAME = Buffer.from(dstAddr).toString('hex')
const CHOICE = '05 00'
const REPLY = `05 00 00 03 28 ${NAME} 00 00`

interface Dialogue {
  readonly request: Buffer | undefined
  /** The beginning of the bytestream, once it is open. */
  readonly early: Buffer | undefined
  readonly code: ErrorCode | undefined
}

function converse(handshake: ClientHandshake, fragments: readonly Buffer[]): Dialogue {
  let request: Buffer | undefined
  try {
    for (const [index, fragment] of fragments.entries()) {
      const step = handshake.push(fragment)
      request ??= step.request
      if (step.early) return { request, early: Buffer.concat([step.early, ...fragments.slice(index + 1)]), code: undefined }
    }
    return { request, early: undefined, code: undefined }
  } catch (error) {
    if (error instanceof BytestreamError) return { request, early: undefined, code: error.code }
    throw error
  }
}

test('the handshake takes turns: greeting, request, bytestream (XEP-0065 §5.3.2)', (t) => {
  const handshake = new ClientHandshake(dstAddr)
  t.deepEqual(handshake.start(), hex('05 01 00'))
  t.deepEqual(handshake.push(hex(CHOICE)), { request: encodeConnectRequest(dstAddr) })
  t.deepEqual(handshake.push(hex(REPLY)), { early: Buffer.alloc(0) })
})

test('octet by octet the handshake goes the same way', (t) => {
  const dialogue = converse(new ClientHandshake(dstAddr), oneByOne(hex(`${CHOICE} ${REPLY}`)))
  t.deepEqual(dialogue, { request: encodeConnectRequest(dstAddr), early: Buffer.alloc(0), code: undefined })
})

test('octets behind the reply belong to the bytestream', (t) => {
  const handshake = new ClientHandshake(dstAddr)
  handshake.push(hex(CHOICE))
  t.deepEqual(handshake.push(hex(`${REPLY} c0ffee`)), { early: hex('c0ffee') })
})

test('choice and reply in one segment leave nothing to wait for', (t) => {
  const handshake = new ClientHandshake(dstAddr)
  t.deepEqual(handshake.push(hex(`${CHOICE} ${REPLY} c0ffee`)), { request: encodeConnectRequest(dstAddr), early: hex('c0ffee') })
})

test('a reply with another address than ours is as good (most proxies before XEP-0065 1.7)', (t) => {
  for (const reply of ['05 00 00 01 00000000 0438', `05 00 00 04 ${'00'.repeat(16)} 0000`, '05 00 00 03 01 61 0000']) {
    t.deepEqual(converse(new ClientHandshake(dstAddr), [hex(CHOICE), hex(reply)]).early, Buffer.alloc(0))
  }
})

const fails = test.macro({
  exec(t, digits: string, code: ErrorCode, words: RegExp) {
    for (const fragments of [[hex(digits)], oneByOne(hex(digits))]) {
      const handshake = new ClientHandshake(dstAddr)
      const error = t.throws(() => fragments.forEach((fragment) => void handshake.push(fragment)), { instanceOf: BytestreamError })
      t.is(error.code, code)
      t.regex(error.message, words)
      t.throws(() => handshake.push(Buffer.alloc(1)), { instanceOf: TypeError }, 'and it is over')
    }
  },
  title: (given) => `fails on ${given}`,
})
test('a streamhost that wants a password', fails, '05 02', 'ERR_SOCKS5_METHOD', /method 2/)
test('a streamhost that takes nobody without', fails, '05 ff', 'ERR_SOCKS5_METHOD', /without authentication/)
test('something that is no SOCKS5 server', fails, '48', 'ERR_SOCKS5_MALFORMED', /version 72/)
test('a refusal by the rules', fails, `05 00 05 02 00 03 28 ${NAME} 00 00`, 'ERR_SOCKS5_REFUSED', /not allowed by ruleset/)
test('a refusal of two octets', fails, '05 00 05 05', 'ERR_SOCKS5_REFUSED', /connection refused/)
test('a refusal nobody has assigned', fails, '05 00 05 63', 'ERR_SOCKS5_REFUSED', /reply 99/)
test('a reply in another version', fails, '05 00 04', 'ERR_SOCKS5_MALFORMED', /version 4/)
test('a reply with an address type that does not exist', fails, '05 00 05 00 00 05', 'ERR_SOCKS5_MALFORMED', /address type 5/)

test('any fragments of what a streamhost sends are the same handshake', (t) => {
  fc.assert(
    fc.property(dstAddrs, fc.uint8Array({ maxLength: 100 }), cuts, (any, payload, offsets) => {
      const server = new ServerHandshake()
      const client = new ClientHandshake(any)
      const written = [...server.push(client.start()).replies]
      server.push(encodeConnectRequest(any))
      written.push(server.accept(), Buffer.from(payload))
      const dialogue = converse(client, cut(Buffer.concat(written), offsets))
      t.deepEqual(dialogue, { request: encodeConnectRequest(any), early: Buffer.from(payload), code: undefined })
    }),
    { numRuns: 300 },
  )
})

test('any octets in any fragments end as they do in one piece, and never in anything but a coded error', (t) => {
  const successes = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((tail) => Buffer.from([5, 0, 5, 0, 0, ...tail]))
  fc.assert(
    fc.property(almost(successes), cuts, (octets, offsets) => {
      const whole = converse(new ClientHandshake(dstAddr), [octets])
      const fragmented = converse(new ClientHandshake(dstAddr), cut(octets, offsets))
      // In one piece an error hides the request that had become due just before.
      t.deepEqual(whole.code ? { ...fragmented, request: undefined } : fragmented, whole)
    }),
    { numRuns: 1_000 },
  )
})

test('to push after the reply is a mistake of the caller', (t) => {
  const handshake = new ClientHandshake(dstAddr)
  handshake.push(hex(`${CHOICE} ${REPLY}`))
  t.throws(() => handshake.push(Buffer.alloc(1)), { instanceOf: TypeError })
})
