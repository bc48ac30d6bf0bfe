import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { StanzaGuard } from '../../src/session/index.ts'
import { startStreamParser } from '../../src/xep/index.ts'

// The parser is lenient. Goal: whatever it and the guard could read differently is refused, and what the parser would
// remember for ever never reaches it. Method: one guard per case, behind an open stream.

const HEADER = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"

/** What the guard lets through of some octets. */
function passed(guard: StanzaGuard, octets: Uint8Array): string {
  return [...guard.read(octets)].join('')
}

function openGuard() {
  const guard = new StanzaGuard({ stanzaBytesMax: 200, stanzaDepthMax: 4 })
  passed(guard, Buffer.from(HEADER))
  return guard
}

const refuses = test.macro({
  exec(t, stanza: string) {
    const error = t.throws(() => passed(openGuard(), Buffer.from(stanza)), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_STREAM')
  },
  title: (given) => `refuses ${given} (XML 1.0 §3.1)`,
})
test('an attribute without a value, which hides the tags behind it from the parser', refuses, '<message b></message>')
test('an attribute without quotes', refuses, '<message b=c></message>')
test('an attribute right behind another', refuses, "<message a='1'b='2'></message>")
test('"<" in an attribute', refuses, "<message a='<'></message>")
test('a quote in a name', refuses, '<a"></a>')
test('"!" in a name', refuses, '<a!b></a>')
test('"/" in the middle of a tag', refuses, "<a / b='c'>")
test('a tag without a name', refuses, '<>')
test('a name that begins with a digit', refuses, '<1/>')
test('an end tag without a name', refuses, '<a></>')
test('an end tag with attributes', refuses, "<a></a b='c'>")
test('an end tag that is self-closing', refuses, '<a></a/>')
test('a control character in text', refuses, '<a>\x01</a>')
test('text between stanzas', refuses, '<a/>text')
test('CDATA between stanzas', refuses, '<![CDATA[text]]>')
test('a stanza behind the end of the stream (RFC 6120 §4.4)', refuses, '</stream:stream><a>')

for (const stanza of [
  `<a b='>' c=">'/>" d = "&lt;"\n\te=''><b:c.d-e_1 /><é>\r\n</é ></a>`,
  '<a><![CDATA[<b c></d>]]]]></a>',
  '</stream:stream >  ',
]) {
  test(`lets ${JSON.stringify(stanza)} through in any pieces`, (t) => {
    const guard = openGuard()
    let kept = ''
    for (const octet of Buffer.from(stanza)) kept += passed(guard, Buffer.of(octet))
    t.is(kept, stanza.trimEnd())
  })
}

test('white space between stanzas counts for nothing and does not reach the parser (RFC 6120 §4.6.1)', (t) => {
  const guard = openGuard()
  for (let i = 0; i < 100; i++) t.is(passed(guard, Buffer.from(' \n\t '.repeat(100))), '')
  t.is(passed(guard, Buffer.from(' <a> </a> ')), '<a> </a>')
})

test('a stream that starts anew begins at its header (RFC 6120 §4.3.3)', (t) => {
  const guard = openGuard()
  passed(guard, Buffer.from('</stream:stream>'))
  guard.restart()
  t.is(passed(guard, Buffer.from(`${HEADER}<a/>`)), `${HEADER}<a/>`)
})

test('what the guard lets through, the parser reads as elements of at most the size allowed', (t) => {
  const pieces = fc.constantFrom('<', '>', '/', '=', "'", '"', '!', '?', '[CDATA[', ']]>', ' ', 'a', 'b', '<a', '</a>', '<b/>', "c='d'")
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 60 }), (stanza) => {
      const guard = openGuard()
      const parser = startStreamParser({
        start: () => {},
        element: (element) => {
          if (element.toString().length > 250) throw new RangeError('hidden from the guard')
        },
        end: () => {},
      })
      parser.write(HEADER)
      for (const piece of [...stanza, ...stanza, ...stanza]) {
        try {
          parser.write(passed(guard, Buffer.from(piece)))
        } catch (error) {
          if (error instanceof RangeError) throw error
          return
        }
      }
    }),
    { numRuns: 2000 },
  )
  t.pass()
})
