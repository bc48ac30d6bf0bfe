import { BytestreamError } from '../core/index.ts'
import { boundedAttribute, chosenAttribute, requiredAttribute } from './bounded.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

const candidateTypes = ['direct', 'assisted', 'tunnel', 'proxy'] as const

/** How a candidate is reached (XEP-0260 §2.2). */
export type JingleCandidateType = (typeof candidateTypes)[number]

/** A streamhost one side offers the other. */
export interface JingleCandidate {
  /** Names it in what both sides say of it. */
  readonly cid: string
  /** An IP address or a DNS name. */
  readonly host: string
  /** Under which the streamhost is known: our own, or that of a proxy. */
  readonly jid: string
  readonly port: number
  /** The higher, the sooner it is tried. */
  readonly priority: number
  readonly type: JingleCandidateType
}

/** SOCKS5 bytestreams as the transport of a content. */
export interface JingleSocks5 {
  readonly kind: 'socks5'
  /** Of the bytestream, not of the session. */
  readonly sid: string
  /** The DST.ADDR under which the side that offers the proxies among the candidates activates them. */
  readonly dstAddr?: string | undefined
  readonly mode?: 'tcp' | 'udp' | undefined
  readonly candidates: readonly JingleCandidate[]
  /** How the negotiation stands, in a transport-info. */
  readonly info?: JingleSocks5Info | undefined
}

/** XEP-0260 §2.3, §2.4: the `cid` of the candidate that was reached or activated, or what could not be reached. */
export type JingleSocks5Info = { readonly used: string } | { readonly error: 'candidate' | 'proxy' } | { readonly activated: string }

/** Candidates of one side that are read. */
const CANDIDATES_MAX = 64
/** XEP-0065 §9.2: the port where an address names none. */
const PORT_DEFAULT = '1080'

/**
 * ```xml
 * <transport xmlns='urn:xmpp:jingle:transports:s5b:1' mode='tcp' sid='vj3hs98y'
 *            dstaddr='972b7bf47291ca609517f67f86b5081086052dad'>
 *   <candidate cid='xmdh4b7i' host='24.24.24.1' jid='streamer.shakespeare.lit' port='7625' priority='7878787' type='proxy'/>
 * </transport>
 * ```
 * @see XEP-0260 §2.2
 */
export function buildJingleSocks5({ sid, dstAddr, mode, candidates, info }: JingleSocks5): Element {
  return xml(
    'transport',
    { xmlns: NS.jingleSocks5, dstaddr: dstAddr, mode, sid },
    ...candidates.map(({ cid, host, jid, port, priority, type }) => xml('candidate', { cid, host, jid, port, priority, type })),
    info && buildInfo(info),
  )
}

function buildInfo(info: JingleSocks5Info): Element {
  if ('used' in info) return xml('candidate-used', { cid: info.used })
  if ('activated' in info) return xml('activated', { cid: info.activated })
  return xml(`${info.error}-error`)
}

/**
 * @throws BytestreamError `ERR_BAD_REQUEST` without a sid, for a mode nobody knows, for two candidates of one cid, for more
 *   candidates than are read, or for more than one thing said of the negotiation
 * @see XEP-0260 §2.2, §2.3, §2.4
 */
export function parseJingleSocks5(transport: Element): JingleSocks5 {
  const sid = requiredAttribute(transport, 'sid')
  const elements = transport.getChildren('candidate', NS.jingleSocks5)
  if (elements.length > CANDIDATES_MAX) throw new BytestreamError('ERR_BAD_REQUEST', `more than ${CANDIDATES_MAX} candidates`)
  const candidates = elements.flatMap(parseCandidate)
  if (new Set(candidates.map(({ cid }) => cid)).size < candidates.length) {
    throw new BytestreamError('ERR_BAD_REQUEST', 'two candidates have one cid')
  }
  return {
    kind: 'socks5',
    sid,
    dstAddr: boundedAttribute(transport, 'dstaddr'),
    mode: chosenAttribute(transport, 'mode', ['tcp', 'udp']),
    candidates,
    info: parseInfo(transport),
  }
}

/** One that cannot be tried, or not be named, is left out, as a streamhost of XEP-0065 §9.2 is. */
function parseCandidate(candidate: Element): JingleCandidate[] {
  const cid = boundedAttribute(candidate, 'cid')
  const host = boundedAttribute(candidate, 'host')
  const jid = boundedAttribute(candidate, 'jid')
  const digits = attribute(candidate, 'port') ?? PORT_DEFAULT
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0
  const priority = attribute(candidate, 'priority') ?? ''
  const name = attribute(candidate, 'type') ?? 'direct'
  const type = candidateTypes.find((one) => one === name)
  if (!cid || !host || !jid || port < 1 || port > 65_535 || !/^\d{1,10}$/.test(priority) || !type) return []
  return [{ cid, host, jid, port, priority: Number(priority), type }]
}

function parseInfo(transport: Element): JingleSocks5Info | undefined {
  const [info, ...others] = transport.getChildElements().flatMap((child): JingleSocks5Info[] => {
    if (child.getNS() !== NS.jingleSocks5) return []
    switch (child.getName()) {
      case 'candidate-used':
        return [{ used: requiredAttribute(child, 'cid') }]
      case 'activated':
        return [{ activated: requiredAttribute(child, 'cid') }]
      case 'candidate-error':
        return [{ error: 'candidate' }]
      case 'proxy-error':
        return [{ error: 'proxy' }]
      default:
        return []
    }
  })
  if (others.length > 0) throw new BytestreamError('ERR_BAD_REQUEST', 'a transport says more than one thing of its negotiation')
  return info
}
