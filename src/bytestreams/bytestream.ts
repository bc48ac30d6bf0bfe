import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../core/index.ts'
import { written } from '../streamhost/index.ts'
import type { StreamhostAddress } from '../xep/index.ts'
import { takeOctets } from './socket-octets.ts'

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
  /** Both directions, half-close allowed. A reset of the connection is an `error` event. Another object from {@link octets} on. */
  readonly stream: Duplex
  /**
   * Over a streamhost: takes the next octets of the other side by large buffers that are used again, at a fraction of what they
   * cost by `stream`, which has what comes behind them. Once at most, and before anything else was read.
   *
   * @param bytes how many; fewer when the bytestream ends before that
   * @param clock what they go by when they have waited long enough for more
   * @returns buffers, each of which is the reader's until it asks for the next: until then no more is read than fits into another
   *   one. They throw what has broken the connection, behind everything that came before that
   */
  readonly octets?: (bytes: number, clock: Clock) => AsyncGenerator<Buffer, void>
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
export function openBytestream(connected: Socket, facts: SocketFacts): Bytestream {
  let socket = connected
  let isReset = false
  const handshakeOctets = { received: socket.bytesRead - socket.readableLength, sent: socket.bytesWritten }
  let settle: (totals: BytestreamTotals) => void = () => {}
  const totals = new Promise<BytestreamTotals>((resolve) => {
    settle = resolve
  })
  const onError = () => {
    isReset = true
  }
  const onClose = () =>
    settle({
      received: socket.bytesRead - handshakeOctets.received,
      sent: socket.bytesWritten - handshakeOctets.sent,
      end: isReset ? 'reset' : 'closed',
    })
  socket.on('error', onError).on('close', onClose)
  if (socket.closed) onClose()
  return {
    ...facts,
    get stream() {
      return socket
    },
    async *octets(bytes, clock) {
      await written(socket)
      if (socket.destroyed) throw socket.errored ?? new Error('the connection was closed on this side')
      socket.off('close', onClose)
      const taken = takeOctets(socket, bytes, clock)
      socket = taken.socket.on('error', onError).on('close', onClose)
      yield* taken.octets
    },
    reset() {
      isReset = true
      socket.resetAndDestroy()
    },
    totals,
  }
}
