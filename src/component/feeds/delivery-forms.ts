import { toBytestreamError } from '../../core/index.ts'
import type { QueuedMessage } from '../../pubsub/index.ts'
import {
  type Announcement,
  ampRule,
  buildAmp,
  buildAnnouncementMessageParts,
  buildDelivery,
  buildEvent,
  buildHint,
  buildReceiptRequest,
  type Element,
  messageParts,
  type NotificationParts,
  parseAnnouncement,
  parseEntryTitle,
  parsePayload,
  rawXml,
  writeNotification,
  xml,
} from '../../xep/index.ts'
import { BoundedMap } from './bounded-map.ts'
import type { Abilities } from './consumers.ts'
import { deliveryId } from './delivery-ids.ts'

export interface DeliveryFormsInit {
  /** The address of the service. */
  readonly jid: string
  /** The address of a feed, which people have in their rosters. */
  readonly addressOf: (node: string) => string
}

/** How a message is to be told. */
export interface Telling extends Pick<Abilities, 'reads' | 'acknowledges'> {
  /** Whether it comes late: then it says when it was published. */
  readonly isLate: boolean
  /** Whether the server of the subscriber knows what to do with what it cannot deliver (XEP-0079). */
  readonly hasAmp: boolean
}

/** Messages whose forms are kept, since what is published goes to many. */
const FORMS_MAX = 64

/** What messages of queues are on the wire. */
export class DeliveryForms {
  readonly #init: DeliveryFormsInit
  readonly #forms = new BoundedMap<number, DeliveryForm>(FORMS_MAX)

  constructor(init: DeliveryFormsInit) {
    this.#init = init
  }

  of(message: QueuedMessage): DeliveryForm {
    const known = this.#forms.get(message.id)
    if (known) return known
    const form = new DeliveryForm(this.#init, message)
    this.#forms.set(message.id, form)
    return form
  }
}

/** A message of a queue, written once for all who get it in the same way. */
export class DeliveryForm {
  /** What it announces, if anything. */
  readonly announcement: Announcement | undefined
  readonly #init: DeliveryFormsInit
  readonly #message: QueuedMessage
  readonly #id: string
  /** What people call the item, as far as it says. */
  readonly #name: string | undefined
  readonly #written = new Map<string, NotificationParts>()

  constructor(init: DeliveryFormsInit, message: QueuedMessage) {
    this.#init = init
    this.#message = message
    this.#id = deliveryId(init.jid, message)
    const payload = message.payload === undefined ? undefined : parsePayload(message.payload)
    this.announcement = payload && tryParseAnnouncement(payload)
    this.#name = this.announcement?.file.name ?? (payload && parseEntryTitle(payload))
  }

  /** What people call it. */
  get title(): string {
    return this.#name ?? this.#message.itemId
  }

  /** The whole stanza. */
  write(to: string, telling: Telling): string {
    const key = Object.values(telling).join(' ')
    const parts = this.#written.get(key) ?? this.#parts(telling)
    this.#written.set(key, parts)
    return writeNotification(parts, to, this.#id)
  }

  #parts(telling: Telling): NotificationParts {
    const { isLate, acknowledges, hasAmp } = telling
    const { publishedMs, expiresMs } = this.#message
    const isShown = telling.reads === 'text'
    const content = [
      ...(isShown ? this.#text() : this.#event()),
      ...(acknowledges === 'by receipt' ? [buildReceiptRequest()] : []),
      ...(hasAmp ? [buildAmp({ rules: rules(expiresMs) })] : []),
    ]
    const { jid, addressOf } = this.#init
    const frame = isShown ? ({ from: addressOf(this.#message.node), type: 'chat' } as const) : { from: jid }
    return messageParts(content, { ...frame, delay: isLate ? { stampMs: publishedMs } : undefined })
  }

  /** For a program. The queue is where it is stored: from an archive, or a server's own store, it would come a second time. */
  #event(): Element[] {
    const { id, node, kind, itemId, payload } = this.#message
    const items = kind === 'published' ? [{ id: itemId, payload: payload === undefined ? undefined : rawXml(payload) }] : []
    const retracted = kind === 'published' ? [] : [itemId]
    return [buildEvent({ kind: 'items', node, items, retracted }), buildDelivery(id), buildHint('no-store')]
  }

  /** For people, who want to find it again on other devices: archives are to have it. */
  #text(): Element[] {
    const { announcement } = this
    if (announcement && this.#message.kind === 'published') return [...buildAnnouncementMessageParts(announcement), buildHint('store')]
    return [xml('body', {}, this.#body()), buildHint('store')]
  }

  #body(): string {
    const { node, kind, itemId } = this.#message
    if (kind === 'retracted') return `${this.title} is withdrawn from ${node}`
    return this.#name ?? `${node} has something new: ${itemId}`
  }
}

/** What is not stored anywhere else comes back, and waits here. */
const rules = (expiresMs: number) => [
  ampRule({ condition: 'expire-at', action: 'drop', atMs: expiresMs }),
  ampRule({ condition: 'deliver', action: 'error', delivery: 'stored' }),
]

/** What is wrong with it has been said to its publisher, if at all: for us it is any payload. */
function tryParseAnnouncement(payload: Element): Announcement | undefined {
  try {
    return parseAnnouncement(payload)
  } catch (thrown) {
    if (toBytestreamError(thrown).code === 'ERR_INTERNAL') throw thrown
    return undefined
  }
}
