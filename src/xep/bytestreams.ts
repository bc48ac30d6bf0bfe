import { BytestreamError } from '../core/index.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** XEP-0065 §9.2: the port where an address names none. */
const PORT_DEFAULT = '1080'

/** Where a streamhost listens, and under which JID it is known. */
export interface StreamhostAddress {
  readonly jid: string
  /** An IP address or a DNS name. */
  readonly host: string
  readonly port: number
}

/** What the Requester offers the Target. */
export interface BytestreamOffer {
  readonly sid: string
  /** In the order they should be tried. */
  readonly streamhosts: readonly StreamhostAddress[]
  /** The Requester's own DST.ADDR, for use with Multi-User Chat (XEP-0065 §7). */
  readonly dstAddr?: string | undefined
  readonly mode?: 'tcp' | 'udp'
}

/** What the Requester asks of the Proxy: start relaying this bytestream. */
export interface Activate {
  readonly sid: string
  /** Full or bare, exactly as used in the IQ exchange with the Target. */
  readonly targetJid: string
}

/**
 * Asks a proxy for its address.
 *
 * ```xml
 * <query xmlns='http://jabber.org/protocol/bytestreams'/>
 * ```
 * @param sid only as requesters sent one before XEP-0065 1.8
 * @see XEP-0065 §4
 */
export function buildAddressRequest(sid?: string): Element {
  return xml('query', { xmlns: NS.bytestreams, sid })
}

/**
 * A proxy's answer to the question for its address; it repeats a `sid` that old requesters send.
 *
 * ```xml
 * <query xmlns='http://jabber.org/protocol/bytestreams'>
 *   <streamhost host='24.24.24.1' jid='streamer.example.com' port='7625'/>
 * </query>
 * ```
 * @see XEP-0065 §4
 */
export function buildAddresses(streamhosts: readonly StreamhostAddress[], sid?: string): Element {
  return xml('query', { xmlns: NS.bytestreams, sid }, ...streamhosts.map(buildStreamhost))
}

/**
 * ```xml
 * <query xmlns='http://jabber.org/protocol/bytestreams' sid='vxf9n471bn46'>
 *   <streamhost jid='requester@example.com/foo' host='192.168.4.1' port='5086'/>
 * </query>
 * ```
 * @see XEP-0065 §5.3.1, §6.3.1
 */
export function buildBytestreamOffer({ sid, streamhosts, dstAddr, mode }: BytestreamOffer): Element {
  return xml('query', { xmlns: NS.bytestreams, sid, mode, dstaddr: dstAddr }, ...streamhosts.map(buildStreamhost))
}

function buildStreamhost({ jid, host, port }: StreamhostAddress): Element {
  return xml('streamhost', { jid, host, port })
}

/** The streamhosts of an answer or an offer; one without JID or host, or with a port that is none, is left out (XEP-0065 §9.2). */
export function parseStreamhosts(query: Element): StreamhostAddress[] {
  return query.getChildren('streamhost', NS.bytestreams).flatMap((streamhost) => {
    const jid = attribute(streamhost, 'jid')
    const host = attribute(streamhost, 'host')
    const digits = attribute(streamhost, 'port') ?? PORT_DEFAULT
    const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0
    return jid && host && port > 0 && port < 65536 ? [{ jid, host, port }] : []
  })
}

/**
 * @throws BytestreamError `ERR_BAD_REQUEST` when it lacks a sid, a usable streamhost or a known mode (XEP-0065 §5.3.1)
 */
export function parseBytestreamOffer(query: Element): Required<BytestreamOffer> {
  const sid = attribute(query, 'sid')
  const mode = attribute(query, 'mode') ?? 'tcp'
  const streamhosts = parseStreamhosts(query)
  if (!sid) throw new BytestreamError('ERR_BAD_REQUEST', 'the query lacks its sid')
  if (mode !== 'tcp' && mode !== 'udp') throw new BytestreamError('ERR_BAD_REQUEST', 'mode is neither tcp nor udp')
  if (streamhosts.length === 0) throw new BytestreamError('ERR_BAD_REQUEST', 'no streamhost has a jid, a host and a valid port')
  return { sid, streamhosts, mode, dstAddr: attribute(query, 'dstaddr') }
}

/**
 * ```xml
 * <query xmlns='http://jabber.org/protocol/bytestreams' sid='vxf9n471bn46'>
 *   <streamhost-used jid='streamer.example.com'/>
 * </query>
 * ```
 * @see XEP-0065 §5.3.3, §6.3.3
 */
export function buildStreamhostUsed(sid: string, jid: string): Element {
  return xml('query', { xmlns: NS.bytestreams, sid }, xml('streamhost-used', { jid }))
}

/**
 * COMPAT(libpurple): its answer has no sid, so only the id of the IQ tells which offer it is about.
 *
 * @returns the JID of the streamhost the Target connected to, or `undefined` where the answer does not say
 */
export function parseStreamhostUsed(query: Element): string | undefined {
  const used = query.getChild('streamhost-used', NS.bytestreams)
  return used && attribute(used, 'jid')
}

/**
 * ```xml
 * <query xmlns='http://jabber.org/protocol/bytestreams' sid='vxf9n471bn46'>
 *   <activate>target@example.org/bar</activate>
 * </query>
 * ```
 * @see XEP-0065 §6.3.5
 */
export function buildActivate({ sid, targetJid }: Activate): Element {
  return xml('query', { xmlns: NS.bytestreams, sid }, xml('activate', {}, targetJid))
}

/**
 * @throws BytestreamError `ERR_BAD_REQUEST` without a sid, or without exactly one `<activate/>` with a JID (XEP-0065 §9.1)
 */
export function parseActivate(query: Element): Activate {
  const sid = attribute(query, 'sid')
  const [activate, ...others] = query.getChildren('activate', NS.bytestreams)
  const targetJid = activate?.text()
  if (!sid) throw new BytestreamError('ERR_BAD_REQUEST', 'the query lacks its sid')
  if (others.length > 0) throw new BytestreamError('ERR_BAD_REQUEST', 'the query carries more than one activate element')
  if (!targetJid) throw new BytestreamError('ERR_BAD_REQUEST', 'the query lacks an activate element with the JID of the Target')
  return { sid, targetJid }
}
