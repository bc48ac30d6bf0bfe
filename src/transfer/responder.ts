import { EventEmitter, on, setMaxListeners } from 'node:events'
import { BytestreamError, type Clock } from '../core/index.ts'
import { RunningTransfers } from './running-transfers.ts'
import { Transfer, type Work } from './transfer.ts'
import type { TransferFacts } from './transfer-facts.ts'

/** Facts. */
export interface ResponderEvents {
  /** What the other side began, or asked for, was accepted. */
  transfer: [transfer: Transfer, ...about: unknown[]]
  /** Nothing is accepted any more. */
  stopped: []
}

/**
 * Takes part in transfers because others want it to, until it is stopped. Iterating over it gives each transfer as it begins.
 */
export abstract class Responder<Events extends ResponderEvents & Record<keyof Events, unknown[]>> extends EventEmitter<Events> {
  /** @internal */
  protected readonly clock: Clock
  readonly #running = new RunningTransfers()
  readonly #stopping = new AbortController()

  /** @internal */
  protected constructor(clock: Clock) {
    super()
    this.clock = clock
    setMaxListeners(0, this.#stopping.signal) // One for each request.
  }

  /** The transfers that are under way. */
  get running(): ReadonlySet<Transfer> {
    return this.#running.all
  }

  /** Those who may want something, as far as they are known beforehand; prepared. */
  abstract get expected(): readonly string[]

  /** Whether somebody may want something at all. */
  abstract isExpected(from: string): boolean

  /** Accepts nothing more, and ends what is under way: the other side hears that we are gone, and may try again. */
  stop(): void {
    if (this.isStopped) return
    const error = new BytestreamError('ERR_SHUTTING_DOWN', 'files are taken no more')
    this.#stopping.abort(error)
    for (const transfer of this.running) transfer.cancel(error)
    this.#facts.emit('stopped')
  }

  /** Whether {@link stop} was called. */
  get isStopped(): boolean {
    return this.stopping.aborted
  }

  /** Each transfer as it begins, until this is stopped. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Transfer, void> {
    try {
      for await (const [transfer] of on(this.#facts, 'transfer', { signal: this.stopping })) yield transfer as Transfer
    } catch (error) {
      if (!this.isStopped) throw error
    }
  }

  /** @internal */
  protected get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  /**
   * @param about what else is told of it
   * @internal
   */
  protected begin({ size, ...facts }: TransferFacts & { readonly size: number }, work: Work, ...about: readonly unknown[]): Transfer {
    const transfer = this.#running.add(new Transfer(this.clock, facts, work, this.stopping))
    transfer.update({ size })
    this.#facts.emit('transfer', transfer, ...about)
    return transfer
  }

  /** Of its events, those every responder has. */
  get #facts(): EventEmitter<ResponderEvents> {
    return this as unknown as EventEmitter<ResponderEvents>
  }
}
