import type { ExecutionContext } from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { type Element, NS, parseElement, toXmlText, xml } from '../../src/xep/index.ts'

/** What an element means: names with their namespaces, attributes without an order, no space between elements. */
interface Meaning {
  readonly name: string
  readonly xmlns: string | undefined
  readonly attributes: Readonly<Record<string, string>>
  readonly text: string
  readonly children: readonly Meaning[]
}

function meaningOf(element: Element): Meaning {
  const children = element.getChildElements().map(meaningOf)
  const attributes = Object.fromEntries(Object.entries<string>(element.attrs).filter(([name]) => !/^xmlns(:|$)/.test(name)))
  return { name: element.getName(), xmlns: element.getNS(), attributes, text: element.text().trim(), children }
}

/** Asserts that `actual`, once it was written and read, means what the XML of a specification does. */
export function means(t: ExecutionContext, actual: Element, expected: string): void {
  t.deepEqual(meaningOf(parseElement(actual.toString())), meaningOf(parseElement(expected)))
}

/** What comes out of an element that was sent: written, and read by the other side. */
export function sent(element: Element): Element {
  return parseElement(element.toString())
}

const words = fc.constantFrom(
  ...[
    'query',
    'streamhost',
    'streamhost-used',
    'activate',
    'iq',
    'error',
    'text',
    'si',
    'feature',
    'x',
    'field',
    'option',
    'value',
    'file',
  ],
  ...['desc', 'hash', 'identity', 'item', 'presence', 'priority', 'stream:error', 'handshake', 'bad-request', 'p:query', 'group', 'time'],
  ...['open', 'data', 'close'],
  ...['create', 'configure', 'subscribe', 'unsubscribe', 'options', 'default', 'subscriptions', 'subscription', 'affiliations'],
  ...['affiliation', 'items', 'publish', 'publish-options', 'retract', 'purge', 'delete', 'redirect', 'configuration', 'collection'],
  ...['jinglepub', 'sipub', 'meta', 'uri', 'description', 'start', 'starting', 'file-sharing', 'sources', 'url-data', 'offer', 'name'],
  ...['amp', 'rule', 'payload', 'json', 'request', 'received'],
  ...['event', 'set', 'max', 'after', 'before', 'index', 'first', 'last', 'count', 'headers', 'header', 'delay', 'validate', 'range'],
)
const attributeNames = fc.constantFrom(
  ...['jid', 'host', 'port', 'sid', 'mode', 'dstaddr', 'type', 'id', 'from', 'to', 'profile', 'mime-type', 'var', 'name', 'size', 'hash'],
  ...['block-size', 'seq', 'stanza'],
  ...['subid', 'affiliation', 'max_items', 'notify', 'uri', 'stamp', 'index'],
  ...['condition', 'action', 'value', 'status', 'per-hop', 'expires', 'state'],
  ...['algo', 'date', 'category', 'node', 'subscription', 'constructor', 'toString', '__proto__', 'xmlns:p', 'xmlns:stream'],
)
const values = fc.oneof(
  fc.constantFrom(
    ...Object.values(NS),
    '',
    '0',
    '-1',
    '1080',
    '65536',
    '1e3',
    '0x10',
    'tcp',
    'udp',
    'get',
    'set',
    'form',
    'stream-method',
    'sha-256',
    '65535',
    'message',
    'AAAA',
    'AA==',
  ),
  fc.string({ unit: 'binary', maxLength: 8 }),
)

/** Elements of familiar names in any disorder. */
export const elements: fc.Arbitrary<Element> = fc.letrec<{ element: Element }>((tie) => ({
  element: fc
    .tuple(
      words,
      fc.option(fc.constantFrom(...Object.values(NS)), { nil: undefined }),
      fc.dictionary(attributeNames, values, { maxKeys: 5 }),
      fc.array(fc.oneof({ depthSize: 'small', maxDepth: 4 }, values, tie('element')), { maxLength: 4 }),
    )
    .map(([name, xmlns, attributes, children]) => xml(name, { ...attributes, xmlns }, ...children)),
})).element

/** An element and all inside it. */
const withAll = (element: Element): Element[] => [element, ...element.getChildElements().flatMap(withAll)]

/** Ways to spoil one of the elements inside another, with something to put there. */
const spoilings: readonly ((element: Element, which: number, value: string) => unknown)[] = [
  (element) => element.parent && (element.parent as Element).remove(element),
  (element) => element.parent && (element.parent as Element).append(sent(element)),
  (element, _, value) => element.text(value),
  (element) => element.children.splice(0),
  (element, which) => delete element.attrs[Object.keys(element.attrs)[which % Math.max(1, Object.keys(element.attrs).length)] ?? ''],
  (element, which, value) => {
    element.attrs[Object.keys(element.attrs)[which % Math.max(1, Object.keys(element.attrs).length)] ?? 'id'] = toXmlText(value)
  },
  (element, which) => {
    element.attrs['xmlns'] = Object.values(NS)[which % Object.values(NS).length]
  },
]

/** What becomes of `element` on the way to somebody careless: some of what is in it is lost, doubled, or something else. */
const spoiled = (element: Element): fc.Arbitrary<Element> =>
  fc.array(fc.tuple(fc.nat(), fc.nat(spoilings.length - 1), fc.nat(), values), { maxLength: 4 }).map((changes) => {
    const copy = sent(element)
    for (const [at, way, which, value] of changes) {
      const all = withAll(copy)
      spoilings[way]?.(all[at % all.length] as Element, which, toXmlText(value))
    }
    return copy
  })

/** Asserts that whatever becomes of `element` is read, or refused by a code of ours. */
export function isReadOrRefused(element: Element, parse: (element: Element) => unknown): void {
  const reads = (given: Element) => {
    try {
      parse(given)
    } catch (error) {
      if (!(error instanceof BytestreamError)) throw error
    }
  }
  fc.assert(fc.property(fc.oneof({ weight: 3, arbitrary: spoiled(element) }, elements), reads), { numRuns: 1000 })
}
