import { randomUUID } from 'node:crypto'
import { bareJid, type Clock, systemClock } from '../core/index.ts'
import type { Transfer, TransferClient } from '../transfer/index.ts'
import { type Announcement, parseJingleUri, parseNodeUri } from '../xep/index.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { Attendance } from './attendance.ts'
import { everybody, NamedAudience, NodeAudience } from './audience.ts'
import { earlierId } from './earlier-offer.ts'
import { type Feed, type FeedName, FeedServices } from './feed-address.ts'
import { Followers } from './followers.ts'
import { type Addressee, addresseeOf, publishText, say } from './notify.ts'
import { type GetInit, obtainAnnounced } from './obtaining.ts'
import { Offer, type OfferInit, type OfferOrigin } from './offer.ts'
import { OfferedFile } from './offered-file.ts'
import { Offers, type OffersInit } from './offers.ts'
import { checkIsOpen } from './open-to-contacts.ts'
import { type AnnouncingPlace, FeedPlace, PersonalPlace } from './places.ts'
import { Watch, type WatchInit } from './watch.ts'

/** What a program gives, besides what its user sets. */
export interface FeedsComponents {
  readonly clock?: Clock
  /** Milliseconds since 1970: what has expired is not fetched. */
  readonly now?: () => number
}

/** Where feeds are, and how files on offer travel. */
export interface FeedsInit extends OffersInit {
  /** The JID of the publish-subscribe service of feeds that are named by their node alone. Default: the first one the account's server names. */
  readonly service?: string | undefined
}

/** What is said, and what goes along. */
export interface NotifyInit extends Omit<OfferInit, 'description' | 'to'> {
  readonly text: string
  /** Path of a file that is on offer to whom it is said: to an account once, unless more is said. */
  readonly file?: string | undefined
}

/** What came of it. */
export interface Notified {
  readonly addressee: Addressee
  /** Of the file, where there is one. */
  readonly offer: Offer | undefined
}

/**
 * Files that are announced on feeds: the nodes of a publish-subscribe service (XEP-0060), whoever runs it. Who offers one stays to
 * send it to whoever asks for it (XEP-0358, XEP-0137); who watches is told, and fetches.
 *
 * ```ts
 * await using feeds = new Feeds(client)
 * const offer = await feeds.offer('builds/nightly', 'image.iso', { downloadsMax: 5 })
 * for await (const event of feeds.watch(['pictures'], { into: 'screen' })) if (event.kind === 'fetched') show(event.path)
 * ```
 */
export class Feeds implements AsyncDisposable {
  readonly #client: TransferClient
  readonly #clock: Clock
  readonly #now: () => number
  readonly #services: FeedServices
  readonly #attendance: Attendance
  readonly #acknowledgements: Acknowledgements
  readonly #followers = new Followers()
  readonly #offers: Offers
  readonly #watches = new Set<Watch>()

  /**
   * @param client to be closed after these
   * @throws BytestreamError `ERR_JID_MALFORMED`
   */
  constructor(client: TransferClient, init: FeedsInit = {}, { clock = systemClock, now = Date.now }: FeedsComponents = {}) {
    const { service, ...offers } = init
    this.#client = client
    this.#clock = clock
    this.#now = now
    this.#services = new FeedServices(client.session, service)
    this.#attendance = new Attendance(client, clock)
    this.#acknowledgements = new Acknowledgements(client.session)
    this.#offers = new Offers(client, offers)
  }

  /** Offers that are not over. */
  get offers(): readonly Offer[] {
    return this.#offers.all
  }

  /**
   * Announces a file on a feed, which is created where it is not there, and sends it to whoever asks, as long as this client lives. What
   * the account has announced there before, of the same name and content, is taken over unless somebody still has it on offer.
   *
   * @throws BytestreamError `ERR_FILE`, `ERR_INTEGRITY` for a file that is being changed, `ERR_CONFIG`, also where `onPep` would tell
   *   contacts of what they may not have, `ERR_PUBSUB_LIMIT` with too many offers, `ERR_SERVICE_UNAVAILABLE` without a service, `ERR_TIMEOUT`,
   *   `ERR_SESSION_CLOSED`, `ERR_ABORTED`; StanzaError as the service answered
   */
  async offer(feed: FeedName, path: string, init: OfferInit = {}): Promise<Offer> {
    const { signal } = init
    const at = await this.#services.at(feed, { signal })
    if (init.onPep && !init.to) await checkIsOpen(at, { signal })
    const file = await OfferedFile.inspect(path, init, signal)
    const earlier = await earlierId(this.#client.session, at, file, { isOurs: (known) => this.#offers.has(known), signal })
    const id = earlier ?? randomUUID()
    const places = [new FeedPlace(at, id), ...(init.onPep ? [new PersonalPlace(this.#client.session, id)] : [])]
    return await this.#begin({ id, file, isTakenOver: earlier !== undefined, places, feed: at }, init)
  }

  /**
   * Follows feeds, from now on, and fetches what is announced there where `into` says where to.
   *
   * @returns events, which end when the iteration does
   */
  watch(feeds: readonly FeedName[], init: WatchInit = {}): Watch {
    const shared = { services: this.#services, attendance: this.#attendance, acknowledgements: this.#acknowledgements }
    const watch = new Watch(
      { clock: this.#clock, now: this.#now, client: this.#client, followers: this.#followers, ...shared },
      feeds,
      init,
    )
    this.#watches.add(watch)
    void watch.ended.then(() => this.#watches.delete(watch))
    return watch
  }

  /**
   * Asks for one file on offer.
   *
   * @param source a link (`xmpp:…?jingle;id=…`), or an announcement
   * @throws BytestreamError `ERR_CONFIG` for a link to something else, `ERR_JID_MALFORMED`
   */
  get(source: string | Announcement, init: GetInit): Transfer {
    if (typeof source !== 'string') return obtainAnnounced(this.#client, source, init)
    const { jid: from, id } = parseJingleUri(source)
    return this.#client.obtain({ ...init, from, id })
  }

  /**
   * Says something to an account, in a room (XEP-0045), or on a feed, told apart by service discovery; with a file, which is on offer as
   * any other, to whom it was said. The text of a file on a feed is its description.
   *
   * @param to a JID, or a link to a feed: `xmpp:feeds.example.org?;node=builds`
   * @throws StanzaError as it was refused, or where there is nothing under that address; as {@link offer}
   */
  async notify(to: string, init: NotifyInit): Promise<Notified> {
    const { text, file: path, ...offerInit } = init
    const { signal } = init
    const components = { session: this.#client.session, clock: this.#clock }
    const addressee = await this.#addressee(to, signal)
    if (addressee.kind === 'feed') {
      if (path !== undefined) return { addressee, offer: await this.offer(addressee, path, { ...offerInit, description: text }) }
      await publishText(components, addressee, text, { signal })
      return { addressee, offer: undefined }
    }
    const offer = path === undefined ? undefined : await this.#offerTo(addressee, path, offerInit)
    try {
      await say(components, { to: addressee, text, announcement: offer?.announcement, signal })
    } catch (error) {
      await offer?.withdraw()
      throw error
    }
    return { addressee, offer }
  }

  /** Stops watching, and takes offers back, or leaves them as {@link OfferInit.keep} says. */
  async close(): Promise<void> {
    await Promise.all([...[...this.#watches].map((watch) => watch.stop()), this.#offers[Symbol.asyncDispose]()])
  }

  /** Does what {@link close} does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #addressee(to: string, signal: AbortSignal | undefined): Promise<Addressee> {
    if (!/^xmpp:/i.test(to)) return await addresseeOf({ session: this.#client.session, clock: this.#clock }, to, { signal })
    const { jid: service, node } = parseNodeUri(to)
    return { kind: 'feed', service, node }
  }

  /** A file that is announced in words alone. */
  async #offerTo({ kind, jid }: Exclude<Addressee, { kind: 'feed' }>, path: string, init: OfferInit): Promise<Offer> {
    const file = await OfferedFile.inspect(path, init, init.signal)
    const forOne = kind === 'user' ? { to: [bareJid(jid)], downloadsMax: init.downloadsMax ?? 1 } : {}
    return await this.#begin({ id: randomUUID(), file, places: [], feed: undefined }, { ...init, ...forOne })
  }

  async #begin(
    given: OfferOrigin & { readonly places: readonly AnnouncingPlace[]; readonly feed: Feed | undefined },
    init: OfferInit,
  ): Promise<Offer> {
    const { places, feed } = given
    const audience = init.to ? new NamedAudience(init.to) : feed ? new NodeAudience(feed, this.#clock) : everybody
    const offer = new Offer({ session: this.#client.session, clock: this.#clock, places, audience }, given, init)
    // Whoever is told of it may ask at once.
    this.#offers.add(offer)
    try {
      await offer.begin()
      return offer
    } catch (error) {
      this.#offers.remove(offer)
      throw error
    }
  }
}
