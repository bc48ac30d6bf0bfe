// Goal: where a server grants it, owners open nodes to those who see their presence, or to groups of their contacts; where it does not,
// there are no such nodes. Method: the service, by the options of `serve`, at two addresses of each server, of which one may read rosters;
// accounts with real rosters.

import { EventEmitter, once } from 'node:events'
import { loadSettings, serveOptions } from '../../src/config/index.ts'
import { Service } from '../../src/service.ts'
import { attribute, type Element, NS, parseDiscoInfo } from '../../src/xep/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { foreign } from '../helpers/foreign.ts'
import { DOMAIN } from '../helpers/prosody.ts'
import { field, WirePubsub } from '../helpers/pubsub-service.ts'
import { login, type RawStream } from '../helpers/raw-client.ts'
import { dataFolder, PUBSUB, servePubsub } from '../helpers/serve-pubsub.ts'
import { ejabberd, prosody, type ServerUnderTest } from '../helpers/server.ts'

const UNGRANTED = `ungranted.${DOMAIN}`
const GRANTED = "the server lets its accounts' rosters be read: there are the access models presence and roster"

/** The service, for which time stands still: it gives no server up that is slow to say what is in a roster. */
async function serve(server: ServerUnderTest, jid: string, data: string, options: Readonly<Record<string, unknown>> = {}) {
  const logged = new EventEmitter()
  const say = (facts: object, sentence: string) => void logged.emit(sentence, facts)
  const { host, port } = server.componentAt(jid)
  const flags = { domain: jid, service: `xmpp://${host}:${port}`, 'pubsub-only': true, data, ...options }
  const settings = loadSettings(serveOptions, { flags, environment: {} })
  const logger = { debug: say, info: say, warn: say, error: say }
  const service = new Service({ clock: new FakeClock(), logger }, { settings, secret: server.secret })
  const granted = once(logged, GRANTED)
  await service.start()
  return { granted, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() }
}

async function enter(server: ServerUnderTest, local: string): Promise<RawStream> {
  const stream = await login(server.client, server.account(local), 'elsinore')
  // Changes of a roster are told to whom has asked for it (RFC 6121 §2.1.6).
  stream.send(`<iq type='get' id='roster'><query xmlns='${NS.roster}'/></iq><presence/>`)
  await stream.flush(DOMAIN)
  return stream
}

/** Up to the first stanza that is so. */
async function until(stream: RawStream, isMeant: (stanza: Element) => boolean): Promise<void> {
  while (!isMeant(await stream.next()));
}

const isPresence = (type: string) => (stanza: Element) => stanza.name === 'presence' && attribute(stanza, 'type') === type
const isPushOf = (subscription: string) => (stanza: Element) =>
  attribute(stanza.getChild('query', NS.roster)?.getChild('item') ?? stanza, 'subscription') === subscription
const isResult = (stanza: Element) => stanza.name === 'iq' && attribute(stanza, 'type') === 'result'

/** The second sees the presence of the first from now on. */
async function befriend(first: RawStream, second: RawStream): Promise<void> {
  const [jid] = second.jid.split('/')
  second.send(`<presence type='subscribe' to='${first.jid.split('/')[0]}'/>`)
  await until(first, isPresence('subscribe'))
  first.send(`<presence type='subscribed' to='${jid}'/>`)
  await until(first, isPushOf('from'))
  await until(second, isPresence('subscribed'))
}

async function group(owner: RawStream, contact: string, ...groups: readonly string[]): Promise<void> {
  const item = `<item jid='${contact}'>${groups.map((each) => `<group>${each}</group>`).join('')}</item>`
  owner.send(`<iq type='set' id='group'><query xmlns='${NS.roster}'>${item}</query></iq>`)
  await until(owner, isResult)
}

/** What a client is told next of a node, and of which item. */
async function told(client: WirePubsub): Promise<string> {
  for (;;) {
    const items = (await client.message()).getChild('event', NS.pubsubEvent)?.getChild('items')
    if (items) return `${attribute(items, 'node')} ${attribute(items.getChildElements()[0] as Element, 'id')}`
  }
}

/** The feature of access models that a service shows, and those that are in the form of a node. */
async function modelsOf(client: WirePubsub): Promise<readonly [string, string]> {
  const [info] = (await client.ask('get', `<query xmlns='${NS.discoInfo}'/>`)).getChildElements()
  const shown = info ? parseDiscoInfo(info).features.filter((name) => name.startsWith(`${NS.pubsub}#access-`)) : []
  const form = String(await client.ownerGet('<default/>'))
  const options = ['open', 'presence', 'roster', 'authorize', 'whitelist'].filter((model) =>
    new RegExp(`access_model.*?<option[^>]*><value>${model}</value>`).test(form),
  )
  return [shown.map((name) => name.slice(NS.pubsub.length + 8)).join(' '), options.join(' ')]
}

foreign('rosters that serve is told of', [...prosody.needs, 'prosody-modules'])(
  'serve takes whose rosters it may read by its command line, and logs that it may',
  async (t) => {
    await using server = await prosody.start({ accounts: ['hamlet'], components: [PUBSUB], rosterReader: PUBSUB })
    const cli = await servePubsub(t, server, await dataFolder(t), ['--pubsub-rosters-of', DOMAIN])
    t.is((await cli.logged(GRANTED))['domain'], DOMAIN)
  },
)

/** As an administrator calls them: below the server's domain, which is believed then, or by another name, which takes telling. */
const services = [
  { kind: prosody, jid: PUBSUB, options: {} },
  { kind: ejabberd, jid: 'feeds.example', options: { 'pubsub-rosters-of': [DOMAIN], 'pubsub-create': [DOMAIN] } },
] as const

for (const { kind, jid, options } of services) {
  const test = foreign(`rosters that ${kind.name} grants`, [...kind.needs, ...(kind === prosody ? (['prosody-modules'] as const) : [])])

  test(`nodes are open to whom their owner's roster has, and to nobody else, behind ${kind.name} (XEP-0060 §4.5, XEP-0356)`, async (t) => {
    const accounts = ['hamlet', 'horatio', 'francisco']
    await using server = await kind.start({ accounts, components: [jid, UNGRANTED], rosterReader: jid })
    const [hamlet, horatio, francisco] = [await enter(server, 'hamlet'), await enter(server, 'horatio'), await enter(server, 'francisco')]
    await befriend(hamlet, horatio)
    await befriend(hamlet, francisco)
    await group(hamlet, `horatio@${DOMAIN}`, 'Friends', 'Students')
    await hamlet.flush(DOMAIN)

    await using service = await serve(server, jid, await dataFolder(t), options)
    await using _ = await serve(server, UNGRANTED, await dataFolder(t))
    t.like(await service.granted, [{ domain: DOMAIN }])

    const refused = new WirePubsub(hamlet, UNGRANTED)
    t.deepEqual(await modelsOf(refused), ['open', 'open authorize whitelist'])
    for (const model of ['presence', 'roster']) {
      t.is(await refused.create('n', field('access_model', model)), 'modify not-acceptable unsupported-access-model')
    }

    const [owner, friend, other] = [hamlet, horatio, francisco].map((stream) => new WirePubsub(stream, jid)) as [
      WirePubsub,
      WirePubsub,
      WirePubsub,
    ]
    t.deepEqual(await modelsOf(owner), ['open presence roster', 'open presence roster authorize whitelist'])
    t.is(await owner.create('seen', field('access_model', 'presence')), 'result')
    t.is(await owner.create('known', field('access_model', 'roster'), field('roster_groups_allowed', 'Friends')), 'result')
    const subscribe = (client: WirePubsub, node: string) =>
      client.outcome(client.set(`<subscribe node='${node}' jid='${client.account}'/>`))
    const retrieve = (client: WirePubsub, node: string) => client.outcome(client.get(`<items node='${node}'/>`))

    for (const use of [subscribe, retrieve]) {
      t.deepEqual([await use(friend, 'seen'), await use(other, 'seen')], ['result', 'result'])
      t.deepEqual([await use(friend, 'known'), await use(other, 'known')], ['result', 'auth not-authorized not-in-roster-group'])
    }
    t.is(await retrieve(owner, 'known'), 'result', 'its owner is always let in')
    t.is(await owner.publish('known', 'a'), 'result')
    t.is(await told(friend), 'known a')

    await group(hamlet, `horatio@${DOMAIN}`, 'Students')
    t.is(await owner.publish('known', 'b'), 'result')
    hamlet.send(`<presence type='unsubscribed' to='horatio@${DOMAIN}'/>`)
    await until(horatio, isPresence('unsubscribed'))
    t.is(await owner.publish('seen', 'c'), 'result')
    t.is(await told(other), 'seen c')
    await befriend(hamlet, horatio)
    t.is(await owner.publish('seen', 'd'), 'result')
    t.is(await told(friend), 'seen d', 'of what happened without him he is told nothing, and his subscription is still there')
  })
}
