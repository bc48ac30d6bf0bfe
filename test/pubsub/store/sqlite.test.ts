// Goal: besides the contract, what only a database can do: forget what was rolled back, outlive a process, grow older.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import {
  MemoryStore,
  type NodeRecord,
  type PubsubStore,
  pubsubMigrations,
  SqlitePresence,
  SqliteStore,
  type SubscriptionRecord,
} from '../../../src/pubsub/index.ts'
import { loadDriver } from '../../../src/storage/driver.ts'
import { Storage } from '../../../src/storage/index.ts'
import { pubsubStoreContract } from '../../contract/pubsub-store.ts'

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'pubsub-store')

const folder = mkdtempSync(join(tmpdir(), 'streamhost-pubsub-'))
test.after.always(() => rmSync(folder, { recursive: true }))
let directories = 0
const newDirectory = () => join(folder, `${directories++}`)

const open = (directory = newDirectory()) => Storage.open({ directory, migrations: pubsubMigrations })

pubsubStoreContract(test, async () => new SqliteStore(await open()))

const node = { name: 'news', kind: 'leaf', parent: undefined, creator: 'a@example.com', createdMs: 1, isListed: true, config: {} } as const
const item = {
  id: 'a',
  publisher: 'a@example.com/b',
  publishedMs: 2,
  expiresMs: undefined,
  payload: '<x/>',
  routingKey: undefined,
  isExpiryTold: false,
}
const subscription = {
  jid: 'b@example.com',
  account: 'b@example.com',
  state: 'subscribed',
  options: undefined,
  expiresMs: undefined,
} as const

test('what was rolled back is not there, and its numbers are not given again', async (t) => {
  await using storage = await open()
  const store = new SqliteStore(storage)
  const news = store.addNode(node)
  await store.settled()
  const lost = store.putItem({ ...item, nodeId: news.id })
  const gone = store.addSubscription({ ...subscription, nodeId: news.id })
  t.throws(() => store.addNode(node), { code: 'ERR_STORAGE' })
  await t.throwsAsync(store.settled(), { code: 'ERR_STORAGE' })
  t.is(store.item(news.id, 'a'), undefined)
  t.deepEqual([store.countItems(news.id), store.countSubscriptions(news.id), store.countSubscriptionsOf('b@example.com')], [0, 0, 0])
  t.deepEqual([store.countAllItems(), store.countAllSubscriptions()], [0, 0])
  t.true(store.putItem({ ...item, nodeId: news.id }).seq > lost.seq)
  t.true(store.addSubscription({ ...subscription, nodeId: news.id }).id > gone.id)
  await t.notThrowsAsync(store.settled())
})

test('what is remembered of a node is what is there, also when that was rolled back', async (t) => {
  await using storage = await open()
  const store = new SqliteStore(storage)
  const { id } = store.addNode(node)
  store.setAffiliation(id, 'a@example.com', 'owner')
  await store.settled()
  const seen = () => [store.node('news')?.config, store.affiliation(id, 'a@example.com'), store.countSubscriptions(id)]
  t.deepEqual(seen(), [{}, 'owner', 0])
  store.replaceNode({ ...node, id, config: { title: 'New' } })
  store.setAffiliation(id, 'a@example.com', 'outcast')
  const first = store.addSubscription({ ...subscription, nodeId: id })
  t.deepEqual(seen(), [{ title: 'New' }, 'outcast', 1])
  t.is(store.nodeById(id)?.config.title, 'New')
  t.throws(() => store.addNode(node), { code: 'ERR_STORAGE' })
  await t.throwsAsync(store.settled(), { code: 'ERR_STORAGE' })
  t.deepEqual(seen(), [{}, 'owner', 0])
  t.deepEqual(store.subscriptionsAt(id, first.account), [])
  store.removeSubscription(store.addSubscription({ ...subscription, nodeId: id }))
  t.deepEqual([store.countSubscriptions(id), store.countSubscriptionsOf('b@example.com')], [0, 0])
})

test('more nodes, and more affiliations of one, than are remembered are all there', async (t) => {
  await using storage = await open()
  const store = new SqliteStore(storage)
  const names = Array.from({ length: 1100 }, (_, at) => `node ${at}`)
  const [first] = names.map((name) => store.addNode({ ...node, name }))
  for (let round = 0; round < 2; round++) t.deepEqual([...new Set(names.map((name) => store.node(name)?.name))], names)
  const accounts = Array.from({ length: 30 }, (_, at) => `${at}@x`)
  for (const account of accounts) {
    store.setAffiliation(first?.id as number, account, 'member')
    t.is(store.node('node 0')?.id, first?.id)
    t.is(store.affiliation(first?.id as number, account), 'member')
    t.is(store.affiliation(first?.id as number, 'somebody@x'), 'none')
  }
  await store.settled()
})

/** What items of a node there are, asked in each way. */
const itemsOf = (store: PubsubStore, nodeId: number, ids: readonly string[]) => ({
  count: store.countItems(nodeId),
  oldest: store.oldestItemIds(nodeId, 1_000),
  first: store.oldestItemIds(nodeId, 3),
  there: [...ids, 'kept', 'never'].filter((id) => store.hasItem(nodeId, id)),
})

for (const [what, ids] of [
  ['few', Array.from({ length: 40 }, (_, at) => `item ${at}`)],
  ['many', Array.from({ length: 120 }, (_, at) => `item ${at}`)],
  ['long ones', Array.from({ length: 10 }, (_, at) => `${at}${'x'.repeat(1_000)}`)],
] as const) {
  test(`the items of a node are the same, remembered or looked up: ${what}`, async (t) => {
    await using storage = await open()
    const [store, other] = [new SqliteStore(storage), new MemoryStore()]
    const nodes = [store, other].map((each) => [each, each.addNode(node).id] as const)
    const same = () => {
      const [seen, expected] = nodes.map(([each, id]) => itemsOf(each, id, ids))
      t.deepEqual(seen, expected)
    }
    for (const [at, id] of [...ids, ...ids.slice(5, 25), ...ids].entries()) {
      t.is(store.node('news')?.id, nodes[0]?.[1])
      for (const [each, nodeId] of nodes) {
        if (at % 3 === 2) each.removeItem(nodeId, ids[(at * 7) % ids.length] as string)
        each.putItem({ ...item, nodeId, id })
      }
      if (at % 5 === 0) same()
      if (at % 40 === 0) await store.settled()
    }
    same()
    store.putItem({ ...item, nodeId: nodes[0]?.[1] as number, id: 'kept' })
    await store.settled()
    other.putItem({ ...item, nodeId: nodes[1]?.[1] as number, id: 'kept' })
    same()
    store.removeItem(nodes[0]?.[1] as number, 'kept')
    store.putItem({ ...item, nodeId: nodes[0]?.[1] as number, id: 'never' })
    t.throws(() => store.addNode(node), { code: 'ERR_STORAGE' })
    await t.throwsAsync(store.settled(), { code: 'ERR_STORAGE' })
    t.is(store.node('news')?.id, nodes[0]?.[1])
    same()
    for (const [each, nodeId] of nodes) each.removeItems(nodeId)
    same()
    await store.settled()
  })
}

test('a number is never given again, although what had it is gone', async (t) => {
  const directory = newDirectory()
  const store = new SqliteStore(await open(directory))
  const { id } = store.addNode(node)
  const { seq } = store.putItem({ ...item, nodeId: id })
  store.retireNode(id)
  while (store.sweepRetired(100, new Set()) > 0) {}
  await store.close()
  const again = new SqliteStore(await open(directory))
  const next = again.addNode(node)
  t.true(next.id > id)
  t.true(again.putItem({ ...item, nodeId: next.id }).seq > seq)
  await again.close()
})

test('thousands of numbers are given in one turn', async (t) => {
  await using storage = await open()
  const store = new SqliteStore(storage)
  const { id } = store.addNode(node)
  const numbers = Array.from({ length: 3000 }, (_, at) => store.putItem({ ...item, nodeId: id, id: `${at}` }).seq)
  t.is(new Set(numbers).size, 3000)
  await store.settled()
  t.is(store.countItems(id), 3000)
})

test('accounts that have nothing anymore are forgotten', async (t) => {
  await using storage = await open()
  const store = new SqliteStore(storage)
  const { id } = store.addNode(node)
  const only = store.addSubscription({ ...subscription, nodeId: id })
  const accounts = () => storage.query<[jid: string]>('SELECT jid FROM account ORDER BY jid').all()
  t.deepEqual(accounts(), [['a@example.com'], ['b@example.com']])
  store.removeSubscription(only)
  t.deepEqual(accounts(), [['a@example.com']])
  store.retireNode(id)
  t.deepEqual(accounts(), [])
})

test('of a retired node nothing is left when it is swept', async (t) => {
  await using storage = await open()
  const store = new SqliteStore(storage)
  const { id } = store.addNode(node)
  for (const itemId of ['a', 'b', 'c']) store.putItem({ ...item, nodeId: id, id: itemId })
  for (const account of ['c@x', 'd@x']) store.setAffiliation(id, account, 'member')
  for (const jid of ['e@x', 'f@x']) store.addSubscription({ ...subscription, nodeId: id, jid, account: jid })
  store.retireNode(id)
  let swept = 0
  for (let some = -1; some !== 0; swept += some) some = store.sweepRetired(2, new Set())
  t.is(swept, 8)
  for (const table of ['node', 'item', 'affiliation', 'subscription', 'account']) {
    t.deepEqual(storage.query(`SELECT count(*) FROM ${table}`).all(), [[0]], table)
  }
})

test('what is counted is in the database with what it counts, once for a turn of the event loop', async (t) => {
  await using storage = await open()
  const store = new SqliteStore(storage)
  const counts = storage.query<readonly number[]>(
    'SELECT n.items, n.subscriptions, t.items, t.subscriptions FROM node n JOIN total t ON t.id = 1 WHERE n.id = ?',
  )
  const { id: nodeId } = store.addNode(node)
  const told = () => [store.countItems(nodeId), store.countSubscriptions(nodeId), store.countAllItems(), store.countAllSubscriptions()]
  for (const id of ['a', 'b', 'a']) store.putItem({ nodeId, ...item, id })
  const added = store.addSubscription({ nodeId, ...subscription })
  t.deepEqual(
    [told(), counts.get(nodeId)],
    [
      [2, 1, 2, 1],
      [0, 0, 0, 0],
    ],
  )
  await store.committed()
  t.deepEqual(
    [told(), counts.get(nodeId)],
    [
      [2, 1, 2, 1],
      [2, 1, 2, 1],
    ],
  )
  store.putItem({ nodeId, ...item, id: 'c' })
  store.removeItem(nodeId, 'a')
  store.removeItem(nodeId, 'nothing')
  store.removeSubscription(added)
  await store.committed()
  t.deepEqual(
    [told(), counts.get(nodeId)],
    [
      [2, 0, 2, 0],
      [2, 0, 2, 0],
    ],
  )
  store.retireNode(nodeId)
  t.is(store.sweepRetired(9, new Set()), 3)
  t.deepEqual([store.countItems(nodeId), store.countAllItems()], [0, 0])
  await store.committed()
  t.deepEqual(counts.get(nodeId), undefined)
  t.is(store.countAllItems(), 0)
})

const versions = readdirSync(FIXTURES).sort()

test('of each version there is a database', (t) => {
  t.deepEqual(
    versions,
    pubsubMigrations.map((_, at) => `version-${at + 1}.sql`),
  )
})

for (const name of versions) {
  test(`${name} becomes what a new database is, with all that was in it`, async (t) => {
    const directory = newDirectory()
    mkdirSync(directory)
    const old = (await loadDriver()).open(join(directory, 'streamhost.db'))
    old.exec(readFileSync(join(FIXTURES, name), 'utf8'))
    old.close()
    await using storage = await open(directory)
    await using fresh = await open()
    const schema = 'SELECT type, name, sql FROM sqlite_schema ORDER BY type, name'
    t.deepEqual(storage.query(schema).all(), fresh.query(schema).all())
    t.deepEqual(storage.query('PRAGMA foreign_key_check').all(), [])

    const store = new SqliteStore(storage)
    const [feeds, news] = store.listedNodes({ limit: 9 }) as [NodeRecord, NodeRecord]
    t.like(feeds, { name: 'feeds', kind: 'collection', creator: 'hamlet@denmark.lit' })
    t.like(news, { name: 'news', kind: 'leaf', parent: feeds.id, createdMs: 1000, config: { title: 'News “é”', maxItems: 5 } })
    const nodes = [store.countListedNodes(), store.countNodes(), store.countNodesOf('hamlet@denmark.lit'), store.countChildren(feeds.id)]
    t.deepEqual(nodes, [2, 3, 3, 1])
    t.like(store.node('secrets'), { isListed: false, config: { accessModel: 'whitelist' } })
    t.is(store.affiliation(news.id, 'hamlet@denmark.lit'), 'owner')
    t.is(store.affiliation(news.id, 'bernardo@denmark.lit'), 'outcast')
    t.deepEqual([store.countAffiliations(news.id), store.countOwners(news.id)], [2, 1])
    const [first, second, third] = store.subscriptions(news.id, { limit: 9 }) as SubscriptionRecord[]
    t.like(first, { jid: 'francisco@denmark.lit/barracks', state: 'subscribed', options: { deliver: false }, expiresMs: 5000 })
    t.like(second, { jid: 'horatio@denmark.lit', state: 'pending', options: undefined, expiresMs: undefined })
    t.like(third, { jid: 'marcellus@denmark.lit', state: 'subscribed', options: { queue: true, keys: ['court.*'] } })
    t.deepEqual(store.queueSubscriptions(news.id, { limit: 9 }), [third])
    t.deepEqual([store.countSubscriptions(news.id), store.countPending(news.id)], [3, 1])
    t.is(store.countSubscriptionsOf('francisco@denmark.lit'), 2)
    t.like(store.item(news.id, 'ae890ac52d0df67ed7cfdf51b644e901'), {
      payload: "<entry xmlns='urn:x'>“é” 😀</entry>",
      expiresMs: 6000,
      routingKey: 'court.night',
      isExpiryTold: true,
    })
    t.like(store.item(news.id, 'bare'), { payload: undefined, expiresMs: undefined, routingKey: undefined, isExpiryTold: false })
    t.deepEqual([store.countItems(news.id), store.countAllSubscriptions(), store.countAllItems()], [2, 4, 3])
    const musings = { name: 'musings', uri: 'xmpp:hamlet@denmark.lit?;node=blog', creator: 'hamlet@denmark.lit', expiresMs: 9000 }
    t.deepEqual([store.dueMoved(9000, 9), store.countMoved()], [[musings], 1])
    t.deepEqual(
      store.bouncing({ limit: 9 }).map(({ bounce }) => bounce),
      [{ firstMs: 4000, passing: 1, pauseMs: 60_000, untilMs: 64_000 }],
    )
    t.deepEqual(store.queues.counts, { messages: 2, entries: 1, letters: 1 })
    const waiting = { attempts: 1, notBeforeMs: 4000, handedTo: 'francisco@denmark.lit/barracks', awaits: 'acknowledgement' } as const
    t.like(store.queues.entry('francisco@denmark.lit', 1), { ...waiting, message: { itemId: 'bare', kind: 'published', payload: '<a/>' } })
    t.like(store.queues.letter(news.id, 1), { reason: 'not-acknowledged', attempts: 16, message: { itemId: 'gone', kind: 'retracted' } })
    const presence = new SqlitePresence(storage)
    const horatio = { nodeId: news.id, account: 'horatio@denmark.lit', theirs: 'pending', ours: 'none' } as const
    const marcellus = { nodeId: news.id, account: 'marcellus@denmark.lit', theirs: 'subscribed', ours: 'granted' } as const
    t.deepEqual([presence.contactsAt(news.id, 9), presence.countContacts()], [[horatio, marcellus], 2])
    t.deepEqual([presence.hasGranted('marcellus@denmark.lit'), presence.hasGranted('horatio@denmark.lit')], [true, false])
    const francisco = { jid: 'francisco@denmark.lit/barracks', account: 'francisco@denmark.lit', priority: 1, sinceMs: 7000 }
    t.deepEqual([...presence.resources(9)], [[francisco]])
    const [retiredId] = storage.query<[id: number]>('SELECT id FROM node WHERE name IS NULL').get() as [number]
    t.is(store.nodeById(retiredId), undefined)
    t.like(store.subscriptions(retiredId, { limit: 9 }), { 0: { jid: 'francisco@denmark.lit' }, length: 1 })
    // A subscription, an item, an affiliation, and the node.
    t.is(store.sweepRetired(9, new Set()), 4)
    t.deepEqual([store.countAllSubscriptions(), store.countAllItems(), store.countNodes(), store.countListedNodes()], [3, 2, 3, 2])
    const added = store.putItem({ ...item, nodeId: news.id })
    t.deepEqual(store.items(news.id, { limit: 1, fromEnd: true }), [added])
    await store.settled()
  })
}
