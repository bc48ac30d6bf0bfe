import test from 'ava'
import fc from 'fast-check'
import { attribute, type Element, parseElement, writeXml, xml } from '../../src/xep/index.ts'

/** What a parser by the book makes of white space before it reads on: XML 1.0 §2.11, then §3.3.3 in attributes. */
function normalised(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/<[^>]*>/g, (tag) => tag.replace(/[\t\n]/g, ' '))
}

const same = test.macro({
  exec(t, text: string) {
    const read = parseElement(normalised(writeXml(xml('a', { b: text }, xml('c', {}), text))))
    t.is(attribute(read, 'b'), text)
    t.is(read.text(), text)
    t.deepEqual(
      read.getChildElements().map(({ name }) => name),
      ['c'],
    )
  },
  title: (given) => `${given} comes back as it was, from a parser by the book`,
})
test('markup', same, `<a b='c'>&amp;"]]>`)
test('a tab', same, 'a\tb')
test('a line', same, 'a\nb\n')
test('a carriage return', same, 'a\rb\r\nc\r')
test('nothing', same, '')

const text = fc.string({
  unit: fc.constantFrom('<', '>', '&', '"', "'", '\t', '\n', '\r', ' ', ';', '#', 'é', '\u{1f4a9}', '\u0085', '\u2028'),
})
const tree: fc.Arbitrary<Element> = fc.letrec<{ tree: Element }>((tie) => ({
  tree: fc
    .tuple(
      fc.constantFrom('a', 'b:c', 'd'),
      fc.dictionary(fc.constantFrom('e', 'xmlns:b', 'f:g'), text),
      fc.array(
        fc.oneof(
          { maxDepth: 3 },
          text.filter((one) => one !== ''),
          tie('tree'),
        ),
        { maxLength: 3 },
      ),
    )
    .map(([name, attributes, children]) => xml(name, attributes, ...children)),
})).tree

/** Text side by side is one text. */
const meaningOf = (element: Element): unknown => [
  element.name,
  Object.entries(element.attrs),
  element.children.reduce<unknown[]>((all, child) => {
    if (typeof child === 'string' && typeof all.at(-1) === 'string') all.push(`${all.pop()}${child}`)
    else all.push(typeof child === 'object' ? meaningOf(child) : String(child))
    return all
  }, []),
]

test('any element comes back as it was', (t) => {
  fc.assert(
    fc.property(tree, (element) => {
      t.deepEqual(meaningOf(parseElement(normalised(writeXml(element)))), meaningOf(element))
    }),
    { numRuns: 500 },
  )
})

test('an attribute that is left out is not written, and a number is', (t) => {
  const element = xml('a', { b: 1 })
  element.attrs['c'] = undefined
  t.is(writeXml(element), '<a b="1"/>')
})
