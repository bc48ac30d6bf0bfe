import test from 'ava'
import type { NodeConfig } from '../../src/pubsub/index.ts'
import { by, FRIEND, OWNER, PubsubScene, STRANGER } from '../helpers/pubsub.ts'

/** A node of OWNER's. */
function sceneWith(config: Partial<NodeConfig> = {}, init = {}): PubsubScene {
  const scene = new PubsubScene(init)
  scene.pubsub.create(by(OWNER), { node: 'news', config })
  return scene
}

test('subscribers hear of what is published, each once, and nobody else (XEP-0060 §7.1.2)', (t) => {
  const scene = sceneWith()
  scene.pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND })
  scene.pubsub.subscribe(by(STRANGER), { node: 'news', jid: `${STRANGER}/device` })
  scene.pubsub.create(by(OWNER), { node: 'other' })
  scene.pubsub.subscribe(by('else@denmark.lit'), { node: 'other', jid: 'else@denmark.lit' })
  t.deepEqual(scene.publish('news', 'a'), [FRIEND, `${STRANGER}/device`])
  scene.pubsub.unsubscribe(by(FRIEND), { node: 'news', jid: FRIEND })
  t.deepEqual(scene.publish('news', 'b'), [`${STRANGER}/device`])
})

test('what is published under an id that is there takes its place, and is the newest (XEP-0060 §7.1.2)', (t) => {
  const scene = sceneWith()
  for (const id of ['a', 'b', 'a']) scene.publish('news', id)
  const { items, count } = scene.pubsub.items(by(FRIEND), { node: 'news' })
  t.deepEqual([items.map(({ id }) => id), count], [['b', 'a'], 2])
})

test('an item without an id gets one that no other has (XEP-0060 §7.1.1)', (t) => {
  const scene = sceneWith()
  scene.publish('news', 'id-1')
  const { items } = scene.pubsub.publish(by(OWNER), { node: 'news', items: [{ payload: '<a/>' }] })
  t.deepEqual(
    items.map(({ id, publisher, publishedMs, payload }) => ({ id, publisher, publishedMs, payload })),
    [{ id: 'id-2', publisher: `${OWNER}/device`, publishedMs: 1_000_000, payload: '<a/>' }],
  )
})

test('publishing to what is not there fails, and creates it where that is wanted (XEP-0060 §7.1.4)', (t) => {
  const request = { node: 'new', items: [{ payload: '<a/>' }], options: { title: 'New' } }
  t.throws(() => new PubsubScene().pubsub.publish(by(OWNER), request), { code: 'ERR_ITEM_NOT_FOUND' })
  const { pubsub } = new PubsubScene({ autoCreate: true })
  t.true(pubsub.publish(by(OWNER), request).isCreated)
  t.is(pubsub.configOf(pubsub.node('new')).title, 'New')
  t.false(pubsub.publish(by(OWNER), request).isCreated)
})

test('a publish that is refused creates no node (XEP-0060 §7.1.4)', (t) => {
  const { pubsub } = new PubsubScene({ autoCreate: true, limits: { payloadBytesMax: 100 } })
  const refused = (code: string, items: readonly { readonly id?: string; readonly payload?: string }[], options = {}) =>
    t.throws(() => pubsub.publish(by(OWNER), { node: 'new', items, options }), { code })
  refused('ERR_PUBSUB_PAYLOAD_TOO_BIG', [{ payload: 'x'.repeat(101) }])
  refused('ERR_PUBSUB_ITEM_REQUIRED', [])
  refused('ERR_PUBSUB_MAX_ITEMS', [{ payload: '<a/>' }, { payload: '<b/>' }], { maxItems: 1 })
  t.is(pubsub.nodes(by(OWNER)).count, 0)
  t.throws(() => pubsub.node('new'), { code: 'ERR_ITEM_NOT_FOUND' })
  t.true(pubsub.publish(by(OWNER), { node: 'new', items: [{ payload: '<a/>' }] }).isCreated)
  t.is(pubsub.nodes(by(OWNER)).count, 1)
})

const events: readonly [persistItems: boolean, deliverPayloads: boolean, none: string, empty: string, whole: string][] = [
  [true, true, 'ERR_PUBSUB_ITEM_REQUIRED', 'ERR_PUBSUB_PAYLOAD_REQUIRED', 'fine'],
  [true, false, 'ERR_PUBSUB_ITEM_REQUIRED', 'fine', 'fine'],
  [false, true, 'ERR_PUBSUB_ITEM_REQUIRED', 'ERR_PUBSUB_PAYLOAD_REQUIRED', 'fine'],
  [false, false, 'fine', 'ERR_PUBSUB_ITEM_FORBIDDEN', 'ERR_PUBSUB_ITEM_FORBIDDEN'],
]
for (const [persistItems, deliverPayloads, ...answers] of events) {
  test(`persist_items ${persistItems}, deliver_payloads ${deliverPayloads}: no item, one without payload, one with (XEP-0060 §4.3)`, (t) => {
    const { pubsub } = sceneWith({ persistItems, deliverPayloads })
    for (const [at, items] of [[], [{ id: 'a' }], [{ id: 'a', payload: '<a/>' }]].entries()) {
      const publish = () => pubsub.publish(by(OWNER), { node: 'news', items })
      if (answers[at] === 'fine') t.is(publish().items.length, items.length)
      else t.throws(publish, { code: answers[at] as string })
    }
  })
}

test('of several items all are published, or none (XEP-0060 §12.11)', (t) => {
  const scene = sceneWith({ maxItems: 2, maxPayloadBytes: 10 })
  const publish = (...payloads: string[]) =>
    scene.pubsub.publish(by(OWNER), { node: 'news', items: payloads.map((payload) => ({ payload })) })
  t.throws(() => publish('<a/>', '<b/>', '<c/>'), { code: 'ERR_PUBSUB_MAX_ITEMS' })
  t.throws(() => publish('<a/>', '<longer-than/>'), { code: 'ERR_PUBSUB_PAYLOAD_TOO_BIG' })
  t.is(scene.pubsub.items(by(OWNER), { node: 'news' }).count, 0)
  t.is(publish('<a/>', '<b/>').items.length, 2)
})

test('publish options are what the node has to be like (XEP-0060 §7.1.5)', (t) => {
  const { pubsub } = sceneWith({ accessModel: 'whitelist', contact: ['a@b', 'c@d'] })
  const publish = (options: Partial<NodeConfig>) => pubsub.publish(by(OWNER), { node: 'news', items: [{ payload: '<a/>' }], options })
  for (const options of [{}, { accessModel: 'whitelist' }, { persistItems: true, contact: ['c@d', 'a@b'] }] as const) {
    t.notThrows(() => publish(options))
  }
  for (const options of [
    { accessModel: 'open' },
    { accessModel: 'whitelist', maxItems: 3 },
    { contact: ['a@b'] },
    { title: 'x' },
  ] as const) {
    t.throws(() => publish(options), { code: 'ERR_PUBSUB_PRECONDITION' })
  }
  t.is(pubsub.items(by(OWNER), { node: 'news' }).count, 3)
})

test('one of them is the collection a node is in, or shall be created in (XEP-0060 §7.1.5, XEP-0248)', (t) => {
  const { pubsub } = new PubsubScene({ autoCreate: true })
  for (const node of ['all', 'other']) pubsub.create(by(OWNER), { node, kind: 'collection' })
  const publish = (collection: string, node = 'new', asker = OWNER) =>
    pubsub.publish(by(asker), { node, items: [{ payload: '<a/>' }], options: { collection } })
  t.throws(() => publish('nowhere'), { code: 'ERR_ITEM_NOT_FOUND' })
  t.throws(() => publish('all', 'new', STRANGER), { code: 'ERR_FORBIDDEN' })
  t.throws(() => pubsub.node('new'), { code: 'ERR_ITEM_NOT_FOUND' })

  t.like(publish('all').notices, { length: 2, 0: { kind: 'associated', node: { name: 'all' }, child: 'new' }, 1: { kind: 'published' } })
  t.is(pubsub.collectionOf(pubsub.node('new')), 'all')
  t.like(publish('all').notices, { length: 1, 0: { kind: 'published' } })
  for (const another of ['other', 'nowhere', '']) t.throws(() => publish(another), { code: 'ERR_PUBSUB_PRECONDITION' }, another)

  t.like(publish('', 'alone').notices, { length: 1, 0: { kind: 'published' } })
  t.notThrows(() => publish('', 'alone'))
  t.throws(() => publish('all', 'alone'), { code: 'ERR_PUBSUB_PRECONDITION' })
})

test('who may not publish learns nothing of how the node is by options (XEP-0060 §7.1.3.1)', (t) => {
  const { pubsub } = sceneWith({ title: 'News' })
  for (const title of ['News', 'Olds']) {
    t.throws(() => pubsub.publish(by(STRANGER), { node: 'news', items: [{ payload: '<a/>' }], options: { title } }), {
      code: 'ERR_FORBIDDEN',
    })
  }
})

test('who may not publish does not (XEP-0060 §7.1.3.1)', (t) => {
  const scene = sceneWith()
  t.throws(() => scene.publish('news', 'a', STRANGER), { code: 'ERR_FORBIDDEN' })
  scene.pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: STRANGER, affiliation: 'publish-only' }])
  t.notThrows(() => scene.publish('news', 'a', STRANGER))
  scene.pubsub.configure(by(OWNER), 'news', { publishModel: 'subscribers' })
  t.throws(() => scene.publish('news', 'b', FRIEND), { code: 'ERR_FORBIDDEN' })
  scene.pubsub.subscribe(by(FRIEND), { node: 'news', jid: `${FRIEND}/elsewhere` })
  t.notThrows(() => scene.publish('news', 'b', FRIEND))
})

test('a payload is as large as the node allows, or the service (XEP-0060 §7.1.3.5)', (t) => {
  for (const { pubsub } of [sceneWith({ maxPayloadBytes: 50 }), sceneWith({}, { limits: { payloadBytesMax: 50 } })]) {
    const publish = (payload: string) => pubsub.publish(by(OWNER), { node: 'news', items: [{ payload }] })
    t.throws(() => publish(`<a>${'é'.repeat(22)}</a>`), { code: 'ERR_PUBSUB_PAYLOAD_TOO_BIG' })
    t.notThrows(() => publish(`<a>${'é'.repeat(21)}</a>`))
  }
})

test('a payload is in the namespace of the node, if it has one (XEP-0060 §7.1.3.6)', (t) => {
  const { pubsub } = sceneWith({ payloadType: 'urn:x' })
  const publish = (namespace?: string) => pubsub.publish(by(OWNER), { node: 'news', items: [{ payload: '<a/>', namespace }] })
  t.throws(() => publish('urn:y'), { code: 'ERR_PUBSUB_INVALID_PAYLOAD' })
  t.notThrows(() => publish('urn:x'))
  pubsub.configure(by(OWNER), 'news', { payloadType: '' })
  t.notThrows(() => publish('urn:y'))
})

for (const id of ['', 'x'.repeat(1024)]) {
  test(`an item has no id of ${id.length} octets`, (t) => {
    t.throws(() => sceneWith().pubsub.publish(by(OWNER), { node: 'news', items: [{ id, payload: '<a/>' }] }), {
      code: 'ERR_NOT_ACCEPTABLE',
    })
  })
}
