import type { InitiatorStep, WayInit } from '../bytestreams/index.ts'
import { BytestreamError, bareJid, type Clock } from '../core/index.ts'
import type { Hash } from '../xep/index.ts'
import { askProgram, refusalOf } from './decision.ts'
import { ExpectedPeers } from './expected-peers.ts'
import { FileResponder, type FileResponderEvents } from './file-responder.ts'
import { FileSource } from './file-source.ts'
import type { OfferableAlgorithm } from './hashes.ts'
import type { FileContent } from './jingle/file-content.ts'
import type { Accepted } from './jingle/file-sessions.ts'
import { partOf, sendOver } from './jingle/send-content.ts'
import { Places } from './places.ts'
import type { Work } from './transfer.ts'

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

/** What is shared, with whom, and how it may travel; {@link Sharing.stop} ends it. */
export interface ShareInit extends Omit<WayInit, 'signal'> {
  /** Who may ask: bare JIDs, or full ones for a single resource. Others hear that nothing is shared. */
  readonly to: readonly string[]
  /** Which file that is: its path, or `undefined` when there is none for them. */
  readonly mayFetch: (request: FileRequest) => string | undefined | Promise<string | undefined>
  /** Which hashes of the content are sent along. Default SHA-256. */
  readonly hashes?: readonly OfferableAlgorithm[]
  /** Files being sent on request at once; more are refused for the time being. Where several may ask, each has half. Default 20. */
  readonly transfersMax?: number
}

const TRANSFERS_MAX = 20

/** Facts. */
export interface SharingEvents extends FileResponderEvents {
  /** A request was refused; the error says why. */
  refused: [facts: { from: string; error: BytestreamError }]
}

/** Sends files to those who ask for them, until it is stopped (XEP-0234 §6.2). Iterating over it gives each transfer as it begins. */
export class Sharing extends FileResponder<SharingEvents> {
  /** @internal */
  protected readonly peers: ExpectedPeers
  readonly #init: ShareInit
  /** Of requests that are being decided about, and of files under way. */
  readonly #places: Places

  /**
   * @throws BytestreamError `ERR_JID_MALFORMED` for one of `to`
   * @internal
   */
  constructor(clock: Clock, init: ShareInit) {
    super(clock)
    this.#init = init
    this.peers = new ExpectedPeers(init.to)
    const { transfersMax: max = TRANSFERS_MAX } = init
    this.#places = new Places({ max, among: this.expected.length, full: `${max} files are being sent already` })
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
    let place: Disposable | undefined
    const leave = () => place?.[Symbol.dispose]()
    try {
      place = this.#places.take({ from: bareJid(content.peer) })
      return await this.#grant(content, await this.#ask(content), leave)
    } catch (thrown) {
      leave()
      const error = refusalOf(thrown, 'request')
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
    const ask = () => this.#init.mayFetch({ from, name, size, mimeType, hashes, range })
    const path = await askProgram(this.clock, ask, { code: 'ERR_ITEM_NOT_FOUND', signal: this.stopping })
    if (path === undefined) throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is no such file')
    return path
  }

  async #grant(content: FileContent, path: string, leave: () => void): Promise<Accepted> {
    const { hashes = ['sha-256'] } = this.#init
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
        transfer.moveTo('negotiating')
        transfer.startFrom(part.kept)
        return await sendOver(this.clock, { file: content, source: open, path, part, hashes, transfer })
      }
      const facts = { direction: 'send', peer: content.peer, name, size: length } as const
      const transfer = this.begin(facts, work).once('done', leave).once('failed', leave)
      return {
        description: { kind: 'file', file },
        way: { ...this.#init, onStep: (step: InitiatorStep) => void transfer.emit('step', step) },
      }
    } catch (error) {
      await source[Symbol.asyncDispose]()
      throw error
    }
  }
}
