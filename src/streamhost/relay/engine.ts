import type { Socket } from 'node:net'

/** A limit of octets a second, for both directions together, shared by the bytestreams and the buckets below it. */
export interface RateBucket {
  /** `undefined`: no limit of its own. */
  readonly bytesPerSecond: number | undefined
  /** Holds from the next tick on (80 ms); nothing is lost by it. */
  change(bytesPerSecond: number | undefined): void
}

/** What one relay has to keep to. */
export interface RelayOptions {
  /** Of the same engine. */
  readonly bucket?: RateBucket | undefined
}

/**
 * How a bytestream ended: properly from both sides, or broken off, which both sides then see as a reset. `failed`: the
 * system had nothing left for it.
 */
export type RelayEnd = 'end' | 'reset' | 'idle' | 'aborted' | 'failed'

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
  /** Settles once both connections are closed; never rejects. */
  readonly done: Promise<RelayTotals>
  /** Breaks it off, unless it is over: both sides see a reset. */
  breakOff(end: 'idle' | 'aborted'): void
  /** Bounds what the kernel holds for each socket: so much to be sent, and no more that was received than now. Not every engine can. */
  boundBuffers(bytes: number): void
}

/**
 * Moves the octets of active bytestreams, in both directions, in order, no faster than the slower side reads and than the
 * buckets allow. FIN is passed on while the other direction flows; a reset is passed on as a reset.
 */
export interface RelayEngine {
  readonly name: string
  /**
   * A bucket holds at most what it is given in 160 ms, so that within any time no more passes than its rate and the rates
   * above it allow, and what passes in 160 ms. Those that want more than there is get equal shares every 80 ms.
   *
   * @param bytesPerSecond `undefined`: no limit of its own
   * @param parent of the same engine; what is below this bucket is below that one, too
   */
  bucket(bytesPerSecond: number | undefined, parent?: RateBucket): RateBucket
  /**
   * Takes over both sockets, which have a high-water mark of 1 and may hold octets and a FIN that came early. An engine may
   * take the connection away from a socket, which is closed then: that says nothing about the bytestream, `done` does.
   */
  relay(first: Socket, second: Socket, options: RelayOptions): Relay
  /** Gives back what it holds besides its bytestreams, which are over by then. */
  close(): void
}
