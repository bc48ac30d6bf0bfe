import { createHash } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { computeDstAddr, parseDstAddr } from '../../src/socks5/index.ts'

const hashes = test.macro({
  exec(t, sid: string, requester: string, target: string, expected: string) {
    t.is(computeDstAddr(sid, requester, target), expected as ReturnType<typeof computeDstAddr>)
  },
  title: (given) => `the DST.ADDR is the SHA-1 of SID, Requester and Target in lower-case hexadecimal: ${given}`,
})
test(
  'XEP-0065 §7',
  hashes,
  'yia72g3v49j7',
  'requester@example.com/foo',
  'room@conference.example.net/Tget',
  '416781edf1ae50bad01cb8509ba35b43952bc345',
)
test(
  'XEP-0260 §2.2, the initiator',
  hashes,
  'vj3hs98y',
  'romeo@montague.lit/orchard',
  'juliet@capulet.lit/balcony',
  '972b7bf47291ca609517f67f86b5081086052dad',
)
test(
  'XEP-0260 §2.2, the responder',
  hashes,
  'vj3hs98y',
  'juliet@capulet.lit/balcony',
  'romeo@montague.lit/orchard',
  '1a12fb7bc625e55f3ed5b29a53dbe0e4aa7d80ba',
)
// XEP-0065 §5.3.2 names RFC 3174; this is its test vector, cut in three.
test('RFC 3174 §7.3', hashes, 'a', 'b', 'c', 'a9993e364706816aba3e25717850c26c9cd0d89d')

test('JIDs beyond ASCII are hashed as UTF-8', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (sid, requester, target) => {
      const naive = createHash('sha1')
        .update(Buffer.from(`${sid}${requester}${target}`, 'utf8'))
        .digest('hex')
      return computeDstAddr(sid, requester, target) === naive
    }),
  )
  t.pass()
})

test('Requester and Target are not interchangeable', (t) => {
  t.not(computeDstAddr('s', 'a@example.com/1', 'b@example.com/2'), computeDstAddr('s', 'b@example.com/2', 'a@example.com/1'))
})

const reads = test.macro({
  exec(t, text: string, expected: string | undefined) {
    t.is(parseDstAddr(text), expected as ReturnType<typeof parseDstAddr>)
  },
  title: (given) => `a DST.ADDR ${given}`,
})
const DIGITS = '0123456789abcdef0123456789abcdef01234567'
test('in lower case is read as it is', reads, DIGITS, DIGITS)
test('in upper case is the same', reads, DIGITS.toUpperCase(), DIGITS)
test('of 39 digits is none', reads, DIGITS.slice(1), undefined)
test('of 41 digits is none', reads, `0${DIGITS}`, undefined)
test('with a newline behind it is none', reads, `${DIGITS}\n`, undefined)
test('with a letter beyond f is none', reads, `g${DIGITS.slice(1)}`, undefined)
test('that is empty is none', reads, '', undefined)
