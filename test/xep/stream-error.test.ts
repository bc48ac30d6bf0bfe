import test from 'ava'
import fc from 'fast-check'
import { buildStreamError, type parseElement, parseStreamError, startStreamParser } from '../../src/xep/index.ts'
import { elements } from '../helpers/elements.ts'

const STREAM = 'http://etherx.jabber.org/streams'
const STREAMS = 'urn:ietf:params:xml:ns:xmpp-streams'

/** The first element behind a header, as a parser of a stream gives it. */
function inStream(text: string, prefix = 'stream') {
  let read: ReturnType<typeof parseElement> | undefined
  const parser = startStreamParser({
    start: () => {},
    element: (element) => {
      read = element
    },
    end: () => {},
  })
  parser.write(`<${prefix}:stream xmlns='jabber:client' xmlns:${prefix}='${STREAM}'>${text}`)
  if (!read) throw new SyntaxError('no element')
  return read
}

test('a stream error names its condition and says why (RFC 6120 §4.9.2)', (t) => {
  t.is(
    buildStreamError({ condition: 'conflict', text: 'a < b' }).toString(),
    `<stream:error><conflict xmlns="${STREAMS}"/><text xmlns="${STREAMS}">a &lt; b</text></stream:error>`,
  )
  t.is(buildStreamError({ condition: 'reset', text: '' }).toString(), `<stream:error><reset xmlns="${STREAMS}"/></stream:error>`)
})

test('what is built is read back as it was', (t) => {
  fc.assert(
    fc.property(fc.constantFrom('conflict', 'not-well-formed'), fc.string({ unit: 'grapheme' }), (condition, text) => {
      t.deepEqual(parseStreamError(inStream(buildStreamError({ condition, text }).toString())), { condition, text })
    }),
  )
})

const reads = test.macro({
  exec(t, text: string, expected: ReturnType<typeof parseStreamError>, prefix?: string) {
    t.deepEqual(parseStreamError(inStream(text, prefix)), expected)
  },
  title: (given) => `a stream error ${given}`,
})
test(
  'with an application-specific condition is known by the defined one',
  reads,
  `<stream:error><x xmlns='urn:x'/><conflict xmlns='${STREAMS}'/></stream:error>`,
  {
    condition: 'conflict',
    text: '',
  },
)
test(
  'with its text first is known by its condition',
  reads,
  `<stream:error><text xmlns='${STREAMS}'>a</text><reset xmlns='${STREAMS}'/></stream:error>`,
  {
    condition: 'reset',
    text: 'a',
  },
)
test('without a condition is one all the same', reads, '<stream:error>Disconnected</stream:error>', {
  condition: 'undefined-condition',
  text: '',
})
test(
  'is known by its namespace, not by its prefix',
  reads,
  `<s:error><s:text xmlns:s='${STREAMS}'>a</s:text><s:reset xmlns:s='${STREAMS}'/></s:error>`,
  { condition: 'reset', text: 'a' },
  's',
)
test('is none in the namespace of stanzas', reads, "<error type='cancel'/>", undefined)
test('is none under another name', reads, '<stream:features/>', undefined)

test('any element is read', (t) => {
  fc.assert(
    fc.property(elements, (element) => void parseStreamError(element)),
    { numRuns: 500 },
  )
  t.pass()
})
