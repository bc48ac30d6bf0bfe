import { EventEmitter, on } from 'node:events'
import type { IncomingOffer, StreamTargets, Timings } from '../bytestreams/index.ts'
import { BytestreamError, type Clock } from '../core/index.ts'
import { Acceptance, type AcceptanceInit, type OfferedFile } from './acceptance.ts'
import type { FileSink } from './file-sink.ts'
import type { FileContent } from './jingle/file-content.ts'
import type { Accepted, FileTaker } from './jingle/file-sessions.ts'
import { takeOver } from './jingle/take-content.ts'
import { readSiOffer, receiveBySi } from './receive-by-si.ts'
import { type Sent, Transfer } from './transfer.ts'

export interface ReceiveInit extends AcceptanceInit {
  readonly timings?: Partial<Timings> | undefined
}

/** Facts. */
export interface ReceiverEvents {
  /** A file was accepted. */
  transfer: [transfer: Transfer]
  /** An offer was declined; the error says why. */
  declined: [facts: { from: string; error: BytestreamError }]
  /** Nothing is accepted any more. */
  stopped: []
}

/** Accepts files into a folder, until it is stopped. Iterating over it gives each transfer as it begins. */
export class Receiver extends EventEmitter<ReceiverEvents> implements FileTaker {
  readonly #targets: StreamTargets
  readonly #clock: Clock
  readonly #init: ReceiveInit
  readonly #acceptance: Acceptance
  readonly #running = new Set<Transfer>()
  /** The session of every offer that is being decided about or under way, by sender and id. */
  readonly #offers = new Map<string, Disposable>()
  readonly #stopping = new AbortController()

  /**
   * @throws BytestreamError `ERR_JID_MALFORMED` for one of `from`; TypeError for a blocked hash that is none
   * @internal
   */
  constructor(targets: StreamTargets, clock: Clock, init: ReceiveInit) {
    super()
    this.#targets = targets
    this.#clock = clock
    this.#init = init
    this.#acceptance = new Acceptance({ clock }, init, this.#stopping.signal)
  }

  /** The transfers that are under way. */
  get running(): ReadonlySet<Transfer> {
    return this.#running
  }

  /** Who may send, prepared. */
  get expected(): readonly string[] {
    return this.#acceptance.senders
  }

  /** Whether somebody may send at all; what, is decided file by file. */
  isExpected(from: string): boolean {
    return this.#acceptance.isExpected(from)
  }

  /** Accepts nothing more, and cancels what is under way. */
  stop(): void {
    if (this.isStopped) return
    this.#stopping.abort()
    for (const transfer of this.#running) transfer.cancel()
    this.emit('stopped')
  }

  /** Whether nothing is accepted any more. */
  get isStopped(): boolean {
    return this.#stopping.signal.aborted
  }

  /** Each transfer as it begins, until the receiver is stopped. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Transfer, void> {
    try {
      for await (const [transfer] of on(this, 'transfer', { signal: this.#stopping.signal })) yield transfer as Transfer
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error
    }
  }

  /**
   * Decides about a file that is offered by stream initiation, and begins to wait for its bytestream.
   *
   * @returns the stream method chosen
   * @throws BytestreamError `ERR_DECLINED`, `ERR_NO_VALID_STREAMS`, `ERR_BAD_PROFILE`, and as
   *   {@link Acceptance.accept}
   * @internal
   */
  async decide(offer: IncomingOffer): Promise<string> {
    const { from, id } = offer
    const key = `${from}\n${id}`
    const isRepeated = this.#offers.has(key)
    const forget = () => {
      this.#offers.get(key)?.[Symbol.dispose]()
      this.#offers.delete(key)
    }
    try {
      if (isRepeated) throw new BytestreamError('ERR_BAD_REQUEST', 'this stream was offered before')
      this.#offers.set(key, this.#acceptance.admitSession(from))
      const { file, expected, method } = readSiOffer(offer)
      const { timings } = this.#init
      const sink = await this.#acceptance.accept(file)
      const init = { from, sid: id, mayBeEmpty: file.size === 0, timings }
      const work = (transfer: Transfer) => receiveBySi(this.#clock, this.#targets, { sink, expected, init, transfer })
      this.#begin(file, sink, work).once('done', forget).once('failed', forget)
      return method
    } catch (thrown) {
      if (!isRepeated) forget()
      throw this.#declined(from, thrown)
    }
  }

  /** @internal */
  admit(from: string): Disposable {
    try {
      return this.#acceptance.admitSession(from)
    } catch (thrown) {
      throw this.#declined(from, thrown)
    }
  }

  /**
   * Decides about a file that is offered by Jingle, and begins to wait for its bytestream.
   *
   * @throws BytestreamError `ERR_DECLINED`, and as {@link Acceptance.accept}
   * @internal
   */
  async take(content: FileContent): Promise<Accepted> {
    const { peer: from, offered } = content
    try {
      const { name = 'file', size, mediaType: mimeType, description, hashes, hashUsed, range = {} } = offered
      if (size === undefined) throw new BytestreamError('ERR_DECLINED', 'files of unknown size are not accepted')
      if ((range.offset ?? 0) > 0 || (range.length ?? size) !== size)
        throw new BytestreamError('ERR_DECLINED', 'parts of files are not accepted')
      const file = { from, name, size, mimeType, description, hashes, hashUsed }
      const sink = await this.#acceptance.accept(file)
      if (content.end) {
        await sink[Symbol.asyncDispose]()
        throw content.end.error ?? new BytestreamError('ERR_DECLINED', 'the offer was taken back')
      }
      this.#begin(file, sink, (transfer) => {
        transfer.moveTo('negotiating')
        return takeOver(this.#clock, { file: content, sink, hashUsed, transfer })
      })
      const { timings } = this.#init
      return { timings }
    } catch (thrown) {
      throw this.#declined(from, thrown)
    }
  }

  #begin({ from, size }: OfferedFile, sink: FileSink, work: (transfer: Transfer) => Promise<Sent>): Transfer {
    const facts = { direction: 'receive', peer: from, name: sink.name } as const
    const transfer = new Transfer(this.#clock, facts, work, this.#stopping.signal)
    transfer.update({ size })
    this.#running.add(transfer)
    const forget = () => this.#running.delete(transfer)
    transfer.once('done', forget).once('failed', forget)
    this.emit('transfer', transfer)
    return transfer
  }

  /** @returns what the sender may hear */
  #declined(from: string, thrown: unknown): BytestreamError {
    const error =
      thrown instanceof BytestreamError ? thrown : new BytestreamError('ERR_INTERNAL', 'deciding about the offer failed', { cause: thrown })
    this.emit('declined', { from, error })
    return tellable(error)
  }
}

/** What a sender may hear: nothing about our folders and disks. */
function tellable(error: BytestreamError): BytestreamError {
  if (error.code === 'ERR_FILE' || error.code === 'ERR_INTERNAL') return new BytestreamError('ERR_DECLINED', 'the file cannot be stored')
  if (error.code === 'ERR_DISK_SPACE') return new BytestreamError('ERR_DISK_SPACE', 'there is no room for the file')
  return error
}
