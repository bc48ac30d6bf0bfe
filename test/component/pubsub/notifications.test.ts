import test, { type ExecutionContext } from 'ava'
import { pubsubMigrations, SqliteStore } from '../../../src/pubsub/index.ts'
import { buildMessage, parseNotification } from '../../../src/xep/index.ts'
import { openLine } from '../../helpers/component-line.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { by, FRIEND, OWNER, STRANGER } from '../../helpers/pubsub.ts'
import { SERVICE, TellingScene } from '../../helpers/pubsub-notifications.ts'
import { openStorage } from '../../helpers/storage.ts'

type Init = ConstructorParameters<typeof TellingScene>[2]

async function open(t: ExecutionContext, init: Init = {}) {
  const clock = new FakeClock()
  const line = await openLine(t, SERVICE, { clock })
  const scene = new TellingScene(line.session, clock, init)
  /** The next stanza, without its id, which no other has. */
  const ids = new Set<string>()
  const hear = async () => {
    const stanza = await line.hear()
    const id = String(stanza.attrs['id'])
    t.regex(id, /^[\w-]{10,32}$/)
    t.false(ids.has(id))
    ids.add(id)
    return stanza.toString().replace(` id="${id}"`, '')
  }
  return { scene, hear, next: line.hear, say: line.say, session: line.session }
}

const event = (to: string, change: string, { type = ' type="headline"', behind = '' } = {}) =>
  `<message from="${SERVICE}"${type} to="${to}"><event xmlns="http://jabber.org/protocol/pubsub#event">${change}</event>${behind}</message>`

test('each subscriber gets what was published, at the address it subscribed (XEP-0060 §7.1.2.1, §12.3)', async (t) => {
  const { scene, hear } = await open(t)
  scene.node('news', [FRIEND, `${STRANGER}/device`])
  scene.announce('news', 'a', '<a xmlns="urn:example">&lt;漢 &amp; 😀</a>')
  const items = '<items node="news"><item id="a"><a xmlns="urn:example">&lt;漢 &amp; 😀</a></item></items>'
  t.is(await hear(), event(FRIEND, items))
  t.is(await hear(), event(`${STRANGER}/device`, items))
  t.deepEqual(scene.notifications.counts, { sent: 2, dropped: 0, ended: 0, waiting: 0, waitingBytes: 0 })
})

test('what a node says of payloads, of the type of messages and of publishers is heeded (XEP-0060 §7.1.2)', async (t) => {
  const { scene, hear } = await open(t)
  scene.node('quiet', [FRIEND], { deliverPayloads: false, notificationType: 'normal', itemReply: 'publisher' })
  scene.announce('quiet', 'a')
  const items = `<items node="quiet"><item id="a" publisher="${OWNER}/device"/></items>`
  t.is(await hear(), event(FRIEND, items, { type: '' }))
})

test('whatever else becomes of a node is told (XEP-0060 §7.2.2, §8)', async (t) => {
  const { scene, hear } = await open(t)
  const { pubsub } = scene
  scene.node('news', [FRIEND], { notifyConfig: true, notifyRetract: true })
  scene.announce('news', 'a')
  await hear()
  scene.tell(pubsub.retract(by(OWNER), { node: 'news', itemIds: ['a'] }))
  t.is(await hear(), event(FRIEND, '<items node="news"><retract id="a"/></items>'))
  scene.tell(pubsub.purge(by(OWNER), 'news'))
  t.is(await hear(), event(FRIEND, '<purge node="news"/>'))
  scene.tell(pubsub.configure(by(OWNER), 'news', { description: 'About' }))
  const form = '<x xmlns="jabber:x:data" type="result"><field var="pubsub#title"><value>news</value></field></x>'
  t.is(await hear(), event(FRIEND, `<configuration node="news">${form}</configuration>`))
  scene.tell(pubsub.configure(by(OWNER), 'news', { deliverPayloads: false }))
  t.is(await hear(), event(FRIEND, '<configuration node="news"/>'))
  scene.tell(pubsub.delete(by(OWNER), 'news', 'xmpp:other.example?;node=n'))
  t.is(await hear(), event(FRIEND, '<delete node="news"><redirect uri="xmpp:other.example?;node=n"/></delete>'))
  t.false(pubsub.sweep().more)
  t.is(scene.store.subscriptionsAt(1, FRIEND).length, 0, 'once all are told, nothing is kept of a deleted node')
})

test('subscribers, owners and the affiliated are told what becomes of them (XEP-0060 §8.6, §8.8.4, §8.9.4)', async (t) => {
  const { scene, hear } = await open(t)
  const { pubsub } = scene
  scene.node('news', [], { accessModel: 'authorize' })
  scene.tell(pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND, options: { expiresMs: 1_000_000 + 3_600_000 } }))
  const asked = await hear()
  t.true(asked.startsWith(`<message from="${SERVICE}" to="${OWNER}"><x xmlns="jabber:x:data" type="form">`), asked)
  t.true(asked.includes('#subscribe_authorization</value>') && asked.includes(`<value>${FRIEND}</value>`), asked)
  const [{ subid } = { subid: '' }] = pubsub.subscriptions(by(FRIEND), { node: 'news' }).found
  scene.tell(pubsub.decide(by(OWNER), { node: 'news', jid: FRIEND, subid }, true))
  const attributes = `node="news" jid="${FRIEND}" subid="${subid}" subscription="subscribed" expiry="1970-01-01T01:16:40Z"`
  t.is(await hear(), event(FRIEND, `<subscription ${attributes}/>`, { type: '' }))
  scene.tell(pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: FRIEND, affiliation: 'member' }]))
  const affiliation = `<affiliations node="news"><affiliation jid="${FRIEND}" affiliation="member"/></affiliations>`
  t.is(
    await hear(),
    `<message from="${SERVICE}" to="${FRIEND}"><pubsub xmlns="http://jabber.org/protocol/pubsub">${affiliation}</pubsub></message>`,
  )
})

test('a new subscriber gets what was published last, and hears when that was (XEP-0060 §6.1.7)', async (t) => {
  const { scene, hear } = await open(t)
  scene.node('news', [], { sendLastPublishedItem: 'on_sub' })
  scene.announce('news', 'a')
  scene.tell(scene.pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND }))
  const delay = '<delay xmlns="urn:xmpp:delay" stamp="1970-01-01T00:16:40Z"/>'
  t.is(await hear(), event(FRIEND, '<items node="news"><item id="a"><a xmlns="urn:example"/></item></items>', { behind: delay }))
})

test('one notification names all the subscriptions of a JID it comes of (XEP-0060 §7.1.2.4), and the collection (XEP-0248)', async (t) => {
  const { scene, next } = await open(t)
  const { pubsub } = scene
  pubsub.create(by(OWNER), { node: 'all', kind: 'collection' })
  scene.node('news', [FRIEND], { collection: 'all' } as never)
  pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND, options: { expiresMs: 2_000_000 } })
  pubsub.subscribe(by(STRANGER), { node: 'all', jid: STRANGER })
  scene.announce('news', 'a')
  const subids = pubsub.subscriptions(by(FRIEND), { node: 'news' }).found.map(({ subid }) => subid)
  const [to, via] = [await next(), await next()]
  t.is(to.attrs['to'], FRIEND)
  t.like(parseNotification(to), { subids, collection: undefined })
  t.is(via.attrs['to'], STRANGER)
  t.like(parseNotification(via), { subids: [], collection: 'all' })
})

test('what is the same for every subscription names none of them (XEP-0060 §12.16)', async (t) => {
  const { scene, next } = await open(t)
  const { pubsub } = scene
  scene.node('news', [FRIEND], { notifyConfig: true })
  pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND, options: { expiresMs: 2_000_000 } })
  scene.announce('news', 'a')
  t.is(parseNotification(await next())?.subids.length, 2)
  scene.tell(pubsub.configure(by(OWNER), 'news', { title: 'News' }))
  scene.tell(pubsub.purge(by(OWNER), 'news'))
  scene.tell(pubsub.delete(by(OWNER), 'news'))
  for (const kind of ['configuration', 'purge', 'delete']) {
    const notification = parseNotification(await next())
    t.deepEqual([notification?.event.kind as string, notification?.subids], [kind, []])
  }
})

test('nodes that come into a collection, and leave it, are told of (XEP-0248)', async (t) => {
  const { scene, hear } = await open(t)
  const { pubsub } = scene
  pubsub.create(by(OWNER), { node: 'all', kind: 'collection' })
  pubsub.subscribe(by(FRIEND), { node: 'all', jid: FRIEND, options: { type: 'nodes' } })
  scene.tell(pubsub.create(by(OWNER), { node: 'news', config: { collection: 'all' } }))
  const headers = '<headers xmlns="http://jabber.org/protocol/shim"><header name="Collection">all</header></headers>'
  t.is(await hear(), event(FRIEND, '<collection node="all"><associate node="news"/></collection>', { behind: headers }))
  scene.tell(pubsub.configure(by(OWNER), 'news', { collection: '' }))
  t.is(await hear(), event(FRIEND, '<collection node="all"><disassociate node="news"/></collection>', { behind: headers }))
})

test('items that are large come in several notifications, in their order; small ones come together', async (t) => {
  const { scene, next } = await open(t)
  scene.node('news', [FRIEND])
  const payload = (size: number) => `<a xmlns="urn:example">${'x'.repeat(size)}</a>`
  const items = [30_000, 30_000, 30_000, 60_000, 1, 1].map((size, at) => ({ id: `${at}`, payload: payload(size) }))
  scene.tell(scene.pubsub.publish(by(OWNER), { node: 'news', items }))
  const ids: (readonly (string | undefined)[])[] = []
  for (let part = 0; part < 3; part++) {
    const told = parseNotification(await next())?.event
    ids.push(told?.kind === 'items' ? told.items.map(({ id }) => id) : [])
  }
  t.deepEqual(ids, [['0', '1'], ['2'], ['3', '4', '5']])
})

test('what there is no room for is dropped, counted and logged once; the rest goes its way', async (t) => {
  const { scene, hear } = await open(t, { limits: { fanOutsMax: 2 } })
  scene.node('news', [FRIEND])
  const notices = ['a', 'b', 'c', 'd'].flatMap(
    (id) => scene.pubsub.publish(by(OWNER), { node: 'news', items: [{ id, payload: '<a/>' }] }).notices,
  )
  scene.notifications.tell([...notices, ...scene.pubsub.delete(by(OWNER), 'news').notices])
  for (const id of ['a', 'b']) t.true((await hear()).includes(`<item id="${id}">`))
  t.like(scene.notifications.counts, { dropped: 3 })
  t.deepEqual(
    scene.log.lines.map(({ level, waiting, suppressed }) => [level, waiting, suppressed]),
    [['warn', 2, 0]],
  )
  t.false(scene.pubsub.sweep().more)
  t.is(scene.store.subscriptionsAt(1, FRIEND).length, 0, 'nothing is kept of a deleted node for those who are not told')
})

test('texts that wait are bounded in octets, too', async (t) => {
  const { scene } = await open(t, { limits: { heldBytesMax: 10_000 } })
  scene.node('news', [FRIEND])
  const items = [{ payload: `<a>${'x'.repeat(6_000)}</a>` }]
  const notices = [1, 2].flatMap(() => scene.pubsub.publish(by(OWNER), { node: 'news', items }).notices)
  scene.notifications.tell(notices)
  t.is(scene.notifications.counts.dropped, 1)
})

test('once it is disposed of, nobody is told', async (t) => {
  const { scene, session, hear } = await open(t)
  scene.node('news', [FRIEND])
  scene.notifications[Symbol.dispose]()
  scene.announce('news', 'a')
  session.send(buildMessage({ id: 'x-0123456789', to: 'last' }))
  t.true((await hear()).includes('to="last"'))
  t.is(session.listenerCount('message'), 0)
})

test('subscribers that cannot be found do not keep others from being told', async (t) => {
  const { scene, hear } = await open(t)
  scene.node('news', [FRIEND])
  scene.node('other', [FRIEND])
  const { store } = scene
  const { subscriptions } = store
  store.subscriptions = (id, range) => {
    if (id === 1) throw new Error('the disk is gone')
    return subscriptions.call(store, id, range)
  }
  scene.announce('news', 'a')
  scene.announce('other', 'b')
  t.true((await hear()).includes('"b"'))
  t.deepEqual(
    scene.log.lines.map(({ level, sentence }) => [level, sentence]),
    [['error', 'subscribers could not be told']],
  )
})

test('what cannot be read when it is to be told is logged, and what comes behind it is told', async (t) => {
  const storage = await openStorage(t, undefined, pubsubMigrations)
  const { scene, next } = await open(t, { store: new SqliteStore(storage) })
  scene.node('news', [FRIEND], { itemReply: 'owner' })
  scene.node('plain', [FRIEND])
  const [first, second] = ['news', 'plain'].map((node) => scene.pubsub.publish(by(OWNER), { node, items: [{ id: 'a', payload: '<a/>' }] }))
  storage.change('ALTER TABLE affiliation RENAME TO gone').run()
  scene.tell({ notices: [...(first?.notices ?? []), ...(second?.notices ?? [])] })
  t.is((await next()).getChild('event')?.getChild('items')?.attrs['node'], 'plain')
  t.deepEqual(
    scene.log.lines.map(({ level, sentence }) => [level, sentence]),
    [['error', 'subscribers could not be told']],
  )
})
