import test from 'ava'
import fc from 'fast-check'
import { BytestreamError, type ErrorCode } from '../../src/core/index.ts'
import {
  decodeConnectReply,
  decodeConnectRequest,
  encodeConnectReply,
  encodeConnectRequest,
  REPLY,
  type Reply,
} from '../../src/socks5/index.ts'
import { almost, connectRequests, dstAddr, dstAddrs, hex, outcomeOf } from '../helpers/socks5.ts'
import { naiveConnectReply, naiveConnectRequest } from '../naive/socks5.ts'

const NAME = Buffer.from(dstAddr).toString('hex')
const request = hex(`05 01 00 03 28 ${NAME} 00 00`)

test('a request is VER, CMD 1, RSV, ATYP 3, 40 octets, DST.ADDR, DST.PORT 0 (XEP-0065 §10.2)', (t) => {
  t.deepEqual(encodeConnectRequest(dstAddr), request)
})

test('a request is read back, with the address octet for octet', (t) => {
  t.deepEqual(decodeConnectRequest(request), { value: { dstAddr, address: request.subarray(4) }, bytes: 47 })
})

test('any DST.ADDR is written and read back', (t) => {
  fc.assert(
    fc.property(dstAddrs, (any) => {
      const decoded = decodeConnectRequest(encodeConnectRequest(any))
      return decoded?.value.dstAddr === any && decoded.bytes === 47
    }),
  )
  t.pass()
})

test('upper-case digits are the same DST.ADDR, and the address keeps them', (t) => {
  const upper = Buffer.from(dstAddr.toUpperCase())
  const decoded = decodeConnectRequest(Buffer.concat([request.subarray(0, 5), upper, request.subarray(45)]))
  t.is(decoded?.value.dstAddr, dstAddr)
  t.deepEqual(decoded?.value.address, Buffer.concat([Buffer.from([40]), upper, Buffer.alloc(2)]))
})

test('a port other than 0 is let pass and kept for the echo (XEP-0065 §10.1: MAY ignore DST.PORT)', (t) => {
  const decoded = decodeConnectRequest(Buffer.concat([request.subarray(0, 45), hex('04 38')]))
  t.deepEqual(decoded?.value.address.subarray(-2), hex('04 38'))
})

test('the address outlives the octets it was read from', (t) => {
  const octets = Buffer.from(request)
  const decoded = decodeConnectRequest(octets)
  octets.fill(0)
  t.deepEqual(decoded?.value.address, request.subarray(4))
})

for (let length = 0; length < request.length; length++) {
  test(`a request cut after ${length} octets waits for more`, (t) => {
    t.is(decodeConnectRequest(request.subarray(0, length)), undefined)
  })
}

const refuses = test.macro({
  exec(t, digits: string, code: ErrorCode) {
    const octets = hex(digits)
    const error = t.throws(() => decodeConnectRequest(octets), { instanceOf: BytestreamError })
    t.is(error.code, code)
    // The octet that gives it away is the last one, so the same without it is still open.
    t.is(decodeConnectRequest(octets.subarray(0, -1)), undefined)
  },
  title: (given) => `refuses ${given}, at the first octet that says so`,
})
test('SOCKS4', refuses, '04', 'ERR_SOCKS5_MALFORMED')
test('BIND', refuses, '05 02', 'ERR_SOCKS5_COMMAND')
test('UDP ASSOCIATE', refuses, '05 03', 'ERR_SOCKS5_COMMAND')
test('a command that does not exist', refuses, '05 00', 'ERR_SOCKS5_COMMAND')
test('an IPv4 address', refuses, '05 01 00 01', 'ERR_SOCKS5_ADDRESS_TYPE')
test('an IPv6 address', refuses, '05 01 00 04', 'ERR_SOCKS5_ADDRESS_TYPE')
test('a name of no octets', refuses, '05 01 00 03 00', 'ERR_SOCKS5_DST_ADDR')
test('a name of 39 octets', refuses, '05 01 00 03 27', 'ERR_SOCKS5_DST_ADDR')
test('a name of 41 octets', refuses, '05 01 00 03 29', 'ERR_SOCKS5_DST_ADDR')
test('a letter beyond F', refuses, `05 01 00 03 28 ${Buffer.from('g'.repeat(40)).toString('hex')} 00 00`, 'ERR_SOCKS5_DST_ADDR')
test('a newline among the digits', refuses, `05 01 00 03 28 ${NAME.slice(0, 78)} 0a 00 00`, 'ERR_SOCKS5_DST_ADDR')
test('a digit with its eighth bit set', refuses, `05 01 00 03 28 b1 ${NAME.slice(2)} 00 00`, 'ERR_SOCKS5_DST_ADDR')

test('any octets are read as the naive twin reads a request', (t) => {
  fc.assert(
    fc.property(almost(connectRequests), (octets) => {
      const ours = outcomeOf(() => decodeConnectRequest(octets))
      const twin = naiveConnectRequest(octets)
      t.deepEqual(
        typeof ours === 'string' ? ours : { ...ours, value: { ...ours.value, address: ours.value.address.toString('hex') } },
        twin as typeof ours,
      )
    }),
    { numRuns: 1_000 },
  )
})

test('a reply echoes DST.ADDR and DST.PORT (XEP-0065 §5.3.2)', (t) => {
  t.deepEqual(encodeConnectReply(REPLY.succeeded, request.subarray(4)), hex(`05 00 00 03 28 ${NAME} 00 00`))
})

test('a reply to a request that could not be read is complete all the same (RFC 1928 §6)', (t) => {
  t.deepEqual(encodeConnectReply(REPLY.commandNotSupported), hex('05 07 00 01 00000000 0000'))
})

const replies = test.macro({
  exec(t, digits: string, value: number, bytes: number) {
    const octets = hex(digits)
    for (let length = 0; length < bytes; length++) t.is(decodeConnectReply(octets.subarray(0, length)), undefined, `cut after ${length}`)
    t.deepEqual(decodeConnectReply(octets), { value, bytes })
    t.deepEqual(decodeConnectReply(Buffer.concat([octets, hex('ff ff')])), { value, bytes })
  },
  title: (given) => `a reply with ${given} is read, once it is complete`,
})
test('the echo of a DST.ADDR', replies, `05 00 00 03 28 ${NAME} 00 00`, 0, 47)
test('an IPv4 address, as many proxies send', replies, '05 00 00 01 00000000 0438', 0, 10)
test('an IPv6 address, as an odd proxy might', replies, `05 00 00 04 ${'00'.repeat(15)} 01 0000`, 0, 22)
test('an empty name', replies, '05 00 00 03 00 0000', 0, 7)

const refusals = test.macro({
  exec(t, digits: string, value: number) {
    t.deepEqual(decodeConnectReply(hex(digits)), { value, bytes: 2 })
    t.is(decodeConnectReply(hex(digits).subarray(0, 1)), undefined)
  },
  title: (given) => `a refusal is known from its second octet, ${given}`,
})
test('in a complete reply', refusals, '05 02 00 01 00000000 0000', 2)
test('and there may be no more (socksv5)', refusals, '05 02', 2)
test('whether RFC 1928 has assigned it or not', refusals, '05 5b', 0x5b)
test('even with an address type that does not exist', refusals, '05 07 00 09', 7)

const refusesReply = test.macro({
  exec(t, digits: string) {
    const error = t.throws(() => decodeConnectReply(hex(digits)), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_SOCKS5_MALFORMED')
  },
  title: (given) => `refuses ${given} where a reply should be`,
})
test("SOCKS4's answer", refusesReply, '00 5a')
test('a success with an address type that does not exist', refusesReply, '05 00 00 02')

test('any reply of ours is read as what it says, to its end or as a refusal', (t) => {
  for (const reply of Object.values(REPLY) as Reply[]) {
    for (const address of [undefined, request.subarray(4)]) {
      const octets = encodeConnectReply(reply, address)
      t.deepEqual(decodeConnectReply(octets), { value: reply, bytes: reply === REPLY.succeeded ? octets.length : 2 })
    }
  }
})

test('any octets are read as the naive twin reads a reply', (t) => {
  const successes = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((tail) => Buffer.from([5, 0, 0, ...tail]))
  fc.assert(
    fc.property(almost(successes), (octets) => {
      t.deepEqual(
        outcomeOf(() => decodeConnectReply(octets)),
        naiveConnectReply(octets),
      )
    }),
    { numRuns: 1_000 },
  )
})
