import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { buildJinglePub, type JinglePub, NS, parseElement, parseJinglePub, writeXml } from '../../src/xep/index.ts'
import { isReadOrRefused, means } from '../helpers/elements.ts'
import { defined } from '../helpers/fixtures.ts'

const FT = NS.jingleFileTransfer
const ID = '9559976B-3FBF-4E7E-B457-2DAA225972BB'
const meta = `<meta xml:lang='en' title='Act III, Scene I of Hamlet' summary='Recorded last week'/>`
const description = `<description xmlns='${FT}'><file><name>hamlet.webm</name><size>7</size></file></description>`
const pub = (inside: string, attributes = `from='bard@shakespeare.lit/globe' id='${ID}'`) =>
  `<jinglepub xmlns='urn:xmpp:jinglepub:1' ${attributes}>${inside}</jinglepub>`
const read = (text: string, sender?: string) => defined(parseJinglePub(parseElement(text), sender))

const hamlet: JinglePub = {
  from: 'bard@shakespeare.lit/globe',
  id: ID,
  meta: [{ lang: 'en', title: 'Act III, Scene I of Hamlet', summary: 'Recorded last week' }],
  uri: 'https://globe.example/hamlet',
  file: { name: 'hamlet.webm', size: 7, hashes: [], hashUsed: [] },
}

test('a published session is as XEP-0358 §2.1 shows it, with a file in it', (t) => {
  const text = pub(`<uri>https://globe.example/hamlet</uri>${meta}${description}`)
  means(t, buildJinglePub(hamlet), text)
  t.deepEqual(read(text), hamlet)
})

test('inside a message it need not say whose it is (XEP-0358 example 4), and what it says counts before that', (t) => {
  t.is(read(pub(description, `id='${ID}'`), 'romeo@montague.net/pda').from, 'romeo@montague.net/pda')
  t.is(read(pub(description), 'romeo@montague.net/pda').from, 'bard@shakespeare.lit/globe')
})

test('the owner may be a bare JID or a domain, as in the examples, and is prepared', (t) => {
  t.is(read(pub(description, "from='Files.Montague.NET' id='a'")).from, 'files.montague.net')
  t.is(read(pub(description, "from='bard@shakespeare.lit' id='a'")).from, 'bard@shakespeare.lit')
})

test('nothing need be said of the file, as in XEP-0447 example 1', (t) => {
  t.deepEqual(read(pub(`<description xmlns='${FT}'/>`)).file, { hashes: [], hashUsed: [] })
})

test('of other applications beside it nothing is said', (t) => {
  t.is(read(pub(`<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/>${description}`)).file.name, 'hamlet.webm')
})

test('of several words in one language the first are read, and empty ones are none', (t) => {
  const given = read(pub(`<meta xml:lang='de'/><meta title='a'/><meta title='b'/><meta xml:lang='en' summary='c'/>${description}`))
  t.deepEqual(given.meta, [{ title: 'a' }, { lang: 'en', summary: 'c' }])
})

test('words in sixteen languages are read and no more, each cut where it is too long', (t) => {
  const many = Array.from({ length: 17 }, (_, n) => `<meta xml:lang='l${n}' title='${'t'.repeat(5000)}'/>`).join('')
  const { meta } = read(pub(many + description))
  t.is(meta.length, 16)
  t.is(meta[0]?.title?.length, 4096)
})

const refuses = test.macro({
  exec(t, text: string, code: string, words: RegExp) {
    t.throws(() => read(text), { instanceOf: BytestreamError, code, message: words })
  },
  title: (given) => `${given} is refused`,
})
test('a session without an id', refuses, pub(description, "from='a@b'"), 'ERR_BAD_REQUEST', /id/)
test('one with an empty id', refuses, pub(description, "from='a@b' id=''"), 'ERR_BAD_REQUEST', /id/)
test('one of nobody', refuses, pub(description, "id='a'"), 'ERR_BAD_REQUEST', /owner/)
test('one of whoever has no JID', refuses, pub(description, "id='a' from='@b'"), 'ERR_JID_MALFORMED', /empty/)
test('one that is of no file', refuses, pub("<description xmlns='urn:xmpp:jingle:apps:rtp:1'/>"), 'ERR_BAD_REQUEST', /file/)
test('a file of another version', refuses, pub("<description xmlns='urn:xmpp:jingle:apps:file-transfer:4'/>"), 'ERR_BAD_REQUEST', /file/)
test('another element', refuses, pub(description).replaceAll('jinglepub:1', 'jinglepub:0'), 'ERR_BAD_REQUEST', /file/)

test('what is built is read back as it was', (t) => {
  const words = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
  const word = fc.option(words, { nil: undefined })
  const pubs = fc.record({
    from: fc.constantFrom('a@b/c', 'b', 'a@b', 'ü@b/ x'),
    id: words,
    meta: fc.uniqueArray(fc.record({ lang: word, title: words, summary: word }), { selector: ({ lang }) => lang, maxLength: 4 }),
    uri: word,
    file: fc.record({
      name: word,
      size: fc.option(fc.maxSafeNat(), { nil: undefined }),
      mediaType: word,
      hashes: fc.constantFrom([], [{ algo: 'md5', value: Buffer.alloc(16, 3) }]),
      hashUsed: fc.constantFrom([], ['sha-256']),
    }),
  })
  fc.assert(
    fc.property(pubs, (given) => {
      t.deepEqual(read(writeXml(buildJinglePub(given))), defined(given))
    }),
  )
})

test('anything is read or refused', (t) => {
  isReadOrRefused(buildJinglePub(hamlet), (element) => parseJinglePub(element, 'a@b'))
  t.pass()
})
