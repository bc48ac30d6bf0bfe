import { BytestreamError, type StanzaErrorEntry } from '../core/index.ts'
import { CHARACTERS_MAX } from './bounded.ts'
import type { Capabilities } from './capabilities.ts'
import { declareNamespaces } from './declare-namespaces.ts'
import { attribute, type Element, xml } from './element.ts'
import { buildJson, type JsonContent, parseJson, writeJson } from './json-container.ts'
import { NS } from './namespaces.ts'
import { parsePayload } from './payload.ts'
import { buildPresence, type PresenceType, parsePresence } from './presence.ts'
import { buildStanzaError, parseStanzaError } from './stanza.ts'
import { writeXml } from './write-xml.ts'

/** The eight packets of a subscription by presence; `presence` is to be available. */
export type PresencePacketKind = 'presence' | Exclude<PresenceType, 'available'>

/** What a packet carries besides its kind. Types nobody knows are kept as they are. */
export type PresenceValue =
  | { readonly type: string; readonly json: JsonContent }
  /** One element as text, as {@link writeXml} writes it, with every namespace declared in it. */
  | { readonly type: string; readonly xml: string }

/** What an earlier packet was answered with. */
export interface PresenceError extends StanzaErrorEntry {
  readonly text?: string | undefined
}

interface Packet {
  readonly id?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly value?: PresenceValue | undefined
  /** Whether there was a value of more than 4,096 octets, which was not read; never built. */
  readonly isTooLarge?: true | undefined
}

/** A packet between who subscribes and what is subscribed to. */
export type PresencePacket =
  | (Packet & { readonly kind: Exclude<PresencePacketKind, 'error'> })
  | (Packet & { readonly kind: 'error'; readonly error: PresenceError })

/** UTF-8 octets of a value, as text. */
const VALUE_BYTES_MAX = 4096

/**
 * ```xml
 * <presence type='subscribe' from='wall7@example.org' to='nightly@feeds.example.org'>
 *   <payload xmlns='https://www.npmjs.com/package/streamhost#feeds' type='selector'><json xmlns='urn:xmpp:json:0'>{"keys":["linux.*"]}</json></payload>
 * </presence>
 * ```
 * @throws BytestreamError `ERR_STANZA_TOO_BIG` for a value of more than 4,096 octets of UTF-8, `ERR_BAD_REQUEST` for one of no type,
 *   `ERR_PUBSUB_INVALID_PAYLOAD` for XML that is not one element
 * @see RFC 6121 §4.7.1; docs/xeps.md
 */
export function buildPresencePacket(packet: PresencePacket, capabilities?: Capabilities): Element {
  const { kind, id, from, to, value } = packet
  const presence = buildPresence({ type: kind === 'presence' ? 'available' : kind, from, to }, capabilities)
  if (id !== undefined) presence.attrs['id'] = id
  if (value) presence.append(buildValue(value))
  if (packet.kind === 'error') presence.append(buildStanzaError(packet.error, packet.error.text))
  return presence
}

function buildValue(value: PresenceValue): Element {
  const { type } = value
  if (!isType(type)) throw new BytestreamError('ERR_BAD_REQUEST', `a value has a type, of at most ${CHARACTERS_MAX} characters`)
  const text = 'json' in value ? writeJson(value.json) : value.xml
  if (isTooLarge(text)) throw new BytestreamError('ERR_STANZA_TOO_BIG', `the value has more than ${VALUE_BYTES_MAX} octets`)
  return xml('payload', { xmlns: NS.feeds, type }, 'json' in value ? buildJson(value.json) : parsePayload(value.xml))
}

const isType = (type: string | undefined): type is string => type !== undefined && type !== '' && type.length <= CHARACTERS_MAX
const isTooLarge = (text: string) => Buffer.byteLength(text) > VALUE_BYTES_MAX

/**
 * Servers may strip what they do not know from presence, so a value is advice: one that cannot be read is left out, and the packet
 * stands.
 *
 * @returns `undefined` for a type RFC 6121 does not know
 */
export function parsePresencePacket(stanza: Element): PresencePacket | undefined {
  const presence = parsePresence(stanza)
  if (!presence) return undefined
  const { type, from, to } = presence
  const payload = stanza.getChild('payload', NS.feeds)
  const packet: Packet = { id: attribute(stanza, 'id'), from, to, ...(payload && parseValue(payload)) }
  if (type !== 'error') return { kind: type === 'available' ? 'presence' : type, ...packet }
  const { stanzaError, text } = parseStanzaError(stanza)
  return { kind: 'error', ...packet, error: { ...stanzaError, text: text || undefined } }
}

function parseValue(payload: Element): Pick<Packet, 'value' | 'isTooLarge'> | undefined {
  const type = attribute(payload, 'type')
  const [content, ...others] = payload.getChildElements()
  if (!isType(type) || !content || others.length > 0) return undefined
  if (!content.is('json', NS.json)) return parseXmlValue(type, content)
  if (isTooLarge(content.text())) return { isTooLarge: true }
  try {
    return { value: { type, json: parseJson(content) } }
  } catch (error) {
    if (error instanceof BytestreamError) return undefined
    throw error
  }
}

function parseXmlValue(type: string, content: Element): Pick<Packet, 'value' | 'isTooLarge'> | undefined {
  // What it declares changes nothing of what the stanza means.
  if (!declareNamespaces(content)) return undefined
  const text = writeXml(content)
  return isTooLarge(text) ? { isTooLarge: true } : { value: { type, xml: text } }
}
