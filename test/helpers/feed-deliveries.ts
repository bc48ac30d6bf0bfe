import type { ExecutionContext } from 'ava'
import { Availability } from '../../src/component/feeds/availability.ts'
import { Deliveries } from '../../src/component/feeds/deliveries.ts'
import { DeliveryAnswers } from '../../src/component/feeds/delivery-answers.ts'
import { DeliveryForms } from '../../src/component/feeds/delivery-forms.ts'
import { feedAddress } from '../../src/component/feeds/feed-address.ts'
import { MemoryPresence, MemoryStore, Pubsub, type PubsubLimits, type PubsubStore } from '../../src/pubsub/index.ts'
import type { Session } from '../../src/session/index.ts'
import {
  attribute,
  buildAcknowledgement,
  buildAnnouncement,
  buildDiscoInfo,
  type DiscoInfo,
  type Element,
  type FeedAcceptance,
  feedAcceptanceForm,
  NS,
  parseElement,
  parseNotification,
  writeXml,
} from '../../src/xep/index.ts'
import { FakeClock } from './fake-clock.ts'
import { keepLines } from './log-lines.ts'
import { type ScriptedSession, scriptSession, stanzaError } from './scripted-session.ts'

export const FEEDS = 'feeds.example.org'
export const NODE = 'builds/nightly'
const OWNER = { jid: 'ci@example.org/builds' }
/** When its clock begins. */
export const EPOCH_MS = Date.UTC(2026, 10, 22, 5)

/** A program of ours, a client with receipts, and one without. */
export const watching = (accepts: FeedAcceptance = {}): DiscoInfo => ({
  identities: [{ category: 'client', type: 'bot' }],
  features: [NS.feeds],
  forms: [feedAcceptanceForm(accepts)],
})
export const withReceipts: DiscoInfo = { identities: [{ category: 'client', type: 'pc' }], features: [NS.receipts] }
export const plain: DiscoInfo = { identities: [{ category: 'client', type: 'pc' }], features: [] }

/** What a device answers service discovery with: nothing, and then nobody is there; or it stays silent. */
export type Devices = Map<string, DiscoInfo | 'silence'>

export interface DeliverySceneInit {
  readonly store?: PubsubStore
  readonly limits?: Partial<PubsubLimits>
  readonly clock?: FakeClock
}

/** A service that delivers from its queues, behind a server that is the test. */
export class DeliveryScene {
  readonly clock: FakeClock
  readonly pubsub: Pubsub
  readonly availability: Availability
  readonly deliveries: Deliveries
  readonly answers: DeliveryAnswers
  readonly session: Session
  readonly devices: Devices
  readonly log = keepLines()
  readonly #script: ScriptedSession
  #heard = 0
  #asked = 0

  private constructor(script: ScriptedSession, devices: Devices, clock: FakeClock, { store, limits = {} }: DeliverySceneInit) {
    this.#script = script
    const { session } = script
    this.session = session
    this.devices = devices
    this.clock = clock
    const { logger } = this.log
    const now = () => EPOCH_MS + clock.now()
    this.pubsub = new Pubsub({ store: store ?? new MemoryStore(), now }, { limits })
    this.availability = new Availability({ store: new MemoryPresence(), isSubscriber: () => true, now })
    const { pubsub, availability } = this
    const forms = new DeliveryForms({ jid: FEEDS, addressOf: (node) => feedAddress(node, FEEDS) ?? FEEDS })
    this.deliveries = new Deliveries({ session, pubsub, availability, forms, clock, logger, now })
    this.answers = new DeliveryAnswers({ session, pubsub, deliveries: this.deliveries, clock, logger })
  }

  static async open(t: ExecutionContext, init: DeliverySceneInit = {}): Promise<DeliveryScene> {
    const clock = init.clock ?? new FakeClock()
    const devices: Devices = new Map()
    const script = await scriptSession(t, clock, FEEDS, ({ to }) => {
      const info = devices.get(to) ?? (to.includes('@') ? undefined : { identities: [], features: [] })
      if (info === undefined) throw stanzaError('recipient-unavailable')
      return info === 'silence' ? info : buildDiscoInfo(info)
    })
    const scene = new DeliveryScene(script, devices, clock, init)
    t.teardown(() => scene.deliveries[Symbol.dispose]())
    return scene
  }

  /** The connection breaks while the next piece is sent: part of it may have left. */
  breakNext(): void {
    this.#script.breakNextPiece()
  }

  /** A feed whose subscribers have queues. */
  feed(accounts: readonly string[], node = NODE): void {
    this.pubsub.create(OWNER, { node })
    for (const jid of accounts) this.pubsub.subscribe({ jid: `${jid}/x` }, { node, jid, options: { queue: true } })
  }

  /** Publishes a file for each of those ids, and tells. */
  async publish(names: readonly string[], file: { sizeBytes?: number; mediaType?: string } = {}, node = NODE): Promise<void> {
    for (const name of names) {
      const { sizeBytes = 1000, mediaType } = file
      const announced = { name: `${name}.iso`, sizeBytes, mediaType, hashes: [] }
      const payload = buildAnnouncement({ id: name, owner: OWNER.jid, protocols: ['jingle'], state: 'available', file: announced })
      this.deliveries.tell(this.pubsub.publish(OWNER, { node, items: [{ id: name, payload: writeXml(payload) }] }).notices)
    }
    await this.settle()
  }

  async retract(id: string, node = NODE): Promise<void> {
    this.deliveries.tell(this.pubsub.retract(OWNER, { node, itemIds: [id], notify: true }).notices)
    await this.settle()
  }

  /** A device that is there from now on. */
  async enter(jid: string, info: DiscoInfo | 'silence', priority = 0): Promise<void> {
    this.devices.set(jid, info)
    this.availability.appeared(jid, { priority })
    await this.settle()
  }

  async leave(jid: string): Promise<void> {
    this.devices.delete(jid)
    this.availability.vanished(jid)
    await this.settle()
  }

  /** Lets time pass, in steps in which what comes due can happen. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 10_000) {
      this.clock.advance(Math.min(left, 10_000))
      await this.settle()
    }
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 12; turn++) await new Promise(setImmediate)
  }

  /** The messages that were sent since it was last asked. */
  messages(): readonly Element[] {
    const sent = this.#script.sent.slice(this.#heard).filter(({ name }) => name === 'message')
    this.#heard = this.#script.sent.length
    return sent
  }

  /** The same, as whom each is for and what it tells of. */
  told(): readonly string[] {
    return this.messages().map((message) => `${attribute(message, 'to')} ${aboutOf(message)}`)
  }

  receive(stanza: string): void {
    this.#script.receive(parseElement(stanza))
  }

  /** A device acknowledges messages, and has heard the answer. */
  async acknowledge(from: string, ids: readonly number[]): Promise<Element | undefined> {
    const id = `ack-${++this.#asked}`
    this.receive(`<iq type='set' id='${id}' from='${from}' to='${FEEDS}'>${writeXml(buildAcknowledgement(ids))}</iq>`)
    await this.settle()
    return this.#script.sent.find((stanza) => stanza.name === 'iq' && attribute(stanza, 'id') === id)
  }

  async sendBack(message: Element, condition = 'service-unavailable', type = 'cancel'): Promise<void> {
    const { to, from, id } = message.attrs as Record<string, string>
    const error = `<error type='${type}'><${condition} xmlns='${NS.stanzas}'/></error>`
    this.receive(`<message type='error' from='${to}' to='${from}' id='${id}'>${error}</message>`)
    await this.settle()
  }

  async receipt(message: Element): Promise<void> {
    const { to, from, id } = message.attrs as Record<string, string>
    this.receive(`<message from='${to}' to='${from}' id='r1'><received xmlns='${NS.receipts}' id='${id}'/></message>`)
    await this.settle()
  }
}

/** The item an event is of, or what people read. */
function aboutOf(message: Element): string {
  const event = parseNotification(message)?.event
  if (event?.kind === 'items') return [...event.items.map(({ id }) => id), ...event.retracted.map((id) => `-${id}`)].join(' ')
  return `"${message.getChildText('body')?.split('\n')[0]}"`
}
