import { requiredAttribute } from './bounded.ts'
import { type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** How what was published is sent once it is asked for: in a Jingle session (XEP-0358), or by stream initiation (XEP-0137). */
export type PublishedProtocol = 'jingle' | 'si'

/** Asks the owner to begin. */
export interface PublishedStart {
  readonly protocol: PublishedProtocol
  /** Of what was published. */
  readonly id: string
}

/** The owner's answer: it begins. */
export interface PublishedStarting {
  readonly protocol: PublishedProtocol
  /** Of the session, or the stream initiation, that follows. */
  readonly sid: string
}

const namespaces = { jingle: NS.jinglePub, si: NS.siPub } as const satisfies Record<PublishedProtocol, string>
const protocols = ['jingle', 'si'] as const satisfies readonly PublishedProtocol[]

const protocolOf = (element: Element, name: string) => protocols.find((protocol) => element.is(name, namespaces[protocol]))

/**
 * ```xml
 * <start xmlns='urn:xmpp:jinglepub:1' id='9559976B-3FBF-4E7E-B457-2DAA225972BB'/>
 * ```
 * @see XEP-0358 §2.2, XEP-0137 §3.3
 */
export function buildStart(protocol: PublishedProtocol, id: string): Element {
  return xml('start', { xmlns: namespaces[protocol], id })
}

/**
 * @returns `undefined` for another element
 * @throws BytestreamError `ERR_BAD_REQUEST` without an id
 */
export function parseStart(start: Element): PublishedStart | undefined {
  const protocol = protocolOf(start, 'start')
  return protocol && { protocol, id: requiredAttribute(start, 'id') }
}

/**
 * ```xml
 * <starting xmlns='urn:xmpp:jinglepub:1' sid='851ba2'/>
 * ```
 * @see XEP-0358 §2.2, XEP-0137 §3.3
 */
export function buildStarting(protocol: PublishedProtocol, sid: string): Element {
  return xml('starting', { xmlns: namespaces[protocol], sid })
}

/**
 * @returns `undefined` for another element
 * @throws BytestreamError `ERR_BAD_REQUEST` without a session
 */
export function parseStarting(starting: Element): PublishedStarting | undefined {
  const protocol = protocolOf(starting, 'starting')
  return protocol && { protocol, sid: requiredAttribute(starting, 'sid') }
}
