import { once } from 'node:events'
import type { ExecutionContext } from 'ava'
import { PublishSubscribe, presentComponent } from '../../src/component/index.ts'
import { type Clock, silentLogger, systemClock } from '../../src/core/index.ts'
import { componentConnector, Session } from '../../src/session/index.ts'
import { buildPubsubRequest, NS, parseEvent, rawXml } from '../../src/xep/index.ts'
import { PUBSUB } from './serve-pubsub.ts'
import { LOGIN_MS_MAX, type ServerUnderTest } from './server.ts'

/** Where all subscribers are, and the publisher. */
export const CROWD = 'crowd.localhost'
const PUBLISHER = `publisher@${CROWD}/desk`

/** In time with a test, and not with people. */
const reconnect = { reconnect: 'always', backOff: { firstMs: 20, retryMsMax: 200 } } as const

/** Publish-subscribe behind a server, and a component of that which is the publisher and all subscribers, and counts. */
export class PubsubCrowd {
  readonly whole: PublishSubscribe
  readonly session: Session
  readonly crowd: Session
  /** How often each subscriber was told of each item. */
  readonly heard = new Map<string, number>()

  private constructor(whole: PublishSubscribe, session: Session, crowd: Session) {
    this.whole = whole
    this.session = session
    this.crowd = crowd
    crowd.on('message', ({ to }, stanza) => {
      const event = stanza.getChild('event', NS.pubsubEvent)
      const parsed = event && parseEvent(event)
      for (const { id } of parsed?.kind === 'items' ? parsed.items : []) {
        const key = `${to} ${id}`
        this.heard.set(key, (this.heard.get(key) ?? 0) + 1)
      }
    })
  }

  /**
   * @param server with the components {@link PUBSUB} and {@link CROWD}
   * @param clock says when the service comes back
   */
  static async enter(t: ExecutionContext, server: ServerUnderTest, directory: string, clock: Clock = systemClock): Promise<PubsubCrowd> {
    const connect = (jid: string) =>
      componentConnector(jid === PUBSUB ? clock : systemClock, {
        ...{ jid, secret: server.secret, service: server.componentAt(jid), loginMsMax: LOGIN_MS_MAX },
      })
    const everybody = { directory, limits: {}, mayCreate: () => true, onFailed: (error: Error) => t.fail(error.message) }
    const whole = await PublishSubscribe.open({ clock: systemClock, logger: silentLogger }, everybody)
    const session = new Session({ clock }, connect(PUBSUB), reconnect)
    const { part } = whole.attach(session, PUBSUB)
    presentComponent(session, systemClock, { version: { name: 'streamhost', version: '0' }, parts: [part] })
    const crowd = new Session({}, connect(CROWD), reconnect)
    t.teardown(async () => {
      await Promise.all([session.stop(), crowd.stop()])
      await whole[Symbol.asyncDispose]()
    })
    await Promise.all([session.start(), crowd.start()])
    return new PubsubCrowd(whole, session, crowd)
  }

  /** A node of the publisher's with so many subscribers. */
  async node(node: string, subscribers: number): Promise<void> {
    const { pubsub } = this.whole
    pubsub.create({ jid: PUBLISHER }, { node })
    for (let at = 0; at < subscribers; at++) pubsub.subscribe({ jid: `u${at}@${CROWD}` }, { node, jid: `u${at}@${CROWD}` })
    await pubsub.settled()
  }

  /** Through the server; settles with the answer. */
  async publish(node: string, id: string): Promise<void> {
    const items = [{ id, payload: rawXml(`<a xmlns="urn:example">${id.repeat(20)}</a>`) }]
    await this.crowd.request({ ...buildPubsubRequest({ action: 'publish', node, items }), from: PUBLISHER, to: PUBSUB })
  }

  /** By the publisher, whom no server has to carry. */
  async publishHere(node: string, id: string): Promise<void> {
    const { pubsub, notifications } = this.whole
    const { notices } = pubsub.publish({ jid: PUBLISHER }, { node, items: [{ id, payload: '<a xmlns="urn:example"/>' }] })
    await pubsub.settled()
    notifications?.tell(notices)
  }

  /** Settles when so many have been told of something. */
  async told(count: number): Promise<void> {
    while (this.heard.size < count) await once(this.crowd, 'message')
  }

  /** All that was sent has come: what the service says now comes behind it. */
  async isQuiet(): Promise<void> {
    this.crowd.iqs.handle('get', 'urn:example:behind', 'behind', () => undefined)
    const { waiting } = this.whole.notifications?.counts ?? {}
    if (waiting !== 0) throw new Error(`${waiting} still wait`)
    await this.session.request({ type: 'get', from: PUBSUB, to: CROWD, payload: rawXml('<behind xmlns="urn:example:behind"/>') })
  }

  /** Those who were told of something more than once. */
  get twice(): readonly string[] {
    return [...this.heard].filter(([, times]) => times > 1).map(([key]) => key)
  }
}
