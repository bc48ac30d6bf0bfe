import test from 'ava'
import { type Element, NS, startAdopting, startStreamParser } from '../../src/xep/index.ts'

const HEADER = `<stream:stream xmlns='${NS.client}' xmlns:stream='${NS.stream}' xmlns:h='urn:h'>`

/** The first stanza of a stream, and the header it came under. */
function parse(stanza: string, header = HEADER): { header: Element; stanza: Element } {
  const found: Element[] = []
  const parser = startStreamParser({ start: (element) => found.push(element), element: (element) => found.push(element), end: () => {} })
  parser.write(header + stanza)
  const [first, second] = found
  if (!first || !second) throw new Error('no stanza')
  return { header: first, stanza: second }
}

const refuses = test.macro({
  exec(t, text: string) {
    const { header, stanza } = parse(text)
    t.false(startAdopting(header)(stanza))
  },
  title: (given) => `refuses ${given} (Namespaces in XML 1.0)`,
})
test('an element whose prefix has no namespace', refuses, '<message><a:b/></message>')
test('an attribute whose prefix has no namespace', refuses, "<message a:b='c'/>")
test('a prefix that was declared elsewhere', refuses, "<message><a xmlns:x='urn:x'/><x:b/></message>")
test('two colons', refuses, "<message xmlns:a='urn:a'><a:b:c/></message>")
test('a colon at the end', refuses, "<message xmlns:a='urn:a'><a:/></message>")
test('a colon at the start', refuses, '<message><:a/></message>')
test('a local name that is none', refuses, "<message xmlns:a='urn:a'><a:1/></message>")
test('a letter that not every parser knows', refuses, '<message><ö/></message>')
test('a declared prefix that is no name', refuses, "<message xmlns:1='urn:a'/>")
test('a prefix without a namespace', refuses, "<message xmlns:a=''/>")
test('xmlns as a prefix of elements', refuses, '<message><xmlns:a/></message>')
test('xmlns declared', refuses, "<message xmlns:xmlns='urn:a'/>")
test('xml declared as something else', refuses, "<message xmlns:xml='urn:a'/>")
test('something else declared as xml', refuses, "<message xmlns:a='http://www.w3.org/XML/1998/namespace'/>")
test('the namespace of declarations', refuses, "<message xmlns='http://www.w3.org/2000/xmlns/'/>")
test('one attribute under two prefixes', refuses, "<message xmlns:a='urn:x' xmlns:b='urn:x' a:c='1' b:c='2'/>")
test('a prefix that every object has', refuses, '<message><constructor:a/></message>')

const adopts = test.macro({
  exec(t, text: string, expected: string) {
    const { header, stanza } = parse(text)
    t.true(startAdopting(header)(stanza))
    t.is(stanza.toString(), expected)
  },
  title: (given) => `adopts ${given}`,
})
test(
  'a stanza as it is',
  adopts,
  "<message a='b'><c xmlns='urn:c' d='e'>f</c></message>",
  '<message a="b"><c xmlns="urn:c" d="e">f</c></message>',
)
test('xml:lang, which needs no declaration', adopts, "<message xml:lang='en'/>", '<message xml:lang="en"/>')
test(
  'prefixes the stanza declares',
  adopts,
  "<message xmlns:a='urn:a' a:b='1'><a:c xmlns:a='urn:b'/></message>",
  '<message xmlns:a="urn:a" a:b="1"><a:c xmlns:a="urn:b"/></message>',
)
test('one local name in two namespaces', adopts, "<message xmlns:a='urn:a' a:b='1' b='2'/>", '<message xmlns:a="urn:a" a:b="1" b="2"/>')
test('a prefix of an element that the header declares', adopts, '<message><h:a/></message>', '<message xmlns:h="urn:h"><h:a/></message>')
test('a prefix of an attribute that the header declares', adopts, "<message h:a='1'/>", '<message h:a="1" xmlns:h="urn:h"/>')
test('only those prefixes of the header that are used', adopts, '<message>h:a</message>', '<message>h:a</message>')
test(
  'a prefix of the header that only a part declares anew',
  adopts,
  "<message><a xmlns:h='urn:other'><h:b/></a><h:c/></message>",
  '<message xmlns:h="urn:h"><a xmlns:h="urn:other"><h:b/></a><h:c/></message>',
)
test(
  'one that is declared anew wherever it is used',
  adopts,
  "<message><h:a xmlns:h='urn:h'/></message>",
  '<message><h:a xmlns:h="urn:h"/></message>',
)
test('a prefix declared anew', adopts, "<message xmlns:h='urn:other'><h:a/></message>", '<message xmlns:h="urn:other"><h:a/></message>')
test(
  'what repeats the namespace of the stream, without it',
  adopts,
  `<message xmlns='${NS.client}'><body xmlns='${NS.client}'/></message>`,
  '<message><body/></message>',
)
test(
  'what quotes a stanza, with it',
  adopts,
  `<message><x xmlns='urn:x'><message xmlns='${NS.client}'/></x></message>`,
  `<message><x xmlns="urn:x"><message xmlns="${NS.client}"/></x></message>`,
)

test('a header that declares what nobody may spoils its stanzas', (t) => {
  const { header, stanza } = parse('<message/>', `<stream:stream xmlns='${NS.client}' xmlns:stream='${NS.stream}' xmlns:xml='urn:x'>`)
  t.false(startAdopting(header)(stanza))
})

/** Declarations of so many prefixes. */
const declarations = (count: number, name = 'p') => Array.from({ length: count }, (_, number) => ` xmlns:${name}${number}='urn:x'`).join('')
const headerWith = (count: number) => `<stream:stream xmlns='${NS.client}' xmlns:stream='${NS.stream}'${declarations(count - 1)}>`

const counts = test.macro({
  exec(t, stanzaText: string, headerText: string, expected: boolean) {
    const { header, stanza } = parse(stanzaText, headerText)
    t.is(startAdopting(header)(stanza), expected)
  },
  title: (given) => given ?? '',
})
test('a header may declare 64 prefixes', counts, '<message><p0:a/></message>', headerWith(64), true)
test('a header that declares 65 prefixes spoils its stanzas', counts, '<message/>', headerWith(65), false)
test('a stanza may declare 64 prefixes, whatever its header did', counts, `<message${declarations(64, 'q')}/>`, headerWith(64), true)
test('a stanza with 65 prefixes is refused', counts, `<message${declarations(65)}/>`, HEADER, false)
test(
  'prefixes count where they are in scope: 65 below each other are too many',
  counts,
  `<message${declarations(64)}><a xmlns:q='urn:x'/></message>`,
  HEADER,
  false,
)
test(
  'prefixes beside each other do not add up',
  counts,
  `<message>${`<a${declarations(64)}/>`.repeat(2)}<a xmlns:q='urn:x'/></message>`,
  HEADER,
  true,
)
test('a prefix declared anew counts once', counts, `<message${declarations(64)}><a xmlns:p0='urn:y'/></message>`, HEADER, true)

/** How many entries `work` puts into maps, copies of whole maps included: it goes through `set` for each. */
function countEntries(work: () => void): number {
  const { set } = Map.prototype
  let entries = 0
  Map.prototype.set = function count(key, value) {
    entries += 1
    return set.call(this, key, value)
  }
  try {
    work()
  } finally {
    Map.prototype.set = set
  }
  return entries
}

test('the work grows with the stanza, not with the stanza times its prefixes', (t) => {
  const elements = '<a><b/></a>'.repeat(500)
  const { header, stanza } = parse(`<message${declarations(60, 'q')}>${elements}</message>`, headerWith(60))
  t.is(
    countEntries(() => new Map(new Map([[1, 1]]))),
    2,
  )
  let adopt = (_: Element) => false
  t.is(
    countEntries(() => {
      adopt = startAdopting(header)
    }),
    60,
  )
  t.is(
    countEntries(() => t.true(adopt(stanza))),
    60,
  )
})

test('a header is read once, however many stanzas follow', (t) => {
  const { header, stanza } = parse('<message><h:a/></message>')
  let reads = 0
  header.attrs = new Proxy(header.attrs, {
    ownKeys(target) {
      reads += 1
      return Reflect.ownKeys(target)
    },
  })
  const adopt = startAdopting(header)
  t.true(adopt(stanza))
  t.true(adopt(stanza))
  t.is(reads, 1)
})
