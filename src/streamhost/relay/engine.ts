import type { Socket } from 'node:net'
import type { Clock } from '../../core/index.ts'

export interface RelayOptions {
  readonly clock: Clock
  /** Breaks the bytestream off. */
  readonly signal: AbortSignal
  /** Milliseconds without an octet in either direction until it is broken off. */
  readonly idleMsMax: number
}

/** How a bytestream ended: properly from both sides, or broken off, which both sides then see as a reset. */
export type RelayEnd = 'end' | 'reset' | 'idle' | 'aborted'

/** Octets taken from each side for the other. */
export interface RelayCounters {
  readonly firstToSecond: number
  readonly secondToFirst: number
}

export interface RelayTotals extends RelayCounters {
  readonly end: RelayEnd
}

/** A bytestream being relayed. Its counters can be read while it runs. */
export interface Relay extends RelayCounters {
  /** Settles once both sockets are closed; never rejects. */
  readonly done: Promise<RelayTotals>
}

/**
 * Moves the octets of active bytestreams, in both directions, in order, no faster than the slower side reads. FIN is
 * passed on while the other direction flows; a reset is passed on as a reset.
 */
export interface RelayEngine {
  readonly name: string
  /** Takes over both sockets, which have a high-water mark of 1 and may hold octets and a FIN that came early. */
  relay(first: Socket, second: Socket, options: RelayOptions): Relay
}
