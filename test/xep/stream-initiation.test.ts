import test from 'ava'
import fc from 'fast-check'
import { BytestreamError, type ErrorCode } from '../../src/core/index.ts'
import {
  buildIq,
  buildIqResult,
  buildSiFile,
  buildSiRange,
  buildStreamAcceptance,
  buildStreamInitiation,
  type Element,
  NS,
  parseElement,
  parseSiFile,
  parseSiRange,
  parseStreamAcceptance,
  parseStreamInitiation,
  payloadOf,
  type SiFile,
} from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'

const SI = 'http://jabber.org/protocol/si'
const FILE = 'http://jabber.org/protocol/si/profile/file-transfer'
const S5B = 'http://jabber.org/protocol/bytestreams'
const IBB = 'http://jabber.org/protocol/ibb'

function offer(file: SiFile, methods: readonly string[]): Element {
  return buildIq(
    { type: 'set', id: 'offer1', to: 'receiver@jabber.org/resource' },
    buildStreamInitiation({ id: 'a0', profile: FILE, payload: buildSiFile(file), mimeType: 'text/plain', methods }),
  )
}

/** The offer as the specifications write it, around a `<file/>` and some methods. */
const example = (file: string, methods: readonly string[]) => `<iq type='set' id='offer1' to='receiver@jabber.org/resource'>
  <si xmlns='http://jabber.org/protocol/si'
      id='a0'
      mime-type='text/plain'
      profile='http://jabber.org/protocol/si/profile/file-transfer'>
    ${file}
    <feature xmlns='http://jabber.org/protocol/feature-neg'>
      <x xmlns='jabber:x:data' type='form'>
        <field var='stream-method' type='list-single'>
          ${methods.map((method) => `<option><value>${method}</value></option>`).join('\n')}
        </field>
      </x>
    </feature>
  </si>
</iq>`

const isExample = test.macro({
  exec(t, file: SiFile, methods: readonly string[], fileExample: string) {
    const text = example(fileExample, methods)
    means(t, offer(file, methods), text)
    const initiation = parseStreamInitiation(parseElement(text).getChild('si') as Element)
    t.like(initiation, { id: 'a0', profile: FILE, mimeType: 'text/plain', methods })
    t.deepEqual(parseSiFile(initiation.payload), {
      md5: undefined,
      hashes: [],
      date: undefined,
      description: undefined,
      range: undefined,
      ...file,
    })
  },
  title: (given) => `an offer is built and read as ${given}`,
})
test(
  'XEP-0095 example 3',
  isExample,
  { name: 'test.txt', size: 1022, description: 'This is info about the file.' },
  [S5B, 'jabber:iq:oob', IBB],
  `<file xmlns='http://jabber.org/protocol/si/profile/file-transfer'
         name='test.txt'
         size='1022'>
     <desc>This is info about the file.</desc>
   </file>`,
)
test(
  'XEP-0096 example 1',
  isExample,
  { name: 'test.txt', size: 1022 },
  [S5B, IBB],
  `<file xmlns='http://jabber.org/protocol/si/profile/file-transfer'
         name='test.txt'
         size='1022'/>`,
)
test(
  'XEP-0096 example 3',
  isExample,
  {
    name: 'test.txt',
    size: 1022,
    md5: '552da749930852c69ae5d2141d3766b1',
    date: '1969-07-21T02:56:15Z',
    description: 'This is a test. If this were a real file...',
  },
  [S5B, IBB],
  `<file xmlns='http://jabber.org/protocol/si/profile/file-transfer'
         name='test.txt'
         size='1022'
         hash='552da749930852c69ae5d2141d3766b1'
         date='1969-07-21T02:56:15Z'>
     <desc>This is a test. If this were a real file...</desc>
   </file>`,
)

const acceptance = (inside = '') => `<iq type='result' to='sender@jabber.org/resource' id='offer1'>
  <si xmlns='http://jabber.org/protocol/si'>${inside}
    <feature xmlns='http://jabber.org/protocol/feature-neg'>
      <x xmlns='jabber:x:data' type='submit'>
        <field var='stream-method'>
          <value>http://jabber.org/protocol/bytestreams</value>
        </field>
      </x>
    </feature>
  </si>
</iq>`

test('an acceptance is XEP-0095 example 4 and XEP-0096 example 2', (t) => {
  const request = parseElement("<iq type='set' id='offer1' from='sender@jabber.org/resource'/>")
  means(t, buildIqResult(request, buildStreamAcceptance(S5B)), acceptance())
})

test('an acceptance says which method, with or without something of the profile (XEP-0095 examples 4 and 5, XEP-0096 example 4)', (t) => {
  const inside = ['', `<file xmlns='${SI}/profile/profile-name'><value>returned value</value></file>`, `<file xmlns='${FILE}'/>`]
  for (const text of inside.map(acceptance)) t.is(parseStreamAcceptance(parseElement(text).getChild('si') as Element), S5B)
})

test('an acceptance may want a part of the file: XEP-0096 example 4, and each half of a range', (t) => {
  const request = parseElement("<iq type='set' id='offer1' from='sender@jabber.org/resource'/>")
  for (const [range, attributes] of [
    [{ offset: 252, length: 179 }, "offset='252' length='179'"],
    [{ offset: 2 ** 40, length: undefined }, `offset='${2 ** 40}'`],
    [{ offset: undefined, length: 0 }, "length='0'"],
    [{ offset: undefined, length: undefined }, ''],
  ] as const) {
    const text = acceptance(`<file xmlns='${FILE}'><range ${attributes}/></file>`)
    means(t, buildIqResult(request, buildStreamAcceptance(S5B, buildSiRange(range))), text)
    const payload = payloadOf(parseElement(text).getChild('si') as Element, FILE)
    t.deepEqual(payload && parseSiRange(payload), range)
  }
})

for (const attributes of ["offset='-1'", "offset='1.5'", "length='many'", "offset='9007199254740992'"]) {
  test(`a range with ${attributes} is refused`, (t) => {
    const file = parseElement(`<file xmlns='${FILE}'><range ${attributes}/></file>`)
    t.throws(() => parseSiRange(file), { instanceOf: BytestreamError, code: 'ERR_BAD_REQUEST' })
  })
}

test('an offer may say that parts can be had, and one that does not has no range (XEP-0096 §2)', (t) => {
  for (const range of [undefined, {}]) {
    const file = sent(buildSiFile({ name: 'a', size: 1, ...(range && { range }) }))
    t.is(parseSiFile(file).range === undefined, range === undefined)
  }
})

test('an acceptance that does not say which method says nothing', (t) => {
  t.is(parseStreamAcceptance(parseElement(`<si xmlns='${SI}'/>`)), undefined)
})

const VALUE = Buffer.alloc(32).toString('base64')
test('a hash of our own stands beside what XEP-0096 knows (XEP-0300)', (t) => {
  means(
    t,
    buildSiFile({ name: 'a', size: 0, hashes: [{ algo: 'sha-256', value: Buffer.alloc(32) }] }),
    `<file xmlns='${FILE}' name='a' size='0'><hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>${VALUE}</hash></file>`,
  )
})

test('what is built is read back as it was', (t) => {
  const texts = fc.string({ minLength: 1, unit: 'grapheme' })
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
  const hexadecimal = fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: 32, maxLength: 32 }).map((digits) => digits.join(''))
  const files: fc.Arbitrary<SiFile> = fc.record({
    name: texts,
    size: fc.maxSafeNat(),
    md5: maybe(hexadecimal),
    hashes: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((octets) => [{ algo: 'sha-256', value: Buffer.from(octets) }]),
    date: maybe(texts),
    description: maybe(texts),
    range: maybe(fc.record({ offset: maybe(fc.maxSafeNat()), length: maybe(fc.maxSafeNat()) })),
  })
  fc.assert(
    fc.property(files, texts, fc.array(texts, { minLength: 1 }), maybe(texts), (file, id, methods, mimeType) => {
      const si = sent(buildStreamInitiation({ id, profile: NS.siFileTransfer, payload: buildSiFile(file), methods, mimeType }))
      const initiation = parseStreamInitiation(si)
      t.like(initiation, { id, profile: NS.siFileTransfer, methods, mimeType })
      t.deepEqual(parseSiFile(initiation.payload), file)
      t.is(parseStreamAcceptance(sent(buildStreamAcceptance(methods[0] as string))), methods[0])
    }),
  )
})

const refuses = test.macro({
  exec(t, parse: (element: Element) => unknown, text: string, code: ErrorCode) {
    const error = t.throws(() => parse(parseElement(text)), { instanceOf: BytestreamError })
    t.is(error.code, code)
  },
  title: (given) => `${given} is refused`,
})
const FORM = `<feature xmlns='http://jabber.org/protocol/feature-neg'><x xmlns='jabber:x:data' type='form'>
  <field var='stream-method' type='list-single'><option><value>${S5B}</value></option></field></x></feature>`
const PAYLOAD = `<file xmlns='${FILE}' name='a' size='1'/>`
const si = (attributes: string, children: string) => `<si xmlns='${SI}' ${attributes}>${children}</si>`
test('an offer without an id', refuses, parseStreamInitiation, si(`profile='${FILE}'`, PAYLOAD + FORM), 'ERR_BAD_REQUEST')
test('an offer without a profile', refuses, parseStreamInitiation, si("id='a'", PAYLOAD + FORM), 'ERR_BAD_PROFILE')
test('an offer without the element of its profile', refuses, parseStreamInitiation, si(`id='a' profile='${FILE}'`, FORM), 'ERR_BAD_PROFILE')
test(
  'an offer of another profile than it says',
  refuses,
  parseStreamInitiation,
  si("id='a' profile='urn:x'", PAYLOAD + FORM),
  'ERR_BAD_PROFILE',
)
test(
  'an offer without feature negotiation',
  refuses,
  parseStreamInitiation,
  si(`id='a' profile='${FILE}'`, PAYLOAD),
  'ERR_NO_VALID_STREAMS',
)
test(
  'an offer whose options have no value',
  refuses,
  parseStreamInitiation,
  si(`id='a' profile='${FILE}'`, PAYLOAD + FORM.replace(/<value>.*<\/value>/, '')),
  'ERR_NO_VALID_STREAMS',
)

const file = (attributes: string) => `<file xmlns='${FILE}' ${attributes}/>`
for (const attributes of [
  "size='1'",
  "name='' size='1'",
  "name='a'",
  // QXmpp offers an empty file so, and then never ends the bytestream.
  "name='a' hash='d41d8cd98f00b204e9800998ecf8427e'",
  "name='a' size=''",
  "name='a' size='-1'",
  "name='a' size='1.5'",
  "name='a' size='1e3'",
  "name='a' size='0x10'",
  "name='a' size=' 1'",
  "name='a' size='9007199254740992'",
  "name='a' size='99999999999999999999'",
]) {
  test(`a file with ${attributes} only`, refuses, parseSiFile, file(attributes), 'ERR_BAD_PROFILE')
}
test('a file of another namespace', refuses, parseSiFile, "<file xmlns='urn:x' name='a' size='1'/>", 'ERR_BAD_PROFILE')
test('something else than a file', refuses, parseSiFile, `<files xmlns='${FILE}' name='a' size='1'/>`, 'ERR_BAD_PROFILE')

test('an empty file is a file, and so is one whose name space has a prefix', (t) => {
  t.is(parseSiFile(parseElement(file("name='a' size='0'"))).size, 0)
  t.is(parseSiFile(parseElement(`<f:file xmlns:f='${FILE}' name='a' size='1'/>`)).name, 'a')
})

test('a name is read as it came: whoever stores the file looks at it', (t) => {
  t.is(parseSiFile(parseElement(file("name='../../etc/passwd' size='1'"))).name, '../../etc/passwd')
})

test('an MD5 in upper case is the same, one that is none is left out', (t) => {
  const md5 = '552DA749930852C69AE5D2141D3766B1'
  t.is(parseSiFile(parseElement(file(`name='a' size='1' hash='${md5}'`))).md5, md5.toLowerCase())
  t.is(parseSiFile(parseElement(file("name='a' size='1' hash='552da7'"))).md5, undefined)
})

test('a hash without a value says nothing, and one of another namespace is none', (t) => {
  const hashed = (hash: string) => parseSiFile(parseElement(`<file xmlns='${FILE}' name='a' size='1'>${hash}</file>`)).hashes
  t.deepEqual(hashed("<hash xmlns='urn:xmpp:hashes:2' algo='sha-256'> </hash>"), [])
  t.deepEqual(hashed(`<hash algo='sha-256'>${VALUE}</hash>`), [])
  t.deepEqual(hashed(`<hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>\n ${VALUE} </hash>`), [{ algo: 'sha-256', value: Buffer.alloc(32) }])
})

test('any element is read, or refused with a code', (t) => {
  fc.assert(
    fc.property(elements, (element) => {
      for (const parse of [parseStreamInitiation, parseStreamAcceptance, parseSiFile]) {
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
