import fc from 'fast-check'

/** A stream header, as a client would send it. */
export const HEADER = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>`

const names = fc.constantFrom('a', 'message', 'x:y', 'b.c-d_1', 'ö')
const spaces = fc.constantFrom('', ' ', '\n\t', '  ')
const texts = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'abc ]>="\'/?!\n', 'ä', '漢', '😀'), maxLength: 12 }),
  fc.constantFrom('&amp;', '&#x263a;', '<![CDATA[]]>', '<![CDATA[a]]]>', '<![CDATA[<b c></d>]]>', '<![CDATA[]]]]]>'),
)
const attributes = fc
  .tuple(names, spaces, spaces, fc.constantFrom("'", '"'), fc.string({ unit: fc.constantFrom(...'ab >/=]', 'é'), maxLength: 6 }))
  .map(([name, before, after, quote, value]) => ` ${name}${before}=${after}${quote}${value}${quote}`)

/** Elements of any shape, as text. */
export const stanzas: fc.Arbitrary<string> = fc.letrec<{ element: string }>((tie) => ({
  element: fc
    .tuple(
      names,
      fc.uniqueArray(attributes, { maxLength: 3, selector: (text) => text.split(/[ =\n\t]+/)[1] }),
      spaces,
      fc.array(fc.oneof({ depthSize: 'small', maxDepth: 4 }, texts, tie('element')), { maxLength: 3 }),
    )
    .map(([name, attrs, space, children]) =>
      children.length === 0
        ? `<${name}${attrs.join('')}${space}/>`
        : `<${name}${attrs.join('')}${space}>${children.join('')}</${name}${space}>`,
    ),
})).element

/** Streams from their header on, whole or not yet at their end. */
export const streams: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(HEADER, HEADER.slice(21), `\n${HEADER}`),
    fc.array(fc.tuple(spaces, stanzas), { maxLength: 4 }),
    fc.constantFrom('', ' ', '</stream:stream>', '\n</stream:stream > \n'),
  )
  .map(([header, pieces, end]) => header + pieces.flat().join('') + end)
