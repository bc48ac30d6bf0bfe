import fc from 'fast-check'
import { NS } from '../../src/xep/index.ts'
import { asks, type Fate, type HostileStanza, ofKinds, payloads, type Saying, soundStanzas, type Write } from './hostile-stanzas.ts'

/** Within a question, something that no stream may have in it. */
const spoils = (content: fc.Arbitrary<string | Buffer>, fate: Fate = 'violation'): fc.Arbitrary<Saying> =>
  content.map((text) => ({
    fate,
    write: Buffer.concat([Buffer.from(`<iq type='get' id='1'><a>`), Buffer.from(text as string), Buffer.from('</a></iq>')]),
  }))

/** Between stanzas. */
const interrupts = (fate: Fate, ...texts: readonly (string | Buffer)[]): fc.Arbitrary<Saying> =>
  fc.constantFrom(...texts).map((text) => ({ fate, write: Buffer.from(text as string) }))

const latin1 = (...texts: readonly string[]) => fc.constantFrom(...texts.map((text) => Buffer.from(text, 'latin1')))
const LAUGHS = `<!DOCTYPE lolz [<!ENTITY lol "lol">${Array.from({ length: 9 }, (_, at) => `<!ENTITY lol${at + 1} "${`&lol${at || ''};`.repeat(10)}">`).join('')}]>`
const BLOW_UP = `<!DOCTYPE a [<!ENTITY a "${'a'.repeat(50_000)}">]>`
const EXTERNAL = `<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd"> <!ENTITY % b SYSTEM "http://127.0.0.1:1/b">%b;]>`

/** What only somebody at the other end of the stream itself can say. */
const broken: Readonly<Record<string, fc.Arbitrary<Saying>>> = {
  'a comment': fc.oneof(spoils(fc.constantFrom('<!-- -->', '<!---->', '<!--', '<!-', '<!')), interrupts('violation', '<!-- -->', '<!--')),
  'a processing instruction': fc.oneof(
    spoils(fc.constantFrom('<?php ?>', "<?xml version='1.0'?>", '<?x')),
    interrupts('violation', '<?php ?>', "<?xml version='1.0'?>"),
  ),
  'a document type': interrupts('violation', LAUGHS, BLOW_UP, EXTERNAL, '<!DOCTYPE a>', '<!ENTITY a "b">'),
  'an entity': spoils(
    fc.constantFrom(
      '&lol9;',
      '&a;',
      '&nbsp;',
      '&#0;',
      '&#x1;',
      '&#xd800;',
      '&#xfffe;',
      '&#x110000;',
      '&#99999999999999999999;',
      '&#;',
      '&#x;',
      '&;',
      '&#-1;',
    ),
  ),
  'an entity in an attribute': spoils(fc.constantFrom('&lol9;', '&#0;', '&#xdfff;').map((text) => `<b c='${text}'/>`)),
  'a control character': spoils(
    fc
      .integer({ min: 0, max: 31 })
      .filter((code) => ![9, 10, 13].includes(code))
      .map((code) => String.fromCharCode(code)),
  ),
  'a non-character': spoils(fc.constantFrom('\ufffe', '\uffff')),
  'no UTF-8': spoils(
    latin1('\xe4', '\xc3', '\xc0\xbc', '\xed\xa0\x80', '\xed\xb0\x80', '\xf4\x90\x80\x80', '\xff', '\xf0\x9f\x92', '\x80'),
  ),
  'another encoding': fc.oneof(
    interrupts('violation', Buffer.from('<iq/>', 'utf16le'), Buffer.from('\xfe\xff\0<\0i', 'latin1'), '\ufeff<iq/>'),
    spoils(latin1('+ADw-\xe9')),
  ),
  'tags that do not match': spoils(fc.constantFrom('<b></c>', '</b>', '<b></A>', '</a></iq></stream:stream>'.replace('</a></iq>', ''))),
  'a tag that is none': spoils(
    fc.constantFrom(
      '<>',
      '< b/>',
      '<1/>',
      '<b c>',
      '<b c=d>',
      "<b c='1'd='2'/>",
      "<b c='<'/>",
      '<b"/>',
      '<b!/>',
      '</b c>',
      '<b/ >',
      '<b =>',
      "<='1'/>",
    ),
  ),
  'text between stanzas': interrupts(
    'violation',
    'x',
    '\u00a0',
    '&amp;',
    '<![CDATA[x]]>',
    'GET / HTTP/1.1\r\n\r\n',
    '\0',
    '\x16\x03\x01\x02\0',
  ),
  'a depth bomb': spoils(
    fc.integer({ min: 64, max: 5_000 }).map((depth) => '<b>'.repeat(depth) + '</b>'.repeat(depth)),
    'over',
  ),
  'a stanza that is too big': fc
    .constantFrom('text', 'attribute', 'name', 'attributes', 'children', 'space')
    .map((where) => ({ fate: 'over', write: Buffer.from(tooBig(where)) })),
  'what XML forbids and parsers let pass': spoils(
    fc.constantFrom(
      ']]>',
      'a & b',
      '&&',
      "<b c='1' c='2'/>",
      '<b:c/>',
      '<b:c:d/>',
      "<b xmlns:c=''/>",
      '<xmlns:b/>',
      "<b xmlns:xml='urn:x'/>",
    ),
    'either',
  ),
  'a name of many octets': spoils(
    fc.integer({ min: 1_000, max: 65_536 }).map((bytes) => `<${'b'.repeat(bytes)}/>`),
    'either',
  ),
  'many prefixes': spoils(
    fc
      .integer({ min: 1, max: 1_000 })
      .map((count) => `<b${Array.from({ length: count }, (_, at) => ` xmlns:p${at}='urn:${at}'`).join('')}/>`),
    'either',
  ),
  'the end of the stream': interrupts('end', '</stream:stream>', '</stream:stream>\n\n', '</stream:stream><iq'),
  'a stream error': interrupts(
    'end',
    `<stream:error><undefined-condition xmlns='${NS.streams}'/></stream:error></stream:stream>`,
    '<stream:error/></stream:stream>',
  ),
  'the end of another stream': interrupts('violation', '</stream>', '</stream:steam>', '</iq>'),
  'another header': interrupts('more', `<stream:stream xmlns='jabber:client' xmlns:stream='${NS.stream}' version='1.0'>`),
  'an element that is no stanza': interrupts(
    'either',
    '<x/>',
    "<handshake xmlns='jabber:component:accept'>00</handshake>",
    `<auth xmlns='${NS.sasl}' mechanism='PLAIN'>AA==</auth>`,
    `<starttls xmlns='${NS.tls}'/>`,
    `<success xmlns='${NS.sasl}'/>`,
    "<iq xmlns='urn:x' type='get' id='1'><a/></iq>",
  ),
  'half a stanza': fc
    .tuple(asks(payloads), fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([{ write }, part]) => ({ fate: 'more', write: (at) => front((write as Write)(at), part) })),
}

/** A stanza without its end: at least its first octet, and never its last. */
function front(text: string, part: number): string {
  return text.slice(0, 1 + Math.floor(part * (text.length - 2)))
}

/** More than any stream takes in one stanza. */
function tooBig(where: string): string {
  const many = 'b'.repeat(300_000)
  switch (where) {
    case 'text':
      return `<iq type='get' id='1'><a>${many}</a></iq>`
    case 'attribute':
      return `<iq type='get' id='1' b='${many}'/>`
    case 'name':
      return `<${many}/>`
    case 'attributes':
      return `<iq${Array.from({ length: 40_000 }, (_, number) => ` a${number}=''`).join('')}/>`
    case 'children':
      return `<iq type='get' id='1'>${'<a/>'.repeat(75_000)}</iq>`
    default:
      return `<iq${' '.repeat(300_000)}/>`
  }
}

const hostileStanzas = fc.oneof(soundStanzas, ofKinds(broken))

/** Hostile stanzas, and what is none; the same ones for the same seed. */
export function makeStanzas(count: number, seed: number): readonly HostileStanza[] {
  return fc.sample(hostileStanzas, { numRuns: count, seed })
}

/** Those only that a client can have its server pass on. */
export function makeSoundStanzas(count: number, seed: number): readonly HostileStanza[] {
  return fc.sample(soundStanzas, { numRuns: count, seed })
}
