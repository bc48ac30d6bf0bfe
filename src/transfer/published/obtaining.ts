import type { ChosenStream, IncomingOffer, InitiatorStep, StreamTargets, WayInit } from '../../bytestreams/index.ts'
import { BytestreamError, type Clock, toBytestreamError } from '../../core/index.ts'
import { buildSiRange, type Hash } from '../../xep/index.ts'
import { type Acceptance, type OfferedFile, offsetOf } from '../acceptance.ts'
import { tellable } from '../decision.ts'
import type { FileSink } from '../file-sink.ts'
import type { FileContent } from '../jingle/file-content.ts'
import type { Accepted } from '../jingle/file-sessions.ts'
import { takeOver } from '../jingle/take-content.ts'
import { readSiOffer, receiveBySi } from '../receive-by-si.ts'
import type { Transfer } from '../transfer.ts'
import type { Sent } from '../transfer-facts.ts'
import type { StartTaker } from './pending-starts.ts'

/** What was announced of a file; what is given has to be right. */
export interface AnnouncedFile {
  /** What it is stored as, whatever its owner calls it. */
  readonly name?: string | undefined
  /** Octets. */
  readonly size?: number | undefined
  readonly hashes?: readonly Hash[] | undefined
}

export interface ObtainingInit {
  readonly clock: Clock
  readonly targets: StreamTargets
  readonly acceptance: Acceptance
  readonly announced: AnnouncedFile
  readonly way: WayInit
  readonly transfer: Transfer
}

/** A file on offer, as it came: of one that is announced the size may be left out. */
type Offered = Omit<OfferedFile, 'size'> & { readonly size: number | undefined }

/** Takes one file that was asked for, in whichever way it is offered, and nothing more. */
export class Obtaining implements StartTaker {
  /** Settles when the file is here. @throws BytestreamError why it is not */
  readonly received: Promise<Sent>
  readonly #init: ObtainingInit
  #settle!: { readonly resolve: (sent: Sent | Promise<Sent>) => void; readonly reject: (error: BytestreamError) => void }
  #hasCome = false

  constructor(init: ObtainingInit) {
    this.#init = init
    this.received = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.received.catch(() => {}) // Nobody looks before it was granted.
  }

  fail(error: BytestreamError): void {
    if (!this.#hasCome) this.#settle.reject(error)
  }

  admit(): Disposable {
    return { [Symbol.dispose]() {} }
  }

  async take(content: FileContent): Promise<Accepted> {
    const { peer: from, offered } = content
    const { way, clock, transfer } = this.#init
    return await this.#take(async () => {
      const { name = 'file', size, date, mediaType: mimeType, description, hashes, hashUsed, range } = offered
      const canResume = range !== undefined
      const facts = { from, name, size, date, mimeType, description, hashes, hashUsed, canResume }
      const sink = await this.#accept(facts, range)
      if (content.end) {
        await sink[Symbol.asyncDispose]()
        throw content.end.error ?? new BytestreamError('ERR_DECLINED', 'the offer was taken back')
      }
      this.#run(sink, takeOver(clock, { file: content, sink, hashUsed, transfer }))
      const answer = { ...offered, folder: undefined, ...(sink.offset > 0 && { range: { offset: sink.offset } }) }
      const onStep = (step: InitiatorStep) => void transfer.emit('step', step)
      return { way: { ...way, onStep }, description: { kind: 'file', file: answer } }
    })
  }

  async decide(offer: IncomingOffer): Promise<ChosenStream> {
    const { from, id: sid } = offer
    const { way, clock, targets, transfer } = this.#init
    return await this.#take(async () => {
      const { file, expected, method } = readSiOffer(offer, way.method)
      const sink = await this.#accept(file)
      const init = { from, sid, mayBeEmpty: file.size === 0, method: way.method, timings: way.timings }
      this.#run(sink, receiveBySi(clock, targets, { sink, expected, init, transfer }))
      return { method, payload: sink.offset > 0 ? buildSiRange({ offset: sink.offset }) : undefined }
    })
  }

  /** @throws BytestreamError what the owner may hear */
  async #take<T>(take: () => Promise<T>): Promise<T> {
    if (this.#hasCome) throw new BytestreamError('ERR_DECLINED', 'one file was asked for')
    this.#hasCome = true
    try {
      return await take()
    } catch (thrown) {
      const error = toBytestreamError(thrown)
      this.#settle.reject(error)
      throw tellable(error)
    }
  }

  async #accept(offered: Offered, range?: Parameters<typeof offsetOf>[1]): Promise<FileSink> {
    const { acceptance, announced, transfer } = this.#init
    const { from, size = announced.size, hashes: told } = offered
    if (size === undefined) throw new BytestreamError('ERR_DECLINED', 'files of unknown size are not accepted')
    if (size !== (announced.size ?? size))
      throw new BytestreamError('ERR_NOT_ACCEPTABLE', `${from} sends a file of another size than was announced`)
    const { hashes: hashesWanted = [], name = offered.name } = announced
    const isOther = ({ algo, value }: Hash) => told.some((hash) => hash.algo === algo && !hash.value.equals(value))
    if (hashesWanted.some(isOther)) throw new BytestreamError('ERR_NOT_ACCEPTABLE', `${from} sends another file than was announced`)
    const offset = offered.offset ?? offsetOf(size, range)
    const sink = await acceptance.accept({ ...offered, name, size, offset, hashes: [...hashesWanted, ...told], hashesWanted })
    transfer.update({ name: sink.name, size })
    return sink
  }

  #run(sink: FileSink, work: Promise<Sent>): void {
    const { offset } = sink
    this.#settle.resolve(
      work.catch((error: BytestreamError) => {
        // What was here was something else, and is gone: from the start it may be right.
        throw offset > 0 && error.code === 'ERR_INTEGRITY' ? new BytestreamError('ERR_RESET', error.message, { cause: error }) : error
      }),
    )
  }
}
