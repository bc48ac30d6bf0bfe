import test from 'ava'
import type { Broadcast, Notice, PubsubLimits } from '../../src/pubsub/index.ts'
import { by, FRIEND, OWNER, PubsubScene, STRANGER } from '../helpers/pubsub.ts'

/** `all` has `news` and the collection `old`, which has `olds`. */
function sceneWith(limits: Partial<PubsubLimits> = {}): PubsubScene {
  const scene = new PubsubScene({ limits })
  const { pubsub } = scene
  pubsub.create(by(OWNER), { node: 'all', kind: 'collection' })
  pubsub.create(by(OWNER), { node: 'old', kind: 'collection', config: { collection: 'all' } })
  pubsub.create(by(OWNER), { node: 'news', config: { collection: 'all' } })
  pubsub.create(by(OWNER), { node: 'olds', config: { collection: 'old' } })
  return scene
}
const names = ({ pubsub }: PubsubScene, collection: string) => pubsub.nodes(by(OWNER), { collection }).found.map(({ name }) => name)
const said = (scene: PubsubScene, notices: readonly Notice[]) =>
  notices.map((notice) => `${notice.kind} ${'child' in notice ? notice.child : ''} > ${scene.told(notice).join()}`)

test('nodes are in collections, and collections in collections (XEP-0248)', (t) => {
  const scene = sceneWith()
  t.deepEqual(names(scene, 'all'), ['old', 'news'])
  t.deepEqual(names(scene, 'old'), ['olds'])
  t.is(scene.pubsub.collectionOf(scene.pubsub.node('olds')), 'old')
  t.is(scene.pubsub.collectionOf(scene.pubsub.node('all')), undefined)
})

test('a node moves, and leaves', (t) => {
  const scene = sceneWith()
  const { pubsub } = scene
  pubsub.subscribe(by(FRIEND), { node: 'all', jid: FRIEND, options: { type: 'nodes' } })
  t.deepEqual(said(scene, pubsub.configure(by(OWNER), 'news', { collection: 'old' }).notices), [
    `disassociated news > ${FRIEND} via all`,
    'associated news > ',
  ])
  t.deepEqual(names(scene, 'old'), ['news', 'olds'])
  t.deepEqual(pubsub.configure(by(OWNER), 'news', { title: 'x' }).notices, [])
  t.is(pubsub.collectionOf(pubsub.node('news')), 'old')
  pubsub.configure(by(OWNER), 'news', { collection: '' })
  t.is(pubsub.collectionOf(pubsub.node('news')), undefined)
})

test('a collection has no items, and a leaf no nodes', (t) => {
  const { pubsub } = sceneWith()
  t.like(
    t.throws(() => pubsub.publish(by(OWNER), { node: 'all', items: [{ payload: '<a/>' }] })),
    { feature: 'publish' },
  )
  t.like(
    t.throws(() => pubsub.retract(by(OWNER), { node: 'all', itemIds: ['a'] })),
    { feature: 'persistent-items' },
  )
  t.throws(() => pubsub.create(by(OWNER), { node: 'x', config: { collection: 'news' } }), { code: 'ERR_PUBSUB_NOT_A_COLLECTION' })
  t.throws(() => pubsub.create(by(OWNER), { node: 'x', config: { collection: 'nothing' } }), { code: 'ERR_ITEM_NOT_FOUND' })
  t.throws(() => pubsub.node('x'), { code: 'ERR_ITEM_NOT_FOUND' })
})

test('who may put nodes into a collection is for its owners to say (children_association_policy)', (t) => {
  const { pubsub } = sceneWith()
  const create = (account: string, node: string) => pubsub.create(by(account), { node, config: { collection: 'all' } })
  t.throws(() => create(FRIEND, 'x'), { code: 'ERR_FORBIDDEN' })
  pubsub.configure(by(OWNER), 'all', { childrenAssociationPolicy: 'whitelist', childrenAssociationWhitelist: [FRIEND] })
  t.notThrows(() => create(FRIEND, 'x'))
  t.throws(() => create(STRANGER, 'y'), { code: 'ERR_FORBIDDEN' })
  pubsub.configure(by(OWNER), 'all', { childrenAssociationPolicy: 'all' })
  t.notThrows(() => create(STRANGER, 'y'))
  pubsub.setNodeAffiliations(by(OWNER), 'all', [{ jid: STRANGER, affiliation: 'outcast' }])
  t.throws(() => create(STRANGER, 'z'), { code: 'ERR_FORBIDDEN' })
  t.notThrows(() => pubsub.configure(by(STRANGER), 'y', { title: 'stays', collection: 'all' }))
})

test('a collection is not in itself, however far around', (t) => {
  const { pubsub } = sceneWith()
  for (const collection of ['all', 'old']) {
    t.throws(() => pubsub.configure(by(OWNER), 'all', { title: 'x', collection }), { code: 'ERR_NOT_ACCEPTABLE' })
  }
  t.deepEqual(pubsub.node('all').config, {})
})

test('collections nest so deep, and hold so many nodes', (t) => {
  const { pubsub } = sceneWith({ collectionDepthMax: 2, childrenPerCollectionMax: 3 })
  pubsub.create(by(OWNER), { node: 'deep', kind: 'collection' })
  t.throws(() => pubsub.configure(by(OWNER), 'deep', { collection: 'old' }), { code: 'ERR_NOT_ACCEPTABLE' })
  pubsub.create(by(OWNER), { node: 'top', kind: 'collection' })
  t.throws(() => pubsub.configure(by(OWNER), 'all', { collection: 'top' }), { code: 'ERR_NOT_ACCEPTABLE' })
  t.notThrows(() => pubsub.configure(by(OWNER), 'deep', { collection: 'top' }))
  pubsub.configure(by(OWNER), 'old', { childrenMax: 2 })
  pubsub.create(by(OWNER), { node: 'second', config: { collection: 'old' } })
  t.throws(() => pubsub.create(by(OWNER), { node: 'third', config: { collection: 'old' } }), { code: 'ERR_PUBSUB_MAX_NODES' })
  pubsub.delete(by(OWNER), 'second')
  t.notThrows(() => pubsub.create(by(OWNER), { node: 'third', config: { collection: 'old' } }))
})

test('what a collection had is in none when it is deleted', (t) => {
  const scene = sceneWith()
  const { pubsub } = scene
  pubsub.subscribe(by(FRIEND), { node: 'all', jid: FRIEND, options: { type: 'nodes' } })
  pubsub.subscribe(by(STRANGER), { node: 'old', jid: STRANGER })
  t.deepEqual(said(scene, pubsub.delete(by(OWNER), 'old').notices), [`deleted  > ${STRANGER}`, `disassociated old > ${FRIEND} via all`])
  t.is(pubsub.collectionOf(pubsub.node('olds')), undefined)
  pubsub.create(by(OWNER), { node: 'old', kind: 'collection' })
  t.deepEqual(names(scene, 'old'), [])
})

test('subscribers of a collection hear of items of its nodes, as far down as they want (XEP-0248)', (t) => {
  const scene = sceneWith()
  const { pubsub } = scene
  pubsub.subscribe(by(FRIEND), { node: 'all', jid: FRIEND })
  pubsub.subscribe(by(STRANGER), { node: 'all', jid: STRANGER, options: { depth: 'all' } })
  pubsub.subscribe({ jid: 'nodes@x' }, { node: 'all', jid: 'nodes@x', options: { type: 'nodes', depth: 'all' } })
  t.deepEqual(scene.publish('news', 'a'), [`${FRIEND} via all`, `${STRANGER} via all`])
  t.deepEqual(scene.publish('olds', 'a'), [`${STRANGER} via all`])
  const { notices } = pubsub.create(by(OWNER), { node: 'new', config: { collection: 'old' } })
  t.deepEqual(said(scene, notices), ['associated new > nodes@x via all'])
})

test('nobody hears twice of one thing, and the nearest subscription counts', (t) => {
  const scene = sceneWith()
  const { pubsub } = scene
  for (const node of ['all', 'old', 'olds']) pubsub.subscribe(by(FRIEND), { node, jid: FRIEND, options: { depth: 'all' } })
  t.deepEqual(scene.publish('olds', 'a'), [FRIEND])
  pubsub.unsubscribe(by(FRIEND), { node: 'olds', jid: FRIEND })
  t.deepEqual(scene.publish('olds', 'b'), [`${FRIEND} via old`])
  pubsub.unsubscribe(by(FRIEND), { node: 'old', jid: FRIEND })
  t.deepEqual(scene.publish('olds', 'c'), [`${FRIEND} via all`])
})

test('the JIDs of an account are told each for itself (XEP-0060 §6.1.6)', (t) => {
  const scene = sceneWith()
  const { pubsub } = scene
  pubsub.subscribe(by(FRIEND), { node: 'all', jid: FRIEND })
  pubsub.subscribe(by(FRIEND), { node: 'news', jid: `${FRIEND}/device` })
  t.deepEqual(scene.publish('news', 'a'), [`${FRIEND}/device`, `${FRIEND} via all`])
})

test('a collection passes nothing on to those who may not see it at the node', (t) => {
  const scene = sceneWith()
  const { pubsub } = scene
  for (const account of [FRIEND, STRANGER]) pubsub.subscribe(by(account), { node: 'all', jid: account })
  pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: FRIEND, affiliation: 'outcast' }])
  t.deepEqual(scene.publish('news', 'a'), [`${STRANGER} via all`])
  pubsub.configure(by(OWNER), 'news', { accessModel: 'whitelist' })
  t.deepEqual(scene.publish('news', 'b'), [])
  pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: STRANGER, affiliation: 'member' }])
  t.deepEqual(scene.publish('news', 'c'), [`${STRANGER} via all`])
})

test('what happens to a node itself is for its own subscribers', (t) => {
  const scene = sceneWith()
  const { pubsub } = scene
  pubsub.subscribe(by(FRIEND), { node: 'all', jid: FRIEND })
  scene.publish('news', 'a')
  for (const { notices } of [pubsub.configure(by(OWNER), 'news', { notifyConfig: true }), pubsub.purge(by(OWNER), 'news')]) {
    t.deepEqual(
      notices.flatMap((notice) => scene.told(notice)),
      [],
    )
  }
  const [retracted] = pubsub.retract(by(OWNER), {
    node: 'olds',
    itemIds: [pubsub.publish(by(OWNER), { node: 'olds', items: [{ payload: '<a/>' }] }).items[0]?.id as string],
    notify: true,
  }).notices
  t.deepEqual(scene.told(retracted as Broadcast), [])
})
