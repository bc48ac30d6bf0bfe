import test from 'ava'
import { BytestreamError } from '../../src/core/index.ts'
import { buildJingle, type JingleFile, type JingleInfo, NS, parseElement, parseJingle } from '../../src/xep/index.ts'
import { defined, readExamples } from '../helpers/fixtures.ts'

const SHA1 = Buffer.from('w0mcJylzCn+AfvuGdqkty2+KP48=', 'base64')
const sha1 = { algo: 'sha-1', value: SHA1 }

/** The file of the first content, and what the step says besides. */
function fileOf(text: string): JingleFile | undefined {
  const description = parseJingle(parseElement(text)).contents[0]?.description
  return description?.kind === 'file' ? defined(description.file) : undefined
}
const example = (number: number) => readExamples('xep-0234').get(number)?.getChild('jingle')?.toString() ?? ''
const infoOf = (text: string): JingleInfo | undefined => defined(parseJingle(parseElement(text)).info)

test('a file on offer is XEP-0234 example 1', (t) => {
  t.deepEqual(fileOf(example(1)), {
    date: '1969-07-21T02:56:15Z',
    description: 'This is a test. If this were a real file...',
    mediaType: 'text/plain',
    name: 'test.txt',
    range: {},
    size: 6144,
    hashes: [sha1],
    hashUsed: [],
  })
})

test('a file that is asked for is XEP-0234 example 5, with who is to send it (§4.1)', (t) => {
  t.deepEqual(fileOf(example(5)), { hashes: [sha1], hashUsed: [] })
  t.like(parseJingle(parseElement(example(5))).contents[0], { creator: 'initiator', senders: 'responder' })
})

test('the rest of a file is XEP-0234 example 8', (t) => {
  t.deepEqual(fileOf(example(8)), { range: { offset: 270_336 }, hashes: [sha1], hashUsed: [] })
})

test('the receipt, the checksum and that of a part are XEP-0234 examples 13, 14 and 15', (t) => {
  const content = { creator: 'initiator', name: 'a-file-offer' } as const
  t.deepEqual(infoOf(example(13)), { kind: 'received', ...content })
  t.deepEqual(infoOf(example(14)), { kind: 'checksum', ...content, file: { hashes: [sha1], hashUsed: [] } })
  const hashes = [{ algo: 'sha-1', value: Buffer.from('kHp5RSzW/h7Gm1etSf90Mr5PC/k=', 'base64') }]
  t.deepEqual(infoOf(example(15)), {
    kind: 'checksum',
    ...content,
    file: { hashes: [], hashUsed: [], range: { offset: 2048, length: 1024, hashes } },
  })
})

test('a hash that is to come is XEP-0234 example 16', (t) => {
  t.like(fileOf(example(16)), { hashes: [], hashUsed: ['sha-1'] })
})

test('the reasons of files are XEP-0234 examples 17 and 18', (t) => {
  const reason = (number: number) => defined(parseJingle(parseElement(example(number))).reason)
  t.deepEqual(reason(17), { condition: 'failed-application', application: 'file-not-available' })
  t.deepEqual(reason(18), { condition: 'media-error', application: 'file-too-large' })
})

const FT = NS.jingleFileTransfer
const step = (description: string) =>
  `<jingle xmlns='${NS.jingle}' action='session-accept' sid='a'><content creator='initiator' name='n'>${description}<transport xmlns='${NS.jingleInBand}' sid='b' block-size='1'/></content></jingle>`
const file = (inside: string) => step(`<description xmlns='${FT}'><file>${inside}</file></description>`)

test('an acceptance need not repeat the file', (t) => {
  t.deepEqual(fileOf(step(`<description xmlns='${FT}'/>`)), { hashes: [], hashUsed: [] })
  t.deepEqual(fileOf(file('')), { hashes: [], hashUsed: [] })
})

test('what Gajim says of a file is understood: a date that is none, no words, no hash', (t) => {
  t.deepEqual(fileOf(file('<name>a.bin</name><date>2026-11-21T02:40:56.738482+00:00Z</date><size>2000003</size><desc/>')), {
    name: 'a.bin',
    date: '2026-11-21T02:40:56.738482+00:00Z',
    size: 2_000_003,
    hashes: [],
    hashUsed: [],
  })
})

test('elements nobody knows are passed over, and so are those of another namespace', (t) => {
  const thumbnail = "<thumbnail xmlns='urn:xmpp:thumbs:1' uri='cid:a'/>"
  t.deepEqual(fileOf(file(`${thumbnail}<name xmlns='urn:x'>other</name><size> 7 </size><weight>1</weight>`)), {
    size: 7,
    hashes: [],
    hashUsed: [],
  })
})

const inFolder = (text: string) => `<folder xmlns='${NS.files}'>${text}</folder>`
for (const [text, folder] of [
  ['holiday', 'holiday'],
  ['holiday/day 1', 'holiday/day 1'],
  ['../&lt;x&gt;/漢字', '../<x>/漢字'], // As it came.
  ['', undefined],
] as const) {
  test(`the folder "${text}" beside the name is of our own namespace, and read as it came`, (t) => {
    const { folder: read, name } = fileOf(file(`<name>a</name>${inFolder(text)}`)) ?? {}
    t.deepEqual([read, name], [folder, 'a'])
    t.is(fileOf(file(`<folder>${text}</folder>`))?.folder, undefined)
  })
}

test('a folder is written as it is read', (t) => {
  const description = { kind: 'file', file: { name: 'a', folder: 'b/<c>', hashes: [], hashUsed: [] } } as const
  const contents = [{ creator: 'initiator', name: 'n', description, transport: { kind: 'inBand', sid: 's', blockSize: 1 } }] as const
  const text = buildJingle({ action: 'session-initiate', sid: 'a', contents }).toString()
  t.true(text.includes(inFolder('b/&lt;c&gt;').replaceAll("'", '"')), text)
  t.deepEqual(fileOf(text), description.file)
})

test('another version of the application is another application', (t) => {
  const { contents } = parseJingle(parseElement(step("<description xmlns='urn:xmpp:jingle:apps:file-transfer:4'><offer/></description>")))
  t.deepEqual(contents[0]?.description, { kind: 'unknown', xmlns: 'urn:xmpp:jingle:apps:file-transfer:4' })
})

test('the largest size there can be is read, and so is none at all', (t) => {
  t.is(fileOf(file('<size>9007199254740991</size>'))?.size, Number.MAX_SAFE_INTEGER)
  t.is(fileOf(file('<size>0</size>'))?.size, 0)
})

test('words about a file are cut where they are too many', (t) => {
  t.is(fileOf(file(`<desc>${'w'.repeat(100_000)}</desc>`))?.description?.length, 4_096)
})

const info = (inside: string) => `<jingle xmlns='${NS.jingle}' action='session-info' sid='a'>${inside}</jingle>`
test('an information about a file need not say which, where there is but one (XEP-0234 §8)', (t) => {
  t.deepEqual(infoOf(info(`<received xmlns='${FT}'/>`)), { kind: 'received' })
  t.deepEqual(infoOf(info(`<checksum xmlns='${FT}'><file><hash-used xmlns='${NS.hashes}' algo='md5'/></file></checksum>`)), {
    kind: 'checksum',
    file: { hashes: [], hashUsed: ['md5'] },
  })
})

test('other information of this application is not understood', (t) => {
  t.deepEqual(infoOf(info(`<lost xmlns='${FT}'/>`)), { kind: 'unknown', xmlns: FT, name: 'lost' })
  t.deepEqual(infoOf(info("<received xmlns='urn:x'/>")), { kind: 'unknown', xmlns: 'urn:x', name: 'received' })
})

const refuses = test.macro({
  exec(t, text: string, words: RegExp) {
    const error = t.throws(() => parseJingle(parseElement(text)), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_BAD_REQUEST')
    t.regex(error.message, words)
  },
  title: (given) => `${given} is refused`,
})
for (const size of ['-1', '1e3', '0x10', '1.5', 'many', '9007199254740992', '99999999999999999999']) {
  test(`a size of "${size}"`, refuses, file(`<size>${size}</size>`), /size/)
}
for (const name of ['offset', 'length']) {
  for (const value of ['', '-1', 'end']) test(`the ${name} "${value}"`, refuses, file(`<range ${name}='${value}'/>`), new RegExp(name))
}
test('a name that is too long', refuses, file(`<name>${'n'.repeat(4_097)}</name>`), /4096/)
test('a folder that is too long', refuses, file(inFolder('f'.repeat(4_097))), /folder has more than 4096/)
test('a media type that is too long', refuses, file(`<media-type>${'n'.repeat(4_097)}</media-type>`), /4096/)
test('a date that is too long', refuses, file(`<date>${'1'.repeat(4_097)}</date>`), /4096/)
test('a hash that is none', refuses, file(`<hash xmlns='${NS.hashes}' algo='md5'>*</hash>`), /Base64/)
test('a hash of a part that is none', refuses, file(`<range><hash xmlns='${NS.hashes}' algo='md5'>*</hash></range>`), /Base64/)
test('a checksum without a file', refuses, info(`<checksum xmlns='${FT}'/>`), /lacks a hash/)
test('a checksum without a hash', refuses, info(`<checksum xmlns='${FT}'><file><range/></file></checksum>`), /lacks a hash/)
test('a checksum by nobody', refuses, info(`<checksum xmlns='${FT}' creator='none'/>`), /creator/)
test('a receipt by nobody', refuses, info(`<received xmlns='${FT}' creator='none'/>`), /creator/)
