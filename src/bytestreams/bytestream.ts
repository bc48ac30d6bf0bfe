import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { StreamhostAddress } from '../xep/index.ts'

/** How the octets travel: over a connection of their own (XEP-0065), or in the stanzas of the session (XEP-0047). */
export type BytestreamMethod = 'direct' | 'proxy' | 'ibb'

/** Octets each way, and how the stream ended. */
export interface BytestreamTotals {
  readonly received: number
  readonly sent: number
  /** `reset` when the connection was broken instead of closed. */
  readonly end: 'closed' | 'reset'
}

/** An open bytestream between two XMPP entities, whatever was negotiated to get there. */
export interface Bytestream {
  readonly sid: string
  /** The full JID at the other end. */
  readonly peer: string
  readonly method: BytestreamMethod
  /** The streamhost both ends are connected to; `undefined` in band. */
  readonly streamhost: StreamhostAddress | undefined
  /** What the streamhost knows the bytestream by; `undefined` in band. */
  readonly dstAddr: string | undefined
  /** In band: octets of content one stanza holds at most. */
  readonly blockSize?: number
  /** Both directions, half-close allowed. A reset of the connection is an `error` event. */
  readonly stream: Duplex
  /** Breaks the connection, so that the other end cannot take it for a proper end. */
  reset(): void
  /** Settles when the stream is closed; never rejects. */
  readonly totals: Promise<BytestreamTotals>
}

/** What is known of a bytestream over a streamhost before its first octet. */
interface SocketFacts extends Pick<Bytestream, 'sid' | 'peer'> {
  readonly method: Exclude<BytestreamMethod, 'ibb'>
  readonly streamhost: StreamhostAddress
  readonly dstAddr: string
}

/** Facts about a connected socket as a {@link Bytestream}, which takes it over. */
export function openBytestream(socket: Socket, facts: SocketFacts): Bytestream {
  let isReset = false
  const handshakeOctets = { received: socket.bytesRead - socket.readableLength, sent: socket.bytesWritten }
  socket.on('error', () => {
    isReset = true
  })
  const totals = new Promise<BytestreamTotals>((resolve) => {
    const settle = () =>
      resolve({
        received: socket.bytesRead - handshakeOctets.received,
        sent: socket.bytesWritten - handshakeOctets.sent,
        end: isReset ? 'reset' : 'closed',
      })
    if (socket.closed) settle()
    else socket.once('close', settle)
  })
  return {
    ...facts,
    stream: socket,
    reset() {
      isReset = true
      socket.resetAndDestroy()
    },
    totals,
  }
}
