import type { Clock, Logger } from '../../core/index.ts'
import type { PresenceStore } from '../../pubsub/index.ts'
import type { DiscoNodes, ServicePart, Session } from '../../session/index.ts'
import { feedReadersFeature, NS } from '../../xep/index.ts'
import { type AskersComponents, askerOf } from '../pubsub/askers.ts'
import type { ServiceCommand } from '../pubsub/commands.ts'
import type { Notifications } from '../pubsub/notifications.ts'
import { Availability } from './availability.ts'
import { Deliveries } from './deliveries.ts'
import { DeliveryAnswers } from './delivery-answers.ts'
import { DeliveryForms } from './delivery-forms.ts'
import { feedAddress } from './feed-address.ts'
import { acknowledgeCommand } from './feed-commands.ts'
import { answerVcards, feedCapabilities, feedEntityAt } from './feed-entity.ts'
import { FeedPresence } from './feed-presence.ts'
import { LookUp } from './look-up.ts'
import { answerQueueOwners } from './queue-owners.ts'
import { answerReaders } from './readers.ts'

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

/** Each leaf as an address that can be had in a roster, who of the subscribers is there, and what is delivered to them. */
export class Feeds implements Disposable {
  readonly part: ServicePart
  readonly availability: Availability
  readonly deliveries: Deliveries
  /** For the service to show. */
  readonly commands: readonly ServiceCommand[]
  readonly #answers: DeliveryAnswers
  readonly #components: FeedsComponents
  readonly #presence: FeedPresence
  readonly #lookUp: LookUp
  /** Connections there have been. */
  #connections = 0

  /** @param jid the address of the service */
  constructor(components: FeedsComponents, { jid }: { readonly jid: string }) {
    const { session, store, pubsub, nodes, clock, logger } = components
    this.#components = components
    this.availability = new Availability({ store, isSubscriber: (account) => pubsub.isSubscriber(account) })
    this.#presence = new FeedPresence({ ...components, availability: this.availability }, { jid, capabilities: feedCapabilities })
    const entities = { pubsub, nodes, askerOf: (from: string, node: string) => askerOf(components, from, node) }
    this.part = { identities: [], features: [ESCAPING, NS.feeds, feedReadersFeature], entityAt: feedEntityAt(entities, jid) }
    answerVcards(session.iqs, entities)
    const forms = new DeliveryForms({ jid, addressOf: (node) => feedAddress(node, jid) ?? jid })
    const deliveries = new Deliveries({ ...components, availability: this.availability, forms })
    this.deliveries = deliveries
    this.#lookUp = new LookUp({ session, store, availability: this.availability, clock })
    const onHeard = (jid: string) => this.#lookUp.heard(jid)
    this.#answers = new DeliveryAnswers({ session, pubsub, deliveries, onHeard, clock, logger })
    this.commands = [acknowledgeCommand({ pubsub, deliveries, forms })]
    answerQueueOwners({ session, pubsub, tell: (notices) => deliveries.tellAgain(notices) })
    answerReaders(components)
    session.on('online', this.#onOnline)
  }

  /** Hands over what can be, and tells contacts that the feeds are gone, for so long at the most. */
  async drain(msMax: number): Promise<void> {
    const { clock } = this.#components
    const endMs = clock.now() + msMax
    await this.deliveries.drain(msMax)
    this.deliveries[Symbol.dispose]()
    await this.#presence.drain(Math.max(0, endMs - clock.now()))
  }

  [Symbol.dispose](): void {
    this.#components.session.off('online', this.#onOnline)
    this.deliveries[Symbol.dispose]()
    this.#answers[Symbol.dispose]()
    this.#presence[Symbol.dispose]()
  }

  readonly #onOnline = () => {
    const { session, logger } = this.#components
    const connection = ++this.#connections
    const isOver = () => connection !== this.#connections || !session.isOnline
    this.#lookUp.run(isOver).catch((err: unknown) => {
      logger.error({ err }, 'could not look who of the subscribers is still there')
    })
  }
}
