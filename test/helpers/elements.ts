import type { ExecutionContext } from 'ava'
import fc from 'fast-check'
import { type Element, NS, parseElement, xml } from '../../src/xep/index.ts'

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
  ...['event', 'set', 'max', 'after', 'before', 'index', 'first', 'last', 'count', 'headers', 'header', 'delay', 'validate', 'range'],
)
const attributeNames = fc.constantFrom(
  ...['jid', 'host', 'port', 'sid', 'mode', 'dstaddr', 'type', 'id', 'from', 'to', 'profile', 'mime-type', 'var', 'name', 'size', 'hash'],
  ...['block-size', 'seq', 'stanza'],
  ...['subid', 'affiliation', 'max_items', 'notify', 'uri', 'stamp', 'index'],
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
