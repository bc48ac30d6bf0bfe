// Goal: besides the contract, what only a database can do: find by keys, outlive a process, undo.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { pubsubMigrations, SqlitePresence } from '../../../src/pubsub/index.ts'
import { presenceChanges, presenceQueries } from '../../../src/pubsub/presence/sqlite-presence.ts'
import { Storage } from '../../../src/storage/index.ts'
import { presenceStoreContract } from '../../contract/presence-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'streamhost-presence-'))
test.after.always(() => rmSync(folder, { recursive: true }))
let directories = 0
const newDirectory = () => join(folder, `${directories++}`)

const open = (directory = newDirectory()) => Storage.open({ directory, migrations: pubsubMigrations })

presenceStoreContract(test, async () => {
  const storage = await open()
  return { store: new SqlitePresence(storage), close: () => storage[Symbol.asyncDispose]() }
})

const contact = { nodeId: 1, account: 'a@example.com', theirs: 'subscribed', ours: 'granted' } as const
const resource = { jid: 'a@example.com/desk', account: 'a@example.com', priority: 3, sinceMs: 5 }

test('contacts and resources outlive the process', async (t) => {
  const directory = newDirectory()
  {
    await using storage = await open(directory)
    const store = new SqlitePresence(storage)
    store.putContact(contact)
    store.putResource(resource)
    await storage.settled()
  }
  await using storage = await open(directory)
  const store = new SqlitePresence(storage)
  t.deepEqual([...store.contacts(9)], [[contact]])
  t.deepEqual([...store.resources(9)], [[resource]])
  t.is(store.countContacts(), 1)
})

test('what was rolled back is not there, and not counted', async (t) => {
  await using storage = await open()
  const store = new SqlitePresence(storage)
  store.putContact(contact)
  t.throws(() => storage.change('INSERT INTO sequence VALUES (NULL, 0)').run(), { code: 'ERR_STORAGE' })
  await t.throwsAsync(storage.settled(), { code: 'ERR_STORAGE' })
  t.deepEqual([store.contact(1, 'a@example.com'), store.countContacts()], [undefined, 0])
})

test('nothing takes longer because a table is large', async (t) => {
  await using storage = await open()
  for (const [name, sql] of Object.entries({ ...presenceQueries, ...presenceChanges })) {
    t.notRegex(sql, /LIMIT \?/, `${name} would be prepared each time`)
    const steps = storage.query<[id: number, parent: number, unused: number, step: string]>(`EXPLAIN QUERY PLAN ${sql}`).all()
    const slow = steps.filter(([, , , step]) => !step.startsWith('SEARCH'))
    t.deepEqual(slow, [], name)
  }
})
