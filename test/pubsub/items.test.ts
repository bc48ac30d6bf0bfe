import test from 'ava'
import { type ItemsQuery, MemoryStore, type NodeConfig, type PubsubLimits } from '../../src/pubsub/index.ts'
import { by, FRIEND, OWNER, PubsubScene, STRANGER } from '../helpers/pubsub.ts'

function sceneWith(config: Partial<NodeConfig> = {}, limits: Partial<PubsubLimits> = {}, count = 5): PubsubScene {
  const scene = new PubsubScene({ limits })
  scene.pubsub.create(by(OWNER), { node: 'news', config: { maxItems: 'max', ...config } })
  for (let at = 0; at < count; at++) scene.publish('news', 'abcdefghij'[at] as string)
  return scene
}
const read = ({ pubsub }: PubsubScene, query: Partial<ItemsQuery> = {}, asker = STRANGER) => {
  const { items, count, firstIndex } = pubsub.items(by(asker), { node: 'news', ...query })
  return `${items.map(({ id }) => id).join('')} ${firstIndex}/${count}`
}

test('items come in the order of publication (XEP-0060 §6.5.2)', (t) => {
  t.is(read(sceneWith()), 'abcde 0/5')
  t.is(read(sceneWith({}, {}, 0)), ' 0/0')
})

test('the newest come when so many are asked for, and all when there are fewer (XEP-0060 §6.5.7)', (t) => {
  t.is(read(sceneWith(), { maxItems: 2 }), 'de 3/5')
  t.is(read(sceneWith(), { maxItems: 9 }), 'abcde 0/5')
})

test('items are had by their ids; those there are not are left out (XEP-0060 §6.5.8, §6.5.9.12)', (t) => {
  t.is(read(sceneWith(), { itemIds: ['d', 'x', 'b', 'd'] }), 'db 3/5')
  t.is(read(sceneWith(), { itemIds: ['x'] }), ' 0/5')
  t.throws(() => read(sceneWith({}, { itemsPerRequestMax: 2 }), { itemIds: ['a', 'b', 'c'] }), { code: 'ERR_PUBSUB_MAX_ITEMS' })
})

test('pages go forwards, backwards, from the end, and from an index (XEP-0059 §2)', (t) => {
  const scene = sceneWith()
  const page = (one: ItemsQuery['page']) => read(scene, { page: one })
  t.is(page({ max: 2 }), 'ab 0/5')
  t.is(page({ max: 2, after: 'b' }), 'cd 2/5')
  t.is(page({ max: 2, after: 'd' }), 'e 4/5')
  t.is(page({ max: 2, after: 'e' }), ' 0/5')
  t.is(page({ max: 2, before: '' }), 'de 3/5')
  t.is(page({ max: 2, before: 'd' }), 'bc 1/5')
  t.is(page({ max: 2, before: 'a' }), ' 0/5')
  t.is(page({ max: 2, index: 1 }), 'bc 1/5')
  t.is(page({ max: 2, index: 5 }), ' 0/5')
  t.is(page({ max: 0 }), ' 0/5')
})

test('a page next to an item that is not there is not found (XEP-0059 §2.4)', (t) => {
  for (const page of [{ after: 'x' }, { before: 'x' }, { after: 'x', max: 0 }]) {
    t.throws(() => read(sceneWith(), { page }), { code: 'ERR_ITEM_NOT_FOUND' })
  }
})

test('who goes through the pages sees each item once, also while others come and go', (t) => {
  const scene = sceneWith({}, { pageMax: 2 }, 6)
  const seen: string[] = []
  for (let after: string | undefined; ; ) {
    const { items } = scene.pubsub.items(by(STRANGER), { node: 'news', page: { after } })
    if (items.length === 0) break
    seen.push(...items.map(({ id }) => id))
    after = items.at(-1)?.id
    if (seen.length === 2) {
      scene.pubsub.retract(by(OWNER), { node: 'news', itemIds: ['a', 'c'] })
      scene.publish('news', 'z')
    }
  }
  t.is(seen.join(''), 'abdefz')
})

test('an answer carries so many items, and octets, and no more; one always (XEP-0060 §6.5.4)', (t) => {
  t.is(read(sceneWith({}, { pageMax: 3 })), 'abc 0/5')
  const scene = sceneWith({}, { pageBytesMax: 8 })
  t.is(read(scene), 'ab 0/5')
  t.is(read(scene, { maxItems: 4 }), 'de 3/5')
  t.is(read(scene, { page: { before: 'd' } }), 'bc 1/5')
  t.is(read(scene, { page: { after: 'b', max: 3 } }), 'cd 2/5')
  t.is(read(sceneWith({}, { pageBytesMax: 1 })), 'a 0/5')
  t.is(read(sceneWith({}, { pageBytesMax: 1 }), { maxItems: 3 }), 'e 4/5')
  t.is(read(sceneWith({}, { pageBytesMax: 1 }), { itemIds: ['b'] }), 'b 1/5')
  t.throws(() => read(scene, { itemIds: ['a', 'b', 'c'] }), { code: 'ERR_PUBSUB_LIMIT' })
})

test('of large items no more is read than an answer can carry, whichever page is asked for', (t) => {
  class Reading extends MemoryStore {
    read = 0
    override items(...range: Parameters<MemoryStore['items']>) {
      const items = super.items(...range)
      this.read += items.length
      return items
    }
  }
  const store = new Reading()
  const scene = new PubsubScene({ limits: { pageBytesMax: 4_000 } }, store)
  scene.pubsub.create(by(OWNER), { node: 'news', config: { maxItems: 'max' } })
  const publish = (ids: readonly number[], payload: string) => {
    for (const id of ids) scene.pubsub.publish(by(OWNER), { node: 'news', items: [{ id: `${id}`, payload }] })
  }
  publish([...Array(400).keys()], `<a>${'x'.repeat(1_000)}</a>`)
  const ids = (query: Partial<ItemsQuery>) => scene.pubsub.items(by(STRANGER), { node: 'news', ...query }).items.map(({ id }) => id)
  for (const [query, expected] of [
    [{}, ['0', '1', '2']],
    [{ maxItems: 400 }, ['397', '398', '399']],
    [{ page: { before: '' } }, ['397', '398', '399']],
    [{ page: { before: '100' } }, ['97', '98', '99']],
    [{ page: { after: '100' } }, ['101', '102', '103']],
    [{ page: { index: 200 } }, ['200', '201', '202']],
  ] as const) {
    store.read = 0
    t.deepEqual(ids(query), [...expected])
    t.true(store.read <= 16, `${store.read}`)
  }
  // Of small ones, as many as there are.
  publish([...Array(100).keys()], '<a/>')
  t.is(ids({ page: { before: '' } }).length, 103)
  t.deepEqual(
    ids({ maxItems: 40 }),
    [...Array(40).keys()].map((id) => `${60 + id}`),
  )
  t.deepEqual(
    ids({ page: { max: 40, after: '9' } }),
    [...Array(40).keys()].map((id) => `${10 + id}`),
  )
  t.deepEqual(ids({ page: { max: 0 } }), [])
})

test('who may not retrieve items hears why (XEP-0060 §6.5.9)', (t) => {
  const scene = sceneWith({ accessModel: 'authorize' })
  t.throws(() => read(scene, {}, FRIEND), { code: 'ERR_PUBSUB_SUBSCRIBERS_ONLY' })
  scene.pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND })
  t.throws(() => read(scene, {}, FRIEND), { code: 'ERR_PUBSUB_SUBSCRIBERS_ONLY' })
  scene.pubsub.decide(by(OWNER), { node: 'news', jid: FRIEND }, true)
  t.is(read(scene, {}, FRIEND), 'abcde 0/5')
  scene.pubsub.configure(by(OWNER), 'news', { accessModel: 'whitelist' })
  t.throws(() => read(scene, {}, FRIEND), { code: 'ERR_PUBSUB_CLOSED_NODE' })
  t.is(read(scene, {}, OWNER), 'abcde 0/5')
  scene.pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: FRIEND, affiliation: 'outcast' }])
  scene.pubsub.configure(by(OWNER), 'news', { accessModel: 'open' })
  t.throws(() => read(scene, {}, FRIEND), { code: 'ERR_FORBIDDEN' })
  t.throws(() => read(scene, { node: 'x' }), { code: 'ERR_ITEM_NOT_FOUND' })
})

test('what has no items says which feature is missing (XEP-0060 §6.5.9.4, §6.5.9.5)', (t) => {
  const { pubsub } = sceneWith({ persistItems: false })
  pubsub.create(by(OWNER), { node: 'all', kind: 'collection' })
  t.like(
    t.throws(() => pubsub.items(by(OWNER), { node: 'news' })),
    { feature: 'persistent-items' },
  )
  t.like(
    t.throws(() => pubsub.items(by(OWNER), { node: 'all' })),
    { feature: 'retrieve-items' },
  )
})

const full = [
  {
    whenFull: 'retract-oldest',
    notifyRetract: true,
    told: [
      ['published', 'd'],
      ['retracted', 'a'],
    ],
    left: 'bcd 0/3',
  },
  { whenFull: 'retract-oldest', notifyRetract: false, told: [['published', 'd']], left: 'bcd 0/3' },
  { whenFull: 'discard-oldest', notifyRetract: true, told: [['published', 'd']], left: 'bcd 0/3' },
] as const
for (const { told, left, ...config } of full) {
  test(`a full node: ${config.whenFull}, notify_retract ${config.notifyRetract} (XEP-0060 §7.1.2.5)`, (t) => {
    const scene = sceneWith({ ...config, maxItems: 3 }, {}, 3)
    const { notices } = scene.pubsub.publish(by(OWNER), { node: 'news', items: [{ id: 'd', payload: '<d/>' }] })
    t.deepEqual(
      notices.map((notice) => [notice.kind, 'items' in notice ? notice.items[0]?.id : 'itemIds' in notice ? notice.itemIds.join() : '']),
      told.map((each) => [...each]),
    )
    t.is(read(scene), left)
  })
}

test('a full node that refuses keeps what it has, and lets what is there be published again (XEP-0060 §7.1.3.4)', (t) => {
  const scene = sceneWith({ whenFull: 'reject', maxItems: 3 }, {}, 3)
  t.throws(() => scene.publish('news', 'd'), { code: 'ERR_PUBSUB_NODE_FULL' })
  t.is(read(scene), 'abc 0/3')
  scene.publish('news', 'a')
  t.is(read(scene), 'bca 0/3')
})

test('several items make room for as many, and not for those they take the place of', (t) => {
  const scene = sceneWith({ maxItems: 3 }, {}, 3)
  const items = ['a', 'd'].map((id) => ({ id, payload: `<${id}/>` }))
  scene.pubsub.publish(by(OWNER), { node: 'news', items })
  t.is(read(scene), 'cad 0/3')
})

test('an item expires as the node said when it was published (pubsub#item_expire)', (t) => {
  const scene = sceneWith({ itemExpireMs: 1_000 }, {}, 2)
  scene.nowMs += 500
  scene.publish('news', 'c')
  scene.nowMs += 500
  t.deepEqual(scene.pubsub.sweep(), { notices: [], more: false })
  t.is(read(scene), 'c 0/1')
  scene.nowMs += 500
  scene.pubsub.sweep()
  t.is(read(scene), ' 0/0')
})

test('an item that is published again expires later', (t) => {
  const scene = sceneWith({ itemExpireMs: 1_000 }, {}, 1)
  scene.nowMs += 999
  scene.publish('news', 'a')
  scene.nowMs += 999
  scene.pubsub.sweep()
  t.is(read(scene), 'a 0/1')
})

test('what one may retract goes, and is told where the node or the request says so (XEP-0060 §7.2)', (t) => {
  for (const [notifyRetract, notify, isTold] of [
    [false, undefined, false],
    [false, true, true],
    [true, undefined, true],
    [true, false, true],
  ] as const) {
    const scene = sceneWith({ notifyRetract })
    scene.pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND })
    const { notices } = scene.pubsub.retract(by(OWNER), { node: 'news', itemIds: ['b', 'd', 'b'], notify })
    t.deepEqual(
      notices.map((notice) => [notice.kind, scene.told(notice), 'itemIds' in notice && notice.itemIds]),
      isTold ? [['retracted', [FRIEND], ['b', 'd']]] : [],
    )
    t.is(read(scene), 'ace 0/3')
  }
})

test('of several items to be retracted all go, or none (XEP-0060 §12.11)', (t) => {
  const scene = sceneWith({ publishModel: 'open' })
  scene.publish('news', 'mine', FRIEND)
  const retract = (asker: string, ...itemIds: string[]) => scene.pubsub.retract(by(asker), { node: 'news', itemIds })
  t.throws(() => retract(OWNER, 'a', 'x'), { code: 'ERR_ITEM_NOT_FOUND' })
  t.throws(() => retract(FRIEND, 'mine', 'a'), { code: 'ERR_FORBIDDEN' })
  t.throws(() => retract(STRANGER, 'mine'), { code: 'ERR_FORBIDDEN' })
  t.throws(() => retract(OWNER), { code: 'ERR_PUBSUB_ITEM_REQUIRED' })
  t.is(scene.pubsub.items(by(OWNER), { node: 'news' }).count, 6)
  t.notThrows(() => retract(FRIEND, 'mine'))
  t.notThrows(() => retract(OWNER, 'a'))
})

test('retracting elsewhere says what is missing (XEP-0060 §7.2.3)', (t) => {
  const { pubsub } = sceneWith({ persistItems: false })
  t.like(
    t.throws(() => pubsub.retract(by(OWNER), { node: 'news', itemIds: ['a'] })),
    { feature: 'persistent-items' },
  )
  t.throws(() => pubsub.retract(by(OWNER), { node: 'x', itemIds: ['a'] }), { code: 'ERR_ITEM_NOT_FOUND' })
})

test('what is published where nothing is kept is told, and not kept (XEP-0060 §4.3)', (t) => {
  const scene = sceneWith({ persistItems: false, deliverPayloads: false }, {}, 0)
  scene.pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND })
  const { notices } = scene.pubsub.publish(by(OWNER), { node: 'news', items: [] })
  t.like(notices, { length: 1, 0: { kind: 'published', items: [] } })
  t.deepEqual(scene.told(notices[0] as (typeof notices)[number]), [FRIEND])
})

test('a node that delivers no notifications keeps what is published all the same', (t) => {
  const scene = sceneWith({ deliverNotifications: false, notifyRetract: true }, {}, 0)
  scene.pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND })
  t.deepEqual(scene.publish('news', 'a'), [])
  t.deepEqual(scene.pubsub.retract(by(OWNER), { node: 'news', itemIds: ['a'], notify: true }).notices, [])
})
