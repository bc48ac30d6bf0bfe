import { join, relative } from 'node:path'
import type { IncomingOffer, StreamTargets, WayInit } from '../bytestreams/index.ts'
import { BytestreamError, type Clock } from '../core/index.ts'
import { Acceptance, type AcceptanceInit, type OfferedFile } from './acceptance.ts'
import { refusalOf } from './decision.ts'
import type { ExpectedPeers } from './expected-peers.ts'
import { FileResponder, type FileResponderEvents } from './file-responder.ts'
import type { FileSink } from './file-sink.ts'
import type { FileContent } from './jingle/file-content.ts'
import type { Accepted } from './jingle/file-sessions.ts'
import { takeOver } from './jingle/take-content.ts'
import { readSiOffer, receiveBySi } from './receive-by-si.ts'
import type { Transfer, Work } from './transfer.ts'

/** Whose files are accepted, which, and how they may come; {@link Receiver.stop} ends it. */
export interface ReceiveInit extends AcceptanceInit, Omit<WayInit, 'signal'> {}

/** Facts. */
export interface ReceiverEvents extends FileResponderEvents {
  /** An offer was declined; the error says why. */
  declined: [facts: { from: string; error: BytestreamError }]
}

/** Accepts files into a folder, until it is stopped. Iterating over it gives each transfer as it begins. */
export class Receiver extends FileResponder<ReceiverEvents> {
  /** @internal */
  protected readonly peers: ExpectedPeers
  readonly #targets: StreamTargets
  readonly #init: ReceiveInit
  readonly #acceptance: Acceptance
  /** The session of every offer that is being decided about or under way, by sender and id. */
  readonly #offers = new Map<string, Disposable>()

  /**
   * @throws BytestreamError `ERR_JID_MALFORMED` for one of `from`; TypeError for a blocked hash that is none
   * @internal
   */
  constructor(targets: StreamTargets, clock: Clock, init: ReceiveInit) {
    super(clock)
    this.#targets = targets
    this.#init = init
    this.#acceptance = new Acceptance({ clock }, init, this.stopping)
    this.peers = this.#acceptance.senders
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
      const { method: choice, timings } = this.#init
      const { file, expected, method } = readSiOffer(offer, choice)
      const sink = await this.#acceptance.accept(file)
      const init = { from, sid: id, mayBeEmpty: file.size === 0, ...{ method: choice, timings } }
      const work = (transfer: Transfer) => receiveBySi(this.clock, this.#targets, { sink, expected, init, transfer })
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
      const { name = 'file', folder, size, mediaType: mimeType, description, hashes, hashUsed, range = {} } = offered
      if (size === undefined) throw new BytestreamError('ERR_DECLINED', 'files of unknown size are not accepted')
      if ((range.offset ?? 0) > 0 || (range.length ?? size) !== size)
        throw new BytestreamError('ERR_DECLINED', 'parts of files are not accepted')
      const file = { from, name, folder, size, mimeType, description, hashes, hashUsed }
      const sink = await this.#acceptance.accept(file)
      if (content.end) {
        await sink[Symbol.asyncDispose]()
        throw content.end.error ?? new BytestreamError('ERR_DECLINED', 'the offer was taken back')
      }
      this.#begin(file, sink, (transfer) => {
        transfer.moveTo('negotiating')
        return takeOver(this.clock, { file: content, sink, hashUsed, transfer })
      })
      // Whoever repeats a folder makes it.
      const { isFlat, storeAs } = this.#init
      const isIgnored = folder !== undefined && (isFlat || storeAs !== undefined)
      return { way: this.#init, ...(isIgnored && { description: { kind: 'file', file: { ...offered, folder: undefined } } }) }
    } catch (thrown) {
      throw this.#declined(from, thrown)
    }
  }

  #begin({ from, size }: OfferedFile, sink: FileSink, work: Work): Transfer {
    const name = relative(this.#init.into, join(sink.folder, sink.name))
    return this.begin({ direction: 'receive', peer: from, name, size }, work)
  }

  /** @returns what the sender may hear */
  #declined(from: string, thrown: unknown): BytestreamError {
    const error = refusalOf(thrown, 'offer')
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
