import fc from 'fast-check'
import { NS } from '../../src/xep/index.ts'

/**
 * What becomes of a hostile text, on a stream that reads it from the front of a stanza on:
 *
 * - `answer`: exactly one result or error comes back (RFC 6120 §8.2.3)
 * - `silence`: nothing comes back, and the stream goes on
 * - `violation`: the stream is ended with a stream error
 * - `over`: it is over a limit, which ends the stream, or costs the stanza its content
 * - `end`: the stream is ended
 * - `either`: the one or the other, as long as it is clean
 * - `more`: the text is not complete, and whoever reads it waits for the rest
 */
export type Fate = 'answer' | 'silence' | 'violation' | 'over' | 'end' | 'either' | 'more'

/** Who speaks to whom. */
export interface Addresses {
  /** Left out where the server is to say it. */
  readonly from?: string
  readonly to: string
}

export interface HostileStanza {
  readonly kind: string
  readonly fate: Fate
  readonly octets: (addresses: Addresses) => Buffer
  /** Of the stanza that is to be answered, where it has one. */
  readonly id?: string
  /** Where it is cut into segments. */
  readonly cuts: readonly number[]
}

export type Write = (addresses: Addresses) => string
/** What a stanza says, before it is known who says it, and how it is cut. */
export type Saying = Omit<HostileStanza, 'cuts' | 'kind' | 'octets'> & { readonly write: Write | Buffer }

// biome-ignore lint/suspicious/noControlCharactersInRegex: what XML cannot carry (XML 1.0 §2.2)
const UNSPEAKABLE = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const quote = (text: string) => text.replace(UNSPEAKABLE, '').replace(/[&<>'"\t\r\n]/g, (character) => `&#${character.codePointAt(0)};`)

/** Attributes, each with a space before it; what is `undefined` is left out. */
const attributes = (values: Readonly<Record<string, string | undefined>>) =>
  Object.entries(values)
    .map(([name, value]) => (value === undefined ? '' : ` ${name}='${quote(value)}'`))
    .join('')

const odd = [
  ...['', ' ', '.', '/', '@', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '../../etc/passwd', "' or '1'='1", '-1', '1e999'],
  ...[
    '\t\r\n',
    '\u0085',
    '\u00ad',
    '\u200b',
    '\u202e',
    '\u2028',
    '\ud7ff',
    '\ufffd',
    '\u{10ffff}',
    '\u{1f4a9}',
    'İıßẞﬃ',
    'א1',
    'e\u0301\u0301\u0301',
  ],
  ...[
    'a@b/c',
    '@b',
    'a@',
    'a@b/',
    'a@@b',
    'a@b@c/d',
    'a b@c',
    '[::1]',
    '*',
    'localhost',
    'proxy.localhost',
    'x'.repeat(1_024),
    `${'a'.repeat(1_024)}@b`,
  ],
]
const words = fc.oneof(
  fc.constantFrom(...odd),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replace(UNSPEAKABLE, '')),
  fc
    .tuple(fc.constantFrom('x', 'é', '\u{1f4a9}', '&', '/', '@', ' '), fc.integer({ min: 1, max: 8_000 }))
    .map(([text, count]) => text.repeat(count)),
)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 4 })
const namespaces = fc.constantFrom<string>(...Object.values(NS), '', 'urn:x', 'http://jabber.org/protocol/bytestreams#udp')
const names = fc.constantFrom(
  'query',
  'ping',
  'time',
  'vCard',
  'si',
  'bind',
  'session',
  'open',
  'jingle',
  'activate',
  '_',
  'é',
  'constructor',
  'x.y-z',
)
const ids = fc.oneof(
  fc.constantFrom('1', 'h', ...odd.filter((text) => text !== '')),
  words.filter((text) => text !== ''),
)

const element = (name: string, values: Readonly<Record<string, string | undefined>>, content = '') =>
  content === '' ? `<${name}${attributes(values)}/>` : `<${name}${attributes(values)}>${content}</${name}>`

/** Payloads that begin like something sensible, and go wrong anywhere, or nowhere. */
const streamhosts = fc
  .record({
    jid: maybe(words),
    host: maybe(words),
    port: maybe(fc.oneof(words, fc.constantFrom('0', '-1', '65536', '0x50', '1e3'))),
    zeroconf: maybe(words),
  })
  .map((values) => element('streamhost', values))
const activations = fc
  .tuple(
    words,
    fc.constantFrom('activate', 'activate', 'streamhost-used', 'fast'),
    maybe(fc.constantFrom('', '<a/>', '<activate>a@b</activate>', '<![CDATA[a@b]]>')),
  )
  .map(([jid, name, inside = '']) => element(name, {}, `${quote(jid)}${inside}`))
const bytestreams = fc
  .tuple(
    fc.record({
      xmlns: fc.constantFrom<string>(NS.bytestreams, NS.bytestreams, 'urn:x'),
      sid: maybe(words),
      mode: maybe(words),
      dstaddr: maybe(words),
    }),
    fc.array(fc.oneof(activations, streamhosts), { maxLength: 3 }),
  )
  .map(([values, children]) => element('query', values, children.join('')))
const discovery = fc
  .record({ xmlns: fc.constantFrom<string>(NS.discoInfo, NS.discoItems, NS.version, NS.activity, NS.roster), node: maybe(words) })
  .map((values) => element('query', values))
const initiations = fc
  .record({
    values: fc.record({
      xmlns: fc.constant(NS.si),
      id: maybe(words),
      profile: maybe(fc.oneof(words, fc.constant(NS.siFileTransfer))),
      'mime-type': maybe(words),
    }),
    file: maybe(
      fc.record({ xmlns: fc.constant(NS.siFileTransfer), name: maybe(words), size: maybe(words), hash: maybe(words), date: maybe(words) }),
    ),
    method: maybe(fc.oneof(words, fc.constant(NS.bytestreams))),
  })
  .map(({ values, file, method }) => {
    const option = method === undefined ? '' : `<option><value>${quote(method)}</value></option>`
    const form = `<x xmlns='${NS.dataForms}' type='form'><field var='stream-method' type='list-single'>${option}</field></x>`
    return element('si', values, `${file ? element('file', file) : ''}<feature xmlns='${NS.featureNegotiation}'>${form}</feature>`)
  })
const strange = fc.tuple(names, namespaces, words).map(([name, xmlns, text]) => element(name, { xmlns }, quote(text)))
export const payloads = fc.oneof(
  { weight: 4, arbitrary: bytestreams },
  discovery,
  initiations,
  strange,
  fc.constant(`<ping xmlns='${NS.ping}'/>`),
)

const questions = fc.constantFrom('get', 'set')
const iq = ({ from, to }: Addresses, { id, type }: { id?: string | undefined; type?: string | undefined }, content: string) =>
  element('iq', { type, id, from, to }, content)

/** A question whose content is `content`. */
export const asks = (content: fc.Arbitrary<string>, fate: Fate = 'answer'): fc.Arbitrary<Saying> =>
  fc.tuple(questions, ids, content).map(([type, id, text]) => ({ fate, id, write: (at) => iq(at, { type, id }, text) }))

const answers = fc
  .tuple(fc.constantFrom('result', 'error'), fc.array(payloads, { maxLength: 2 }), fc.boolean())
  .map(([type, all, isError]) => {
    const error = isError ? `<error type='cancel'><item-not-found xmlns='${NS.stanzas}'/></error>` : ''
    return (at: Addresses, id: string | undefined) => iq(at, { type, id }, all.join('') + error)
  })

/** What XML allows, and any client can have its server pass on. */
const sound: Readonly<Record<string, fc.Arbitrary<Saying>>> = {
  'a question': asks(payloads),
  'an activation': asks(bytestreams),
  'a question without an id': fc
    .tuple(questions, payloads)
    .map(([type, text]) => ({ fate: 'answer', write: (at) => iq(at, { type }, text) })),
  'a question with an empty id': fc
    .tuple(questions, payloads)
    .map(([type, text]) => ({ fate: 'answer', write: (at) => iq(at, { type, id: '' }, text) })),
  'an IQ of no type': fc
    .tuple(maybe(fc.constantFrom('GET', 'Result', 'ask', '', 'get ', 'constructor', 'chat')), ids, payloads)
    .map(([type, id, text]) => ({ fate: 'answer', id, write: (at) => iq(at, { type, id }, text) })),
  'several children': asks(fc.array(payloads, { minLength: 2, maxLength: 20 }).map((all) => all.join(''))),
  'no child': asks(fc.oneof(fc.constant(''), words.map(quote))),
  'an answer nobody waits for': fc.tuple(ids, answers).map(([id, write]) => ({ fate: 'silence', write: (at) => write(at, id) })),
  'an answer without an id': answers.map((write) => ({ fate: 'silence', write: (at) => write(at, undefined) })),
  'a message': fc.tuple(maybe(words), fc.array(strange, { maxLength: 2 })).map(([body, all]) => ({
    fate: 'silence',
    write: ({ from, to }) =>
      element('message', { from, to, type: 'headline' }, `${body === undefined ? '' : `<body>${quote(body)}</body>`}${all.join('')}`),
  })),
  'a prefix': asks(
    fc.tuple(bytestreams, fc.constantFrom('a', '_', 'xmlnsx', 'constructor')).map(([text, prefix]) => withPrefix(text, prefix)),
  ),
  CDATA: asks(
    words.map(
      (text) =>
        `<query xmlns='${NS.bytestreams}' sid='1'><activate><![CDATA[${text.replaceAll(']]>', '')}<a>&lol;</a>]]></activate></query>`,
    ),
  ),
  'many references': asks(
    fc
      .integer({ min: 1, max: 2_000 })
      .map((count) => element('query', { xmlns: NS.bytestreams, sid: '\t'.repeat(count) }, '&amp;&#x41;'.repeat(count))),
  ),
  depth: asks(fc.integer({ min: 1, max: 40 }).map((depth) => `<a xmlns='urn:x'>${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}</a>`)),
  breadth: asks(
    fc.integer({ min: 1, max: 3_000 }).map((count) => `<query xmlns='${NS.bytestreams}' sid='1'>${'<a/>'.repeat(count)}</query>`),
  ),
  'attributes by the thousand': asks(
    fc
      .integer({ min: 1, max: 2_000 })
      .map((count) => `<query xmlns='${NS.bytestreams}'${Array.from({ length: count }, (_, number) => ` a${number}=''`).join('')}/>`),
  ),
  'namespaces one in the other': asks(
    fc
      .integer({ min: 1, max: 30 })
      .map((depth) => Array.from({ length: depth }, (_, at) => `<a xmlns='urn:${at}'>`).join('') + '</a>'.repeat(depth)),
  ),
}

/** The same element under a prefix of its own. */
function withPrefix(text: string, prefix: string): string {
  return text.replaceAll(/<(\/?)(\w)/g, `<$1${prefix}:$2`).replace('xmlns=', `xmlns:${prefix}=`)
}

const cuts = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(fc.nat({ max: 3_000 }), { maxLength: 12 }) },
)

/** One of any kind. */
export function ofKinds(kinds: Readonly<Record<string, fc.Arbitrary<Saying>>>): fc.Arbitrary<HostileStanza> {
  return fc.oneof(
    ...Object.entries(kinds).map(([kind, saying]) =>
      fc.tuple(saying, cuts).map(([{ write, ...rest }, at]) => {
        const octets = (addresses: Addresses) => (Buffer.isBuffer(write) ? write : Buffer.from(write(addresses)))
        return { kind, ...rest, cuts: at, octets }
      }),
    ),
  )
}

/** Those that are well-formed XML, which any client can have its server pass on. */
export const soundStanzas = ofKinds(sound)
