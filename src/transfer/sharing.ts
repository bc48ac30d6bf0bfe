import { EventEmitter } from 'node:events'
import type { Timings } from '../bytestreams/index.ts'
import { BytestreamError, bareJid, type Clock, orAbort, prepareJid, startDeadline } from '../core/index.ts'
import type { Hash } from '../xep/index.ts'
import { FileSource } from './file-source.ts'
import type { OfferableAlgorithm } from './hashes.ts'
import type { FileContent } from './jingle/file-content.ts'
import type { Accepted, FileTaker } from './jingle/file-sessions.ts'
import { partOf, sendOver } from './jingle/send-content.ts'
import { isFull } from './shares.ts'
import { Transfer, type Work } from './transfer.ts'

/** A part of a file. */
export interface FileRange {
  /** Octets before it. Default 0. */
  readonly offset?: number | undefined
  /** Octets. Default: up to the end. */
  readonly length?: number | undefined
}

/** A file somebody asks for. Everything but `from` is what they say. */
export interface FileRequest {
  /** Full JID. */
  readonly from: string
  /** As it came: not to be used as a path. */
  readonly name: string | undefined
  /** Octets. */
  readonly size: number | undefined
  readonly mimeType: string | undefined
  readonly hashes: readonly Hash[]
  /** The part they want; all of it where it is left out. */
  readonly range: FileRange | undefined
}

/** What is shared, and with whom. */
export interface ShareInit {
  /** Who may ask: bare JIDs, or full ones for a single resource. Others hear that nothing is shared. */
  readonly to: readonly string[]
  /** Which file that is: its path, or `undefined` when there is none for them. */
  readonly mayFetch: (request: FileRequest) => string | undefined | Promise<string | undefined>
  /** Which hashes of the content are sent along. Default SHA-256. */
  readonly hashes?: readonly OfferableAlgorithm[]
  /** Files being sent on request at once; more are refused for the time being. Where several may ask, each has half. Default 20. */
  readonly transfersMax?: number
  readonly timings?: Partial<Timings> | undefined
}

const TRANSFERS_MAX = 20
/** Milliseconds `mayFetch` has. */
const ANSWER_MS_MAX = 80_000

/** Facts. */
export interface SharingEvents {
  /** A request was granted. */
  transfer: [transfer: Transfer]
  /** A request was refused; the error says why. */
  refused: [facts: { from: string; error: BytestreamError }]
  /** Nothing is shared any more. */
  stopped: []
}

/** Sends files to those who ask for them, until it is stopped (XEP-0234 §6.2). */
export class Sharing extends EventEmitter<SharingEvents> implements FileTaker {
  readonly #clock: Clock
  readonly #init: ShareInit
  readonly #to: ReadonlySet<string>
  readonly #running = new Set<Transfer>()
  /** By whom, bare JIDs: requests that are being decided about, and files under way. */
  readonly #places = new Set<{ readonly from: string }>()
  readonly #stopping = new AbortController()

  /**
   * @throws BytestreamError `ERR_JID_MALFORMED` for one of `to`
   * @internal
   */
  constructor(clock: Clock, init: ShareInit) {
    super()
    this.#clock = clock
    this.#init = init
    this.#to = new Set(init.to.map(prepareJid))
  }

  /** The transfers that are under way. */
  get running(): ReadonlySet<Transfer> {
    return this.#running
  }

  /** Who may ask, prepared. */
  get expected(): readonly string[] {
    return [...this.#to]
  }

  /** Whether somebody may ask. */
  isExpected(from: string): boolean {
    return this.#to.has(from) || this.#to.has(bareJid(from))
  }

  /** Sends nothing more, and cancels what is under way. */
  stop(): void {
    if (this.isStopped) return
    this.#stopping.abort()
    for (const transfer of this.#running) transfer.cancel()
    this.emit('stopped')
  }

  /** Whether {@link stop} was called. */
  get isStopped(): boolean {
    return this.#stopping.signal.aborted
  }

  /** @internal */
  admit(from: string): Disposable {
    // As if nothing here knew Jingle (XEP-0166 §6.2).
    if (!this.isExpected(from)) throw new BytestreamError('ERR_SERVICE_UNAVAILABLE', 'there are no files here')
    return { [Symbol.dispose]() {} }
  }

  /**
   * Decides about a request, and begins to wait for its bytestream.
   *
   * @throws BytestreamError `ERR_ITEM_NOT_FOUND`, `ERR_LIMIT_WAITING`
   * @internal
   */
  async take(content: FileContent): Promise<Accepted> {
    const { transfersMax = TRANSFERS_MAX } = this.#init
    const place = { from: bareJid(content.peer) }
    const onOver = () => void this.#places.delete(place)
    try {
      if (isFull(this.#places, place.from, { max: transfersMax, among: this.#to.size }))
        throw new BytestreamError('ERR_LIMIT_WAITING', `${transfersMax} files are being sent already`)
      this.#places.add(place)
      return await this.#grant(content, await this.#ask(content), onOver)
    } catch (thrown) {
      onOver()
      const error =
        thrown instanceof BytestreamError
          ? thrown
          : new BytestreamError('ERR_INTERNAL', 'deciding about the request failed', { cause: thrown })
      this.emit('refused', { from: content.peer, error })
      // Nothing about our files.
      throw error.code === 'ERR_LIMIT_WAITING' ? error : new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is no such file')
    }
  }

  /** @returns the path */
  async #ask({ peer: from, offered }: FileContent): Promise<string> {
    // Whoever may send has sessions here, and can ask in them.
    if (!this.isExpected(from)) throw new BytestreamError('ERR_ITEM_NOT_FOUND', `nothing is shared with ${from}`)
    const { name, size, mediaType: mimeType, hashes, range } = offered
    using deadline = startDeadline(this.#clock, ANSWER_MS_MAX, 'ERR_ITEM_NOT_FOUND', 'nobody decided in time', this.#stopping.signal)
    const path = await orAbort(Promise.resolve(this.#init.mayFetch({ from, name, size, mimeType, hashes, range })), deadline.signal)
    if (path === undefined) throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is no such file')
    return path
  }

  async #grant(content: FileContent, path: string, onOver: () => void): Promise<Accepted> {
    const { hashes = ['sha-256'], timings } = this.#init
    const source = await FileSource.open(path)
    try {
      const { name, size, modified } = await source.glance()
      const part = partOf(size, content.offered.range)
      if (content.end) throw content.end.error ?? new BytestreamError('ERR_ABORTED', 'the request was taken back')
      const { offset, length } = part
      const range = part.isWhole ? {} : { offset, length }
      const file = { name, size, date: modified.toISOString(), hashes: [], hashUsed: hashes, range }
      const work: Work = async (transfer) => {
        await using open = source
        transfer.update({ size: length })
        transfer.moveTo('negotiating')
        return await sendOver(this.#clock, { file: content, source: open, path, part, hashes, transfer })
      }
      this.#begin({ peer: content.peer, name, work, onOver })
      return { description: { kind: 'file', file }, timings }
    } catch (error) {
      await source[Symbol.asyncDispose]()
      throw error
    }
  }

  #begin({ peer, name, work, onOver }: { peer: string; name: string; work: Work; onOver: () => void }): void {
    const transfer = new Transfer(this.#clock, { direction: 'send', peer, name }, work, this.#stopping.signal)
    this.#running.add(transfer)
    const forget = () => {
      this.#running.delete(transfer)
      onOver()
    }
    transfer.once('done', forget).once('failed', forget)
    this.emit('transfer', transfer)
  }
}
