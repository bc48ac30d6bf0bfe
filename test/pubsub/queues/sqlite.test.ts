// Goal: besides the contract, that nothing of a message is left with the machine but what somebody has, and nothing of a turn that is undone.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { pubsubMigrations, type QueuedMessage, SqliteStore } from '../../../src/pubsub/index.ts'
import { Storage } from '../../../src/storage/index.ts'
import { queueStoreContract } from '../../contract/queue-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'streamhost-queues-'))
test.after.always(() => rmSync(folder, { recursive: true }))
let directories = 0
const open = () => Storage.open({ directory: join(folder, `${directories++}`), migrations: pubsubMigrations })

queueStoreContract(test, async () => new SqliteStore(await open()))

const message: Omit<QueuedMessage, 'id'> = {
  ...{ node: 'news', nodeId: 1, kind: 'published', itemId: 'a', publisher: 'o@x/r' },
  ...{ publishedMs: 1, expiresMs: 9, routingKey: undefined, payload: '<a/>' },
}

test('what was rolled back waits for nobody, and its numbers are not given again', async (t) => {
  await using storage = await open()
  const store = new SqliteStore(storage)
  const node = { name: 'news', kind: 'leaf', parent: undefined, creator: 'o@x', createdMs: 1, isListed: true, config: {} } as const
  store.addNode(node)
  await store.settled()
  const lost = store.queues.add(message, ['o@x'])
  store.queues.bury([{ account: 'o@x', message: lost }], 'gone', 5)
  t.throws(() => store.addNode(node), { code: 'ERR_STORAGE' })
  await t.throwsAsync(store.settled(), { code: 'ERR_STORAGE' })
  t.deepEqual(store.queues.counts, { messages: 0, entries: 0, letters: 0 })
  t.true(store.queues.add(message, ['o@x']).id > lost.id)
  await store.settled()
})

test('an account that has nothing else is forgotten with the last that waits for it', async (t) => {
  await using storage = await open()
  const store = new SqliteStore(storage)
  const given = { nodeId: 1, jid: 's@x', account: 's@x', state: 'subscribed', options: undefined, expiresMs: undefined } as const
  store.addNode({ name: 'news', kind: 'leaf', parent: undefined, creator: 'o@x', createdMs: 1, isListed: true, config: {} })
  const subscription = store.addSubscription(given)
  const { id } = store.queues.add(message, ['s@x'])
  store.removeSubscription(subscription)
  const accounts = () => storage.query<[jid: string]>('SELECT jid FROM account ORDER BY jid').all()
  t.deepEqual(accounts(), [['o@x'], ['s@x']])
  t.deepEqual(store.subscriptionsAt(1, 's@x'), [])
  store.queues.removeEntry('s@x', id)
  t.deepEqual(accounts(), [['o@x']])
  t.is(store.subscriptionsAt(1, store.addSubscription(given).account).length, 1)
})
