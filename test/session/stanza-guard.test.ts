import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { StanzaGuard, type StanzaLimits } from '../../src/session/index.ts'
import { StreamViolation } from '../../src/session/stream-violation.ts'
import { cut, cuts, oneByOne } from '../helpers/fragments.ts'
import { HEADER, streams } from '../helpers/streams.ts'
import { naivePieces } from '../naive/stream-pieces.ts'

const WIDE: StanzaLimits = { stanzaBytesMax: 64 * 1024, stanzaDepthMax: 64 }

interface Verdict {
  readonly pieces: string[]
  /** Condition and code, once the stream is at its end. */
  readonly violation: string | undefined
}

function judge(fragments: readonly Uint8Array[], limits = WIDE, guard = new StanzaGuard(limits)): Verdict {
  const pieces: string[] = []
  try {
    for (const fragment of fragments) for (const piece of guard.read(fragment)) pieces.push(piece)
    return { pieces, violation: undefined }
  } catch (error) {
    if (error instanceof StreamViolation) return { pieces, violation: `${error.condition} ${error.code}` }
    throw error
  }
}

const octetsOf = (text: string) => Buffer.from(text, 'utf8')
const isAt = (limits: StanzaLimits, text: string) => judge([octetsOf(text)], limits).violation

test('a stream falls into its pieces: declaration, header, stanzas, end', (t) => {
  const declaration = "<?xml version='1.0'?>"
  const text = `${declaration}<stream:stream to='a'> <a/>\n<b><c>d</c></b>\t</stream:stream>\n`
  t.deepEqual(judge([octetsOf(text)]).pieces, [declaration, "<stream:stream to='a'>", '<a/>', '<b><c>d</c></b>', '</stream:stream>'])
})

test('a piece is handed on with the octet that completes it, and not before', (t) => {
  const guard = new StanzaGuard(WIDE)
  const seen = oneByOne(octetsOf('<s><a>b</a></s>')).map((octet) => [...guard.read(octet)].join(''))
  t.deepEqual(seen, ['', '', '<s>', '', '', '', '', '', '', '', '<a>b</a>', '', '', '', '</s>'])
})

test('any fragments of a stream are the pieces a naive reading finds', (t) => {
  fc.assert(
    fc.property(streams, cuts, (text, offsets) => {
      t.deepEqual(judge(cut(octetsOf(text), offsets)), { pieces: naivePieces(text) as string[], violation: undefined })
    }),
    { numRuns: 500 },
  )
})

/** A stream with something put into it, or taken out of it. */
const spoilt = fc
  .tuple(
    streams,
    fc.nat(),
    fc.constantFrom(0, 0, 1, 3),
    fc.constantFrom(
      ...['<', '>', '/', '"', "'", '=', '!', '?', '&', ' ', 'a', ']]>', '<!--', '<?', '<![CDATA[', '</', '/>', '\x01', '\ufffe', '\u00a0'],
    ),
  )
  .map(([text, at, removed, added]) => `${text.slice(0, at % text.length)}${added}${text.slice((at % text.length) + removed)}`)

test('any fragments of any text get the same verdict, behind the same pieces', (t) => {
  const narrow = { stanzaBytesMax: 150, stanzaDepthMax: 3 }
  const garbage = fc.uint8Array({ maxLength: 60 }).map((octets) => Buffer.concat([octetsOf('<s>'), octets]))
  fc.assert(
    fc.property(fc.oneof(spoilt.map(octetsOf), garbage), cuts, fc.constantFrom(WIDE, narrow), (octets, offsets, limits) => {
      t.deepEqual(judge(cut(octets, offsets), limits), judge([octets], limits))
    }),
    { numRuns: 2_000 },
  )
})

test('what comes through is well-formed to a naive reading too', (t) => {
  fc.assert(
    fc.property(spoilt, (text) => {
      const { pieces, violation } = judge([octetsOf(text)])
      t.deepEqual(naivePieces(pieces.join('')), pieces)
      if (naivePieces(text)) t.is(violation, undefined, text)
    }),
    { numRuns: 2_000 },
  )
})

const violates = test.macro({
  exec(t, text: string, condition: string) {
    const octets = Buffer.concat([octetsOf(HEADER), Buffer.from(text, 'latin1')])
    for (const fragments of [[octets], oneByOne(octets)]) {
      t.deepEqual(judge(fragments), { pieces: naivePieces(HEADER) as string[], violation: `${condition} ERR_STREAM` })
    }
  },
  title: (given) => `${given} is refused before a parser sees it, whole or octet by octet`,
})
test('a comment (RFC 6120 §11.1)', violates, '<!-- here -->', 'restricted-xml')
test('a comment within a stanza', violates, '<a><!-- here --></a>', 'restricted-xml')
test('a processing instruction', violates, '<?php ?>', 'restricted-xml')
test('a processing instruction within a stanza', violates, '<a><?b ?></a>', 'restricted-xml')
test('an XML declaration that does not come first', violates, "<?xml version='1.0'?>", 'restricted-xml')
test('a document type', violates, '<!DOCTYPE a []>', 'restricted-xml')
test('an entity definition within a stanza', violates, '<a><!ENTITY b "c"></a>', 'restricted-xml')
test('CDATA in lower case', violates, '<a><![cdata[b]]></a>', 'restricted-xml')
test('CDATA between stanzas', violates, '<![CDATA[b]]>', 'restricted-xml')
test('text between stanzas', violates, 'b', 'bad-format')
test('a no-break space between stanzas', violates, '\xc2\xa0', 'bad-format')
test('a byte order mark between stanzas', violates, '\xef\xbb\xbf<a/>', 'bad-format')
test('a control character', violates, '<a>\x08</a>', 'not-well-formed')
test('a control character in a tag', violates, '<a\x0b/>', 'not-well-formed')
test('NUL', violates, '\0', 'not-well-formed')
test('a non-character', violates, '<a>\xef\xbf\xbe</a>', 'not-well-formed')
test('a tag without a name', violates, '< a/>', 'not-well-formed')
test('Latin-1', violates, '<a>\xe4</a>', 'unsupported-encoding')
test('half a character before a tag', violates, '<a>\xc3</a>', 'unsupported-encoding')
test('an overlong character', violates, '<a>\xc0\xbc</a>', 'unsupported-encoding')
test('a surrogate', violates, '<a>\xed\xa0\x80</a>', 'unsupported-encoding')
test('a character beyond Unicode', violates, '<a>\xf4\x90\x80\x80</a>', 'unsupported-encoding')

test('an XML bomb is refused at its first octets, before the header and behind it', (t) => {
  const bomb = '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]>'
  t.deepEqual(judge([octetsOf(`<?xml version='1.0'?>${bomb}`)]), {
    pieces: ["<?xml version='1.0'?>"],
    violation: 'restricted-xml ERR_STREAM',
  })
  t.deepEqual(judge(oneByOne(octetsOf('<!')), WIDE).violation, 'restricted-xml ERR_STREAM')
})

test('before the header there is one XML declaration at most, and nothing else', (t) => {
  for (const [text, violation] of [
    ["<?xml version='1.0'?>\n<?xml version='1.0'?>", 'restricted-xml ERR_STREAM'],
    ["<?xml-stylesheet href='a'?>", 'not-well-formed ERR_STREAM'],
    ['<?XML ?>', 'restricted-xml ERR_STREAM'],
    ["<?xml a='>'?>", 'not-well-formed ERR_STREAM'],
    ['</stream:stream>', 'not-well-formed ERR_STREAM'],
    ['text<s>', 'bad-format ERR_STREAM'],
  ] as const) {
    t.is(isAt(WIDE, text), violation, text)
  }
})

test('behind the end of a stream there is only white space', (t) => {
  t.is(isAt(WIDE, '<s></s> \n'), undefined)
  t.is(isAt(WIDE, '<s/> '), undefined)
  t.is(isAt(WIDE, '<s></s><s>'), 'bad-format ERR_STREAM')
  t.is(isAt(WIDE, '<s></s></s>'), 'bad-format ERR_STREAM')
})

test('a stanza may have as many octets as the limit says, and not one more', (t) => {
  const limits = { stanzaBytesMax: 20, stanzaDepthMax: 2 }
  for (const [exact, over] of [
    [`<s><a>${'b'.repeat(13)}</a>`, `<s><a>${'b'.repeat(14)}</a>`],
    [`<s><a b='${'c'.repeat(11)}'/>`, `<s><a b='${'c'.repeat(12)}'/>`],
    [`<s><a>${' '.repeat(13)}</a>`, `<s><a>${' '.repeat(14)}</a>`],
    [`<s><a><![CDATA[c]]></a>`, `<s><a><![CDATA[cd]]></a>`],
    [`<s${' '.repeat(17)}>`, `<s${' '.repeat(18)}>`],
  ] as const) {
    for (const cutUp of [(text: string) => [octetsOf(text)], (text: string) => oneByOne(octetsOf(text))]) {
      t.deepEqual(judge(cutUp(exact), limits), { pieces: naivePieces(exact) as string[], violation: undefined })
      t.is(judge(cutUp(over), limits).violation, 'policy-violation ERR_STANZA_TOO_BIG', over)
    }
  }
})

test('the limit is reached with the octet that passes it, however little of the stanza is there', (t) => {
  const guard = new StanzaGuard({ stanzaBytesMax: 20, stanzaDepthMax: 2 })
  t.notThrows(() => [...guard.read(octetsOf(`<s><a>${'b'.repeat(17)}`))])
  const error = t.throws(() => [...guard.read(octetsOf('b'))], { instanceOf: BytestreamError })
  t.is(error.code, 'ERR_STANZA_TOO_BIG')
  t.regex(error.message, /20 octets/)
})

test('each stanza has the whole limit to itself, and white space between them does not count', (t) => {
  const stanza = `<a>${'b'.repeat(13)}</a>`
  t.is(isAt({ stanzaBytesMax: 20, stanzaDepthMax: 1 }, `<s>${`${' '.repeat(30)}${stanza}`.repeat(5)}${' '.repeat(100)}`), undefined)
})

test('a stanza may nest as deep as the limit says, and not one deeper', (t) => {
  const nest = (depth: number, innermost: string) => `<s>${'<a>'.repeat(depth - 1)}${innermost}${'</a>'.repeat(depth - 1)}`
  for (const innermost of ['<b/>', '<b></b>']) {
    t.is(isAt({ stanzaBytesMax: 999, stanzaDepthMax: 4 }, nest(4, innermost)), undefined)
    t.is(isAt({ stanzaBytesMax: 999, stanzaDepthMax: 4 }, nest(5, innermost)), 'policy-violation ERR_STANZA_TOO_BIG')
  }
})

test('many elements side by side are not deep', (t) => {
  t.is(isAt({ stanzaBytesMax: 999, stanzaDepthMax: 2 }, `<s><a>${'<b/>'.repeat(100)}${'<c></c>'.repeat(50)}</a>`), undefined)
})

const CDATAS = ['', ']', ']]', ']]]', '>', ']>', ']] >', '<a>&amp;</b>', '[CDATA[', ']]]]']
for (const inside of CDATAS) {
  test(`CDATA with ${JSON.stringify(inside)} in it ends where it ends, wherever it is cut`, (t) => {
    const stanza = `<a><![CDATA[${inside}]]><b/></a>`
    const octets = octetsOf(`<s>${stanza}`)
    for (let offset = 0; offset <= octets.length; offset++) {
      t.deepEqual(judge(cut(octets, [offset])), { pieces: ['<s>', stanza], violation: undefined })
    }
  })
}

test('a character of several octets survives, wherever it is cut', (t) => {
  const stanza = "<a b='é'>漢😀</a>"
  const octets = octetsOf(`<s>${stanza}`)
  for (let offset = 0; offset <= octets.length; offset++) t.deepEqual(judge(cut(octets, [offset])).pieces, ['<s>', stanza])
  t.deepEqual(judge(oneByOne(octets)).pieces, ['<s>', stanza])
})

test('a stream may be restarted between two pieces, though the next came in the same segment (RFC 6120 §4.3.3)', (t) => {
  const guard = new StanzaGuard(WIDE)
  const pieces: string[] = []
  for (const piece of guard.read(octetsOf(`${HEADER}<auth/>${HEADER}<a/>`))) {
    pieces.push(piece)
    if (piece === '<auth/>') guard.restart()
  }
  t.deepEqual(pieces, [...(naivePieces(HEADER) ?? []), '<auth/>', ...(naivePieces(HEADER) ?? []), '<a/>'])
})

test('a restart forgets the beginning of a piece', (t) => {
  const guard = new StanzaGuard({ stanzaBytesMax: 30, stanzaDepthMax: 2 })
  t.deepEqual([...guard.read(octetsOf(`<s><a>${'b'.repeat(20)}`))], ['<s>'])
  guard.restart()
  t.deepEqual([...guard.read(octetsOf('<s><a>b</a>'))], ['<s>', '<a>b</a>'])
})

test('octets already read may be overwritten', (t) => {
  const guard = new StanzaGuard(WIDE)
  const buffer = Buffer.alloc(1)
  const pieces: string[] = []
  for (const octet of octetsOf('<s><a>bcd</a>')) {
    buffer[0] = octet
    pieces.push(...guard.read(buffer))
  }
  t.deepEqual(pieces, ['<s>', '<a>bcd</a>'])
})
