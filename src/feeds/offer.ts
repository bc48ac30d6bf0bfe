import { EventEmitter } from 'node:events'
import { BytestreamError, bareJid, type Clock, type ErrorCode, orAbort, startDeadline, toBytestreamError } from '../core/index.ts'
import type { Session } from '../session/index.ts'
import type { Published, StartRequest, Transfer, TransferResult } from '../transfer/index.ts'
import { type Announcement, buildJingleUri } from '../xep/index.ts'
import { Announcer } from './announcer.ts'
import type { Audience } from './audience.ts'
import { type DownloadLimits, Downloads } from './downloads.ts'
import { type DescribedFile, OfferedFile } from './offered-file.ts'
import type { AnnouncingPlace } from './places.ts'

/** How an offer is over: taken back, left as one that comes back, too old, sent as often as it was to be, with another content than was announced, or refused by the feed. */
export type OfferEndReason = 'withdrawn' | 'paused' | 'expired' | 'used up' | 'changed' | 'failed'

/** How an offer came to its end. */
export interface OfferEnd {
  readonly reason: OfferEndReason
  /** Downloads that were done. */
  readonly downloads: number
  /** What is wrong with the file, or what the feed has answered. */
  readonly error?: BytestreamError | undefined
}

/** What is offered, to whom, how often, for how long. */
export interface OfferInit extends DescribedFile, DownloadLimits {
  /** Words with dots between them, by which subscribers choose: `linux.amd64`. */
  readonly routingKey?: string | undefined
  /** Milliseconds until it expires. Default: never. */
  readonly forMs?: number | undefined
  /** Accounts that may have it, as bare JIDs, full JIDs or domains. Default: whoever may see the node. */
  readonly to?: readonly string[] | undefined
  /** Whether it is announced at the account's own node `https://www.npmjs.com/package/streamhost#feeds` as well (XEP-0163): for a feed that is open, or with `to`. Default false. */
  readonly onPep?: boolean | undefined
  /** What becomes of it when its {@link Feeds} are closed: taken back, or left there as one whose owner is away. Default `withdraw`. */
  readonly keep?: 'withdraw' | 'pause' | undefined
  /** Ends the preparations: reading the file, and announcing it, which is taken back within 10 s. Afterwards it has no meaning. */
  readonly signal?: AbortSignal | undefined
}

/** Facts. After `ended` there are none. */
export interface OfferEvents {
  /** It was announced: for the first time, again where the server has given this client another address, or with another file. */
  announced: [announcement: Announcement]
  /** Somebody downloads it. */
  started: [transfer: Transfer]
  /** A download is done. */
  finished: [facts: { transfer: Transfer; result: TransferResult }]
  /** A download has failed. */
  broken: [facts: { transfer: Transfer; error: BytestreamError }]
  /** Somebody asked, and got nothing. */
  refused: [facts: { from: string; error: BytestreamError }]
  ended: [end: OfferEnd]
}

/** What an offer needs of whoever made it. */
export interface OfferComponents {
  readonly session: Session
  readonly clock: Clock
  readonly places: readonly AnnouncingPlace[]
  readonly audience: Audience
}

/** What is on offer. */
export interface OfferOrigin {
  readonly id: string
  readonly file: OfferedFile
  /** Whether it is announced already, as one whose owner is away. */
  readonly isTakenOver?: boolean | undefined
}

/** Milliseconds for the feed to hear that an offer is over, when the program waits for it. */
const END_MS_MAX = 10_000

/** What whoever asks for an offer that is over is told. */
const answers: Readonly<Record<OfferEndReason, readonly [code: ErrorCode, text: string]>> = {
  withdrawn: ['ERR_OFFER_WITHDRAWN', 'it was withdrawn'],
  paused: ['ERR_SHUTTING_DOWN', 'it is not to be had at the moment'],
  expired: ['ERR_OFFER_EXPIRED', 'it has expired'],
  'used up': ['ERR_OFFER_USED_UP', 'it was sent as often as it was to be'],
  changed: ['ERR_OFFER_WITHDRAWN', 'the file is another than was announced'],
  failed: ['ERR_OFFER_WITHDRAWN', 'it is offered no more'],
}

/** What whoever asks for an offer hears when it is over. */
export function answerOf(reason: OfferEndReason): BytestreamError {
  const [code, text] = answers[reason]
  return new BytestreamError(code, text)
}

/**
 * A file on offer: it stays announced under the address this client has, and is sent to whoever may have it, until it is withdrawn,
 * expires, or was sent as often as it was to be.
 */
export class Offer extends EventEmitter<OfferEvents> {
  /** Of the announcement; in links, and in what asks for it. */
  readonly id: string
  /** Settles when it is over; never rejects. */
  readonly done: Promise<OfferEnd>
  readonly #components: OfferComponents
  readonly #init: OfferInit
  readonly #isTakenOver: boolean
  readonly #announcer: Announcer
  readonly #downloads: Downloads
  readonly #expiresMs: number | undefined
  #file: OfferedFile
  #announcement: Announcement
  #end: OfferEnd | undefined
  /** Aborted with what whoever asks then hears. */
  readonly #over = new AbortController()
  #cancelExpiry = () => {}
  #told: Promise<void> = Promise.resolve()
  #resolve = (_: OfferEnd) => {}

  /** @internal */
  constructor(components: OfferComponents, { id, file, isTakenOver = false }: OfferOrigin, init: OfferInit) {
    super()
    const { session, clock, places } = components
    this.#components = components
    this.#init = init
    this.id = id
    this.#isTakenOver = isTakenOver
    this.#file = file
    this.#downloads = new Downloads(clock, init)
    this.#expiresMs = init.forMs === undefined ? undefined : Date.now() + init.forMs
    this.#announcement = this.#describe('available')
    this.#announcer = new Announcer({ session, clock }, places, (error) => this.#finish('failed', error))
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** What is told of it. */
  get announcement(): Announcement {
    return this.#announcement
  }

  /** A link to it: `xmpp:ci@example.org?jingle;id=…`. */
  get uri(): string {
    return buildJingleUri({ jid: bareJid(this.#announcement.owner), id: this.id })
  }

  /** Downloads that are under way. */
  get running(): ReadonlySet<Transfer> {
    return this.#downloads.running
  }

  /** Downloads that are done; of the file that is on offer now. */
  get downloads(): number {
    return this.#downloads.done
  }

  /** How it is over; `undefined` while it is not. */
  get end(): OfferEnd | undefined {
    return this.#end
  }

  /**
   * Takes it back: subscribers hear of it, downloads that are under way go on.
   *
   * @throws StanzaError as the feed answered; BytestreamError `ERR_TIMEOUT` when it has not heard of it yet
   */
  async withdraw(): Promise<void> {
    this.#finish('withdrawn')
    await this.#heard()
  }

  /**
   * Goes, and leaves it announced as one whose owner is away; whoever offers the same file there again takes it over.
   *
   * @throws as {@link withdraw}
   */
  async pause(): Promise<void> {
    this.#finish('paused')
    await this.#heard()
  }

  /**
   * Offers another file in its place, under the same id: subscribers hear of it as of a new one.
   *
   * @throws BytestreamError `ERR_FILE`, `ERR_ABORTED`; `ERR_OFFER_WITHDRAWN` or how else it is over already; as the feed answered
   */
  async replace(path: string, described: DescribedFile = {}, signal?: AbortSignal): Promise<void> {
    const file = await OfferedFile.inspect(path, { ...this.#init, ...described }, signal)
    if (this.#end) throw answerOf(this.#end.reason)
    this.#file = file
    this.#downloads.startAgain()
    await this.#announce()
  }

  /** Announces it, and begins to keep that fresh; what does not succeed is taken back, as far as it has come. @internal */
  async begin(): Promise<void> {
    const { session, clock } = this.#components
    try {
      await orAbort(this.#announce(), this.#init.signal)
    } catch (error) {
      this.#finish(this.#isTakenOver ? 'paused' : 'withdrawn')
      await this.#heard().catch(() => {})
      throw error
    }
    session.on('online', this.#onOnline)
    const { forMs } = this.#init
    if (forMs !== undefined) this.#cancelExpiry = clock.after(forMs, () => this.#finish('expired'))
  }

  /**
   * Grants a download.
   *
   * @throws BytestreamError `ERR_FORBIDDEN`, `ERR_OFFER_BUSY`, and how it is over
   * @internal
   */
  async grant(request: StartRequest): Promise<Published> {
    if (!(await this.#components.audience.may(request.from))) throw new BytestreamError('ERR_FORBIDDEN', 'it is not offered to you')
    await this.#checkFile()
    if (this.#end) throw answerOf(this.#end.reason)
    this.#downloads.grant(request)
    const { mediaType: mimeType, description } = this.#file.announced
    const onNotBegun = () => this.#downloads.giveUp(request)
    return { path: this.#file.path, mimeType, description, signal: this.#over.signal, onNotBegun }
  }

  /** Whether somebody is to learn where to ask. @internal */
  isFor(from: string): boolean {
    return this.#components.audience.isFor(from)
  }

  /** A download that was granted begins. @internal */
  started(request: StartRequest, transfer: Transfer): void {
    this.#downloads.begin(request, transfer)
    transfer.once('done', (result) => {
      this.emit('finished', { transfer, result })
      if (this.#downloads.isUsedUp) this.#finish('used up')
    })
    transfer.once('failed', (error) => {
      this.emit('broken', { transfer, error })
      // What cannot be read any more, or was changed, cannot be sent to others either.
      if (error.code === 'ERR_FILE' || error.code === 'ERR_INTEGRITY') void this.#checkFile()
    })
    this.emit('started', transfer)
  }

  /** Somebody was refused, or what was granted did not begin. @internal */
  refused(from: string, error: BytestreamError): void {
    this.emit('refused', { from, error })
  }

  /** Goes in the way that was chosen for this. @internal */
  async close(): Promise<void> {
    await (this.#init.keep === 'pause' ? this.pause() : this.withdraw())
  }

  #describe(state: Announcement['state']): Announcement {
    const { routingKey, downloadsMax, atOnceMax } = this.#init
    return {
      ...{ id: this.id, owner: this.#components.session.jid, protocols: ['jingle', 'si'], file: this.#file.announced, state },
      ...{ expiresMs: this.#expiresMs, routingKey, downloadsMax, atOnceMax },
    }
  }

  async #announce(): Promise<void> {
    this.#announcement = this.#describe('available')
    const announcement = this.#announcement
    await this.#announcer.tell(announcement)
    if (!this.#end && announcement === this.#announcement) this.emit('announced', announcement)
  }

  /** Under another address whoever asks at the one that was announced finds nobody. */
  readonly #onOnline = () => {
    if (this.#announcement.owner === this.#components.session.jid) return
    this.#announce().catch(() => {}) // The announcer tells what cannot be mended.
  }

  async #checkFile(): Promise<void> {
    const file = this.#file
    try {
      await file.check()
    } catch (error) {
      if (file === this.#file) this.#finish('changed', toBytestreamError(error))
    }
  }

  #finish(reason: OfferEndReason, error?: BytestreamError): void {
    if (this.#end) return
    const end = { reason, downloads: this.#downloads.done, error }
    this.#end = end
    this.#over.abort(answerOf(reason))
    this.#cancelExpiry()
    this.#components.session.off('online', this.#onOnline)
    this.#downloads[Symbol.dispose]()
    this.#tellEnd(reason)
    this.emit('ended', end)
    this.#resolve(end)
  }

  /** While there is no connection it waits for one. */
  #tellEnd(reason: OfferEndReason): void {
    const over = () => this.#announcer[Symbol.dispose]()
    if (reason === 'failed') return over()
    this.#told = this.#announcer.tell(reason === 'paused' ? this.#describe('paused') : undefined).finally(over)
    this.#told.catch(() => {}) // Whoever waits for it hears why.
  }

  /** Settles when the feed has heard that it is over. @throws as the feed answered; BytestreamError `ERR_TIMEOUT` */
  async #heard(): Promise<void> {
    using deadline = startDeadline(this.#components.clock, END_MS_MAX, 'ERR_TIMEOUT', 'the feed did not answer in time')
    await orAbort(this.#told, deadline.signal)
  }
}
