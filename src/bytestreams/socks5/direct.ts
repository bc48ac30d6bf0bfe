import type { Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { PortMapping } from '../../nat/index.ts'
import type { DstAddr } from '../../socks5/index.ts'
import { HandshakeListener, type SocksRequest } from '../../streamhost/index.ts'
import type { StreamhostAddress } from '../../xep/index.ts'

/** An address of this machine to offer. */
export interface OwnHost {
  readonly host: string
  /** Default: a free one. */
  readonly port?: number
  /** Where others find it, when a NAT forwards what comes there. */
  readonly forwarded?: { readonly host: string; readonly port: number }
}

/** One that is found elsewhere, too, once it is listened there. */
export interface MappedHost extends OwnHost {
  /** Disposed of when nothing comes that way any more. Rejects when there is no such place. */
  readonly map: (own: { readonly host: string; readonly port: number }) => Promise<PortMapping>
}

/** A streamhost of our own, for one bytestream. */
export interface DirectStreamhost extends AsyncDisposable {
  /** Where the other side can find it; empty when this machine has no address of use to others. */
  readonly streamhosts: readonly StreamhostAddress[]
  /** Whether one of {@link streamhosts} is an address of a NAT that forwards what comes there. */
  isForwarded(streamhost: StreamhostAddress): boolean
  /**
   * @param streamhost one of {@link streamhosts}, where the other side says which it is connected to
   * @returns the socket of the other side, once it has connected: paused, the next octet is the first of the bytestream; the caller's from now on
   */
  take(streamhost?: StreamhostAddress): Socket | undefined
}

export interface DirectInit {
  readonly jid: string
  readonly dstAddr: DstAddr
  /** One that cannot be listened on, such as one that is just going, is left out. */
  readonly hosts: readonly (OwnHost | MappedHost)[]
  /**
   * `one`: the first socket is let in. `each`: one at every address, for those that say to which they are connected, and may
   * have tried several.
   */
  readonly places: 'one' | 'each'
}

/** Addresses of this machine that another one might reach: neither loopback nor link-local. */
export function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !/^(fe[89ab]|169\.254\.)/i.test(address))
    .map(({ address }) => address)
}

/**
 * Listens for the other side of one bytestream. Sockets with the right DST.ADDR are let in while there is a place, any
 * other is turned away. Disposing of it stops listening, and closes the sockets that nobody took.
 *
 * @see XEP-0065 §5
 */
export async function openDirectStreamhost({ jid, dstAddr, hosts, places }: DirectInit): Promise<DirectStreamhost> {
  const sockets = new Map<OwnHost, Socket>()
  const onRequest = (own: OwnHost, request: SocksRequest) => {
    if (sockets.has(own) || (places === 'one' && sockets.size > 0) || request.dstAddr !== dstAddr) return request.refuse('ERR_PLACES_TAKEN')
    const admitted = request.accept()
    sockets.set(own, admitted.socket.once('close', admitted.uncount))
    return undefined
  }
  const listeners = hosts.map((own) => {
    const listen = [{ host: own.host, port: own.port ?? 0 }]
    return new HandshakeListener(
      {},
      { listen, limits: { openSocketsMax: 16, halfOpenMax: 16 }, onRequest: (request) => onRequest(own, request) },
    )
  })
  const bound = await Promise.allSettled(listeners.map((listener) => listener.listen()))
  const offered = new Map<StreamhostAddress, OwnHost>()
  const mappings = new Map<OwnHost, PortMapping>()
  for (const [index, own] of hosts.entries()) {
    const outcome = bound[index]
    for (const place of outcome?.status === 'fulfilled' ? outcome.value : []) {
      const mapping = 'map' in own ? await own.map(place).catch(() => 'none' as const) : undefined
      if (mapping === 'none') continue
      if (mapping) mappings.set(own, mapping)
      offered.set({ jid, ...(mapping?.outside ?? own.forwarded ?? place) }, own)
    }
  }
  const inUse = new Map<OwnHost, Socket>()
  return {
    streamhosts: [...offered.keys()],
    isForwarded(streamhost) {
      const own = offered.get(streamhost)
      return own !== undefined && (own.forwarded !== undefined || mappings.has(own))
    },
    take(streamhost) {
      const own = streamhost ? offered.get(streamhost) : [...sockets.keys()][0]
      const socket = own && sockets.get(own)
      if (own) sockets.delete(own)
      if (own && socket) inUse.set(own, socket)
      return socket
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.values()) socket.destroy()
      const unmapped = [...mappings].map(([own, mapping]) => {
        const unmap = () => mapping[Symbol.asyncDispose]()
        const socket = inUse.get(own)
        if (!socket || socket.destroyed) return unmap()
        // Some routers break what has come that way.
        socket.once('close', () => void unmap())
        return undefined
      })
      await Promise.all([...listeners.map((listener) => listener.close()), ...unmapped])
    },
  }
}
