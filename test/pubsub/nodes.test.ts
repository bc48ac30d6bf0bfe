import test from 'ava'
import { type BytestreamError, NodeMoved } from '../../src/core/index.ts'
import { type NodeConfig, nodeDefaults } from '../../src/pubsub/index.ts'
import { by, FRIEND, OWNER, PubsubScene, STRANGER } from '../helpers/pubsub.ts'

test('who creates a node owns it, alone (XEP-0060 §8.1)', (t) => {
  const { pubsub } = new PubsubScene()
  const { node, notices } = pubsub.create(by(OWNER), { node: 'princely_musings' })
  t.like(node, { name: 'princely_musings', kind: 'leaf', creator: OWNER, createdMs: 1_000_000, config: {} })
  t.deepEqual(notices, [])
  t.deepEqual(pubsub.metadata('princely_musings').owners, [OWNER])
  t.deepEqual(pubsub.configOf(node), nodeDefaults)
})

test('a node without a name gets one that no other has (XEP-0060 §8.1.1)', (t) => {
  const { pubsub } = new PubsubScene()
  pubsub.create(by(OWNER), { node: 'id-2' })
  t.deepEqual(
    [1, 2].map(() => pubsub.create(by(OWNER), {}).node.name),
    ['id-1', 'id-3'],
  )
})

test('a name is given once (XEP-0060 §8.1.1)', (t) => {
  const { pubsub } = new PubsubScene()
  pubsub.create(by(OWNER), { node: 'news' })
  t.throws(() => pubsub.create(by(STRANGER), { node: 'news' }), { code: 'ERR_PUBSUB_NODE_EXISTS' })
  t.notThrows(() => pubsub.create(by(STRANGER), { node: 'News' }))
})

for (const name of ['news announcements', 'http://jabber.org/protocol/tune', 'é', '日本', '😀', 'a'.repeat(1023), 'é'.repeat(511)]) {
  test(`a node can be called ${name.slice(0, 40)}`, (t) => {
    t.is(new PubsubScene().pubsub.create(by(OWNER), { node: name }).node.name, name)
  })
}

for (const [what, name] of [
  ['nothing', ''],
  ['more than 1,023 octets', 'a'.repeat(1024)],
  ['more than 1,023 octets of other characters', 'é'.repeat(512)],
  ['a line break', 'a\nb'],
  ['a zero', 'a\0'],
  ['what resourceprep takes away', 'a\u00adb'],
  ['what resourceprep turns into something else', 'e\u0301'],
  ['a wide letter', 'Ａ'],
  ['half of a character', 'a\ud800'],
  ['a private character', '\ue000'],
  ['a mark of direction', 'a\u202eb'],
]) {
  test(`a node cannot be called ${what} (XEP-0060 §4.6)`, (t) => {
    const { pubsub } = new PubsubScene()
    t.throws(() => pubsub.create(by(OWNER), { node: name as string }), { code: 'ERR_NOT_ACCEPTABLE' })
    t.is(pubsub.nodes(by(OWNER)).count, 0)
  })
}

test('who may not create nodes creates none, by publishing neither (XEP-0060 §8.1.1)', (t) => {
  const { pubsub } = new PubsubScene({ mayCreate: (account) => account === OWNER, autoCreate: true })
  t.throws(() => pubsub.create(by(STRANGER), { node: 'news' }), { code: 'ERR_FORBIDDEN' })
  t.throws(() => pubsub.publish(by(STRANGER), { node: 'news', items: [{ payload: '<a/>' }] }), { code: 'ERR_FORBIDDEN' })
  t.notThrows(() => pubsub.create(by(OWNER), { node: 'news' }))
})

test('an account has so many nodes and no more; those it deletes do not count', (t) => {
  const { pubsub } = new PubsubScene({ limits: { nodesPerAccountMax: 2 } })
  for (const node of ['a', 'b']) pubsub.create(by(OWNER), { node })
  t.throws(() => pubsub.create(by(OWNER), { node: 'c' }), { code: 'ERR_PUBSUB_TOO_MANY_NODES' })
  t.notThrows(() => pubsub.create(by(STRANGER), { node: 'c' }))
  pubsub.delete(by(OWNER), 'a')
  t.notThrows(() => pubsub.create(by(OWNER), { node: 'd' }))
})

test('there are so many nodes and no more', (t) => {
  const { pubsub } = new PubsubScene({ limits: { nodesMax: 1 } })
  pubsub.create(by(OWNER), { node: 'a' })
  t.throws(() => pubsub.create(by(STRANGER), { node: 'b' }), { code: 'ERR_PUBSUB_LIMIT' })
})

test('nodes are created as they are wanted, and changed (XEP-0060 §8.1.3, §8.2)', (t) => {
  const { pubsub } = new PubsubScene()
  const { node } = pubsub.create(by(OWNER), { node: 'news', config: { title: 'News', accessModel: 'whitelist', maxItems: 20 } })
  t.deepEqual(node.config, { title: 'News', accessModel: 'whitelist' })
  pubsub.configure(by(OWNER), 'news', { accessModel: 'open', notifySub: true })
  t.deepEqual(pubsub.node('news').config, { title: 'News', notifySub: true })
  t.deepEqual(pubsub.configuration(by(OWNER), 'news').config, { ...nodeDefaults, title: 'News', notifySub: true })
})

test("a service's own defaults hold for what an owner leaves open", (t) => {
  const { pubsub } = new PubsubScene({ defaults: { accessModel: 'whitelist', maxItems: 5 } })
  pubsub.create(by(OWNER), { node: 'news', config: { maxItems: 5 } })
  t.like(pubsub.defaultConfig, { accessModel: 'whitelist', maxItems: 5, publishModel: 'publishers' })
  t.throws(() => pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND }), { code: 'ERR_PUBSUB_CLOSED_NODE' })
})

for (const model of ['presence', 'roster'] as const) {
  test(`the access model ${model} is there where rosters can be asked, and nowhere else (XEP-0060 §8.1.2)`, (t) => {
    const scene = new PubsubScene()
    t.throws(() => scene.pubsub.create(by(OWNER), { node: 'news', config: { accessModel: model } }), { code: 'ERR_PUBSUB_ACCESS_MODEL' })
    t.is(scene.pubsub.nodes(by(OWNER)).count, 0)
    t.false(scene.pubsub.accessModels.includes(model))
    const { pubsub } = new PubsubScene({ hasRosters: () => true })
    t.true(pubsub.accessModels.includes(model))
    pubsub.create(by(OWNER), { node: 'news', config: { accessModel: model } })
    pubsub.create(by(OWNER), { node: 'open' })
    t.deepEqual(
      ['news', 'open', 'none'].map((node) => pubsub.rostersFor(by(FRIEND), node)),
      [[OWNER], [], []],
    )
  })
}

const impossible: readonly Partial<NodeConfig>[] = [
  { maxItems: 10_001 },
  { maxItems: 0 },
  { maxItems: -1 },
  { maxItems: 1.5 },
  { maxPayloadBytes: 65_537 },
  { itemExpireMs: Number.NaN },
  { childrenMax: 1_001 },
  { title: 'x'.repeat(1025) },
  { contact: Array.from({ length: 101 }, (_, at) => `a${at}@b`) },
  { rosterGroups: ['é'.repeat(513)] },
]
for (const config of impossible) {
  test(`a node cannot have ${JSON.stringify(config).slice(0, 40)} (XEP-0060 §8.2.5.2)`, (t) => {
    const { pubsub } = new PubsubScene()
    t.throws(() => pubsub.create(by(OWNER), { node: 'bad', config }), { code: 'ERR_NOT_ACCEPTABLE' })
    pubsub.create(by(OWNER), { node: 'news' })
    t.throws(() => pubsub.configure(by(OWNER), 'news', { title: 'new', ...config }), { code: 'ERR_NOT_ACCEPTABLE' })
    t.deepEqual(pubsub.node('news').config, {})
  })
}

test('only owners see and change the configuration, and delete and purge (XEP-0060 §8.2.3, §8.4.3, §8.5.3)', (t) => {
  const { pubsub } = new PubsubScene()
  pubsub.create(by(OWNER), { node: 'news', config: { publishModel: 'open' } })
  pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: FRIEND, affiliation: 'publisher' }])
  for (const asker of [by(FRIEND), by(STRANGER)]) {
    t.throws(() => pubsub.configuration(asker, 'news'), { code: 'ERR_FORBIDDEN' })
    t.throws(() => pubsub.configure(asker, 'news', { title: 'mine' }), { code: 'ERR_FORBIDDEN' })
    t.throws(() => pubsub.delete(asker, 'news'), { code: 'ERR_FORBIDDEN' })
    t.throws(() => pubsub.purge(asker, 'news'), { code: 'ERR_FORBIDDEN' })
  }
  for (const what of [
    () => pubsub.configure(by(OWNER), 'x', {}),
    () => pubsub.delete(by(OWNER), 'x'),
    () => pubsub.purge(by(OWNER), 'x'),
  ]) {
    t.throws(what, { code: 'ERR_ITEM_NOT_FOUND' })
  }
})

test('a change is told to subscribers where the node says so (XEP-0060 §8.2.5.3)', (t) => {
  const scene = new PubsubScene()
  const { pubsub } = scene
  pubsub.create(by(OWNER), { node: 'news' })
  pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND })
  t.deepEqual(pubsub.configure(by(OWNER), 'news', { title: 'a' }).notices, [])
  const { notices } = pubsub.configure(by(OWNER), 'news', { notifyConfig: true })
  t.deepEqual(
    notices.map((notice) => [notice.kind, scene.told(notice)]),
    [['configured', [FRIEND]]],
  )
})

test('a node that keeps less lets go of its oldest items', (t) => {
  const scene = new PubsubScene()
  scene.pubsub.create(by(OWNER), { node: 'news' })
  for (const id of ['a', 'b', 'c', 'd']) scene.publish('news', id)
  scene.pubsub.configure(by(OWNER), 'news', { maxItems: 2 })
  t.deepEqual(
    scene.pubsub.items(by(OWNER), { node: 'news' }).items.map(({ id }) => id),
    ['c', 'd'],
  )
  scene.pubsub.configure(by(OWNER), 'news', { persistItems: false })
  t.throws(() => scene.pubsub.items(by(OWNER), { node: 'news' }), { code: 'ERR_PUBSUB_UNSUPPORTED', message: /keeps no items/ })
  scene.pubsub.configure(by(OWNER), 'news', { persistItems: true })
  t.is(scene.pubsub.items(by(OWNER), { node: 'news' }).count, 0)
})

test('all subscribers hear that a node is deleted, and where to go instead; those who wait, too (XEP-0060 §8.4.2)', (t) => {
  const scene = new PubsubScene()
  const { pubsub } = scene
  pubsub.create(by(OWNER), { node: 'news', config: { accessModel: 'authorize' } })
  pubsub.subscribe(by(OWNER), { node: 'news', jid: OWNER })
  pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND })
  pubsub.subscribe(by(STRANGER), { node: 'news', jid: STRANGER, options: { deliver: false } })
  const [notice] = pubsub.delete(by(OWNER), 'news', 'xmpp:x@y?;node=blog').notices
  if (notice?.kind !== 'deleted') return t.fail()
  t.is(notice.redirectUri, 'xmpp:x@y?;node=blog')
  t.throws(() => pubsub.node('news'), { code: 'ERR_PUBSUB_NODE_MOVED' })
  pubsub.create(by(STRANGER), { node: 'news' })
  t.false(pubsub.sweep().more)
  t.deepEqual(scene.told(notice), [OWNER, FRIEND])
  t.deepEqual(pubsub.subscriptions(by(FRIEND)).found, [])
  pubsub.told(notice)
  pubsub.sweep()
  t.deepEqual(scene.told(notice), [])
  t.is(scene.store.countSubscriptionsOf(FRIEND), 0)
})

test('a node that says so is deleted without a word', (t) => {
  const { pubsub, store } = new PubsubScene()
  pubsub.create(by(OWNER), { node: 'news', config: { notifyDelete: false } })
  pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND })
  t.deepEqual(pubsub.delete(by(OWNER), 'news').notices, [])
  pubsub.sweep()
  t.is(store.countSubscriptionsOf(FRIEND), 0)
})

test('a purge takes every item away, and is told once (XEP-0060 §8.5.2)', (t) => {
  const scene = new PubsubScene()
  const { pubsub } = scene
  pubsub.create(by(OWNER), { node: 'news', config: { notifyRetract: true } })
  pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND })
  for (const id of ['a', 'b']) scene.publish('news', id)
  const { notices } = pubsub.purge(by(OWNER), 'news')
  t.deepEqual(
    notices.map((notice) => [notice.kind, scene.told(notice)]),
    [['purged', [FRIEND]]],
  )
  t.is(pubsub.items(by(OWNER), { node: 'news' }).count, 0)
})

test('what keeps no items cannot be purged (XEP-0060 §8.5.3.3)', (t) => {
  const { pubsub } = new PubsubScene()
  pubsub.create(by(OWNER), { node: 'news', config: { persistItems: false } })
  pubsub.create(by(OWNER), { node: 'all', kind: 'collection' })
  for (const node of ['news', 'all']) t.throws(() => pubsub.purge(by(OWNER), node), { code: 'ERR_PUBSUB_UNSUPPORTED' })
})

test('what everybody may know of a node is counted (XEP-0060 §5.4)', (t) => {
  const scene = new PubsubScene()
  scene.pubsub.create(by(OWNER), { node: 'news', config: { accessModel: 'authorize' } })
  scene.pubsub.subscribe(by(OWNER), { node: 'news', jid: OWNER })
  scene.pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND })
  scene.publish('news', 'a')
  t.like(scene.pubsub.metadata('news'), { owners: [OWNER], subscribers: 1, items: 1, collection: undefined })
})

test('an item names whom the node says (XEP-0060 §12.17)', (t) => {
  const { pubsub } = new PubsubScene()
  for (const itemReply of ['none', 'owner', 'publisher'] as const) {
    pubsub.create(by(OWNER), { node: itemReply, config: { itemReply, publishModel: 'open' } })
    const { node, items } = pubsub.publish(by(FRIEND), { node: itemReply, items: [{ payload: '<a/>' }] })
    const [item] = items
    const expected = { none: undefined, owner: OWNER, publisher: `${FRIEND}/device` }
    t.is(item && pubsub.publisherOf(node, item), expected[itemReply])
  }
})

/** What is said of a node: where it has moved, or the code. */
function wordOf({ pubsub }: PubsubScene, name: string): string {
  try {
    return pubsub.node(name).name
  } catch (error) {
    return error instanceof NodeMoved ? error.uri : (error as BytestreamError).code
  }
}

function move({ pubsub }: PubsubScene, name: string, owner = OWNER): void {
  pubsub.create(by(owner), { node: name })
  pubsub.delete(by(owner), name, `xmpp:elsewhere?;node=${name}`)
}

test('where a node has moved is said for as long as that is remembered, also before it is swept (XEP-0060 §6.1.3.11)', (t) => {
  const scene = new PubsubScene({ limits: { movedMsMax: 1000 } })
  move(scene, 'news')
  scene.nowMs += 999
  scene.pubsub.sweep()
  t.is(wordOf(scene, 'news'), 'xmpp:elsewhere?;node=news')
  scene.nowMs += 1
  t.is(wordOf(scene, 'news'), 'ERR_ITEM_NOT_FOUND')
  t.is(scene.store.countMoved(), 1)
  scene.pubsub.sweep()
  t.is(scene.store.countMoved(), 0)
})

test('a node that is published to is not created again where it has moved (XEP-0060 §7.1.4)', (t) => {
  const scene = new PubsubScene({ autoCreate: true })
  move(scene, 'news')
  t.throws(() => scene.publish('news', 'a'), { code: 'ERR_PUBSUB_NODE_MOVED' })
  t.deepEqual(scene.publish('other', 'a'), [])
})

test('of too many nodes that have moved, those of one creator make way for its own, and in all the first that would go', (t) => {
  const scene = new PubsubScene({ limits: { movedNodesMax: 3, movedNodesPerAccountMax: 2 } })
  const names = ['a', 'b', 'c', 'd', 'e']
  move(scene, 'a', FRIEND)
  for (const name of ['b', 'c', 'd']) {
    scene.nowMs++
    move(scene, name)
  }
  t.deepEqual(
    names.map((name) => wordOf(scene, name).startsWith('xmpp:')),
    [true, false, true, true, false],
  )
  scene.nowMs++
  move(scene, 'e', STRANGER)
  t.deepEqual(
    names.map((name) => wordOf(scene, name).startsWith('xmpp:')),
    [false, false, true, true, true],
  )
})
