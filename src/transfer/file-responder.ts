import { EventEmitter, on } from 'node:events'
import { BytestreamError, type Clock } from '../core/index.ts'
import type { ExpectedPeers } from './expected-peers.ts'
import type { FileContent } from './jingle/file-content.ts'
import type { Accepted, FileTaker } from './jingle/file-sessions.ts'
import { RunningTransfers } from './running-transfers.ts'
import { Transfer, type Work } from './transfer.ts'
import type { TransferFacts } from './transfer-facts.ts'

/** Facts. */
export interface FileResponderEvents {
  /** What the other side began was accepted. */
  transfer: [transfer: Transfer]
  /** Nothing is accepted any more. */
  stopped: []
}

/**
 * Takes part in transfers that others begin, until it is stopped. Iterating over it gives each transfer as it begins.
 */
export abstract class FileResponder<Events extends FileResponderEvents & Record<keyof Events, unknown[]>>
  extends EventEmitter<Events>
  implements FileTaker
{
  /** @internal */
  protected abstract readonly peers: ExpectedPeers
  /** @internal */
  protected readonly clock: Clock
  readonly #running = new RunningTransfers()
  readonly #stopping = new AbortController()

  /** @internal */
  protected constructor(clock: Clock) {
    super()
    this.clock = clock
  }

  /** The transfers that are under way. */
  get running(): ReadonlySet<Transfer> {
    return this.#running.all
  }

  /** Who may begin one, prepared. */
  get expected(): readonly string[] {
    return this.peers.all
  }

  /** Whether somebody may begin one at all; which, is decided file by file. */
  isExpected(from: string): boolean {
    return this.peers.has(from)
  }

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
  abstract admit(from: string): Disposable

  /** @internal */
  abstract take(content: FileContent): Promise<Accepted>

  /** @internal */
  protected get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  /** @internal */
  protected begin({ size, ...facts }: TransferFacts & { readonly size: number }, work: Work): Transfer {
    const transfer = this.#running.add(new Transfer(this.clock, facts, work, this.stopping))
    transfer.update({ size })
    this.#facts.emit('transfer', transfer)
    return transfer
  }

  /** Of its events, those every responder has. */
  get #facts(): EventEmitter<FileResponderEvents> {
    return this as unknown as EventEmitter<FileResponderEvents>
  }
}
