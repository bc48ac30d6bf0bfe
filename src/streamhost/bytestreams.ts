import type { Socket } from 'node:net'
import type { Clock } from '../core/index.ts'
import type { StreamhostLimits } from './limits.ts'
import type { Relay, RelayCounters, RelayEnd, RelayEngine, RelayTotals } from './relay/engine.ts'
import { IdleWatch } from './relay/idle-watch.ts'
import { RateBuckets, type Rates } from './relay/rates.ts'
import { SocketMemory } from './relay/socket-memory.ts'

export interface BytestreamsComponents {
  readonly clock: Clock
  readonly engine: RelayEngine
}

export interface BytestreamsInit {
  readonly limits: Pick<StreamhostLimits, 'idleMsMax' | 'relayMemoryBytesMax'>
  readonly rates: Rates
}

/** The active bytestreams: each is relayed with its share of the rates, the kernel's memory in view, watched for silence, and counted. */
export class Bytestreams {
  /** Those that are over, by how they ended. */
  readonly ended: Record<RelayEnd, number> = { end: 0, reset: 0, idle: 0, aborted: 0, failed: 0 }
  readonly #engine: RelayEngine
  readonly #relays = new Set<Relay>()
  readonly #idle: IdleWatch
  readonly #memory: SocketMemory
  readonly #rates: RateBuckets
  readonly #over = { firstToSecond: 0, secondToFirst: 0 }

  constructor({ clock, engine }: BytestreamsComponents, { limits, rates }: BytestreamsInit) {
    this.#engine = engine
    this.#idle = new IdleWatch(clock, limits.idleMsMax)
    this.#memory = new SocketMemory(clock, limits.relayMemoryBytesMax)
    this.#rates = new RateBuckets(engine, rates)
  }

  /** Octets that were moved, of those that run and of those that are over. */
  get moved(): RelayCounters {
    let { firstToSecond, secondToFirst } = this.#over
    for (const relay of this.#relays) {
      firstToSecond += relay.firstToSecond
      secondToFirst += relay.secondToFirst
    }
    return { firstToSecond, secondToFirst }
  }

  /** @param onOver told once both connections are closed */
  start(first: Socket, second: Socket, onOver: (totals: RelayTotals) => void): void {
    const bucket = this.#rates.open()
    const relay = this.#engine.relay(first, second, { bucket })
    this.#relays.add(relay)
    this.#idle.add(relay)
    this.#memory.add(relay)
    void relay.done.then((totals) => {
      this.#relays.delete(relay)
      this.#idle.delete(relay)
      this.#memory.delete(relay)
      this.#rates.close(bucket)
      this.#over.firstToSecond += totals.firstToSecond
      this.#over.secondToFirst += totals.secondToFirst
      this.ended[totals.end] += 1
      onOver(totals)
    })
  }

  /** @throws TypeError for a rate that is none */
  changeRates(rates: Rates): void {
    this.#rates.change(rates)
  }

  /** Those that run now. */
  get running(): readonly Relay[] {
    return [...this.#relays]
  }
}
