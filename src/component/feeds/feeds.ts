import type { Clock, Logger } from '../../core/index.ts'
import type { PresenceStore } from '../../pubsub/index.ts'
import type { DiscoNodes, ServicePart, Session } from '../../session/index.ts'
import { type AskersComponents, askerOf } from '../pubsub/askers.ts'
import type { Notifications } from '../pubsub/notifications.ts'
import { Availability } from './availability.ts'
import { answerVcards, feedCapabilities, feedEntityAt } from './feed-entity.ts'
import { FeedPresence } from './feed-presence.ts'
import { lookUp } from './look-up.ts'

export interface FeedsComponents extends AskersComponents {
  /** Borrowed. */
  readonly session: Session
  /** Borrowed. */
  readonly store: PresenceStore
  readonly notifications: Pick<Notifications, 'tell'>
  /** What the service shows of its nodes. */
  readonly nodes: DiscoNodes
  readonly clock: Clock
  readonly logger: Logger
}

/** XEP-0106 §6. */
const ESCAPING = 'jid\\20escaping'

/** Each leaf as an address that can be had in a roster, and who of the subscribers is there. */
export class Feeds implements Disposable {
  readonly part: ServicePart
  readonly availability: Availability
  readonly #components: FeedsComponents
  readonly #presence: FeedPresence
  /** Connections there have been. */
  #connections = 0

  /** @param jid the address of the service */
  constructor(components: FeedsComponents, { jid }: { readonly jid: string }) {
    const { session, store, pubsub, nodes } = components
    this.#components = components
    this.availability = new Availability({ store, isSubscriber: (account) => pubsub.isSubscriber(account) })
    this.#presence = new FeedPresence({ ...components, availability: this.availability }, { jid, capabilities: feedCapabilities })
    const entities = { pubsub, nodes, askerOf: (from: string, node: string) => askerOf(components, from, node) }
    this.part = { identities: [], features: [ESCAPING], entityAt: feedEntityAt(entities, jid) }
    answerVcards(session.iqs, entities)
    session.on('online', this.#onOnline)
  }

  /** Tells contacts that the feeds are gone, for so long at the most. */
  drain(msMax: number): Promise<void> {
    return this.#presence.drain(msMax)
  }

  [Symbol.dispose](): void {
    this.#components.session.off('online', this.#onOnline)
    this.#presence[Symbol.dispose]()
  }

  readonly #onOnline = () => {
    const { session, logger } = this.#components
    const connection = ++this.#connections
    const isOver = () => connection !== this.#connections || !session.isOnline
    lookUp({ ...this.#components, availability: this.availability }, isOver).catch((err: unknown) => {
      logger.error({ err }, 'could not look who of the subscribers is still there')
    })
  }
}
