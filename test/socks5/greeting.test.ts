import test from 'ava'
import fc from 'fast-check'
import { BytestreamError, type ErrorCode } from '../../src/core/index.ts'
import { decodeGreeting, decodeMethodChoice, encodeGreeting, encodeMethodChoice, METHOD } from '../../src/socks5/index.ts'
import { almost, greetings, hex, outcomeOf } from '../helpers/socks5.ts'
import { naiveGreeting, naiveMethodChoice } from '../naive/socks5.ts'

const greets = test.macro({
  exec(t, digits: string, methods: number[], bytes: number) {
    t.deepEqual(decodeGreeting(hex(digits)), { value: methods, bytes })
  },
  title: (given) => `a greeting ${given} is read (RFC 1928 §3)`,
})
test('with one method', greets, '05 01 00', [0x00], 3)
test('with several methods, in their order', greets, '05 03 02 00 01', [0x02, 0x00, 0x01], 5)
test('without the method we speak', greets, '05 02 01 02', [0x01, 0x02], 4)
test('up to its end and no further', greets, '05 01 00 05 01 00 03', [0x00], 3)
test('with 255 methods', greets, `05 ff ${'00'.repeat(255)}`, Array(255).fill(0), 257)

const refusesGreeting = test.macro({
  exec(t, digits: string) {
    const error = t.throws(() => decodeGreeting(hex(digits)), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_SOCKS5_MALFORMED')
  },
  title: (given) => `refuses ${given} where a greeting should be`,
})
test('SOCKS4, at its first octet', refusesGreeting, '04')
test('an HTTP request', refusesGreeting, Buffer.from('GET / HTTP/1.1').toString('hex'))
test('a greeting without methods', refusesGreeting, '05 00')

const refusesChoice = test.macro({
  exec(t, digits: string, code: ErrorCode) {
    const error = t.throws(() => decodeMethodChoice(hex(digits)), { instanceOf: BytestreamError })
    t.is(error.code, code)
  },
  title: (given) => `a choice ${given} is refused`,
})
test('of username and password', refusesChoice, '05 02', 'ERR_SOCKS5_METHOD')
test('of nothing that was offered', refusesChoice, '05 ff', 'ERR_SOCKS5_METHOD')
test('in SOCKS4', refusesChoice, '00', 'ERR_SOCKS5_MALFORMED')

test('our greeting offers no authentication and nothing else, and is read as that', (t) => {
  t.deepEqual(encodeGreeting(), hex('05 01 00'))
  t.deepEqual(decodeGreeting(encodeGreeting()), { value: [METHOD.noAuthentication], bytes: 3 })
})

test('our choice of a method is read as that', (t) => {
  t.deepEqual(encodeMethodChoice(METHOD.noneAcceptable), hex('05 ff'))
  t.deepEqual(decodeMethodChoice(encodeMethodChoice(METHOD.noAuthentication)), { value: 0, bytes: 2 })
})

test('a greeting cut at any offset waits for more', (t) => {
  fc.assert(
    fc.property(greetings, (greeting) => {
      for (let length = 0; length < greeting.length; length++) {
        if (decodeGreeting(greeting.subarray(0, length)) !== undefined) return false
      }
      return decodeGreeting(greeting)?.bytes === greeting.length
    }),
  )
  t.pass()
})

test('a choice cut at any offset waits for more', (t) => {
  t.is(decodeMethodChoice(hex('')), undefined)
  t.is(decodeMethodChoice(hex('05')), undefined)
})

test('any octets are read as the naive twins read them', (t) => {
  fc.assert(
    fc.property(almost(greetings), (octets) => {
      t.deepEqual(
        outcomeOf(() => decodeGreeting(octets)),
        naiveGreeting(octets),
      )
      t.deepEqual(
        outcomeOf(() => decodeMethodChoice(octets)),
        naiveMethodChoice(octets),
      )
    }),
    { numRuns: 500 },
  )
})
