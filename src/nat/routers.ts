import { EventEmitter } from 'node:events'
import type { Gateway } from '@achingbrain/nat-port-mapper'
import { BytestreamError, orAbort } from '../core/index.ts'
import { findGateway } from './gateway-address.ts'

/** An address and a port. */
export interface Place {
  readonly host: string
  readonly port: number
}

/** How a router is spoken to: NAT-PMP (RFC 6886), or UPnP (Internet Gateway Device 2). */
type RouterProtocol = 'NAT-PMP' | 'UPnP'

/** A router that maps ports. */
export interface Router extends Disposable {
  readonly protocol: RouterProtocol
  /** Its address in our network. */
  readonly host: string
  /**
   * Maps a TCP port, or renews its mapping.
   *
   * @param outside the port that is wanted there
   * @returns where it is found from outside
   */
  map(own: Place, outside: number, signal: AbortSignal): Promise<Place>
  /** Takes a mapping back, as far as that can be told. */
  unmap(port: number, signal: AbortSignal): Promise<void>
}

/** Milliseconds a mapping is there without being renewed; with UPnP the library asks for no less. */
export const LEASE_MS = 60 * 60_000
/** What others see of us in a list of mappings. */
const DESCRIPTION = 'streamhost'

/**
 * The library is loaded when it is needed. Of its own, it renews no mapping: NAT-PMP would get the milliseconds as seconds, and
 * ask again without an end after a mapping was taken back.
 */
export const loadLibrary = () => import('@achingbrain/nat-port-mapper')
const settings = { autoRefresh: false, description: DESCRIPTION, protocol: 'TCP' } as const

/** @throws BytestreamError `ERR_UNREACHABLE` when nobody is known to ask, the reason of the signal */
export async function findNatPmp(signal: AbortSignal): Promise<Router> {
  const host = await orAbort(findGateway(), signal)
  if (host === undefined) throw new BytestreamError('ERR_UNREACHABLE', 'no router is known')
  const { pmpNat } = await loadLibrary()
  // One for each question: one that gets no answer would hold up those behind it, and the port is shared with other programs.
  const ask = async <T>(question: (gateway: Gateway) => Promise<T>): Promise<T> => {
    const gateway = pmpNat(host, settings)
    const failed = new Promise<never>((_, reject) => {
      if (gateway instanceof EventEmitter) gateway.once('error', reject).on('error', () => {})
    })
    try {
      return await orAbort(Promise.race([question(gateway), failed]), signal)
    } finally {
      await gateway.stop().catch(() => {}) // It is closed already when its socket has failed.
    }
  }
  await ask((gateway) => gateway.externalIp())
  return {
    protocol: 'NAT-PMP',
    host,
    map: (own, outside, until) =>
      orAbort(
        ask((gateway) => gateway.map(own.port, own.host, { ...settings, externalPort: outside, ttl: LEASE_MS / 1000 })),
        until,
      ).then(outsideOf),
    unmap: (port, until) =>
      orAbort(
        ask((gateway) => gateway.unmap(port)),
        until,
      ),
    [Symbol.dispose]() {},
  }
}

/** @throws BytestreamError the reason of the signal, when no router has shown up by then */
export async function findUpnp(signal: AbortSignal): Promise<Router> {
  const { upnpNat } = await loadLibrary()
  const stopping = new AbortController()
  const found = (async () => {
    for await (const gateway of upnpNat(settings).findGateways({ signal: AbortSignal.any([signal, stopping.signal]) }))
      if (gateway.family === 'IPv4') return gateway
    throw new BytestreamError('ERR_UNREACHABLE', 'no router answers')
  })()
  const gateway = await orAbort(found, signal)
  return {
    protocol: 'UPnP',
    host: gateway.host,
    map: (own, outside, until) =>
      orAbort(gateway.map(own.port, own.host, { ...settings, externalPort: outside, ttl: LEASE_MS, signal: until }), until).then(outsideOf),
    unmap: (port, until) => orAbort(gateway.unmap(port, { signal: until }), until),
    [Symbol.dispose]: () => stopping.abort(),
  }
}

const outsideOf = ({ externalHost: host, externalPort: port }: { externalHost: string; externalPort: number }): Place => ({ host, port })
