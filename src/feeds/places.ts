import { bareJid, StanzaError, toBytestreamError } from '../core/index.ts'
import { type FieldChanges, openFields, PubsubClient } from '../pubsub-client/index.ts'
import type { Session } from '../session/index.ts'
import { type Announcement, buildAnnouncement, type DataForm, NS } from '../xep/index.ts'
import type { Feed } from './feed-address.ts'

/** Where an offer is announced. */
export interface AnnouncingPlace {
  /** @param announcement `undefined`: it is not there any more */
  tell(announcement: Announcement | undefined): Promise<void>
}

/** What a node has to be like to be a feed, as far as its service has such a field. */
const feedConfig: FieldChanges = {
  persist_items: true,
  max_items: 'max',
  deliver_payloads: true,
  notify_retract: true,
  notification_type: 'normal',
  itemreply: 'publisher',
}

/** A feed: an item of its node, whose id is that of the offer. */
export class FeedPlace implements AnnouncingPlace {
  readonly #feed: Feed
  readonly #id: string

  constructor(feed: Feed, id: string) {
    this.#feed = feed
    this.#id = id
  }

  async tell(announcement: Announcement | undefined): Promise<void> {
    const { pubsub, node } = this.#feed
    if (!announcement) return await retract(pubsub, node, this.#id)
    const item = { id: this.#id, payload: buildAnnouncement(announcement) }
    try {
      await pubsub.publish(node, item)
    } catch (thrown) {
      if (conditionOf(thrown) !== 'item-not-found') throw thrown
      await createFeed(this.#feed)
      await pubsub.publish(node, item)
    }
  }
}

/** Creates the node of a feed; whoever is faster is welcome. @throws StanzaError as the service answered */
async function createFeed({ pubsub, node }: Feed): Promise<void> {
  const form = await pubsub.defaultConfig('leaf').catch(() => undefined)
  const create = async (config?: FieldChanges) => {
    try {
      await pubsub.create(node, config)
    } catch (thrown) {
      if (conditionOf(thrown) !== 'conflict') throw thrown
    }
  }
  try {
    await create(form && fitting(form))
  } catch (thrown) {
    // A form need not tell all that its service refuses.
    if (!['bad-request', 'not-acceptable'].includes(conditionOf(thrown) ?? '')) throw thrown
    await create()
  }
}

/** What the form of a service has a field and, where it lists them, a value for. */
function fitting(form: DataForm): FieldChanges {
  const fields = new Map(openFields(form).map((field) => [field.var, field]))
  return Object.fromEntries(
    Object.entries(feedConfig).filter(([name, value]) => {
      const field = fields.get(`pubsub#${name}`)
      const { options = [], datatype } = field ?? {}
      const isListed = options.length === 0 || options.some((option) => option.value === value)
      return field !== undefined && isListed && (value !== 'max' || datatype === undefined)
    }),
  )
}

/** The account's own node, of whoever follows its presence (XEP-0163). */
export class PersonalPlace implements AnnouncingPlace {
  readonly #session: Session
  readonly #id: string

  constructor(session: Session, id: string) {
    this.#session = session
    this.#id = id
  }

  async tell(announcement: Announcement | undefined): Promise<void> {
    const pubsub = new PubsubClient(this.#session, bareJid(this.#session.jid))
    if (!announcement) return await retract(pubsub, NS.feeds, this.#id)
    const item = { id: this.#id, payload: buildAnnouncement(announcement) }
    try {
      await pubsub.publish(NS.feeds, item, { preconditions: { persist_items: true, max_items: PERSONAL_ITEMS } })
    } catch (thrown) {
      // It is there already, and somebody else's choice.
      if (conditionOf(thrown) !== 'conflict') throw thrown
      await pubsub.publish(NS.feeds, item)
    }
  }
}

/** Items the account's own node keeps. */
const PERSONAL_ITEMS = 64

async function retract(pubsub: PubsubClient, node: string, id: string): Promise<void> {
  try {
    await pubsub.retract(node, id, { isNotified: true })
  } catch (thrown) {
    // It has expired, or its node is gone.
    if (conditionOf(thrown) !== 'item-not-found') throw thrown
  }
}

function conditionOf(thrown: unknown): string | undefined {
  const error = toBytestreamError(thrown)
  return error instanceof StanzaError ? error.condition : undefined
}
