import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import {
  buildFileMetadata,
  buildFileSharing,
  type FileSharing,
  parseElement,
  parseFileMetadata,
  parseFileSharing,
  writeXml,
  xml,
} from '../../src/xep/index.ts'
import { isReadOrRefused, means } from '../helpers/elements.ts'
import { defined } from '../helpers/fixtures.ts'

const sha3 = { algo: 'sha3-256', value: Buffer.from('2XarmwTlNxDAMkvymloX3S5+VbylNrJt/l5QyPa+YoU=', 'base64') }
const sha1 = { algo: 'sha-1', value: Buffer.from('w0mcJylzCn+AfvuGdqkty2+KP48=', 'base64') }
const hash = (algo: string, value: string) => `<hash xmlns='urn:xmpp:hashes:2' algo='${algo}'>${value}</hash>`
const TARGET = 'https://download.montague.lit/4a771ac1-f0b2-4a4a-9700-f2a26fa2bb67/summit.jpg'
const url = `<url-data xmlns='http://jabber.org/protocol/url-data' target='${TARGET}'/>`
const jinglepub = `<jinglepub xmlns='urn:xmpp:jinglepub:1' from='romeo@montague.lit/resource' id='9559976B'>
  <description xmlns='urn:xmpp:jingle:apps:file-transfer:5'/></jinglepub>`
const sipub = `<sipub xmlns='http://jabber.org/protocol/sipub' id='a' profile='http://jabber.org/protocol/si/profile/file-transfer'>
  <file xmlns='http://jabber.org/protocol/si/profile/file-transfer' name='summit.jpg' size='3032449'/></sipub>`
const file = `<file xmlns='urn:xmpp:file:metadata:0'><name>summit.jpg</name></file>`
const sharing = (sources: string, attributes = '') =>
  `<file-sharing xmlns='urn:xmpp:sfs:0' ${attributes}>${file}<sources>${sources}</sources></file-sharing>`
const read = (text: string, sender?: string) => defined(parseFileSharing(parseElement(text), sender))

test('metadata of a file are as XEP-0446 §2 shows them', (t) => {
  const example = `<file xmlns='urn:xmpp:file:metadata:0'>
    <media-type>text/plain</media-type>
    <name>test.txt</name>
    <date>2015-07-26T21:46:00+01:00</date>
    <size>6144</size>
    ${hash('sha-1', 'w0mcJylzCn+AfvuGdqkty2+KP48=')}
  </file>`
  const said = { mediaType: 'text/plain', name: 'test.txt', date: '2015-07-26T21:46:00+01:00', size: 6144, hashes: [sha1] }
  means(t, buildFileMetadata(said), example)
  t.deepEqual(defined(parseFileMetadata(parseElement(example))), said)
})

test('all of the metadata may be missing, and of two descriptions the first is read', (t) => {
  const given = (inside: string) => defined(parseFileMetadata(parseElement(`<file xmlns='urn:xmpp:file:metadata:0'>${inside}</file>`)))
  t.deepEqual(given(''), { hashes: [] })
  t.deepEqual(given("<desc xml:lang='en'>a</desc><desc xml:lang='de'>b</desc>"), { description: 'a', hashes: [] })
})

test('a shared file is XEP-0447 example 1, what nobody here knows of it passed over', (t) => {
  const text = `<file-sharing xmlns='urn:xmpp:sfs:0' disposition='inline'>
    <file xmlns='urn:xmpp:file:metadata:0'>
      <media-type>image/jpeg</media-type>
      <name>summit.jpg</name>
      <size>3032449</size>
      <width>4096</width>
      <height>2160</height>
      ${hash('sha3-256', '2XarmwTlNxDAMkvymloX3S5+VbylNrJt/l5QyPa+YoU=')}
      ${hash('id-blake2b256', '2AfMGH8O7UNPTvUVAM9aK13mpCY=')}
      <desc>Photo from the summit.</desc>
      <thumbnail xmlns='urn:xmpp:thumbs:1' uri='cid:sha1+ffd7c8d28e9c5e82afea41f97108c6b4@bob.xmpp.org' width='128' height='96'/>
    </file>
    <sources>${url}${jinglepub}</sources>
  </file-sharing>`
  t.deepEqual(read(text), {
    disposition: 'inline',
    file: {
      name: 'summit.jpg',
      size: 3_032_449,
      mediaType: 'image/jpeg',
      description: 'Photo from the summit.',
      hashes: [sha3, { algo: 'id-blake2b256', value: Buffer.from('2AfMGH8O7UNPTvUVAM9aK13mpCY=', 'base64') }],
    },
    sources: [
      { kind: 'url', target: TARGET },
      { kind: 'jingle', pub: { from: 'romeo@montague.lit/resource', id: '9559976B', meta: [], file: { hashes: [], hashUsed: [] } } },
    ],
  })
})

test('a shared file is written as XEP-0447 §3.1 has it, with what is beside', (t) => {
  const built = buildFileSharing(
    { id: 'i', disposition: 'attachment', file: { name: 'summit.jpg', hashes: [] }, sources: [{ kind: 'url', target: TARGET }] },
    xml('more', { xmlns: 'urn:x' }),
  )
  const text = sharing(url, "id='i' disposition='attachment'").replace('</file-sharing>', "<more xmlns='urn:x'/></file-sharing>")
  means(t, built, text)
})

test('where the sources come later there are none (XEP-0447 §3.2)', (t) => {
  const text = `<file-sharing xmlns='urn:xmpp:sfs:0'>${file}</file-sharing>`
  means(t, buildFileSharing({ file: { name: 'summit.jpg', hashes: [] }, sources: [] }), text)
  t.deepEqual(read(text).sources, [])
})

test('sources are those of the sender that do not say whose they are', (t) => {
  t.like(read(sharing(sipub), 'romeo@montague.lit/orchard').sources[0], { kind: 'si', pub: { from: 'romeo@montague.lit/orchard' } })
})

for (const [what, source] of [
  ['nobody knows', "<torrent xmlns='urn:x'/>"],
  ['name nothing', "<url-data xmlns='http://jabber.org/protocol/url-data'/>"],
  ['have no id', "<jinglepub xmlns='urn:xmpp:jinglepub:1' from='a@b'/>"],
  ['are of whoever has no JID', jinglepub.replace('romeo@', '@')],
  ['say of a hash what is none', sipub.replace("size='3032449'/>", `size='1'>${hash('md5', '*')}</file>`)],
] as const) {
  test(`sources that ${what} leave the others`, (t) => {
    t.deepEqual(read(sharing(source + url)).sources, [{ kind: 'url', target: TARGET }])
  })
}

test('sixteen sources are looked at, and no more', (t) => {
  t.is(read(sharing(url.repeat(17))).sources.length, 16)
  t.is(read(sharing(`<a xmlns='urn:x'/>`.repeat(16) + url)).sources.length, 0)
})

test('a disposition nobody knows is none', (t) => {
  t.is(read(sharing(url, "disposition='upside-down'")).disposition, undefined)
})

const refuses = test.macro({
  exec(t, text: string) {
    t.throws(() => read(text), { instanceOf: BytestreamError, code: 'ERR_BAD_REQUEST' })
  },
  title: (given) => `${given} is refused`,
})
test('sharing nothing', refuses, "<file-sharing xmlns='urn:xmpp:sfs:0'/>")
test('another element', refuses, sharing(url).replaceAll('urn:xmpp:sfs:0', 'urn:xmpp:sfs:1'))
test('a shared file of no size', refuses, sharing(url).replace('</name>', '</name><size>-1</size>'))
test('a shared file with a hash that is none', refuses, sharing(url).replace('</name>', `</name>${hash('md5', '*')}`))

test('what is built is read back as it was', (t) => {
  const words = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
  const word = fc.option(words, { nil: undefined })
  const hashes = fc.constantFrom([], [sha1, sha3])
  const metadata = fc.record({ name: word, size: fc.option(fc.maxSafeNat(), { nil: undefined }), date: word, description: word, hashes })
  const jingle = fc.record({
    kind: fc.constant('jingle' as const),
    pub: fc.constant({ from: 'a@b/c', id: 'i', meta: [], file: { hashes: [], hashUsed: [] } }),
  })
  const si = fc.record({
    kind: fc.constant('si' as const),
    pub: fc.constant({ from: 'a@b/c', id: 'i', file: { name: 'n', size: 1, hashes: [] } }),
  })
  const sharings: fc.Arbitrary<FileSharing> = fc.record({
    id: word,
    disposition: fc.constantFrom(undefined, 'attachment' as const, 'inline' as const),
    file: metadata,
    sources: fc.array(fc.oneof(jingle, si, fc.record({ kind: fc.constant('url' as const), target: words })), { maxLength: 4 }),
  })
  fc.assert(
    fc.property(sharings, (given) => {
      t.deepEqual(read(writeXml(buildFileSharing(given))), defined(given))
    }),
  )
})

test('anything is read or refused', (t) => {
  isReadOrRefused(parseElement(sharing(url + jinglepub + sipub)), (element) => parseFileSharing(element, 'a@b'))
  isReadOrRefused(parseElement(file), parseFileMetadata)
  t.pass()
})
