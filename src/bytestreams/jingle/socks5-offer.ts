import { randomUUID } from 'node:crypto'
import { BytestreamError, orAbort, throwIfAborted, toBytestreamError } from '../../core/index.ts'
import type { PortMapper } from '../../nat/index.ts'
import { computeDstAddr, type DstAddr } from '../../socks5/index.ts'
import type { JingleCandidate, JingleSocks5, StreamhostAddress } from '../../xep/index.ts'
import type { MayConnect } from '../socks5/destinations.ts'
import { type DirectStreamhost, type MappedHost, openDirectStreamhost, ownAddresses } from '../socks5/direct.ts'
import { findStreamhosts, type RequesterComponents } from '../socks5/requester.ts'
import type { Timings } from '../timings.ts'
import type { InitiatorStep, StreamhostChoice, StreamhostsInit } from '../way.ts'
import { nameCandidates, type Offerable, typeOfOwnAddress } from './own-candidates.ts'
import type { TransportLink } from './transport-link.ts'

/** Addresses of our own that are offered. */
const OWN_HOSTS_MAX = 8
/** Addresses of proxies that are offered. */
const PROXIES_MAX = 4

/** An address outside of a NAT that leads to a port of this machine. */
export interface ForwardedHost {
  /** Where it is listened; at a free port for 0. */
  readonly host: string
  readonly port: number
  /** Where others find it. */
  readonly forwarded: { readonly host: string; readonly port: number }
}

export interface Socks5TransportInit extends StreamhostsInit {
  /**
   * What is offered, and tried of what the other side offers: direct connections, proxies, the former before the latter, or
   * nothing, so that another transport takes its place.
   */
  readonly method: StreamhostChoice | 'none'
  /** Hears each step, in order. */
  readonly onStep?: ((step: InitiatorStep) => void) | undefined
}

export interface FullInit extends Socks5TransportInit {
  readonly timings: Timings
  readonly signal: AbortSignal
}

export interface Socks5TransportComponents extends RequesterComponents {
  /** Whether to connect to an address of a candidate. Default: {@link isOpenDestination}. */
  readonly mayConnect?: MayConnect | undefined
  /** What a NAT forwards to this machine, offered as `assisted`. A port in use, as by another bytestream, is not offered. */
  readonly forwarded?: readonly ForwardedHost[] | undefined
  /** Has the router forward a port for each bytestream, which is offered as `assisted`, too. */
  readonly portMapper?: PortMapper | undefined
}

/** What we offer, and what it stands on. */
export interface Socks5Offer {
  readonly sid: string
  /** Whether the other side has offered first. */
  readonly isAnswer: boolean
  readonly dstAddr: DstAddr
  readonly candidates: readonly JingleCandidate[]
  readonly direct: DirectStreamhost
}

/**
 * Listens, finds proxies, and makes candidates of them.
 *
 * @param offered the other side's, when that has offered first
 * @throws BytestreamError `ERR_NO_VALID_STREAMS` for UDP, the reason of the signal; StanzaError, BytestreamError when the one
 *   proxy that may be used does not tell its address
 * @see XEP-0260 §2.1, §2.2
 */
export async function openSocks5Offer(
  components: Socks5TransportComponents,
  link: TransportLink,
  init: FullInit,
  offered: JingleSocks5 | undefined,
): Promise<Socks5Offer> {
  if (offered?.mode === 'udp') throw new BytestreamError('ERR_NO_VALID_STREAMS', 'only bytestreams over TCP are supported')
  const { method, proxy, ownHosts = ownAddresses(), signal, onStep = () => {} } = init
  const { forwarded = [] } = components
  const sid = offered?.sid ?? randomUUID()
  const dstAddr = computeDstAddr(sid, link.ownJid, link.peer)
  const isDirect = method === 'auto' || method === 'direct'
  const isRelayed = method === 'auto' || method === 'proxy'
  const isSpare = method === 'auto' || offered !== undefined
  const asked = isRelayed ? findStreamhosts(components, proxy, isSpare) : Promise.resolve([])
  asked.catch(() => {}) // Looked at below.
  const own = ownHosts.slice(0, OWN_HOSTS_MAX).map((host) => ({ host }))
  const hosts = isDirect ? [...forwarded, ...own, ...(await orAbort(mappedHosts(components, onStep), signal))] : []
  const direct = await openDirectStreamhost({ jid: link.ownJid, dstAddr, hosts, places: 'each' })
  try {
    const proxies = await orAbort(asked, signal)
    throwIfAborted(signal)
    const own = direct.streamhosts.map((streamhost) => ({ streamhost, type: typeOf(streamhost, direct) }))
    const relayed = proxies.slice(0, PROXIES_MAX).map((streamhost) => ({ streamhost, type: 'proxy' }) as const)
    const candidates = nameCandidates([...own, ...relayed], offered?.candidates)
    onStep({ step: 'offered', streamhosts: candidates.map(addressOf), dstAddr })
    return { sid, isAnswer: offered !== undefined, dstAddr, candidates, direct }
  } catch (error) {
    await direct[Symbol.asyncDispose]()
    throw error
  }
}

export const addressOf = ({ jid, host, port }: JingleCandidate): StreamhostAddress => ({ jid, host, port })

function typeOf(streamhost: StreamhostAddress, direct: DirectStreamhost): Offerable['type'] {
  return direct.isForwarded(streamhost) ? 'assisted' : typeOfOwnAddress(streamhost.host)
}

/** Where to listen for what a router forwards, if it does: that it does not is only told. */
async function mappedHosts(
  { portMapper }: Socks5TransportComponents,
  onStep: (step: InitiatorStep) => void,
): Promise<readonly MappedHost[]> {
  if (!portMapper) return []
  const tell = (thrown: unknown) => onStep({ step: 'port not mapped', reason: toBytestreamError(thrown).message })
  try {
    const host = await portMapper.ownHost()
    const map = async (own: { host: string; port: number }) => {
      try {
        const mapping = await portMapper.map(own)
        onStep({ step: 'port mapped', ...mapping.outside })
        return mapping
      } catch (thrown) {
        tell(thrown)
        throw thrown
      }
    }
    return [{ host, map }]
  } catch (thrown) {
    tell(thrown)
    return []
  }
}
