import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { BytestreamError } from '../../src/core/index.ts'
import { loadDriver } from '../../src/storage/driver.ts'
import { Storage } from '../../src/storage/index.ts'
import { breakDisk, newDirectory, notes, notesOf, openStorage, ownDescriptor } from '../helpers/storage.ts'

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

test('what was settled is there when it is opened again', async (t) => {
  const directory = await newDirectory(t)
  const storage = await openStorage(t, directory)
  notesOf(storage).add('one')
  await storage.settled()
  await storage[Symbol.asyncDispose]()
  t.deepEqual(notesOf(await openStorage(t, directory)).all(), ['one'])
})

test('the directory and what is in it are for their owner alone', async (t) => {
  const directory = await newDirectory(t)
  const storage = await openStorage(t, directory)
  notesOf(storage).add('one')
  await storage.settled()
  t.is(modeOf(directory), '700')
  const files = readdirSync(directory).sort()
  t.deepEqual(files, ['streamhost.db', 'streamhost.db-shm', 'streamhost.db-wal', 'streamhost.lock'])
  t.deepEqual([...new Set(files.map((name) => modeOf(join(directory, name))))], ['600'])
})

test('a directory that is there keeps its mode', async (t) => {
  const directory = await newDirectory(t)
  mkdirSync(directory)
  chmodSync(directory, 0o755)
  await openStorage(t, directory)
  t.is(modeOf(directory), '755')
})

test('writes of one turn are read at once, and are one transaction', async (t) => {
  const storage = await openStorage(t)
  const { add, all } = notesOf(storage)
  add('one')
  const first = storage.settled()
  add('two')
  t.is(storage.settled(), first)
  t.deepEqual(all(), ['one', 'two'])
  await first
  add('three')
  t.not(storage.settled(), first)
  await storage.settled()
})

test('what was written is committed at the end of its turn, for other connections to see, and durable after that', async (t) => {
  const directory = await newDirectory(t)
  const storage = await openStorage(t, directory)
  const other = (await loadDriver()).open(join(directory, 'streamhost.db'))
  t.teardown(() => other.close())
  const seen = other.prepare('SELECT count(*) AS count FROM note')
  const order: string[] = []
  notesOf(storage).add('one')
  const settled = storage.settled().then(() => order.push('settled'))
  t.like(seen.get(), { count: 0 })
  await storage.committed().then(() => order.push('committed'))
  t.like(seen.get(), { count: 1 })
  await settled
  t.deepEqual(order, ['committed', 'settled'])
})

test('what is written because something is about to be committed is committed with it; where nothing was, nobody is asked', async (t) => {
  const storage = await openStorage(t)
  const { add, all } = notesOf(storage)
  let asked = 0
  storage.on('committing', () => add(`last ${++asked}`))
  t.deepEqual(all(), [])
  await setImmediate()
  await setImmediate()
  t.is(asked, 0)
  add('one')
  await storage.committed()
  t.deepEqual([asked, all()], [1, ['one', 'last 1']])
})

test('what another program has written since a turn has read something keeps that turn from nothing', async (t) => {
  const directory = await newDirectory(t)
  const storage = await openStorage(t, directory)
  const { add, all } = notesOf(storage)
  const other = (await loadDriver()).open(join(directory, 'streamhost.db'))
  t.teardown(() => other.close())
  add('one')
  await storage.settled()
  t.deepEqual(all(), ['one'])
  other.exec("INSERT INTO note (text) VALUES ('of another')")
  t.deepEqual(all(), ['one'], 'a turn sees one moment')
  add('two')
  t.deepEqual(all(), ['one', 'of another', 'two'])
  await storage.settled()
  t.like(other.prepare('SELECT count(*) AS count FROM note').get(), { count: 3 })
})

test('with nothing written, everything is settled', async (t) => {
  const storage = await openStorage(t)
  await t.notThrowsAsync(storage.committed())
  await t.notThrowsAsync(storage.settled())
  notesOf(storage).add('one')
  await setImmediate()
  await t.notThrowsAsync(storage.settled())
})

test('of a turn in which a write fails nothing is kept, and only that turn hears of it', async (t) => {
  const storage = await openStorage(t)
  const { add, all } = notesOf(storage)
  const clash = storage.change("INSERT INTO note (id, text) VALUES (1, 'clash')")
  add('before')
  const before = storage.settled()
  await setImmediate()
  const rolledBack: BytestreamError[] = []
  storage.on('rolledBack', (error) => rolledBack.push(error))
  add('one')
  t.throws(() => clash.run(), { code: 'ERR_STORAGE' })
  t.throws(() => add('two'), { code: 'ERR_STORAGE' })
  const committed = storage.committed()
  const error = await t.throwsAsync(storage.settled(), { instanceOf: BytestreamError, code: 'ERR_STORAGE' })
  t.deepEqual(rolledBack, [error])
  await t.throwsAsync(committed, { is: error })
  t.deepEqual(all(), ['before'])
  await t.notThrowsAsync(before)
  add('after')
  await t.notThrowsAsync(storage.settled())
  t.deepEqual(all(), ['before', 'after'])
})

test('on a full disk those who wrote are told, and service goes on when there is room again', async (t) => {
  const storage = await openStorage(t)
  const { add, all } = notesOf(storage)
  const pages = (count: number) => storage.query(`PRAGMA max_page_count = ${count}`).get()
  pages(3)
  const tooLong = 'x'.repeat(100_000)
  t.throws(() => add(tooLong), {
    code: 'ERR_STORAGE_FULL',
    message: /is full; the disk is full, or the database as large as it may be: make room, or raise --data-max$/,
  })
  await t.throwsAsync(storage.settled(), { code: 'ERR_STORAGE_FULL' })
  t.deepEqual(all(), [])
  pages(1000)
  add(tooLong)
  await storage.settled()
  t.deepEqual(all(), [tooLong])
})

test('when the disk does not take the log nothing is promised anymore', async (t) => {
  const directory = await newDirectory(t)
  const storage = await openStorage(t, directory)
  const { add, all } = notesOf(storage)
  add('one')
  await storage.settled()
  const failed: BytestreamError[] = []
  storage.on('failed', (error) => failed.push(error))
  breakDisk(directory)
  add('two')
  const committed = storage.committed()
  const error = await t.throwsAsync(storage.settled(), { code: 'ERR_STORAGE', message: /may not have reached the disk.*start again$/ })
  t.deepEqual(failed, [error])
  await t.notThrowsAsync(committed)
  await t.throwsAsync(storage.committed(), { is: error })
  t.throws(() => add('three'), { is: error })
  await t.throwsAsync(storage.settled(), { is: error })
  t.deepEqual(all(), ['one', 'two'])
})

test('a directory in use by another is refused until that is done', async (t) => {
  const directory = await newDirectory(t)
  const first = await openStorage(t, directory)
  const again = () => Storage.open({ directory, migrations: [notes] })
  await t.throwsAsync(again(), { code: 'ERR_STORAGE_IN_USE', message: /in use by another process: end that/ })
  notesOf(first).add('one')
  await first.settled()
  await t.throwsAsync(again(), { code: 'ERR_STORAGE_IN_USE' })
  await first[Symbol.asyncDispose]()
  t.deepEqual(notesOf(await openStorage(t, directory)).all(), ['one'])
})

test('what is no database is refused, and left as it is', async (t) => {
  const directory = await newDirectory(t)
  mkdirSync(directory)
  const file = join(directory, 'streamhost.db')
  writeFileSync(file, 'x'.repeat(5000))
  await t.throwsAsync(openStorage(t, directory), { code: 'ERR_STORAGE_FOREIGN', message: /put it elsewhere, or name another directory$/ })
  t.is(statSync(file).size, 5000)
})

test('a directory that cannot be written is refused', async (t) => {
  await t.throwsAsync(openStorage(t, '/sys/streamhost'), {
    code: 'ERR_STORAGE_READ_ONLY',
    message: /see to its permissions, or name another/,
  })
})

test('a file where the directory should be is refused', async (t) => {
  const directory = await newDirectory(t)
  writeFileSync(directory, '')
  await t.throwsAsync(openStorage(t, directory), { code: 'ERR_STORAGE', message: /name another directory$/ })
})

test('once it is closed nothing is written, and what was written before is kept', async (t) => {
  const directory = await newDirectory(t)
  const storage = await openStorage(t, directory)
  const { add } = notesOf(storage)
  add('one')
  const settled = storage.settled()
  await storage[Symbol.asyncDispose]()
  await t.notThrowsAsync(settled)
  t.throws(() => add('two'), { code: 'ERR_STORAGE', message: /is closed$/ })
  await t.notThrowsAsync(storage[Symbol.asyncDispose]())
  t.is(statSync(join(directory, 'streamhost.db-wal')).size, 0)
})

test('without waiting for the disk, what is settled is in the log', async (t) => {
  const directory = await newDirectory(t)
  const storage = await Storage.open({ directory, migrations: [notes], isPowerSafe: false })
  t.teardown(() => storage[Symbol.asyncDispose]())
  notesOf(storage).add('one')
  await storage.settled()
  t.true(statSync(join(directory, 'streamhost.db-wal')).size > 0)
  t.is(ownDescriptor(directory), Number.NaN)
})
