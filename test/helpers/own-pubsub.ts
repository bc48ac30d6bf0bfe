import { PublishSubscribe, type PublishSubscribeInit, PubsubService, presentComponent } from '../../src/component/index.ts'
import { Notifications } from '../../src/component/pubsub/notifications.ts'
import { silentLogger, systemClock } from '../../src/core/index.ts'
import { MemoryStore, Pubsub } from '../../src/pubsub/index.ts'
import { componentConnector, Session } from '../../src/session/index.ts'
import type { DataForm } from '../../src/xep/index.ts'
import { embedded, type ServerKind } from './server.ts'

/** What subscribers are told of a configuration. */
const configForm = ({ name }: { name: string }): DataForm => ({ type: 'result', fields: [{ var: 'pubsub#title', values: [name] }] })

/** The embedded server with our own publish-subscribe service behind it, at `ownPubsub`. */
export const ours: ServerKind = {
  name: 'ours',
  needs: [],
  async start({ ownPubsub: jid = '', ...init }) {
    const server = await embedded.start({ ...init, components: [jid] })
    const connect = componentConnector(systemClock, { jid, secret: server.secret, service: server.componentAt(jid) })
    const session = new Session({}, connect, { reconnect: 'never' })
    const pubsub = new Pubsub({ store: new MemoryStore() })
    const components = { session, pubsub, clock: systemClock, logger: silentLogger }
    const notifications = new Notifications({ ...components, configForm }, { jid })
    const { part } = new PubsubService({ session, pubsub, notifications })
    presentComponent(session, systemClock, { version: { name: 'streamhost', version: '0' }, parts: [part] })
    await session.start()
    return {
      ...server,
      async [Symbol.asyncDispose]() {
        notifications[Symbol.dispose]()
        await session.stop()
        await server[Symbol.asyncDispose]()
      },
    }
  },
}

/** The same as `serve` puts it together: with feeds, and a queue for each subscriber that wants one. */
export const withFeeds = (limits: PublishSubscribeInit['limits']): ServerKind => ({
  name: 'ours with feeds',
  needs: [],
  async start({ ownPubsub: jid = '', ...init }) {
    const server = await embedded.start({ ...init, components: [jid] })
    const connect = componentConnector(systemClock, { jid, secret: server.secret, service: server.componentAt(jid) })
    const session = new Session({}, connect, { reconnect: 'never' })
    const onFailed = (error: Error) => {
      throw error
    }
    const components = { clock: systemClock, logger: silentLogger }
    const whole = await PublishSubscribe.open(components, { directory: undefined, limits, mayCreate: () => true, onFailed })
    whole.attach(session, jid)
    presentComponent(session, systemClock, { version: { name: 'streamhost', version: '0' }, parts: whole.parts })
    await session.start()
    return {
      ...server,
      async [Symbol.asyncDispose]() {
        await session.stop()
        await whole[Symbol.asyncDispose]()
        await server[Symbol.asyncDispose]()
      },
    }
  },
})

export const oursWithFeeds = withFeeds({})
