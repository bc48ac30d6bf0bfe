// Goal: every version becomes the newest, whatever was broken off; what is not ours, or newer, stays as it is.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { loadDriver } from '../../src/storage/driver.ts'
import { Storage } from '../../src/storage/index.ts'
import { APPLICATION_ID } from '../../src/storage/migrations.ts'
import { newDirectory, notes, openStorage } from '../helpers/storage.ts'

const migrations = [notes, 'ALTER TABLE note ADD COLUMN tag TEXT', "UPDATE note SET tag = 'old'; CREATE INDEX note_tag ON note (tag)"]

async function makeDatabase(directory: string, sql: string): Promise<void> {
  mkdirSync(directory)
  const database = (await loadDriver()).open(join(directory, 'streamhost.db'))
  database.exec(sql)
  database.close()
}

for (let version = 0; version <= migrations.length; version++) {
  test(`version ${version} becomes the newest, with what was in it`, async (t) => {
    const directory = await newDirectory(t)
    if (version > 0) {
      const before = await openStorage(t, directory, migrations.slice(0, version))
      before.change("INSERT INTO note (text) VALUES ('one')").run()
      await before[Symbol.asyncDispose]()
    }
    const storage = await openStorage(t, directory, migrations)
    t.deepEqual(storage.query('PRAGMA user_version').get(), [3])
    t.deepEqual(storage.query('PRAGMA application_id').get(), [APPLICATION_ID])
    const kept = version === 0 ? [] : [['one', version === 3 ? null : 'old']]
    t.deepEqual(storage.query('SELECT text, tag FROM note').all(), kept)
  })
}

test('of a first migration that fails nothing is left, and the next start does it anew', async (t) => {
  const directory = await newDirectory(t)
  await t.throwsAsync(openStorage(t, directory, [`${notes}; INSERT INTO nowhere VALUES (1)`]), { code: 'ERR_STORAGE' })
  const storage = await openStorage(t, directory)
  t.deepEqual(storage.query('PRAGMA user_version').get(), [1])
})

test('a migration that fails leaves the version before it', async (t) => {
  const directory = await newDirectory(t)
  const broken = [notes, 'CREATE TABLE half (id INTEGER); INSERT INTO nowhere VALUES (1)']
  await t.throwsAsync(openStorage(t, directory, broken), { code: 'ERR_STORAGE' })
  const storage = await openStorage(t, directory)
  t.deepEqual(storage.query('SELECT name FROM sqlite_schema').all(), [['note']])
})

test('a database of a newer release is refused', async (t) => {
  const directory = await newDirectory(t)
  await (await openStorage(t, directory, migrations))[Symbol.asyncDispose]()
  const message = /has version 3, of a newer release; this one knows 1: install the newer one/
  await t.throwsAsync(Storage.open({ directory, migrations: [notes] }), { code: 'ERR_STORAGE_VERSION', message })
  t.deepEqual((await openStorage(t, directory, migrations)).query('PRAGMA user_version').get(), [3])
})

for (const [whose, sql] of [
  ['another program', 'CREATE TABLE theirs (id INTEGER)'],
  ['another program that says so', 'PRAGMA application_id = 7'],
] as const) {
  test(`the database of ${whose} is refused, and left as it is`, async (t) => {
    const directory = await newDirectory(t)
    await makeDatabase(directory, sql)
    await t.throwsAsync(openStorage(t, directory), { code: 'ERR_STORAGE_FOREIGN', message: /another program/ })
    const database = (await loadDriver()).open(join(directory, 'streamhost.db'))
    t.like(database.prepare('PRAGMA journal_mode').get(), { journal_mode: 'delete' })
    database.close()
  })
}
