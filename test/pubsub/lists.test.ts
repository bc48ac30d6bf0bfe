// Goal: who finds which nodes by looking (XEP-0060 §5.2), and pages of every list from either end (XEP-0059), over each store.
// Method: each list is walked forwards and backwards in pages of each size, and comes to what it is in one piece.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import {
  type AccessModel,
  MemoryStore,
  type Page,
  type Part,
  type PubsubInit,
  type PubsubStore,
  pubsubMigrations,
  SqliteStore,
} from '../../src/pubsub/index.ts'
import { Storage } from '../../src/storage/index.ts'
import { by, FRIEND, OWNER, PubsubScene, STRANGER } from '../helpers/pubsub.ts'

const folder = mkdtempSync(join(tmpdir(), 'streamhost-lists-'))
test.after.always(() => rmSync(folder, { recursive: true }))
let directories = 0

const stores: Readonly<Record<string, () => Promise<PubsubStore>>> = {
  memory: async () => new MemoryStore(),
  SQLite: async () => new SqliteStore(await Storage.open({ directory: join(folder, `${directories++}`), migrations: pubsubMigrations })),
}

function onEachStore(title: string, run: (t: ExecutionContext, scene: (init?: PubsubInit) => PubsubScene) => void): void {
  for (const [name, open] of Object.entries(stores)) {
    test(`${title}: ${name}`, async (t) => {
      const store = await open()
      run(t, (init) => new PubsubScene({ hasRosters: () => true, ...init }, store))
      await store.settled()
      await store.close()
    })
  }
}

/** Walks a list in pages of each size, from both ends, and compares what every page says of itself with the whole. */
function walk<T>(t: ExecutionContext, all: readonly T[], read: (page: Page) => Part<T>): void {
  for (let max = 1; max <= all.length + 1; max++) {
    const forwards: T[] = []
    for (let after: string | undefined; ; ) {
      const part = read({ max, after })
      if (part.firstIndex !== undefined) t.is(part.firstIndex, forwards.length)
      if (forwards.length === 0 || part.found.length < max) t.is(part.firstIndex, part.found.length === 0 ? undefined : forwards.length)
      t.is(part.count, all.length)
      forwards.push(...part.found)
      if (part.last === undefined) break
      after = part.last
    }
    t.deepEqual(forwards, all)

    const backwards: T[] = []
    for (let before = ''; ; ) {
      const part = read({ max, before })
      if (part.firstIndex !== undefined) t.is(part.firstIndex, all.length - backwards.length - part.found.length)
      t.is(part.count, all.length)
      backwards.unshift(...part.found)
      if (part.first === undefined) break
      before = part.first
    }
    t.deepEqual(backwards, all)
  }
  t.like(read({ max: 0 }), { count: all.length, first: undefined, last: undefined, firstIndex: undefined })
  t.like(read({ index: 0, max: 1 }), { found: all.slice(0, 1), firstIndex: 0 })
  t.throws(() => read({ index: 1 }), { code: 'ERR_PUBSUB_UNSUPPORTED' })
}

const models: readonly AccessModel[] = ['open', 'whitelist', 'authorize', 'presence', 'roster']
const names = (part: Part<{ readonly name: string }>) => part.found.map(({ name }) => name)

/** Two nodes of each access model, of which FRIEND is member, subscriber and outcast of some. */
function withNodes(scene: PubsubScene, collection?: string): void {
  const { pubsub } = scene
  for (const round of [1, 2]) {
    for (const accessModel of models) {
      const node = `${accessModel} ${round}`
      pubsub.create(by(OWNER), { node, config: { accessModel, ...(collection !== undefined && { collection }) } })
    }
  }
  const set = (node: string, affiliation: 'member' | 'outcast') =>
    pubsub.setNodeAffiliations(by(OWNER), node, [{ jid: FRIEND, affiliation }])
  set('whitelist 1', 'member')
  set('whitelist 2', 'outcast')
  set('open 2', 'outcast')
  const contacts = [{ subscription: 'both' as const, groups: [] }]
  pubsub.subscribe({ ...by(FRIEND), contacts }, { node: 'presence 2', jid: `${FRIEND}/device` })
}

const everybody = ['open 1', 'authorize 1', 'open 2', 'authorize 2']
const friend = ['open 1', 'whitelist 1', 'authorize 1', 'open 2', 'authorize 2', 'presence 2']
const owner = [1, 2].flatMap((round) => models.map((model) => `${model} ${round}`))

onEachStore('nodes that are not for everybody are listed for those who are somebody there (XEP-0060 §5.2)', (t, open) => {
  const scene = open()
  withNodes(scene)
  const found = (account: string, page?: Page) => scene.pubsub.nodes(by(account), { page })
  t.deepEqual(names(found(STRANGER)), everybody)
  t.deepEqual(names(found(FRIEND)), friend)
  t.deepEqual(names(found(OWNER)), owner)
  for (const account of [STRANGER, FRIEND, OWNER]) walk(t, found(account).found, (page) => found(account, page))

  scene.pubsub.configure(by(OWNER), 'open 1', { accessModel: 'whitelist' })
  scene.pubsub.configure(by(OWNER), 'whitelist 2', { accessModel: 'open' })
  const changed = ['authorize 1', 'open 2', 'whitelist 2', 'authorize 2']
  t.deepEqual(names(found(STRANGER)), changed)
  walk(t, found(STRANGER).found, (page) => found(STRANGER, page))
  scene.pubsub.setNodeAffiliations(by(OWNER), 'whitelist 1', [{ jid: FRIEND, affiliation: 'none' }])
  t.deepEqual(names(found(FRIEND)), [...changed, 'presence 2'])
})

onEachStore('a lease that is over is in no list, swept or not, and not counted (XEP-0060 §5.6, §8.8.1.2, §12.19)', (t, open) => {
  const scene = open()
  const { pubsub } = scene
  pubsub.create(by(OWNER), { node: 'news', config: { accessModel: 'authorize' } })
  const devices = [...'abcdef']
  const jidOf = (device: string) => `${FRIEND}/${device}`
  const deviceOf = ({ jid }: { readonly jid: string }) => jid.slice(jid.indexOf('/') + 1)
  for (const [at, device] of devices.entries()) {
    const options = at % 2 === 0 ? { expiresMs: scene.nowMs + 1_000 + at } : undefined
    pubsub.subscribe(by(FRIEND), { node: 'news', jid: jidOf(device), options })
  }
  const lists = () => ({
    own: (page: Page) => pubsub.subscriptions(by(FRIEND), { page }),
    ofNode: (page: Page) => pubsub.nodeSubscriptions(by(OWNER), 'news', page),
  })
  const waiting = () => pubsub.pending(by(OWNER), 'news').found.map(deviceOf).join('')
  t.is(waiting(), 'abcdef')
  scene.pass(1_000)
  t.is(waiting(), 'bcdef', 'the first lease is over')
  for (const device of 'bcdef') pubsub.decide(by(OWNER), { node: 'news', jid: jidOf(device) }, true)

  const seen = () =>
    Object.values(lists()).map((list) => {
      const pages = [{}, { max: 1 }, { max: 2 }, { max: 2, before: '' }].map((page) => list(page))
      const counts = new Set(pages.map(({ count }) => count))
      const after = list({ max: 9, after: pages[1]?.last })
      return [...pages, after].map(({ found }) => found.map(deviceOf).join('')).concat(String([...counts]))
    })
  const both = (...what: string[]) => [what, what]
  t.deepEqual(seen(), both('bcdef', 'b', 'bc', 'ef', 'cdef', '5'))
  t.is(pubsub.metadata('news').subscribers, 5)
  scene.pass(2)
  t.deepEqual(seen(), both('bdef', 'b', 'bd', 'ef', 'def', '4'))
  scene.pass(2)
  const last = both('bdf', 'b', 'bd', 'df', 'df', '3')
  t.deepEqual(seen(), last)
  t.is(pubsub.metadata('news').subscribers, 3)
  pubsub.sweep()
  t.deepEqual(seen(), last)
  t.is(pubsub.metadata('news').subscribers, 3)
})

onEachStore('of a collection those are listed who would be without it, and of one that is closed none (XEP-0248)', (t, open) => {
  const scene = open()
  const { pubsub } = scene
  pubsub.create(by(OWNER), { node: 'all', kind: 'collection' })
  withNodes(scene, 'all')
  const found = (account: string, page?: Page) => pubsub.nodes(by(account), { collection: 'all', page })
  t.deepEqual(names(found(STRANGER)), everybody)
  t.deepEqual(names(found(FRIEND)), friend)
  for (const account of [STRANGER, FRIEND, OWNER]) walk(t, found(account).found, (page) => found(account, page))
  pubsub.configure(by(OWNER), 'all', { accessModel: 'whitelist' })
  t.throws(() => found(STRANGER), { code: 'ERR_PUBSUB_CLOSED_NODE' })
  t.deepEqual(names(found(OWNER)), owner)
})

onEachStore('two nodes are on one page, although there are more between them than one answer has', (t, open) => {
  const { pubsub } = open({ limits: { pageMax: 3 } })
  pubsub.create(by(OWNER), { node: 'first' })
  for (let at = 0; at < 7; at++) pubsub.create(by(OWNER), { node: `closed ${at}`, config: { accessModel: 'whitelist' } })
  pubsub.create(by(OWNER), { node: 'last' })
  const found = pubsub.nodes(by(STRANGER), { page: { max: 2 } })
  t.deepEqual([names(found), found.count], [['first', 'last'], 2])
  t.deepEqual(names(pubsub.nodes(by(OWNER), { page: { before: '' } })), ['closed 5', 'closed 6', 'last'])
})

onEachStore('subscriptions and affiliations, own and of a node, have pages from both ends', (t, open) => {
  const { pubsub } = open()
  for (const node of ['a', 'b', 'c']) {
    pubsub.create(by(OWNER), { node, config: { accessModel: 'authorize' } })
    pubsub.subscribe(by(OWNER), { node, jid: OWNER })
    pubsub.subscribe(by(OWNER), { node, jid: `${OWNER}/device` })
  }
  for (const jid of [FRIEND, STRANGER, 'a@b', 'c@d']) pubsub.subscribe(by(jid), { node: 'a', jid })
  for (const jid of [STRANGER, 'c@d']) pubsub.decide(by(OWNER), { node: 'a', jid }, true)
  pubsub.setNodeAffiliations(by(OWNER), 'a', [
    { jid: 'z@b', affiliation: 'member' },
    { jid: FRIEND, affiliation: 'outcast' },
  ])
  const lists = [
    [6, (page?: Page) => pubsub.subscriptions(by(OWNER), { page })],
    [3, (page?: Page) => pubsub.affiliations(by(OWNER), { page })],
    [4, (page?: Page) => pubsub.nodeSubscriptions(by(OWNER), 'a', page)],
    [3, (page?: Page) => pubsub.nodeAffiliations(by(OWNER), 'a', page)],
  ] as const
  for (const [count, read] of lists) {
    const all: Part<unknown> = read()
    t.deepEqual([all.found.length, all.count], [count, count])
    walk(t, all.found, read)
  }
})

onEachStore('a page goes on where it was, although what it is next to is gone (XEP-0059 §2.4)', (t, open) => {
  const { pubsub } = open()
  for (const node of ['a', 'b', 'c', 'd']) pubsub.create(by(OWNER), { node })
  const { last } = pubsub.nodes(by(OWNER), { page: { max: 2 } })
  pubsub.delete(by(OWNER), 'b')
  t.deepEqual(names(pubsub.nodes(by(OWNER), { page: { after: last } })), ['c', 'd'])
  t.deepEqual(names(pubsub.nodes(by(OWNER), { page: { before: last } })), ['a'])
  t.throws(() => pubsub.nodes(by(OWNER), { page: { after: 'nothing' } }), { code: 'ERR_ITEM_NOT_FOUND' })
})
