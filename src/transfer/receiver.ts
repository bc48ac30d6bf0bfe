import { join, relative } from 'node:path'
import type { ChosenStream, IncomingOffer, InitiatorStep, StreamTargets, WayInit } from '../bytestreams/index.ts'
import { BytestreamError, type Clock } from '../core/index.ts'
import { buildSiRange } from '../xep/index.ts'
import { Acceptance, type AcceptanceInit, type OfferedFile, offsetOf } from './acceptance.ts'
import { refusalOf, tellable } from './decision.ts'
import type { ExpectedPeers } from './expected-peers.ts'
import { FileResponder, type FileResponderEvents } from './file-responder.ts'
import type { FileSink } from './file-sink.ts'
import { FilesUnderWay } from './files-under-way.ts'
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
  readonly #underWay: FilesUnderWay
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
    this.#underWay = new FilesUnderWay(clock)
    this.peers = this.#acceptance.senders
  }

  /**
   * Decides about a file that is offered by stream initiation, and begins to wait for its bytestream.
   *
   * @returns the stream method chosen, and which part of the file is wanted
   * @throws BytestreamError `ERR_DECLINED`, `ERR_NO_VALID_STREAMS`, `ERR_BAD_PROFILE`, and as
   *   {@link Acceptance.accept}
   * @internal
   */
  async decide(offer: IncomingOffer): Promise<ChosenStream> {
    const { from, id } = offer
    const key = keyOf(from, id)
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
      const sink = await this.#accept(file, key)
      const init = { from, sid: id, mayBeEmpty: file.size === 0, ...{ method: choice, timings } }
      const work = (transfer: Transfer) => receiveBySi(this.clock, this.#targets, { sink, expected, init, transfer })
      this.#begin(file, sink, key, work).once('done', forget).once('failed', forget)
      return { method, payload: sink.offset > 0 ? buildSiRange({ offset: sink.offset }) : undefined }
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
    const session = keyOf(from, content.sid)
    try {
      const { name = 'file', folder, size, date, mediaType: mimeType, description, hashes, hashUsed, range } = offered
      if (size === undefined) throw new BytestreamError('ERR_DECLINED', 'files of unknown size are not accepted')
      const ranges = { canResume: range !== undefined, offset: offsetOf(size, range) }
      const file = { from, name, folder, size, date, mimeType, description, hashes, hashUsed, ...ranges }
      const sink = await this.#accept(file, session)
      if (content.end) {
        await sink[Symbol.asyncDispose]()
        throw content.end.error ?? new BytestreamError('ERR_DECLINED', 'the offer was taken back')
      }
      const transfer = this.#begin(file, sink, session, (transfer) => {
        transfer.moveTo('negotiating')
        return takeOver(this.clock, { file: content, sink, hashUsed, transfer })
      })
      const { isFlat, storeAs } = this.#init
      const isIgnored = folder !== undefined && (isFlat || storeAs !== undefined)
      const way = { ...this.#init, onStep: (step: InitiatorStep) => void transfer.emit('step', step) }
      if (sink.offset === 0 && !isIgnored) return { way }
      // Whoever repeats a folder makes it.
      const wanted = { ...offered, ...(isIgnored && { folder: undefined }), ...(sink.offset > 0 && { range: { offset: sink.offset } }) }
      return { way, description: { kind: 'file', file: wanted } }
    } catch (thrown) {
      throw this.#declined(from, thrown)
    }
  }

  /** @param session its files are no repetitions of each other */
  async #accept(file: OfferedFile, session: string): Promise<FileSink> {
    await this.#underWay.giveWay(file, session)
    return await this.#acceptance.accept(file)
  }

  #begin(file: OfferedFile, sink: FileSink, session: string, work: Work): Transfer {
    const name = relative(this.#init.into, join(sink.folder, sink.name))
    const transfer = this.begin({ direction: 'receive', peer: file.from, name, size: file.size }, work)
    this.#underWay.add(transfer, file, session)
    return transfer
  }

  /** @returns what the sender may hear */
  #declined(from: string, thrown: unknown): BytestreamError {
    const error = refusalOf(thrown, 'offer')
    this.emit('declined', { from, error })
    return tellable(error)
  }
}

const keyOf = (from: string, id: string) => `${from}\n${id}`
