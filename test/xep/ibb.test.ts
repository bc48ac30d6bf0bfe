import { randomBytes } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { BytestreamError, type ErrorCode } from '../../src/core/index.ts'
import {
  buildErrorReply,
  buildInBandClose,
  buildInBandData,
  buildInBandOpen,
  buildIq,
  type Element,
  messageData,
  parseElement,
  parseInBandClose,
  parseInBandData,
  parseInBandOpen,
} from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'

const XMLNS = 'http://jabber.org/protocol/ibb'
const romeo = 'romeo@montague.net/orchard'
const juliet = 'juliet@capulet.com/balcony'
const sid = 'i781hf64'

test('the request for a session is XEP-0047 example 1', (t) => {
  means(
    t,
    buildIq({ type: 'set', id: 'jn3h8g65', from: romeo, to: juliet }, buildInBandOpen({ sid, blockSize: 4096 })),
    `<iq from='romeo@montague.net/orchard' id='jn3h8g65' to='juliet@capulet.com/balcony' type='set'>
       <open xmlns='${XMLNS}' block-size='4096' sid='i781hf64' stanza='iq'/>
     </iq>`,
  )
})

const answers = test.macro({
  exec(t, code: ErrorCode, error: string) {
    const request = parseElement(`<iq from='${romeo}' id='jn3h8g65' to='${juliet}' type='set'/>`)
    means(
      t,
      buildErrorReply(request, new BytestreamError(code, '').stanzaError),
      `<iq from='${juliet}' id='jn3h8g65' to='${romeo}' type='error'>${error}</iq>`,
    )
  },
  title: (given) => `${given}`,
})
const STANZAS = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"
test(
  'a responder that prefers smaller blocks answers XEP-0047 example 4',
  answers,
  'ERR_IN_BAND_BLOCK_SIZE',
  `<error type='modify'><resource-constraint ${STANZAS}/></error>`,
)
test(
  'one that does not wish to proceed answers example 5',
  answers,
  'ERR_IN_BAND_REFUSED',
  `<error type='cancel'><not-acceptable ${STANZAS}/></error>`,
)
test(
  'one that does not know the bytestream answers example 10',
  answers,
  'ERR_BYTESTREAM_UNKNOWN',
  `<error type='cancel'><item-not-found ${STANZAS}/></error>`,
)
test(
  'a number that was used already is answered as XEP-0047 §2.2 says',
  answers,
  'ERR_IN_BAND_SEQUENCE',
  `<error type='cancel'><unexpected-request ${STANZAS}/></error>`,
)
test(
  'what is no Base64 is answered as XEP-0047 §2.2 says',
  answers,
  'ERR_IN_BAND_DATA',
  `<error type='cancel'><bad-request ${STANZAS}/></error>`,
)

/** The block of XEP-0047 example 6, without the line ends that are for readers of the specification. */
const BLOCK =
  'qANQR1DBwU4DX7jmYZnncmUQB/9KuKBddzQH+tZ1ZywKK0yHKnq57kWq+RFtQdCJWpdWpR0uQsuJe7+vh3NWn59/gTc5MDlX8dS9p0ovStmNcyLhxVgmqS8ZKhsblVeu' +
  'IpQ0JgavABqibJolc3BKrVtVV1igKiX/N7Pi8RtY1K18toaMDhdEfhBRzO/XB0+PAQhYlRjNacGcslkhXqNjK5Va4tuOAPy2n1Q8UUrHbUd0g+xJ9Bm0G0LZXyvCWyKH' +
  'kuNEHFQiLuCY6Iv0myq6iX6tjuHehZlFSh80b5BVV9tNLwNR5Eqz1klxMhoghJOA'

test('a block is XEP-0047 example 6, and is read so', (t) => {
  const stanza = `<iq from='romeo@montague.net/orchard' id='kr91n475' to='juliet@capulet.com/balcony' type='set'>
       <data xmlns='${XMLNS}' seq='0' sid='i781hf64'>${BLOCK}</data>
     </iq>`
  const octets = Buffer.from(BLOCK, 'base64')
  means(t, buildIq({ type: 'set', id: 'kr91n475', from: romeo, to: juliet }, buildInBandData({ sid, seq: 0, octets })), stanza)
  t.deepEqual(parseInBandData(parseElement(stanza).getChildElements()[0] as Element), { sid, seq: 0, octets })
})

test('the closing is XEP-0047 example 8', (t) => {
  means(
    t,
    buildIq({ type: 'set', id: 'us71g45j', from: romeo, to: juliet }, buildInBandClose(sid)),
    `<iq from='romeo@montague.net/orchard' id='us71g45j' to='juliet@capulet.com/balcony' type='set'>
       <close xmlns='${XMLNS}' sid='i781hf64'/>
     </iq>`,
  )
})

test('a block in a message is XEP-0047 example 11', (t) => {
  const data = messageData(parseElement(`<message id='dsw71gj3'><data xmlns='${XMLNS}' seq='0' sid='${sid}'>AAAA</data></message>`))
  t.deepEqual(data && parseInBandData(data), { sid, seq: 0, octets: Buffer.alloc(3) })
  t.is(messageData(parseElement(`<message><data xmlns='urn:other' seq='0' sid='${sid}'>AAAA</data></message>`)), undefined)
})

test('stanza is iq where an open does not say (XEP-0047 §2.1)', (t) => {
  const open = (stanza: string) => parseElement(`<open xmlns='${XMLNS}' block-size='1' sid='a' ${stanza}/>`)
  t.deepEqual(parseInBandOpen(open('')), { sid: 'a', blockSize: 1, stanza: 'iq' })
  t.is(parseInBandOpen(open("stanza='message'")).stanza, 'message')
})

test('what is built is read back as it was', (t) => {
  const sids = fc.string({ minLength: 1, unit: 'grapheme' })
  const numbers = fc.integer({ min: 0, max: 65_535 })
  fc.assert(
    fc.property(sids, numbers, fc.uint8Array({ maxLength: 200 }), (sid, number, bytes) => {
      const octets = Buffer.from(bytes)
      t.deepEqual(parseInBandData(sent(buildInBandData({ sid, seq: number, octets }))), { sid, seq: number, octets })
      t.is(parseInBandClose(sent(buildInBandClose(sid))), sid)
      const blockSize = number || 1
      t.deepEqual(parseInBandOpen(sent(buildInBandOpen({ sid, blockSize }))), { sid, blockSize, stanza: 'iq' })
    }),
  )
})

const refuses = test.macro({
  exec(t, parse: (element: Element) => unknown, element: string, code: ErrorCode, words: RegExp) {
    const error = t.throws(() => parse(parseElement(element)), { instanceOf: BytestreamError })
    t.is(error.code, code)
    t.regex(error.message, words)
  },
  title: (given) => `${given} is refused`,
})
const open = (attributes: string) => `<open xmlns='${XMLNS}' ${attributes}/>`
test('an open without a sid', refuses, parseInBandOpen, open("block-size='1'"), 'ERR_BAD_REQUEST', /sid/)
for (const size of ['', '0', '-1', '65536', '1e3', '0x10', '4096.5', '99999999999999999999']) {
  test(`a block size of "${size}"`, refuses, parseInBandOpen, open(`sid='a' block-size='${size}'`), 'ERR_BAD_REQUEST', /block-size/)
}
test('an open without a block size', refuses, parseInBandOpen, open("sid='a'"), 'ERR_BAD_REQUEST', /block-size/)
test('an open for presences', refuses, parseInBandOpen, open("sid='a' block-size='1' stanza='presence'"), 'ERR_BAD_REQUEST', /stanza/)
test('a close without a sid', refuses, parseInBandClose, `<close xmlns='${XMLNS}'/>`, 'ERR_BAD_REQUEST', /sid/)

const data = (attributes: string, text = 'AAAA') => `<data xmlns='${XMLNS}' ${attributes}>${text}</data>`
test('a block without a sid', refuses, parseInBandData, data("seq='0'"), 'ERR_IN_BAND_DATA', /sid/)
for (const seq of ['', '-1', '65536', '1e3', ' 1']) {
  test(`a block with the number "${seq}"`, refuses, parseInBandData, data(`sid='a' seq='${seq}'`), 'ERR_IN_BAND_DATA', /seq/)
}
for (const [what, text] of [
  ['a line end', 'AAAA\nAAAA'],
  ['space around it', ' AAAA '],
  ['characters of the other alphabet (RFC 4648 §5)', 'A-_A'],
  ['a character of none', 'AA*A'],
  ['padding at the beginning (XEP-0047 §6)', '=AAA'],
  ['padding in the middle (XEP-0047 §6)', 'BBBB=CCC'],
  ['padding between blocks', 'AA==AAAA'],
  ['no padding where it is due', 'AA'],
  ['too little of it', 'AA='],
  ['too much of it', 'AAAA===='],
  ['nothing but padding', '===='],
  ['one character', 'A'],
  ['bits hidden before the padding (RFC 4648 §3.5)', 'AB=='],
  ['letters beyond ASCII', 'ÄÄÄÄ'],
  ['an element inside', 'AA<b/>AA'],
]) {
  test(`Base64 with ${what}`, refuses, parseInBandData, data("sid='a' seq='0'", text), 'ERR_IN_BAND_DATA', /Base64/)
}

test('no octets are a block, too', (t) => {
  t.is(parseInBandData(parseElement(data("sid='a' seq='65535'", ''))).octets.length, 0)
})

/** RFC 4648 §4, word by word: the naive twin of what the decoder does. */
function isBase64(text: string): boolean {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const content = text.endsWith('==') ? text.slice(0, -2) : text.endsWith('=') ? text.slice(0, -1) : text
  const hidden = [0, undefined, 4, 2][content.length % 4]
  if (text.length % 4 !== 0 || hidden === undefined) return false
  if ([...content].some((character) => !alphabet.includes(character))) return false
  return content === '' ? text === '' : alphabet.indexOf(content.at(-1) ?? '') % 2 ** hidden === 0
}

test('any text is taken for Base64 by the same rules as by a naive twin', (t) => {
  const characters = fc.constantFrom(...'AQgwBCz09+/=-_ \n', 'ä')
  fc.assert(
    fc.property(fc.string({ unit: characters, maxLength: 12 }), (text) => {
      const element = buildInBandData({ sid: 'a', seq: 0, octets: Buffer.alloc(0) })
      element.children = [text]
      const parse = () => parseInBandData(element)
      if (isBase64(text)) t.is(parse().octets.toString('base64'), text)
      else t.throws(parse, { code: 'ERR_IN_BAND_DATA' }, JSON.stringify(text))
    }),
    { numRuns: 2_000 },
  )
  for (const length of [0, 1, 2, 3, 4096]) t.true(isBase64(randomBytes(length).toString('base64')))
})

test('any element is read, or refused with a code', (t) => {
  fc.assert(
    fc.property(elements, (element) => {
      for (const parse of [parseInBandOpen, parseInBandData, parseInBandClose, messageData]) {
        try {
          parse(element)
        } catch (error) {
          t.true(error instanceof BytestreamError, String(error))
        }
      }
    }),
    { numRuns: 1_000 },
  )
  t.pass()
})
