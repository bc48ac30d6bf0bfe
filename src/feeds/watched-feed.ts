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
  /** An owner has to let us in before; said once. */
  pending(feed: Feed): void
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
/** Notifications that are kept until the service has answered whether we are subscribed. */
const EARLY_MAX = 1_000
/** Milliseconds to unsubscribe when nobody watches any more. */
const LEAVE_MS_MAX = 5_000
/** Milliseconds until an account asks again whether it was let in: what is said to it need not reach this program. Then ever longer. */
const LET_IN_MS = 10_000
const LET_IN_MS_MAX = 300_000

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
  readonly #granting = new BackOff({ firstMs: LET_IN_MS, retryMsMax: LET_IN_MS_MAX })
  /** Full JIDs that are subscribed for this client. */
  readonly #subscribed = new Set<string>()
  #changed: Set<string> | undefined
  /** What came while the service was asked; `undefined` while it is not heard at all, or at once. */
  #early: (() => void)[] | undefined = []
  #attending: Promise<void> = Promise.resolve()
  #cancelPause = () => {}
  #isOver = false
  /** What the service answered last. */
  #isSubscribed = false
  #isFollowed = false
  #isPending = false
  /** Whether there may be items we have not heard of. */
  #isToBeRead = false
  #hasQueue = false

  constructor(components: WatchedFeedComponents, feed: Feed) {
    this.#components = components
    this.#feed = feed
    this.#from = tryPrepareJid(feed.service)
  }

  get feed(): Feed {
    return this.#feed
  }

  /** Who is subscribed: the account where the service keeps a queue for it, else this client. */
  get #jid(): string {
    const { pubsub } = this.#feed
    return this.#hasQueue ? pubsub.account : pubsub.address
  }

  /** Whether the service keeps a queue for the account. */
  get hasQueue(): boolean {
    return this.#hasQueue
  }

  /** Subscribes, and looks at what is there. @throws StanzaError as the service answered; BytestreamError `ERR_TIMEOUT`, `ERR_SESSION_CLOSED`, `ERR_ABORTED` */
  async begin(): Promise<void> {
    const { session } = this.#components
    session.on('message', this.#onMessage)
    const attended = this.#attend()
    this.#attending = attended.catch(() => {})
    await attended
    if (!this.#isOver) session.on('online', this.#onOnline)
  }

  /** Hears nothing more, and ends what was subscribed for as long as this watched. */
  async end(): Promise<void> {
    const { follower } = this.#components
    this.#hearNoMore()
    const { pubsub, node } = this.#feed
    const unsubscribe = (jid: string) => pubsub.unsubscribe(node, { jid, answerMsMax: LEAVE_MS_MAX })
    await follower.leave(() => Promise.allSettled([...this.#subscribed].map(unsubscribe)))
  }

  #hearNoMore(): void {
    this.#isOver = true
    this.#cancelPause()
    this.#components.session.off('message', this.#onMessage).off('online', this.#onOnline)
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

  /** An owner has let us in, as it seems: the answer when we ask again says so. */
  #onGranted(): void {
    if (this.#isSubscribed) return
    this.#early ??= []
    this.#attending = this.#attending.then(() => (this.#isSubscribed ? undefined : this.#attendAgain()))
  }

  async #attend(): Promise<void> {
    this.#isSubscribed = await this.#components.follower.inTurn(() => this.#subscribe())
    if (!this.#isSubscribed) return this.#wait()
    // What is heard from here on is newer than what is read.
    const read = this.#isToBeRead ? this.#readItems() : undefined
    this.#follow()
    await read
  }

  /** What comes now comes by another subscription. */
  #wait(): void {
    this.#early = undefined
    if (this.#isOver) return
    if (this.#hasQueue) this.#cancelPause = this.#components.clock.after(this.#granting.next(), this.#onOnline)
    if (this.#isFollowed || this.#isPending) return
    this.#isPending = true
    this.#components.listener.pending(this.#feed)
  }

  #follow(): void {
    if (!this.#isFollowed) this.#components.listener.followed(this.#feed)
    this.#isFollowed = true
    const early = this.#early ?? []
    this.#early = undefined
    for (const hear of early) hear()
  }

  /** @returns whether we are; an owner may have to let us in */
  async #subscribe(): Promise<boolean> {
    const { pubsub } = this.#feed
    const { signal } = this.#components
    const { features } = await pubsub.describe(undefined, { signal })
    this.#hasQueue = features.includes(NS.feeds)
    if (this.#hasQueue) return await this.#subscribeAccount()
    const jid = pubsub.address
    await this.#leaveOld(jid)
    this.#isToBeRead = true
    this.#subscribed.add(jid)
    return await this.#ask({ jid, signal })
  }

  async #subscribeAccount(): Promise<boolean> {
    const { pubsub, node } = this.#feed
    const { signal, follower } = this.#components
    const settings = { [feedOptions.queue]: true, [feedOptions.keys]: follower.keys }
    let isAsked = false
    for await (const { jid, state, subid } of pubsub.subscriptions(node, { signal })) {
      if (jid !== pubsub.account) continue
      isAsked ||= state === 'pending'
      if (state !== 'subscribed') continue
      await pubsub.changeSettings(node, settings, { subid, signal })
      return true
    }
    this.#isToBeRead = true
    if (isAsked) return false
    if (!this.#isPending || this.#isFollowed) return await this.#ask({ settings, signal })
    this.#close('unsubscribed')
    return false
  }

  async #ask(init: Parameters<Feed['pubsub']['subscribe']>[1]): Promise<boolean> {
    const { pubsub, node } = this.#feed
    try {
      return (await pubsub.subscribe(node, init)).state === 'subscribed'
    } catch (thrown) {
      // So is answered who waits already (XEP-0060 §6.1.3.7).
      if (thrown instanceof StanzaError && thrown.stanzaError.application?.[0] === 'pending-subscription') return false
      throw thrown
    }
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
    this.#isToBeRead = false
  }

  readonly #onMessage = (message: SessionEvents['message'][0], stanza: SessionEvents['message'][1]) => {
    if (message.type === 'error' || tryPrepareJid(message.from ?? '') !== this.#from) return
    const notification = parseNotification(stanza)
    if (!notification || !this.#isOurs(notification)) return
    const { kind } = notification.event
    const hear = () => this.#hear(notification, parseDelivery(stanza))
    if (this.#isSubscribed || (kind !== 'items' && kind !== 'purge')) return hear()
    // A service may tell of what is published before it answers that we are subscribed; so may another subscription.
    if (!this.#early || this.#early.length < EARLY_MAX) this.#early?.push(hear)
    else this.#tooMany(`more than ${EARLY_MAX} notifications came before the service had subscribed us`)
  }

  #tooMany(what: string): void {
    this.#components.listener.failed(new BytestreamError('ERR_PUBSUB_LIMIT', what))
  }

  /** What comes by way of a collection belongs to it, too (XEP-0248). */
  #isOurs({ event, collection }: Notification): boolean {
    const { node } = this.#feed
    if (event.kind !== 'subscription') return event.node === node || collection === node
    const { subscription } = event
    return subscription.node === node && tryPrepareJid(subscription.jid) === tryPrepareJid(this.#jid)
  }

  #hear({ event }: Notification, messageId: number | undefined): void {
    const { listener } = this.#components
    switch (event.kind) {
      case 'items':
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
        return event.node === this.#feed.node ? this.#close('deleted') : undefined
      case 'subscription':
        if (event.subscription.state === 'subscribed') this.#onGranted()
        if (event.subscription.state === 'none') this.#close('unsubscribed')
        return
      default:
        return
    }
  }

  #close(reason: 'deleted' | 'unsubscribed'): void {
    if (this.#isOver) return
    this.#hearNoMore()
    this.#components.listener.closed(this.#feed, reason)
  }

  #hasChanged(id: string | undefined): void {
    if (id === undefined || !this.#changed) return
    if (this.#changed.size < CHANGED_MAX) this.#changed.add(id)
    else this.#tooMany(`more than ${CHANGED_MAX} items changed while the feed was read`)
  }
}
