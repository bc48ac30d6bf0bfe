import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import {
  type Announcement,
  announcementBody,
  buildAnnouncement,
  buildAnnouncementMessageParts,
  buildJinglePub,
  buildMessage,
  buildSiPub,
  NS,
  parseAnnouncement,
  parseElement,
  parseMessage,
  writeXml,
} from '../../src/xep/index.ts'
import { isReadOrRefused, means, sent } from '../helpers/elements.ts'
import { defined } from '../helpers/fixtures.ts'

const OWNER = 'ci@example.org/builds'
const value = Buffer.from('2XarmwTlNxDAMkvymloX3S5+VbylNrJt/l5QyPa+YoU=', 'base64')
const hash = `<hash xmlns='urn:xmpp:hashes:2' algo='sha3-256'>${value.toString('base64')}</hash>`
const DATE_MS = Date.UTC(2026, 10, 21, 5)
const DAY_MS = 86_400_000

const nightly: Announcement = {
  id: '9559976B',
  owner: OWNER,
  protocols: ['jingle', 'si'],
  file: {
    name: 'image.iso',
    sizeBytes: 1_200_000_000,
    mediaType: 'application/x-iso9660-image',
    dateMs: DATE_MS,
    description: 'Nightly build',
    hashes: [{ algo: 'sha3-256', value }],
  },
  state: 'available',
  expiresMs: DATE_MS + DAY_MS,
  routingKey: 'linux.amd64',
  downloadsMax: 5,
  atOnceMax: 2,
}

const FILE = `<file xmlns='urn:xmpp:file:metadata:0'>
  <media-type>application/x-iso9660-image</media-type><name>image.iso</name><date>2026-11-21T05:00:00Z</date>
  <size>1200000000</size>${hash}<desc>Nightly build</desc></file>`
const JINGLEPUB = `<jinglepub xmlns='urn:xmpp:jinglepub:1' from='${OWNER}' id='9559976B'>
  <description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file>
    <date>2026-11-21T05:00:00Z</date><media-type>application/x-iso9660-image</media-type><name>image.iso</name><size>1200000000</size>${hash}
  </file></description></jinglepub>`
const SIPUB = `<sipub xmlns='http://jabber.org/protocol/sipub' from='${OWNER}' id='9559976B' mime-type='application/x-iso9660-image'
    profile='http://jabber.org/protocol/si/profile/file-transfer'>
  <file xmlns='http://jabber.org/protocol/si/profile/file-transfer' name='image.iso' size='1200000000' date='2026-11-21T05:00:00Z'>${hash}</file>
</sipub>`
const OFFER = `<offer xmlns='https://www.npmjs.com/package/streamhost#feeds' state='available' expires='2026-11-22T05:00:00Z' key='linux.amd64'
    downloads-max='5' at-once-max='2'/>`
const sharing = (inside: string) => `<file-sharing xmlns='urn:xmpp:sfs:0' id='9559976B' disposition='attachment'>${inside}</file-sharing>`
const read = (text: string, sender?: string) => defined(parseAnnouncement(parseElement(text), sender))

test('an announcement is one shared file, with both ways to ask for it and what only we know', (t) => {
  const text = sharing(`${FILE}<sources>${JINGLEPUB}${SIPUB}</sources>${OFFER}`)
  means(t, buildAnnouncement(nightly), text)
  t.deepEqual(read(text), nightly)
})

test('an announcement that says the least is read again, and can be asked for by Jingle alone', (t) => {
  const least: Announcement = { id: 'a', owner: OWNER, protocols: ['jingle', 'si'], file: { name: 'n', hashes: [] }, state: 'paused' }
  t.deepEqual(read(writeXml(buildAnnouncement(least))), { ...least, protocols: ['jingle'] })
})

test('what a stranger shares is available, without limits', (t) => {
  const { id, owner, protocols, file } = nightly
  t.deepEqual(read(sharing(`${FILE}<sources>${JINGLEPUB}${SIPUB}</sources>`)), { id, owner, protocols, file, state: 'available' })
})

test('a published Jingle session alone announces its file, in its own words where the file has none', (t) => {
  const { id, owner, file } = nightly
  const { description: _, ...rest } = file
  t.deepEqual(read(JINGLEPUB), { id, owner, protocols: ['jingle'], file: rest, state: 'available' })
  const meta = [{ title: 'Hamlet', summary: 'Recorded last week' }]
  const session = buildJinglePub({ from: OWNER, id: 'a', meta, file: { hashes: [], hashUsed: ['sha-256'] } })
  t.deepEqual(defined(parseAnnouncement(session)?.file), { name: 'Hamlet', description: 'Recorded last week', hashes: [] })
})

test('a published stream initiation alone announces its file, also with an MD5 in place of hashes', (t) => {
  const { id, owner, file } = nightly
  const { description: _, ...rest } = file
  t.deepEqual(read(SIPUB), { id, owner, protocols: ['si'], file: rest, state: 'available' })
  const md5 = '552da749930852c69ae5d2141d3766b1'
  const pub = buildSiPub({ from: OWNER, id: 'a', file: { name: 'test.txt', size: 1022, md5 } })
  t.deepEqual(parseAnnouncement(sent(pub))?.file.hashes, [{ algo: 'md5', value: Buffer.from(md5, 'hex') }])
})

test('a file nobody gave a name goes by its id', (t) => {
  t.is(read(JINGLEPUB.replace(/<name>.*<\/name>/, ''))?.file.name, '9559976B')
})

test('inside a message the sender owns what does not say whose it is', (t) => {
  const anybodys = (text: string) => text.replaceAll(`from='${OWNER}'`, '')
  for (const text of [JINGLEPUB, SIPUB, sharing(`${FILE}<sources>${JINGLEPUB}</sources>`)]) {
    t.is(read(anybodys(text), 'romeo@montague.net/pda')?.owner, 'romeo@montague.net/pda')
    t.is(read(text, 'romeo@montague.net/pda')?.owner, OWNER)
  }
  t.is(read(anybodys(SIPUB)), undefined)
  t.is(read(anybodys(sharing(`${FILE}<sources>${JINGLEPUB}</sources>`))), undefined)
})

test('of sources of several owners, or several ids, the first counts, and those that are the same', (t) => {
  const others = JINGLEPUB.replace('ci@', 'mirror@')
  const again = JINGLEPUB.replace('9559976B', 'other')
  const text = sharing(
    `${FILE}<sources><url-data xmlns='http://jabber.org/protocol/url-data' target='https://a/'/>${SIPUB}${others}${again}</sources>`,
  )
  t.like(read(text), { owner: OWNER, id: '9559976B', protocols: ['si'] })
})

for (const [what, text] of [
  ['another payload', "<entry xmlns='http://www.w3.org/2005/Atom'><title>a</title></entry>"],
  [
    'a shared file that is to be had from the web alone',
    sharing(`${FILE}<sources><url-data xmlns='http://jabber.org/protocol/url-data' target='https://a/'/></sources>${OFFER}`),
  ],
  ['a shared file whose sources are told later', sharing(FILE + OFFER)],
  [
    'a call that is published',
    "<jinglepub xmlns='urn:xmpp:jinglepub:1' from='a@b' id='a'><description xmlns='urn:xmpp:jingle:apps:rtp:1'/></jinglepub>",
  ],
] as const) {
  test(`${what} announces no file`, (t) => {
    t.is(read(text), undefined)
  })
}

test('what only we know is of our namespace, and need not be there', (t) => {
  const offer = (text: string) => read(sharing(`${FILE}<sources>${JINGLEPUB}</sources>${text}`))
  t.like(offer(`<offer xmlns='${NS.feeds}'/>`), { state: 'available', downloadsMax: undefined })
  t.like(offer(`<offer xmlns='${NS.feeds}' state='paused' downloads-max='0'/>`), { state: 'paused', downloadsMax: 0 })
  t.like(offer("<offer xmlns='urn:x' state='paused' downloads-max='7'/>"), { state: 'available', downloadsMax: undefined })
})

for (const attributes of ["expires='tomorrow'", "state='lost'", "downloads-max='many'", "at-once-max='-1'", `key='${'k'.repeat(4097)}'`]) {
  test(`an offer with ${attributes.slice(0, 30)} is refused`, (t) => {
    const text = sharing(`${FILE}<sources>${JINGLEPUB}</sources><offer xmlns='${NS.feeds}' ${attributes}/>`)
    t.throws(() => read(text), { instanceOf: BytestreamError, code: 'ERR_BAD_REQUEST' })
  })
}

test('what is built is read back as it was', (t) => {
  const words = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
  const word = fc.option(words, { nil: undefined })
  const number = fc.option(fc.maxSafeNat(), { nil: undefined })
  const timeMs = fc.option(
    fc.integer({ min: 0, max: 253_402_300_799 }).map((seconds) => seconds * 1000),
    { nil: undefined },
  )
  const hashes = fc.constantFrom([], [{ algo: 'sha3-256', value }])
  const announcements: fc.Arbitrary<Announcement> = fc.record({
    id: words,
    owner: fc.constantFrom(OWNER, 'b/c'),
    protocols: fc.constantFrom(['jingle'], ['si'], ['si', 'jingle'], ['jingle', 'si']),
    file: fc.record({ name: words, sizeBytes: fc.maxSafeNat(), mediaType: word, dateMs: timeMs, description: word, hashes }),
    state: fc.constantFrom('available', 'paused'),
    expiresMs: timeMs,
    routingKey: word,
    downloadsMax: number,
    atOnceMax: number,
  })
  fc.assert(
    fc.property(announcements, (given) => {
      t.deepEqual(read(writeXml(buildAnnouncement(given))), defined(given))
    }),
  )
})

test('anything is read or refused', (t) => {
  isReadOrRefused(buildAnnouncement(nightly), (element) => parseAnnouncement(element, 'a@b'))
  isReadOrRefused(parseElement(JINGLEPUB), (element) => parseAnnouncement(element))
  isReadOrRefused(parseElement(SIPUB), (element) => parseAnnouncement(element))
  t.pass()
})

test('people read what it is, and a link', (t) => {
  t.is(announcementBody(nightly), 'image.iso (1.1 GiB): Nightly build\nxmpp:ci@example.org/builds?jingle;id=9559976B')
  t.is(announcementBody({ ...nightly, file: { name: 'a', hashes: [] } }), 'a\nxmpp:ci@example.org/builds?jingle;id=9559976B')
})

test('people read that a file cannot be had at the moment', (t) => {
  const text = 'image.iso (1.1 GiB): Nightly build\npaused: its owner is away\nxmpp:ci@example.org/builds?jingle;id=9559976B'
  t.is(announcementBody({ ...nightly, state: 'paused' }), text)
})

test('without Jingle there is no link', (t) => {
  t.is(announcementBody({ ...nightly, protocols: ['si'] }), 'image.iso (1.1 GiB): Nightly build')
})

const says = (name: string, description?: string) =>
  announcementBody({ ...nightly, protocols: [], file: { name, description, hashes: [] } })

test('names and descriptions are one line, without marks that turn it around', (t) => {
  t.is(says('a\u0000b\u001b[31m\r\nxmpp:evil', 'c\u2028d\u202egpj.exe\u2066  e\t'), 'a b [31m xmpp:evil: c d gpj.exe e')
  t.is(says('\n\u202e'), 'a file')
  t.is(says('👩‍💻 ü'), '👩‍💻 ü')
})

test('names and descriptions are cut between characters', (t) => {
  t.is(says('n'.repeat(200), 'd'.repeat(1000)), `${'n'.repeat(200)}: ${'d'.repeat(1000)}`)
  t.is(says('😀'.repeat(201), 'd'.repeat(1001)), `${'😀'.repeat(199)}…: ${'d'.repeat(999)}…`)
})

test('a message has the text, that it is but that, and the announcement (XEP-0447 example 2)', (t) => {
  const message = sent(buildMessage({ to: 'juliet@shakespeare.lit' }, ...buildAnnouncementMessageParts(nightly)))
  const [body, fallback, file] = message.getChildElements()
  t.is(parseMessage(message).body, announcementBody(nightly))
  t.is(body?.getName(), 'body')
  t.truthy(fallback && file)
  if (fallback) means(t, fallback, "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:sfs:0'><body/></fallback>")
  t.deepEqual(file && defined(parseAnnouncement(file)), nightly)
})
