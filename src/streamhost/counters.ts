import type { ErrorCode } from '../core/index.ts'
import type { RelayEnd } from './relay/engine.ts'

/** Everything that is counted, since the start. Plain numbers, read at any time. */
export interface StreamhostCounters {
  /** Sockets accepted, those turned away at once included. */
  readonly accepted: number
  /** Sockets that got a place. */
  readonly admitted: number
  readonly activated: number
  /** Sockets that were turned away, or lost their place, by reason. */
  readonly refusals: Readonly<Partial<Record<ErrorCode, number>>>
  /** Bytestreams that are over, by how they ended. */
  readonly ended: Readonly<Record<RelayEnd, number>>
  /** Octets from the socket of each pair that came first, to the other; of running bytestreams too. */
  readonly firstToSecondBytes: number
  readonly secondToFirstBytes: number
}

/** What is there now. */
export interface StreamhostGauges {
  readonly openSockets: number
  readonly halfOpen: number
  readonly waiting: number
  readonly active: number
  readonly readAheadBytes: number
}
