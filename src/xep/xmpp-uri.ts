import { BytestreamError, formatJid, parseJid } from '../core/index.ts'
import { CHARACTERS_MAX } from './bounded.ts'
import { toXmlText } from './element.ts'

/** What an `xmpp:` link to a published session names. */
export interface JingleUri {
  /** The owner. */
  readonly jid: string
  /** Of what was published. */
  readonly id: string
}

/** Characters of a link that is read. */
const URI_CHARACTERS_MAX = 16_384

/** RFC 5122 §2.2: nothing but these, in any part, goes without a percent sign. */
const encode = (text: string) =>
  encodeURIComponent(toXmlText(text)).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

/**
 * `xmpp:ci@example.org/builds?jingle;id=9559976B`
 *
 * @throws BytestreamError `ERR_JID_MALFORMED`
 * @see XEP-0358 §2.3, RFC 5122
 */
export function buildJingleUri({ jid, id }: JingleUri): string {
  const { local, domain, resource } = parseJid(jid)
  const host = domain.startsWith('[') ? domain : encode(domain)
  return `xmpp:${formatJid({ local: encode(local), domain: host, resource: encode(resource) })}?jingle;id=${encode(id)}`
}

/**
 * Which account is to ask (`xmpp://user@host/…`), and what follows a `#`, are passed over.
 *
 * @throws BytestreamError `ERR_CONFIG`, with a sentence that says what is wrong, for anything but a link to a published session,
 *   `ERR_JID_MALFORMED`
 * @see XEP-0358 §2.3, RFC 5122
 */
export function parseJingleUri(text: string): JingleUri {
  const { path, type, value } = partsOf(text)
  if (type !== 'jingle') {
    const found = type ? `one of "${decode(type).slice(0, 40)}"` : 'one to an address alone'
    throw refuse(`that is no link to a file on offer, as xmpp:…?jingle;id=… is, but ${found}`)
  }
  const id = value('id')
  if (!id) throw refuse('the link lacks the id of what is on offer')
  if (id.length > CHARACTERS_MAX) throw refuse(`the id in the link has more than ${CHARACTERS_MAX} characters`)
  return { jid: addressOf(path), id }
}

/** What an `xmpp:` link to a node of publish-subscribe names. */
export interface NodeUri {
  /** The service. */
  readonly jid: string
  readonly node: string
}

/**
 * `xmpp:pubsub.example.org?;node=builds%2Fnightly`; what such a link says to do with it (`?pubsub;action=subscribe;…`) is passed over.
 *
 * @throws BytestreamError `ERR_CONFIG`, with a sentence that says what is wrong, for anything but a link to a node, `ERR_JID_MALFORMED`
 * @see XEP-0060 §4.6.2, §12.22, RFC 5122
 */
export function parseNodeUri(text: string): NodeUri {
  const { path, type, value } = partsOf(text)
  const node = type === '' || type === 'pubsub' ? value('node') : ''
  if (!node) throw refuse('that is no link to a feed, as xmpp:SERVICE?;node=… is')
  if (node.length > CHARACTERS_MAX) throw refuse(`the node in the link has more than ${CHARACTERS_MAX} characters`)
  return { jid: addressOf(path), node }
}

interface UriParts {
  /** The address, still encoded. */
  readonly path: string
  /** Still encoded; empty without one. */
  readonly type: string
  /** What is said for a key; empty without it. */
  readonly value: (key: string) => string
}

function partsOf(text: string): UriParts {
  if (text.length > URI_CHARACTERS_MAX) throw refuse(`a link has no more than ${URI_CHARACTERS_MAX} characters`)
  const [, path, query] = /^xmpp:(?:\/\/[^/?#]*\/)?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/is.exec(text) ?? []
  if (path === undefined) throw refuse('that is no xmpp: link')
  const [type = '', ...pairs] = (query ?? '').split(';')
  const value = (key: string) => decode(pairs.find((pair) => pair.startsWith(`${key}=`))?.slice(key.length + 1) ?? '')
  return { path, type, value }
}

/** The JID in a link: its parts are found before they are decoded, so that what is in them does not part them. */
function addressOf(path: string): string {
  const slash = path.indexOf('/')
  const bare = slash === -1 ? path : path.slice(0, slash)
  const at = bare.indexOf('@')
  const local = decode(at === -1 ? '' : bare.slice(0, at))
  const domain = decode(bare.slice(at + 1))
  const resource = decode(slash === -1 ? '' : path.slice(slash + 1))
  if (/[@/]/.test(local + domain)) throw refuse('the address in the link is none')
  return formatJid(parseJid(formatJid({ local, domain, resource })))
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    throw new BytestreamError('ERR_CONFIG', 'what a percent sign in the link stands for is no UTF-8', { cause: error })
  }
}

const refuse = (why: string) => new BytestreamError('ERR_CONFIG', why)
