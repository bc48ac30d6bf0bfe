// Goal: the eight packets of presence in both directions at the address of a feed, and that its subscriptions are those of XEP-0060.

import test from 'ava'
import { feedCapabilities } from '../../../src/component/feeds/feed-entity.ts'
import { attribute, buildPresencePacket, NS, parsePresencePacket } from '../../../src/xep/index.ts'
import { ACCOUNT, accessModel, DEVICE, FEEDS, FeedLine, NEWS, NODE, OWNER } from '../../helpers/feed-line.ts'
import { owner, pubsub } from '../../helpers/pubsub-examples.ts'

const WELCOME = [`subscribed ${ACCOUNT}`, `available ${ACCOUNT}`, `subscribe ${ACCOUNT}`]
const FAREWELL = [`unsubscribed ${ACCOUNT}`, `unavailable ${ACCOUNT}`, `unsubscribe ${ACCOUNT}`]

test('subscribe: an open feed lets in at once, asks back, and the bare JID is subscribed at the node', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  feed.presence(ACCOUNT, 'subscribe')
  const said = await feed.presences()
  t.deepEqual(
    said.map((each) => `${attribute(each, 'type') ?? 'available'} ${attribute(each, 'to')}`),
    WELCOME,
  )
  t.true(said.every((each) => attribute(each, 'from') === NEWS))
  const [subscribed, available] = said
  t.like(subscribed && parsePresencePacket(subscribed), { value: { type: 'subscription', json: { service: FEEDS, node: NODE } } })
  t.is(available?.getChild('c', NS.capabilities)?.attrs['ver'], feedCapabilities.ver)
  t.deepEqual(feed.states(), [`${ACCOUNT} subscribed`])
})

test('subscribe again, by presence or by XEP-0060, is the same subscription', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  feed.presence(ACCOUNT, 'subscribe')
  await feed.said()
  feed.presence(ACCOUNT, 'subscribe')
  t.deepEqual(await feed.said(), [`subscribed ${ACCOUNT}`, `available ${ACCOUNT}`])
  await feed.ask(DEVICE, 'set', pubsub(`<subscribe node='${NODE}' jid='${ACCOUNT}'/>`))
  t.deepEqual(feed.states(), [`${ACCOUNT} subscribed`])

  const other = await FeedLine.open(t)
  await other.create()
  await other.ask(DEVICE, 'set', pubsub(`<subscribe node='${NODE}' jid='${ACCOUNT}'/>`))
  other.presence(ACCOUNT, 'subscribe')
  t.deepEqual(await other.said(), WELCOME)
  t.deepEqual(other.states(), [`${ACCOUNT} subscribed`])
})

test('who subscribes by presence has a queue, and the keys it names', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  const options = () => feed.whole.pubsub.options({ jid: ACCOUNT }, { node: NODE, jid: ACCOUNT }).options
  await feed.ask(DEVICE, 'set', pubsub(`<subscribe node='${NODE}' jid='${ACCOUNT}'/>`))
  t.like(options(), { queue: false, keys: [] })
  const selector = { type: 'selector', json: { keys: ['linux.*'] } }
  const [payload] = buildPresencePacket({ kind: 'subscribe', value: selector }).getChildElements()
  feed.presence(ACCOUNT, 'subscribe', String(payload))
  await feed.said()
  t.like(options(), { queue: true, keys: ['linux.*'] })

  const wrong = 'wall8@example.org'
  const [unfit] = buildPresencePacket({
    kind: 'subscribe',
    value: { type: 'selector', json: { keys: Array.from({ length: 200 }, (_, at) => `k${at}`) } },
  }).getChildElements()
  feed.presence(wrong, 'subscribe', String(unfit))
  const [refused] = await feed.presences()
  t.like(refused && parsePresencePacket(refused), { kind: 'unsubscribed', value: { json: { detail: 'invalid-options' } } })
})

test('subscribe at a feed that is not for everybody is refused, with a reason', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create(accessModel('whitelist'))
  feed.presence(ACCOUNT, 'subscribe')
  const [refused, ...more] = await feed.presences()
  t.deepEqual(more, [])
  t.like(refused && parsePresencePacket(refused), {
    kind: 'unsubscribed',
    value: { type: 'reason', json: { condition: 'not-allowed', detail: 'closed-node', text: 'you may not subscribe to this node' } },
  })
  t.deepEqual(feed.states(), [])
})

test('an outcast is refused', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  feed.whole.pubsub.setNodeAffiliations({ jid: OWNER }, NODE, [{ jid: ACCOUNT, affiliation: 'outcast' }])
  feed.presence(ACCOUNT, 'subscribe')
  const [refused] = await feed.presences()
  t.like(refused && parsePresencePacket(refused), { kind: 'unsubscribed', value: { json: { condition: 'forbidden' } } })
})

test('a feed whose owners decide says nothing before they have', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create(accessModel('authorize'))
  feed.presence(ACCOUNT, 'subscribe')
  t.deepEqual(await feed.said(), [])
  feed.presence(ACCOUNT, 'subscribe')
  t.deepEqual(await feed.said(), [])
  t.deepEqual(feed.states(), [`${ACCOUNT} pending`])
  await feed.ask(
    OWNER,
    'set',
    owner(`<subscriptions node='${NODE}'><subscription jid='${ACCOUNT}' subscription='subscribed'/></subscriptions>`),
  )
  t.deepEqual(await feed.said(), WELCOME)

  const refused = 'wall8@example.org'
  feed.presence(refused, 'subscribe')
  await feed.said()
  feed.whole.pubsub.decide({ jid: OWNER }, { node: NODE, jid: refused }, false)
  t.deepEqual(await feed.said(), [`unsubscribed ${refused}`])
})

test('a feed for contacts of its owner refuses whom no roster has', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  // As it would be once a server has taken back what it granted: nobody is a contact of anybody.
  const node = feed.whole.pubsub.node(NODE)
  Reflect.set(node.config, 'accessModel', 'presence')
  feed.presence(ACCOUNT, 'subscribe')
  const [refused] = await feed.presences()
  t.like(refused && parsePresencePacket(refused), {
    kind: 'unsubscribed',
    value: { json: { condition: 'not-authorized', detail: 'presence-subscription-required' } },
  })
})

test('where there is no feed, subscribe and probe are answered unsubscribed, and nothing else is', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  for (const to of [`nobody@${FEEDS}`, FEEDS, `Builds\\2fnightly@${FEEDS}`]) {
    for (const type of ['subscribe', 'probe']) {
      feed.presence(ACCOUNT, type, '', to)
      t.deepEqual(await feed.said(), [`unsubscribed ${ACCOUNT}`], `${type} to ${to}`)
    }
    for (const type of [undefined, 'unavailable', 'subscribed', 'unsubscribe', 'unsubscribed', 'error']) {
      feed.presence(ACCOUNT, type, '', to)
      t.deepEqual(await feed.said(), [], `${type} to ${to}`)
    }
  }
})

test('subscribed, then presence and unavailable: who grants the request is seen coming and going', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  await feed.befriend()
  t.deepEqual(feed.there(), [])
  feed.presence(DEVICE, undefined, '<priority>3</priority>')
  t.like(feed.whole.feeds?.availability.resourcesOf(ACCOUNT)[0], { jid: DEVICE, priority: 3 })
  feed.presence(DEVICE, 'unavailable')
  t.deepEqual(feed.there(), [])
  t.deepEqual(await feed.said(), [])
})

test('unsubscribed: who refuses the request stays subscribed, and is not asked again until it subscribes again', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  feed.presence(ACCOUNT, 'subscribe')
  await feed.said()
  feed.presence(ACCOUNT, 'unsubscribed')
  feed.presence(DEVICE, 'probe')
  t.deepEqual(await feed.said(), [`available ${DEVICE}`])
  t.deepEqual(feed.states(), [`${ACCOUNT} subscribed`])
  feed.presence(ACCOUNT, 'subscribe')
  t.deepEqual(await feed.said(), WELCOME)
})

test('probe: a log-in of who has the feed in its roster and grants it nothing is answered, and seen', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  feed.presence(ACCOUNT, 'subscribe')
  await feed.said()
  const seen: string[] = []
  feed.whole.feeds?.availability.on('available', ({ jid }) => seen.push(jid))
  feed.presence(DEVICE, 'probe')
  t.deepEqual(await feed.said(), [`available ${DEVICE}`])
  t.deepEqual([feed.there(), seen], [[DEVICE], [DEVICE]])
  // Another log-in of the same name: no server says that the first one is over.
  feed.presence(DEVICE, 'probe')
  t.deepEqual(seen, [DEVICE, DEVICE])
})

test('probe: who is not subscribed hears that', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  feed.presence(DEVICE, 'probe')
  t.deepEqual(await feed.said(), [`unsubscribed ${ACCOUNT}`])
  t.deepEqual(feed.there(), [])
})

test('error: what comes back from a device shows that it is gone', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  feed.presence(ACCOUNT, 'subscribe')
  await feed.said()
  feed.presence(DEVICE, 'probe')
  await feed.said()
  t.deepEqual(feed.there(), [DEVICE])
  feed.presence(DEVICE, 'error', `<error type='wait'><recipient-unavailable xmlns='${NS.stanzas}'/></error>`)
  t.deepEqual(await feed.said(), [])
  t.deepEqual(feed.there(), [])
  t.deepEqual(feed.states(), [`${ACCOUNT} subscribed`])
})

test('unsubscribe: the subscription is over at the node, too, and the feed takes its own back', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  await feed.befriend()
  feed.presence(ACCOUNT, 'unsubscribe')
  t.deepEqual(await feed.said(), [`unavailable ${ACCOUNT}`, `unsubscribe ${ACCOUNT}`])
  t.deepEqual([feed.states(), feed.whole.pubsub.contacts.count], [[], 0])
  feed.presence(ACCOUNT, 'unsubscribe')
  t.deepEqual(await feed.said(), [])
})

test('who unsubscribes by XEP-0060, is removed, or whose node is deleted hears that by presence', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  await feed.befriend()
  await feed.ask(DEVICE, 'set', pubsub(`<unsubscribe node='${NODE}' jid='${ACCOUNT}'/>`))
  t.deepEqual(await feed.said(), FAREWELL)
  await feed.befriend()
  await feed.ask(OWNER, 'set', owner(`<subscriptions node='${NODE}'><subscription jid='${ACCOUNT}' subscription='none'/></subscriptions>`))
  t.deepEqual(await feed.said(), FAREWELL)
  await feed.befriend()
  await feed.ask(OWNER, 'set', owner(`<delete node='${NODE}'/>`))
  t.deepEqual(await feed.said(), FAREWELL)
  t.is(feed.whole.pubsub.contacts.count, 0)
  feed.presence(DEVICE, 'probe')
  t.deepEqual(await feed.said(), [`unsubscribed ${ACCOUNT}`])
})

test('presence to the service itself says that a subscriber is there, and that it goes', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  const caps = buildPresencePacket({ kind: 'presence' }, { node: 'https://example.org/client', ver: 'x' }).getChild('c')
  feed.presence(DEVICE, undefined, String(caps), FEEDS)
  t.deepEqual(feed.there(), [], 'who has subscribed to nothing is nobody')
  await feed.ask(DEVICE, 'set', pubsub(`<subscribe node='${NODE}' jid='${ACCOUNT}'/>`))
  feed.presence(DEVICE, undefined, String(caps), FEEDS)
  t.like(feed.whole.feeds?.availability.resourcesOf(ACCOUNT)[0], {
    jid: DEVICE,
    capabilities: { node: 'https://example.org/client', ver: 'x' },
  })
  feed.presence(DEVICE, 'unavailable', '', FEEDS)
  t.deepEqual(feed.there(), [])
  t.deepEqual(await feed.said(), [])
})

test('a flood of strangers leaves nothing behind', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create(accessModel('whitelist'))
  for (let stranger = 0; stranger < 500; stranger++) {
    for (const type of [undefined, 'subscribe', 'probe', 'subscribed', 'error', 'unavailable']) {
      feed.presence(`${stranger}@elsewhere.example/x`, type, `<payload xmlns='${NS.feeds}' type='x'><y/></payload>`)
    }
  }
  await feed.said()
  t.deepEqual([feed.whole.pubsub.contacts.count, feed.whole.feeds?.availability.size], [0, 0])
})

test('what is no presence, of nobody, or of no address is passed over', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  feed.line.say(`<presence to='${NEWS}' type='subscribe'/>`)
  feed.line.say(`<presence from='${ACCOUNT}' type='subscribe'/>`)
  feed.presence(ACCOUNT, 'befriend')
  feed.presence('@example.org', 'subscribe')
  t.deepEqual(await feed.said(), [])
})
