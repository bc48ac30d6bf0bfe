import { Notifications, type NotificationsInit } from '../../src/component/pubsub/notifications.ts'
import type { NodeConfig, Notice, PubsubInit, PubsubStore } from '../../src/pubsub/index.ts'
import type { Session } from '../../src/session/index.ts'
import type { DataForm } from '../../src/xep/index.ts'
import { FakeClock } from './fake-clock.ts'
import { keepLines } from './log-lines.ts'
import { by, OWNER, PubsubScene } from './pubsub.ts'

export const SERVICE = 'pubsub.shakespeare.lit'

/** What a configuration looks like here. */
const configForm = ({ name }: { name: string }): DataForm => ({ type: 'result', fields: [{ var: 'pubsub#title', values: [name] }] })

/** A service that tells over a session, and whose owner is OWNER. */
export class TellingScene extends PubsubScene {
  readonly notifications: Notifications
  readonly clock: FakeClock
  readonly log = keepLines()

  constructor(
    session: Session,
    clock: FakeClock = new FakeClock(),
    init: Partial<NotificationsInit> & { readonly pubsub?: PubsubInit; readonly store?: PubsubStore } = {},
  ) {
    super(init.pubsub, init.store)
    this.clock = clock
    const { pubsub } = this
    const { logger } = this.log
    this.notifications = new Notifications({ session, pubsub, clock, logger, configForm }, { jid: SERVICE, ...init })
  }

  /** A node with those subscribers. */
  node(name: string, subscribers: readonly string[], config: Partial<NodeConfig> = {}): void {
    this.pubsub.create(by(OWNER), { node: name, config })
    for (const jid of subscribers) this.pubsub.subscribe({ jid }, { node: name, jid })
  }

  /** Does what has something to tell, and tells it. */
  tell({ notices }: { readonly notices: readonly Notice[] }): void {
    this.notifications.tell(notices)
  }

  /** Publishes, and tells. */
  announce(node: string, id: string, payload = `<${id} xmlns="urn:example"/>`): void {
    this.tell(this.pubsub.publish(by(OWNER), { node, items: [{ id, payload }] }))
  }
}
