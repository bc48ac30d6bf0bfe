import type { Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { DstAddr } from '../socks5/index.ts'
import { HandshakeListener, type SocksRequest } from '../streamhost/index.ts'
import type { StreamhostAddress } from '../xep/index.ts'

/** A requester's own streamhost, for one bytestream. */
export interface DirectStreamhost extends AsyncDisposable {
  /** Where the target can find it; empty when this machine has no address of use to others. */
  readonly streamhosts: readonly StreamhostAddress[]
  /** @returns the target's socket, once it has connected: paused, the next octet is the first of the bytestream; the caller's from now on */
  take(): Socket | undefined
}

/** Addresses of this machine that another one might reach: neither loopback nor link-local. */
export function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !/^(fe[89ab]|169\.254\.)/i.test(address))
    .map(({ address }) => address)
}

/**
 * Listens on a free port of every address for the target of one bytestream. The first socket with the right DST.ADDR
 * is let in, any other turned away. Disposing of it stops listening, and closes a socket that nobody took.
 *
 * @param hosts the addresses to offer; one that cannot be listened on, such as one that is just going, is left out
 * @see XEP-0065 §5
 */
export async function openDirectStreamhost(jid: string, dstAddr: DstAddr, hosts: readonly string[]): Promise<DirectStreamhost> {
  let socket: Socket | undefined
  let isTaken = false
  const onRequest = (request: SocksRequest) => {
    if (socket || request.dstAddr !== dstAddr) return request.refuse('ERR_PLACES_TAKEN')
    const admitted = request.accept()
    socket = admitted.socket.once('close', admitted.uncount)
    return undefined
  }
  const listeners = hosts.map(
    (host) => new HandshakeListener({}, { listen: [{ host, port: 0 }], limits: { openSocketsMax: 16, halfOpenMax: 16 }, onRequest }),
  )
  const bound = await Promise.allSettled(listeners.map((listener) => listener.listen()))
  return {
    streamhosts: bound
      .flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []))
      .map(({ host, port }) => ({ jid, host, port })),
    take() {
      isTaken = true
      return socket
    },
    async [Symbol.asyncDispose]() {
      if (!isTaken) socket?.destroy()
      await Promise.all(listeners.map((listener) => listener.close()))
    },
  }
}
