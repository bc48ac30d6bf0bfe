import { BytestreamError, type Clock, StanzaError, toBytestreamError, tryPrepareJid } from '../core/index.ts'
import { BackOff, type Session, type SessionEvents } from '../session/index.ts'
import { feedOptions, type Notification, NS, type PubsubItem, parseDelivery, parseNotification } from '../xep/index.ts'
import { isPassing } from './announcer.ts'
import type { Feed } from './feed-address.ts'
import type { Follower } from './followers.ts'

/** An item of a feed, as it was heard of. */
export interface HeardItem {
  readonly item: PubsubItem
  /** Whether it was told of just now. */
  readonly fresh: boolean
  /** What it is acknowledged by, where it waited in a queue. */
  readonly messageId: number | undefined
}

/** Whoever wants to know what happens on a feed. */
export interface FeedListener {
  /** What is published is heard of from now on; said once, before anything else of the feed but its end. */
  followed(feed: Feed): void
  item(feed: Feed, heard: HeardItem): void
  gone(feed: Feed, id: string, messageId: number | undefined): void
  /** All that was there is gone. */
  purged(feed: Feed): void
  closed(feed: Feed, reason: 'deleted' | 'unsubscribed'): void
  failed(error: BytestreamError): void
  /** Settles when there is room for more items. */
  room(): Promise<void>
}

export interface WatchedFeedComponents {
  readonly session: Session
  readonly clock: Clock
  readonly listener: FeedListener
  /** Beside others that follow the same feed. */
  readonly follower: Follower
  readonly signal: AbortSignal
}

/** Items of a feed that are looked at when it begins to be watched: the newest. */
const ITEMS_MAX = 10_000
/** Ids that are remembered to have changed while those are read. */
const CHANGED_MAX = 10_000
/** Milliseconds to unsubscribe when nobody watches any more. */
const LEAVE_MS_MAX = 5_000

/**
 * One feed that is followed. Where the service keeps a queue for its subscribers the account is subscribed, for good, and what was
 * published while it was away comes by itself; anywhere else this client is, for as long as it watches, and what it has missed is found
 * among the items, at the beginning and with each new connection.
 */
export class WatchedFeed {
  readonly #feed: Feed
  readonly #components: WatchedFeedComponents
  readonly #from: string
  readonly #backOff = new BackOff()
  /** Full JIDs that are subscribed for this client. */
  readonly #subscribed = new Set<string>()
  #changed: Set<string> | undefined
  #attending: Promise<void> = Promise.resolve()
  #cancelPause = () => {}
  #isOver = false
  #isFollowed = false
  #hasQueue = false

  constructor(components: WatchedFeedComponents, feed: Feed) {
    this.#components = components
    this.#feed = feed
    this.#from = tryPrepareJid(feed.service)
  }

  get feed(): Feed {
    return this.#feed
  }

  /** Whether the service keeps a queue for the account. */
  get hasQueue(): boolean {
    return this.#hasQueue
  }

  /** Subscribes, and looks at what is there. @throws StanzaError as the service answered; BytestreamError `ERR_TIMEOUT`, `ERR_SESSION_CLOSED`, `ERR_ABORTED` */
  async begin(): Promise<void> {
    const { session } = this.#components
    session.on('message', this.#onMessage)
    await this.#attend()
    if (!this.#isOver) session.on('online', this.#onOnline)
  }

  /** Hears nothing more, and ends what was subscribed for as long as this watched. */
  async end(): Promise<void> {
    const { session, follower } = this.#components
    this.#isOver = true
    this.#cancelPause()
    session.off('message', this.#onMessage).off('online', this.#onOnline)
    const { pubsub, node } = this.#feed
    const unsubscribe = (jid: string) => pubsub.unsubscribe(node, { jid, answerMsMax: LEAVE_MS_MAX })
    await follower.leave(() => Promise.allSettled([...this.#subscribed].map(unsubscribe)))
  }

  readonly #onOnline = () => {
    this.#cancelPause()
    this.#attending = this.#attending.then(() => this.#attendAgain())
  }

  async #attendAgain(): Promise<void> {
    const { session, clock, listener } = this.#components
    if (this.#isOver || !session.isOnline) return
    try {
      await this.#attend()
      this.#backOff.reset()
    } catch (thrown) {
      const error = toBytestreamError(thrown)
      if (this.#isOver) return
      if (!isPassing(error)) listener.failed(error)
      // A new connection ends the pause.
      else if (session.isOnline) this.#cancelPause = clock.after(this.#backOff.next(), this.#onOnline)
    }
  }

  async #attend(): Promise<void> {
    const isToBeRead = await this.#components.follower.inTurn(() => this.#subscribe())
    this.#isHeardOf()
    if (isToBeRead) await this.#readItems()
  }

  /** A service may tell of what is published before it answers that we are subscribed. */
  #isHeardOf(): void {
    if (this.#isFollowed) return
    this.#isFollowed = true
    this.#components.listener.followed(this.#feed)
  }

  /** @returns whether there may be items we have not heard of */
  async #subscribe(): Promise<boolean> {
    const { pubsub, node } = this.#feed
    const { signal } = this.#components
    const { features } = await pubsub.describe(undefined, { signal })
    this.#hasQueue = features.includes(NS.feeds)
    if (this.#hasQueue) return await this.#subscribeAccount()
    const jid = pubsub.address
    await this.#leaveOld(jid)
    await pubsub.subscribe(node, { jid, signal })
    this.#subscribed.add(jid)
    return true
  }

  async #subscribeAccount(): Promise<boolean> {
    const { pubsub, node } = this.#feed
    const { signal, follower } = this.#components
    const settings = { [feedOptions.queue]: true, [feedOptions.keys]: follower.keys }
    for await (const { jid, state, subid } of pubsub.subscriptions(node, { signal })) {
      if (jid !== pubsub.account || state !== 'subscribed') continue
      await pubsub.changeSettings(node, settings, { subid, signal })
      return false
    }
    await pubsub.subscribe(node, { settings, signal })
    return true
  }

  /** Of earlier connections, under other addresses. */
  async #leaveOld(now: string): Promise<void> {
    const { pubsub, node } = this.#feed
    for (const jid of this.#subscribed) {
      if (jid === now) continue
      this.#subscribed.delete(jid)
      await pubsub.unsubscribe(node, { jid, signal: this.#components.signal }).catch(() => {})
    }
  }

  /** What is heard meanwhile is newer than what is read. */
  async #readItems(): Promise<void> {
    const { pubsub, node } = this.#feed
    const { listener, signal } = this.#components
    const changed = new Set<string>()
    this.#changed = changed
    try {
      for await (const item of pubsub.items(node, { max: ITEMS_MAX, signal })) {
        if (this.#isOver) return
        await listener.room()
        if (item.id === undefined || !changed.has(item.id)) listener.item(this.#feed, { item, fresh: false, messageId: undefined })
      }
    } catch (thrown) {
      // Who may subscribe need not be one who may read, nor does every service keep items.
      if (!(thrown instanceof StanzaError) || isPassing(thrown)) throw thrown
    } finally {
      this.#changed = undefined
    }
  }

  readonly #onMessage = (message: SessionEvents['message'][0], stanza: SessionEvents['message'][1]) => {
    if (message.type === 'error' || tryPrepareJid(message.from ?? '') !== this.#from) return
    const notification = parseNotification(stanza)
    if (notification && this.#isOurs(notification)) this.#hear(notification, parseDelivery(stanza))
  }

  /** What comes by way of a collection belongs to it, too (XEP-0248). */
  #isOurs({ event, collection }: Notification): boolean {
    const about = event.kind === 'subscription' ? event.subscription.node : event.node
    return about === this.#feed.node || collection === this.#feed.node
  }

  #hear({ event }: Notification, messageId: number | undefined): void {
    const { listener } = this.#components
    switch (event.kind) {
      case 'items':
        this.#isHeardOf()
        for (const id of event.retracted) {
          this.#hasChanged(id)
          listener.gone(this.#feed, id, messageId)
        }
        for (const item of event.items) {
          this.#hasChanged(item.id)
          listener.item(this.#feed, { item, fresh: true, messageId })
        }
        return
      case 'purge':
        return listener.purged(this.#feed)
      case 'delete':
        return event.node === this.#feed.node ? listener.closed(this.#feed, 'deleted') : undefined
      case 'subscription':
        return event.subscription.state === 'none' ? listener.closed(this.#feed, 'unsubscribed') : undefined
      default:
        return
    }
  }

  #hasChanged(id: string | undefined): void {
    if (id === undefined || !this.#changed) return
    if (this.#changed.size < CHANGED_MAX) this.#changed.add(id)
    else
      this.#components.listener.failed(
        new BytestreamError('ERR_PUBSUB_LIMIT', `more than ${CHANGED_MAX} items changed while the feed was read`),
      )
  }
}
