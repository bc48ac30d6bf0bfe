import test from 'ava'
import fc from 'fast-check'
import { attribute, type Element, parseElement, startStreamParser, toXmlText, xml } from '../../src/xep/index.ts'
import { HEADER, streams } from '../helpers/streams.ts'
import { naivePieces } from '../naive/stream-pieces.ts'

const becomes = test.macro({
  exec(t, text: string, expected: string) {
    t.is(toXmlText(text), expected)
  },
  title: (given) => `text with ${given} becomes text XML can carry (XML 1.0 §2.2)`,
})
test('NUL', becomes, 'a\u0000b', 'a\ufffdb')
test('control characters', becomes, '\u0001\u0008\u000b\u000c\u001f', '\ufffd'.repeat(5))
test('a lone surrogate of either half', becomes, '\ud800 \udc00', '\ufffd \ufffd')
test('surrogates the wrong way round', becomes, '\udc00\ud800', '\ufffd\ufffd')
test('the two non-characters', becomes, '\ufffe\uffff', '\ufffd\ufffd')
test('nothing to object to', becomes, 'tab\t, newline\r\n, é漢😀 \u007f\u0085', 'tab\t, newline\r\n, é漢😀 \u007f\u0085')
test('a non-character of another plane, which XML lets pass', becomes, '\u{1fffe}', '\u{1fffe}')

/** RFC 7303's "any Unicode": code units in any order. */
const anything = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units))

test('any text at all arrives in text and attributes as toXmlText says', (t) => {
  fc.assert(
    fc.property(anything, (text) => {
      const element = parseElement(xml('a', { b: text }, text).toString())
      t.is(element.text(), toXmlText(text))
      t.is(attribute(element, 'b'), toXmlText(text))
      t.is(toXmlText(toXmlText(text)), toXmlText(text))
    }),
    { numRuns: 500 },
  )
})

test('what XML can carry, toXmlText leaves alone', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => toXmlText(text) === text),
    { numRuns: 500 },
  )
  t.pass()
})

test('an attribute or a child that is undefined is left out', (t) => {
  t.is(xml('a', { b: undefined, c: 0, d: '' }, undefined, '', 'e', xml('f')).toString(), '<a c="0" d="">e<f/></a>')
})

test('an attribute is a string or nothing, whatever else an object has', (t) => {
  const element = parseElement("<a b='c' e=''/>")
  t.is(attribute(element, 'b'), 'c')
  t.is(attribute(element, 'e'), '')
  t.is(attribute(element, 'd'), undefined)
  t.is(attribute(element, 'constructor'), undefined)
  t.is(attribute(element, '__proto__'), undefined)
})

test('parseElement gives one element, and nothing around it', (t) => {
  const element = parseElement("<a xmlns='urn:x'><b/></a>")
  t.is(element.parent, null)
  t.true(element.getChild('b')?.is('b', 'urn:x'))
  t.throws(() => parseElement('<a><b></a>'), { instanceOf: SyntaxError })
  t.throws(() => parseElement('<a>'), { instanceOf: SyntaxError, message: /no complete element/ })
})

/** What a parser tells of some text, and whether it found fault with it. */
function tell(fragments: readonly string[]): { told: string[]; error: string | undefined } {
  const told: string[] = []
  const parser = startStreamParser({
    start: (header) => told.push(`start ${header.name}`),
    element: (element) => told.push(element.toString()),
    end: () => told.push('end'),
  })
  try {
    for (const fragment of fragments) parser.write(fragment)
    return { told, error: undefined }
  } catch (error) {
    if (error instanceof SyntaxError) return { told, error: error.name }
    throw error
  }
}

test('a stream tells the same in one text and in its pieces', (t) => {
  fc.assert(
    fc.property(streams, (stream) => {
      const text = stream.trimStart() // White space before a header is for the guard.
      const { told, error } = tell([text])
      t.is(error, undefined)
      t.is(told.length, (naivePieces(text)?.length ?? 0) - (text.startsWith('<?') ? 1 : 0))
      t.deepEqual(tell(naivePieces(text) ?? []).told, told)
    }),
    { numRuns: 300 },
  )
})

test('gap: the library hears nothing of a stream whose XML declaration is cut before its last octet', (t) => {
  const end = HEADER.indexOf('?>') + 1
  t.deepEqual(tell([HEADER]).told, ['start stream:stream'])
  t.deepEqual(tell([HEADER.slice(0, end), HEADER.slice(end)]), { told: [], error: undefined })
})

test('what stops being well-formed tells nothing from there on', (t) => {
  t.deepEqual(tell([`${HEADER}<a/><b></c><d/></b><e/></stream:stream>`]), { told: ['start stream:stream', '<a/>'], error: 'SyntaxError' })
  t.deepEqual(tell([`${HEADER}<a>&unknown;</a><b/>`]), { told: ['start stream:stream'], error: 'SyntaxError' })
  t.deepEqual(tell(['</a>']), { told: [], error: 'SyntaxError' })
  t.deepEqual(tell(['text<a>']), { told: [], error: 'SyntaxError' })
})

test('a parser that found fault once finds it ever after', (t) => {
  const parser = startStreamParser({ start: () => t.fail(), element: () => t.fail(), end: () => t.fail() })
  t.throws(() => parser.write('</a>'), { instanceOf: SyntaxError })
  t.throws(() => parser.write('<a>'), { instanceOf: SyntaxError })
})

test('behind the end of a stream nothing is told', (t) => {
  t.deepEqual(tell(['<s><a/></s><b/></s><c/>']).told, ['start s', '<a/>', 'end'])
  t.deepEqual(tell(['<s/>', '<b/>']).told, ['start s', 'end'])
})

test('text between stanzas is not remembered', (t) => {
  let header: Element | undefined
  const parser = startStreamParser({
    start: (element) => {
      header = element
    },
    element: () => {},
    end: () => {},
  })
  parser.write('<s>')
  for (let i = 0; i < 100; i++) parser.write(' text <a/> text ')
  t.is(header?.children.length, 0)
})

test('what a listener throws is thrown as it is, and the parser goes on', (t) => {
  const told: string[] = []
  const bug = new RangeError('a bug')
  const parser = startStreamParser({
    start: () => {},
    element: ({ name }) => {
      told.push(name)
      if (name === 'a') throw bug
    },
    end: () => {},
  })
  t.is(
    t.throws(() => parser.write('<s><a/>'), { instanceOf: RangeError }),
    bug,
  )
  parser.write('<b/>')
  t.deepEqual(told, ['a', 'b'])
})
