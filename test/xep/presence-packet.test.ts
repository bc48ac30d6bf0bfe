import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import {
  buildPresencePacket,
  type JsonContent,
  type PresencePacket,
  parseElement,
  parsePresence,
  parsePresencePacket,
  writeXml,
  xml,
} from '../../src/xep/index.ts'
import { elements, isReadOrRefused, means } from '../helpers/elements.ts'
import { defined } from '../helpers/fixtures.ts'

const FEED = 'nightly@feeds.example.org'
const WALL = 'wall7@example.org'
const read = (text: string) => defined(parsePresencePacket(parseElement(text)))

const json = (type: string, text: string) =>
  `<payload xmlns='https://www.npmjs.com/package/streamhost#feeds' type='${type}'><json xmlns='urn:xmpp:json:0'>${text}</json></payload>`
const NOT_FOUND = "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"

/** Each of the eight: on its way, without a value and with one. */
const table: readonly (readonly [packet: PresencePacket, stanza: string, inside?: string])[] = [
  [{ kind: 'presence', from: `${WALL}/screen`, to: FEED }, `from='${WALL}/screen' to='${FEED}'`],
  [{ kind: 'unavailable', from: `${WALL}/screen`, to: FEED }, `type='unavailable' from='${WALL}/screen' to='${FEED}'`],
  [{ kind: 'probe', from: FEED, to: WALL }, `type='probe' from='${FEED}' to='${WALL}'`],
  [{ kind: 'subscribe', from: WALL, to: FEED }, `type='subscribe' from='${WALL}' to='${FEED}'`],
  [{ kind: 'subscribed', from: FEED, to: WALL }, `type='subscribed' from='${FEED}' to='${WALL}'`],
  [{ kind: 'unsubscribe', from: WALL, to: FEED }, `type='unsubscribe' from='${WALL}' to='${FEED}'`],
  [{ kind: 'unsubscribed', from: FEED, to: WALL }, `type='unsubscribed' from='${FEED}' to='${WALL}'`],
  [
    { kind: 'error', id: 'p1', from: FEED, to: WALL, error: { type: 'cancel', condition: 'item-not-found' } },
    `type='error' id='p1' from='${FEED}' to='${WALL}'`,
    NOT_FOUND,
  ],
]
for (const [packet, attributes, error = ''] of table) {
  for (const [words, value, payload] of [
    ['without a value', undefined, ''],
    ['with JSON', { type: 'selector', json: { keys: ['linux.*'], sizeMax: 7 } }, json('selector', '{"keys":["linux.*"],"sizeMax":7}')],
    [
      'with XML',
      { type: 'nobody knows', xml: '<accept xmlns="urn:x"><type>image/*</type></accept>' },
      "<payload xmlns='https://www.npmjs.com/package/streamhost#feeds' type='nobody knows'><accept xmlns='urn:x'><type>image/*</type></accept></payload>",
    ],
  ] as const) {
    const given: PresencePacket = value ? { ...packet, value } : packet
    const stanza = `<presence ${attributes}>${payload}${error}</presence>`
    test(`${packet.kind} ${words} is written so`, (t) => {
      means(t, buildPresencePacket(given), stanza)
    })
    test(`${packet.kind} ${words} is read so`, (t) => {
      t.deepEqual(read(stanza), given)
    })
  }
}

test('an error is kept with its text, its own condition and the value it is about', (t) => {
  const packet: PresencePacket = {
    kind: 'error',
    from: FEED,
    to: WALL,
    value: { type: 'selector', json: [] },
    error: {
      type: 'modify',
      condition: 'not-acceptable',
      application: ['expired', 'https://www.npmjs.com/package/streamhost#feeds'],
      text: 'too late',
    },
  }
  t.deepEqual(read(writeXml(buildPresencePacket(packet))), packet)
})

test('an error that says nothing of itself is of no defined condition', (t) => {
  t.deepEqual(read("<presence type='error'/>"), { kind: 'error', error: { type: 'cancel', condition: 'undefined-condition' } })
})

test('presence that is told to everybody is a packet, too, and one of a type nobody knows is none', (t) => {
  t.deepEqual(read("<presence from='a@b/c'><show>away</show><priority>5</priority></presence>"), { kind: 'presence', from: 'a@b/c' })
  t.is(read("<presence type='invisible'/>"), undefined)
})

test('what an entity is capable of goes along', (t) => {
  const built = buildPresencePacket({ kind: 'presence', from: FEED, to: WALL }, { node: 'urn:n', ver: 'v' })
  t.is(built.getChild('c', 'http://jabber.org/protocol/caps')?.attrs['ver'], 'v')
  t.is(parsePresence(built)?.type, 'available')
})

test('XML keeps the namespaces it has from around it', (t) => {
  const payload = "<payload xmlns='https://www.npmjs.com/package/streamhost#feeds' type='a'><p:b><c/></p:b></payload>"
  t.deepEqual(read(`<presence xmlns:p='urn:p'>${payload}</presence>`), {
    kind: 'presence',
    value: { type: 'a', xml: '<p:b xmlns="https://www.npmjs.com/package/streamhost#feeds" xmlns:p="urn:p"><c/></p:b>' },
  })
})

/** JSON of so many octets, of which two are a character. */
const jsonOf = (octets: number): JsonContent => [`ü${'x'.repeat(octets - 6)}`]
const xmlOf = (octets: number) => `<a xmlns="">ü${'x'.repeat(octets - 18)}</a>`
const LARGEST = 4096

test('a value has 4,096 octets, and one more is refused where it is written', (t) => {
  t.is(Buffer.byteLength(JSON.stringify(jsonOf(LARGEST))), LARGEST)
  t.is(Buffer.byteLength(xmlOf(LARGEST)), LARGEST)
  for (const [largest, larger] of [
    [
      { type: 't', json: jsonOf(LARGEST) },
      { type: 't', json: jsonOf(LARGEST + 1) },
    ],
    [
      { type: 't', xml: xmlOf(LARGEST) },
      { type: 't', xml: xmlOf(LARGEST + 1) },
    ],
  ] as const) {
    t.deepEqual(read(writeXml(buildPresencePacket({ kind: 'probe', value: largest }))), { kind: 'probe', value: largest })
    t.throws(() => buildPresencePacket({ kind: 'probe', value: larger }), { instanceOf: BytestreamError, code: 'ERR_STANZA_TOO_BIG' })
  }
})

test('a larger value that comes is not read, and the packet stands', (t) => {
  const tooLarge = { kind: 'subscribe', isTooLarge: true } as const
  const payload = (inside: string) =>
    `<presence type='subscribe'><payload xmlns='https://www.npmjs.com/package/streamhost#feeds' type='t'>${inside}</payload></presence>`
  t.deepEqual(read(payload(`<json xmlns='urn:xmpp:json:0'>${JSON.stringify(jsonOf(LARGEST + 1))}</json>`)), tooLarge)
  t.deepEqual(read(payload(xmlOf(LARGEST + 1))), tooLarge)
})

for (const [what, payload] of [
  ['no type', "<payload xmlns='https://www.npmjs.com/package/streamhost#feeds'><a/></payload>"],
  ['too long a type', `<payload xmlns='https://www.npmjs.com/package/streamhost#feeds' type='${'t'.repeat(4097)}'><a/></payload>`],
  ['nothing in it', "<payload xmlns='https://www.npmjs.com/package/streamhost#feeds' type='a'>text</payload>"],
  ['two elements', "<payload xmlns='https://www.npmjs.com/package/streamhost#feeds' type='a'><b/><c/></payload>"],
  ['broken JSON', json('a', '{')],
  ['JSON that is no text of its own', json('a', '7')],
  [
    'elements too deep inside one another',
    `<payload xmlns='https://www.npmjs.com/package/streamhost#feeds' type='a'>${'<b>'.repeat(65)}${'</b>'.repeat(65)}</payload>`,
  ],
  ['another namespace', "<payload xmlns='urn:x' type='a'><b/></payload>"],
] as const) {
  test(`a value with ${what} is left out, and the packet stands`, (t) => {
    t.deepEqual(read(`<presence type='subscribe' from='a@b'>${payload}</presence>`), { kind: 'subscribe', from: 'a@b' })
  })
}

test('a value without a type, and XML that is none, are not written', (t) => {
  const builds = (value: { type: string; xml: string }) => () => buildPresencePacket({ kind: 'presence', value })
  t.throws(builds({ type: '', xml: '<a/>' }), { instanceOf: BytestreamError, code: 'ERR_BAD_REQUEST' })
  t.throws(builds({ type: 't'.repeat(4097), xml: '<a/>' }), { instanceOf: BytestreamError, code: 'ERR_BAD_REQUEST' })
  for (const text of ['', 'a', '<a/><b/>', '<a>']) {
    t.throws(builds({ type: 'a', xml: text }), { instanceOf: BytestreamError, code: 'ERR_PUBSUB_INVALID_PAYLOAD' })
  }
})

/** What is read of any element that is sent as a value: XML as we write it. */
const xmlValues = elements
  .map((element) => {
    const stanza = xml('presence', {}, xml('payload', { xmlns: 'https://www.npmjs.com/package/streamhost#feeds', type: 't' }, element))
    const text = writeXml(stanza)
    try {
      return parsePresencePacket(parseElement(text))?.value
    } catch {
      return undefined // Names that are none.
    }
  })
  .filter((value) => value !== undefined && 'xml' in value)

test('each packet is read back as it was built, through its octets', (t) => {
  const words = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
  const word = fc.option(words, { nil: undefined })
  const contents = fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(words, fc.jsonValue())) as fc.Arbitrary<JsonContent>
  const plain = contents.map((value) => JSON.parse(JSON.stringify(value)) as JsonContent)
  const value = fc.option(fc.oneof(fc.record({ type: words, json: plain }), xmlValues), { nil: undefined })
  const addressed = { id: word, from: word, to: word, value }
  const packets: fc.Arbitrary<PresencePacket> = fc.oneof(
    fc.record({
      kind: fc.constantFrom('presence', 'unavailable', 'probe', 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'),
      ...addressed,
    }),
    fc.record({
      kind: fc.constant('error' as const),
      ...addressed,
      error: fc.record({
        type: fc.constantFrom('auth', 'cancel', 'modify', 'wait'),
        condition: fc.constantFrom('gone', 'forbidden'),
        text: word,
      }),
    }),
  )
  fc.assert(
    fc.property(packets, (packet) => {
      t.deepEqual(read(writeXml(buildPresencePacket(packet))), defined(packet))
    }),
    { numRuns: 300 },
  )
})

test('anything is read', (t) => {
  const packet: PresencePacket = { kind: 'error', value: { type: 'a', json: { b: 1 } }, error: { type: 'wait', condition: 'gone' } }
  isReadOrRefused(buildPresencePacket(packet), parsePresencePacket)
  isReadOrRefused(buildPresencePacket({ kind: 'probe', value: { type: 'a', xml: '<b xmlns="urn:x"/>' } }), parsePresencePacket)
  t.pass()
})
