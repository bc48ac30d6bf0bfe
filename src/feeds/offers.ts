import { BytestreamError } from '../core/index.ts'
import type { Publications, Published, StartRequest, TransferClient } from '../transfer/index.ts'
import { answerOf, type Offer, type OfferEndReason } from './offer.ts'
import type { Way } from './way.ts'

/** Offers at once. */
const OFFERS_MAX = 10_000
/** Offers that are over and of which it is remembered how. */
const ENDED_MAX = 1_000

/** How files on offer travel. */
export interface OffersInit extends Way {
  /** Files being sent at once because they were asked for; whoever asks for more is to try again later. Each account has half. Default 20. */
  readonly transfersMax?: number | undefined
}

/** The offers of one client, by their ids: who asks for one is sent on to it. */
export class Offers {
  readonly #client: TransferClient
  readonly #init: OffersInit
  readonly #offers = new Map<string, Offer>()
  readonly #ended = new Map<string, OfferEndReason>()
  #publications: Publications | undefined

  constructor(client: TransferClient, init: OffersInit) {
    this.#client = client
    this.#init = init
  }

  get all(): readonly Offer[] {
    return [...this.#offers.values()]
  }

  has(id: string): boolean {
    return this.#offers.has(id)
  }

  /** Answers whoever asks for it, until it is over. @throws BytestreamError `ERR_PUBSUB_LIMIT` */
  add(offer: Offer): void {
    if (this.#offers.size >= OFFERS_MAX) throw new BytestreamError('ERR_PUBSUB_LIMIT', `there are ${OFFERS_MAX} offers already`)
    this.#publications ??= this.#publish()
    this.#ended.delete(offer.id)
    this.#offers.set(offer.id, offer)
    offer.once('ended', ({ reason }) => this.#remember(offer, reason))
  }

  /** One that was never announced. */
  remove(offer: Offer): void {
    this.#offers.delete(offer.id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.all.map((offer) => offer.close()))
    this.#publications?.stop()
  }

  #remember({ id }: Offer, reason: OfferEndReason): void {
    this.#offers.delete(id)
    this.#ended.set(id, reason)
    const [oldest] = this.#ended.keys()
    if (this.#ended.size > ENDED_MAX && oldest !== undefined) this.#ended.delete(oldest)
  }

  #publish(): Publications {
    const publications = this.#client.publish({
      ...this.#init,
      mayStart: (request) => this.#mayStart(request),
      isShownTo: (from) => this.all.some((offer) => offer.isFor(from)),
    })
    publications.on('transfer', (transfer, request) => this.#offers.get(request.id)?.started(request, transfer))
    publications.on('refused', ({ id, from, error }) => this.#offers.get(id)?.refused(from, error))
    return publications
  }

  async #mayStart(request: StartRequest): Promise<Published> {
    const { id } = request
    const offer = this.#offers.get(id)
    const reason = this.#ended.get(id)
    if (offer) return await offer.grant(request)
    if (reason !== undefined) throw answerOf(reason)
    throw new BytestreamError('ERR_OFFER_UNKNOWN', 'nothing is offered under that id')
  }
}
