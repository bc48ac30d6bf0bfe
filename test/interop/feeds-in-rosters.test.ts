// Goal: a feed in the roster of a client that sends no directed presence: what real servers tell the feed of its coming and going.
// Method: the service in this process as a component of each server; clients say only what each client says at log-in.

import type { ExecutionContext } from 'ava'
import { PublishSubscribe, presentComponent } from '../../src/component/index.ts'
import { bareJid, silentLogger, systemClock } from '../../src/core/index.ts'
import { componentConnector, Session } from '../../src/session/index.ts'
import { attribute, type Element, NS } from '../../src/xep/index.ts'
import { DOMAIN } from '../helpers/prosody.ts'
import { login, type RawStream } from '../helpers/raw-client.ts'
import { LOGIN_MS_MAX, onEachServer, type ServerUnderTest } from '../helpers/server.ts'

const NODE = 'builds/nightly'
const LOCAL = 'builds\\2fnightly'
const SERVICES = ['granted', 'refused', 'kept'].map((name) => `${name}.${DOMAIN}`)

/** The service, and a record of what comes to it. */
async function serve(t: ExecutionContext, server: ServerUnderTest, jid: string) {
  const session = new Session(
    {},
    componentConnector(systemClock, { jid, secret: server.secret, service: server.componentAt(jid), loginMsMax: LOGIN_MS_MAX }),
    {
      reconnect: 'never',
    },
  )
  const whole = await PublishSubscribe.open(
    { clock: systemClock, logger: silentLogger },
    { directory: undefined, limits: {}, mayCreate: () => true, onFailed: (error) => t.fail(error.message) },
  )
  whole.attach(session, jid)
  presentComponent(session, systemClock, { version: { name: 'streamhost', version: '0' }, parts: whole.parts })
  const came: string[] = []
  session.on('presence', ({ type, from }) => came.push(`${type} ${from}`))
  await session.start()
  t.teardown(async () => {
    await session.stop()
    await whole[Symbol.asyncDispose]()
  })
  whole.pubsub.create({ jid: `owner@${DOMAIN}` }, { node: NODE })
  return { whole, session, came, feed: `${LOCAL}@${jid}` }
}

/** A client as it begins: its roster, and its presence. */
async function enter(server: ServerUnderTest, local: string, resource = 'screen'): Promise<RawStream> {
  const stream = await login(server.client, server.account(local), resource)
  stream.send(`<iq type='get' id='roster'><query xmlns='${NS.roster}'/></iq>`)
  await stream.flush(DOMAIN)
  // Nothing is read behind it: a feed may answer before the server would.
  stream.send('<presence><priority>1</priority></presence>')
  return stream
}

const isPresence = (stanza: Element, type: string | undefined, from: string) =>
  stanza.name === 'presence' && attribute(stanza, 'type') === type && bareJid(attribute(stanza, 'from') ?? '') === from

async function until(stream: RawStream, type: string | undefined, from: string): Promise<Element> {
  for (;;) {
    const stanza = await stream.next()
    if (isPresence(stanza, type, from)) return stanza
  }
}

/** The subscription to a contact in a roster: as it is told, or pushed. */
function subscriptionIn(stanza: Element, contact: string): string | undefined {
  const items = stanza.getChild('query', NS.roster)?.getChildElements() ?? []
  const item = items.find((each) => attribute(each, 'jid') === contact)
  return item && attribute(item, 'subscription')
}

/** The service has heard all that the server had for it. */
async function settled(stream: RawStream, jid: string): Promise<void> {
  await stream.flush(jid)
}

/** Adds the feed, as a client does, and answers its request. */
async function add(stream: RawStream, feed: string, answer: 'subscribed' | 'unsubscribed'): Promise<void> {
  stream.send(`<presence type='subscribe' to='${feed}'/>`)
  await until(stream, 'subscribed', feed)
  await until(stream, 'subscribe', feed)
  stream.send(`<presence type='${answer}' to='${feed}'/>`)
}

onEachServer('feeds in rosters', { accounts: ['wall7', 'wall8', 'wall9'], components: SERVICES }, (test, kind) => {
  test('who grants the request of a feed is seen coming and going', async (t, server) => {
    const jid = `granted.${DOMAIN}`
    const { whole, came, feed } = await serve(t, server, jid)
    const there = () => whole.feeds?.availability.resourcesOf(`wall7@${DOMAIN}`).map((each) => `${each.jid} ${each.priority}`)
    const first = await enter(server, 'wall7')
    const shown = new Promise((resolve) => whole.feeds?.availability.once('available', resolve))
    await add(first, feed, 'subscribed')
    await shown
    t.deepEqual(there(), [`wall7@${DOMAIN}/screen 1`])
    const gone = new Promise((resolve) => whole.feeds?.availability.once('unavailable', resolve))
    await first.close()
    await gone
    t.deepEqual(there(), [])
    came.length = 0
    const second = await enter(server, 'wall7')
    await until(second, undefined, feed)
    await settled(second, jid)
    t.deepEqual(there(), [`wall7@${DOMAIN}/screen 1`])
    t.log(`${kind.name}: at log-in comes ${came.join(', ')}`)
    second.destroy()
  })

  test('who grants a feed nothing, and sends it no presence, is seen at log-in by the probe of its server', async (t, server) => {
    const jid = `refused.${DOMAIN}`
    const { whole, came, feed } = await serve(t, server, jid)
    const there = () => whole.feeds?.availability.resourcesOf(`wall8@${DOMAIN}`).map((each) => each.jid)
    const first = await enter(server, 'wall8')
    await add(first, feed, 'unsubscribed')
    await settled(first, jid)
    t.deepEqual(there(), [])
    await first.close()
    came.length = 0
    const second = await enter(server, 'wall8')
    await until(second, undefined, feed)
    await settled(second, jid)
    t.deepEqual(came, [`probe wall8@${DOMAIN}/screen`])
    t.deepEqual(there(), [`wall8@${DOMAIN}/screen`])
    await second.close()
    t.log(`${kind.name}: at log-in comes ${came.join(', ')}`)
  })

  test('a feed that ends says so, and one that is deleted leaves the roster', async (t, server) => {
    const jid = `kept.${DOMAIN}`
    const { whole, feed } = await serve(t, server, jid)
    const client = await enter(server, 'wall9')
    await add(client, feed, 'subscribed')
    await settled(client, jid)
    whole.pubsub.delete({ jid: `owner@${DOMAIN}` }, NODE)
    // Each direction ends by a stanza of its own, in either order with what the server tells of its roster.
    let [isTold, subscription] = [false, '']
    while (!isTold || !['none', 'remove'].includes(subscription)) {
      const stanza = await client.next()
      isTold ||= isPresence(stanza, 'unsubscribed', feed)
      subscription = subscriptionIn(stanza, feed) ?? subscription
    }
    client.send(`<iq type='get' id='again'><query xmlns='${NS.roster}'/></iq>`)
    let answer = await client.next()
    while (attribute(answer, 'id') !== 'again') answer = await client.next()
    t.is(subscriptionIn(answer, feed), 'none', 'it is in the roster still')

    whole.pubsub.create({ jid: `owner@${DOMAIN}` }, { node: NODE })
    client.send(`<presence type='subscribe' to='${feed}'/>`)
    await until(client, undefined, feed)
    await whole.drain(60_000)
    await until(client, 'unavailable', feed)
    client.destroy()
  })
})
