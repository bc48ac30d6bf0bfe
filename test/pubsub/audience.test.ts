// Goal: whoever is subscribed at the moment is told, once, whether his node's audience is remembered or read from the store.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { type Broadcast, MemoryStore, type PubsubLimits, pubsubMigrations, SqliteStore } from '../../src/pubsub/index.ts'
import { Storage } from '../../src/storage/index.ts'
import { by, FRIEND, OWNER, PubsubScene, STRANGER } from '../helpers/pubsub.ts'

/** Counts how often subscriptions are read page by page. */
class CountingStore extends MemoryStore {
  pages = 0

  override subscriptions(...given: Parameters<MemoryStore['subscriptions']>) {
    this.pages++
    return super.subscriptions(...given)
  }
}

function sceneWith(limits: Partial<PubsubLimits> = {}, nodes = ['news']) {
  const store = new CountingStore()
  const scene = new PubsubScene({ limits }, store)
  for (const node of nodes) scene.pubsub.create(by(OWNER), { node })
  return { scene, store, pubsub: scene.pubsub }
}
const subscribers = (count: number) => Array.from({ length: count }, (_, at) => `s${at}@x`)
const subscribeAll = ({ pubsub }: PubsubScene, jids: readonly string[], node = 'news') => {
  for (const jid of jids) pubsub.subscribe({ jid }, { node, jid })
}

test('subscribers are read page by page, once', (t) => {
  const { scene, store } = sceneWith({ pageMax: 10 })
  const all = subscribers(25)
  subscribeAll(scene, all)
  t.deepEqual(scene.publish('news', 'a'), all)
  const read = store.pages
  t.deepEqual(scene.publish('news', 'b'), all)
  t.is(store.pages, read)
})

test('a new subscriber is one of those who are remembered', (t) => {
  const { scene, store } = sceneWith()
  subscribeAll(scene, subscribers(3))
  scene.publish('news', 'a')
  const read = store.pages
  subscribeAll(scene, [FRIEND])
  t.deepEqual(scene.publish('news', 'b'), [...subscribers(3), FRIEND])
  t.is(store.pages, read)
})

test('who leaves is no longer one of those who are remembered, and the others are', (t) => {
  const { scene, store, pubsub } = sceneWith()
  const [one, ...others] = subscribers(4) as [string, ...string[]]
  subscribeAll(scene, [one, ...others])
  scene.publish('news', 'a')
  const read = store.pages
  const leave = (jid: string) => pubsub.unsubscribe({ jid }, { node: 'news', jid })
  leave(one)
  leave(others[1] as string)
  t.deepEqual(scene.publish('news', 'b'), [others[0], others[2]])
  subscribeAll(scene, [one])
  t.deepEqual(scene.publish('news', 'c'), [others[0], others[2], one])
  t.is(store.pages, read)
  leave(one)
  subscribeAll(scene, [one])
  t.deepEqual(scene.publish('news', 'd'), [others[0], others[2], one], 'who comes back before anybody is told is told once')
})

test('what else changes a subscription is seen at the next publication', (t) => {
  const { scene, pubsub } = sceneWith()
  subscribeAll(scene, [FRIEND, STRANGER])
  const told = () => scene.publish('news', 'a')
  const changes: readonly [() => void, string[]][] = [
    [() => pubsub.setOptions(by(FRIEND), { node: 'news', jid: FRIEND }, { deliver: false }), [STRANGER]],
    [() => pubsub.setOptions(by(FRIEND), { node: 'news', jid: FRIEND }, { deliver: true }), [FRIEND, STRANGER]],
    [() => pubsub.unsubscribe(by(FRIEND), { node: 'news', jid: FRIEND }), [STRANGER]],
    [() => pubsub.setNodeSubscriptions(by(OWNER), 'news', [{ jid: FRIEND, state: 'subscribed' }]), [STRANGER, FRIEND]],
    [() => pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: STRANGER, affiliation: 'outcast' }]), [FRIEND]],
    [() => pubsub.configure(by(OWNER), 'news', { accessModel: 'whitelist' }), []],
    [() => pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: FRIEND, affiliation: 'member' }]), [FRIEND]],
    [() => pubsub.endSubscriptions('news', FRIEND), []],
  ]
  t.deepEqual(told(), [FRIEND, STRANGER])
  for (const [change, expected] of changes) {
    change()
    t.deepEqual([told(), told()], [expected, expected])
  }
})

test('a subscriber with a lease is told until it is over, also when nothing is swept', (t) => {
  const { scene, pubsub } = sceneWith()
  subscribeAll(scene, [STRANGER])
  pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND, options: { expiresMs: 1_001_000 } })
  t.deepEqual(scene.publish('news', 'a'), [STRANGER, FRIEND])
  pubsub.subscribe({ jid: 'c@d' }, { node: 'news', jid: 'c@d', options: { expiresMs: 1_002_000 } })
  t.deepEqual(scene.publish('news', 'b'), [STRANGER, FRIEND, 'c@d'])
  scene.nowMs = 1_001_000
  t.deepEqual(scene.publish('news', 'c'), [STRANGER, 'c@d'])
  scene.nowMs = 1_002_000
  t.deepEqual(scene.publish('news', 'd'), [STRANGER])
})

test('those who come and go while others are told leave nobody out, and nobody twice', (t) => {
  for (const isRemembered of [false, true]) {
    const { scene, pubsub } = sceneWith({ pageMax: 10 })
    const all = subscribers(30)
    subscribeAll(scene, all)
    if (isRemembered) scene.publish('news', 'a')
    const [notice] = pubsub.publish(by(OWNER), { node: 'news', items: [{ payload: '<b/>' }] }).notices
    const told: string[] = []
    for (const page of pubsub.audience(notice as Broadcast)) {
      if (told.length === 10) {
        subscribeAll(scene, ['late@x'])
        for (const jid of all.slice(0, 5)) pubsub.unsubscribe({ jid }, { node: 'news', jid })
      }
      told.push(...(page as string[]))
    }
    t.deepEqual(
      told.filter((jid) => jid !== 'late@x'),
      all,
    )
    t.is(new Set(told).size, told.length)
    t.deepEqual(scene.publish('news', 'c'), [...all.slice(5), 'late@x'])
  }
})

test('so many are remembered, those of the node that was used last the longest', (t) => {
  const { scene, store } = sceneWith({ cachedRecipientsMax: 5 }, ['a', 'b', 'c', 'large'])
  const readsOf = (node: string) => {
    const before = store.pages
    scene.publish(node, 'x')
    return store.pages - before
  }
  for (const node of ['a', 'b', 'c']) subscribeAll(scene, subscribers(2), node)
  subscribeAll(scene, subscribers(6), 'large')
  for (const node of ['a', 'b', 'a', 'c']) readsOf(node)
  t.is(readsOf('a'), 0)
  t.is(readsOf('c'), 0)
  t.true(readsOf('b') > 0)
  for (const each of [1, 2]) t.true(readsOf('large') > 0, `${each}`)
  t.is(readsOf('b'), 0)
  subscribeAll(scene, ['one@x', 'more@x'], 'b')
  t.deepEqual(scene.publish('b', 'y'), [...subscribers(2), 'one@x', 'more@x'])
})

test('an audience that was made of what has not become durable is forgotten', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'streamhost-audience-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const store = new SqliteStore(await Storage.open({ directory, migrations: pubsubMigrations }))
  const scene = new PubsubScene({}, store)
  const { node } = scene.pubsub.create(by(OWNER), { node: 'news' })
  subscribeAll(scene, [FRIEND])
  t.deepEqual(scene.publish('news', 'a'), [FRIEND])
  await scene.pubsub.settled()
  subscribeAll(scene, [STRANGER])
  t.deepEqual(scene.publish('news', 'b'), [FRIEND, STRANGER])
  t.throws(() => store.addNode(node), { code: 'ERR_STORAGE' })
  await t.throwsAsync(scene.pubsub.settled(), { code: 'ERR_STORAGE' })
  t.deepEqual(scene.publish('news', 'c'), [FRIEND])
  await store.close()
})
