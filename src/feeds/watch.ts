import { abortError, BytestreamError, type Clock, orAbort, toBytestreamError } from '../core/index.ts'
import { isAnyMeant } from '../pubsub/index.ts'
import type { SessionEvents } from '../session/index.ts'
import type { Transfer, TransferClient } from '../transfer/index.ts'
import { type Announcement, type FeedAcceptance, type PubsubItem, parseAnnouncement, parseEntryTitle } from '../xep/index.ts'
import type { Acknowledgements, Acknowledging } from './acknowledgements.ts'
import type { Attendance } from './attendance.ts'
import { EventQueue } from './event-queue.ts'
import type { Feed, FeedAddress, FeedName, FeedServices } from './feed-address.ts'
import type { FeedEvent, OnFeed } from './feed-events.ts'
import { Fetches } from './fetches.ts'
import type { Followers } from './followers.ts'
import { obtainAnnounced } from './obtaining.ts'
import { checkAccepted, checkOwner } from './trust.ts'
import { type FeedListener, type HeardItem, WatchedFeed } from './watched-feed.ts'
import type { Way } from './way.ts'

/** What is watched for, and what becomes of it. */
export interface WatchInit extends Way {
  /** The folder files are fetched into; made if it is not there. Without one nothing is fetched. */
  readonly into?: string | undefined
  /** Patterns of routing keys: words with dots between them, `*` for any one, `#` for any number. Default: all. */
  readonly keys?: readonly string[] | undefined
  /** What is fetched at all; our service does not tell us of anything else. Default: all. */
  readonly accept?: FeedAcceptance | undefined
  /** Called with each feed once the service has subscribed us: before anything is told of it, and not if it refuses us. A failure ends the watch. */
  readonly onFollowed?: ((feed: FeedAddress) => unknown) | undefined
  /** The same with each feed to which an owner has to let us in first: then `onFollowed` is called, or it is closed. */
  readonly onPending?: ((feed: FeedAddress) => unknown) | undefined
  /** Asked for each file that is fetched otherwise; `false` passes it over. */
  readonly mayFetch?: ((about: OnFeed) => boolean | Promise<boolean>) | undefined
  /** Whether files are fetched of others than whoever published them, as long as they have a hash. Default false. */
  readonly anyOwner?: boolean | undefined
  /** Files fetched at once. Default 4. */
  readonly concurrency?: number | undefined
  /** Whether it ends with the first file that was fetched, or could not be; without `into`, with the first announcement. Default false. */
  readonly once?: boolean | undefined
  /** Ends the iteration, which fails with its reason. */
  readonly signal?: AbortSignal | undefined
}

export interface WatchComponents {
  readonly clock: Clock
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly client: TransferClient
  readonly services: FeedServices
  readonly attendance: Attendance
  /** Of all watches of this client. */
  readonly acknowledgements: Acknowledgements
  /** The same. */
  readonly followers: Followers
}

const CONCURRENCY = 4
/** Feeds that are watched together. */
const FEEDS_MAX = 1_000

/** What ends a watch that ends with the first. */
const settled: readonly FeedEvent['kind'][] = ['fetched', 'there already', 'failed']

/**
 * Follows feeds, and fetches what is announced there where that is wanted. It begins at once, and ends when the iteration does; events
 * nobody looks at are bounded, and fail it. Where our service keeps a queue for the account, an announcement is acknowledged when its file is
 * here, or is not to be had any more; without `into`, when whoever iterates asks for the next event. Who leaves the loop before that, by
 * `break`, `return` or an error, is told of it again the next time; a watch that ends by itself (`once`) leaves none behind. Watches of one
 * client that follow the same feed have one subscription, for what any of them wants; a message is acknowledged when all of them are done.
 */
export class Watch implements AsyncIterableIterator<FeedEvent, undefined>, AsyncDisposable {
  readonly #components: WatchComponents
  readonly #init: WatchInit
  readonly #events = new EventQueue<FeedEvent>()
  readonly #fetches: Fetches
  readonly #acknowledging: Acknowledging
  readonly #stopping = new AbortController()
  readonly #feeds: WatchedFeed[] = []
  readonly #left: Disposable[] = []
  readonly #began: Promise<void>
  /** Settles when it is over. @internal */
  readonly ended: Promise<void>
  #stopped: Promise<void> | undefined
  #resolve = () => {}
  #open = 0

  /** @internal */
  constructor(components: WatchComponents, feeds: readonly FeedName[], init: WatchInit) {
    const { clock, now, client, acknowledgements } = components
    this.#components = components
    this.#init = init
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#acknowledging = acknowledgements.join()
    this.#fetches = new Fetches(
      {
        clock,
        now,
        tell: (event, onDone) => this.#tell(event, onDone),
        acknowledge: (service, messageId) => this.#acknowledging.done(service, messageId),
        check: (about, signal) => this.#check(about, signal),
        obtain: (announcement, into, signal) => this.#obtain(announcement, into, signal),
      },
      { into: init.into, concurrency: init.concurrency ?? CONCURRENCY },
    )
    client.session.once('ended', this.#onEnded)
    init.signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (init.signal?.aborted) this.#onAbort()
    this.#began = this.#begin(feeds).catch((error: unknown) => this.#end(toBytestreamError(error)))
  }

  /** Itself: there is one course of events, for one that looks at them. */
  [Symbol.asyncIterator](): this {
    return this
  }

  /**
   * The next event.
   *
   * @throws BytestreamError `ERR_PUBSUB_LIMIT` when more came than may wait, `ERR_ABORTED`, `ERR_SERVICE_UNAVAILABLE` without a service, or
   *   why the session is over; StanzaError as a service answered
   */
  async next(): Promise<IteratorResult<FeedEvent, undefined>> {
    try {
      const next = await this.#events.next()
      if (next.done) await this.stop()
      return next
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Stops; the event that was given last is not acknowledged by this. */
  async return(): Promise<IteratorResult<FeedEvent, undefined>> {
    this.#events.drop()
    await this.stop()
    return { value: undefined, done: true }
  }

  /** Ends it: what is being fetched stays for another time, as far as it came. Whoever iterates gets what has come, and then the end. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop().finally(this.#resolve)
    return this.#stopped
  }

  /** Does what {@link stop} does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #begin(names: readonly FeedName[]): Promise<void> {
    if (names.length === 0 || names.length > FEEDS_MAX) {
      throw new BytestreamError('ERR_CONFIG', `from 1 to ${FEEDS_MAX} feeds are watched together`)
    }
    const { clock, client, services, attendance, followers } = this.#components
    const { keys = [], accept = {} } = this.#init
    const { signal } = this.#stopping
    const named = await Promise.all(names.map((name) => services.at(name, { signal })))
    const found = [...new Map(named.map((feed) => [JSON.stringify(addressOf(feed)), feed])).values()]
    this.#open = found.length
    for (const feed of found) {
      const follower = followers.join(feed, keys)
      const watched = new WatchedFeed({ session: client.session, clock, listener: this.#listener, follower, signal }, feed)
      this.#feeds.push(watched)
      await watched.begin()
    }
    if (signal.aborted) return
    // What has waited comes when there is somebody to hear it.
    for (const service of new Set(found.map((feed) => feed.service))) {
      const hasQueues = this.#feeds.some((watched) => watched.hasQueue && watched.feed.service === service)
      this.#left.push(attendance.attend(service, accept, { hasQueues }))
    }
  }

  async #stop(): Promise<void> {
    this.#stopping.abort(new BytestreamError('ERR_ABORTED', 'nothing is watched any more'))
    this.#components.client.session.off('ended', this.#onEnded)
    this.#init.signal?.removeEventListener('abort', this.#onAbort)
    this.#end()
    await this.#began
    await this.#acknowledging.told()
    this.#acknowledging[Symbol.dispose]()
    for (const leave of this.#left.splice(0)) leave[Symbol.dispose]()
    await Promise.all(this.#feeds.map((watched) => watched.end()))
  }

  /** Nothing more is told: what runs is ended, and what comes is left for another time. */
  #end(error?: BytestreamError): void {
    this.#events.end(error)
    this.#fetches[Symbol.dispose]()
  }

  readonly #onEnded = ({ error }: SessionEvents['ended'][0]) => this.#end(error)

  readonly #onAbort = () => this.#end(abortError(this.#init.signal as AbortSignal))

  #tell(event: FeedEvent, onDone?: () => void): boolean {
    const isTaken = this.#events.push(event, onDone)
    const isLast = this.#init.into === undefined ? event.kind === 'announced' : settled.includes(event.kind)
    if (!isTaken || (this.#init.once && isLast)) this.#end()
    return isTaken
  }

  readonly #listener: FeedListener = {
    followed: (feed) => this.#call(this.#init.onFollowed, feed),
    pending: (feed) => this.#call(this.#init.onPending, feed),
    item: (feed, heard) => this.#hear(feed, heard),
    gone: (feed, id, messageId) => {
      if (this.#events.isOver) return
      this.#fetches.gone(addressOf(feed), id)
      if (messageId === undefined) return
      this.#acknowledging.heard(feed.service, messageId)
      this.#acknowledging.done(feed.service, messageId)
    },
    purged: (feed) => this.#fetches.allGone(addressOf(feed)),
    closed: (feed, reason) => {
      this.#fetches.allGone(addressOf(feed))
      this.#tell({ kind: 'closed', ...addressOf(feed), reason })
      this.#open -= 1
      if (this.#open === 0) this.#end()
    },
    failed: (error) => this.#end(error),
    room: () => this.#events.room(),
  }

  #call(callback: WatchInit['onFollowed'], feed: Feed): void {
    if (this.#events.isOver) return
    const fail = (thrown: unknown) => this.#end(toBytestreamError(thrown))
    try {
      Promise.resolve(callback?.(addressOf(feed))).catch(fail)
    } catch (thrown) {
      fail(thrown)
    }
  }

  #hear(feed: Feed, { item, fresh, messageId }: HeardItem): void {
    if (this.#events.isOver) return
    const about = { ...addressOf(feed), publisher: item.publisher }
    const announcement = announcementIn(item, feed)
    if (messageId !== undefined) this.#acknowledging.heard(feed.service, messageId)
    const acknowledge = () => messageId !== undefined && this.#acknowledging.done(feed.service, messageId)
    if (announcement) {
      if (this.#isMeant(announcement)) this.#fetches.hear({ ...about, announcement }, fresh, messageId)
      else acknowledge()
      return
    }
    const text = item.payload && parseEntryTitle(item.payload)
    if (text === undefined) return void acknowledge()
    this.#tell({ kind: 'said', ...about, id: item.id ?? '', text, fresh }, acknowledge)
  }

  /** Services of others tell us of every key. */
  #isMeant({ routingKey }: Announcement): boolean {
    return isAnyMeant(this.#init.keys, routingKey)
  }

  async #check(about: OnFeed, signal: AbortSignal): Promise<void> {
    const { anyOwner = false, accept = {}, mayFetch } = this.#init
    const { announcement, publisher } = about
    checkOwner(announcement, { feed: about, publisher, self: this.#components.client.jid, anyOwner })
    checkAccepted(announcement, accept)
    if (mayFetch && !(await orAbort(Promise.resolve(mayFetch(about)), signal))) {
      throw new BytestreamError('ERR_DECLINED', 'it is not wanted')
    }
  }

  #obtain(announcement: Announcement, into: string, signal: AbortSignal): Transfer {
    const { method, proxy, ownHosts, timings, accept: { sizeBytesMax: fileBytesMax = Infinity, methods } = {} } = this.#init
    const init = { method, proxy, ownHosts, timings, fileBytesMax, into, signal }
    return obtainAnnounced(this.#components.client, announcement, init, methods)
  }
}

const addressOf = ({ service, node }: Feed): FeedAddress => ({ service, node })

/** @returns `undefined` for what announces no file, or not as it should */
function announcementIn({ id, payload }: PubsubItem, { service }: Feed): Announcement | undefined {
  try {
    const announcement = payload && parseAnnouncement(payload, service)
    // An item that is replaced, or retracted, is known by its own id.
    return announcement && id !== undefined ? announcement : undefined
  } catch {
    return undefined
  }
}
