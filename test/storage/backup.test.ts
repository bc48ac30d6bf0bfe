// Goal: a backup is the database as it was at one moment, whoever writes; a copy of the files is not.

import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { backUp } from '../../src/storage/index.ts'
import { newDirectory, notesOf, openStorage } from '../helpers/storage.ts'

test('a backup while something is written is restored by copying it into place', async (t) => {
  const directory = await newDirectory(t)
  const storage = await openStorage(t, directory)
  const { add } = notesOf(storage)
  for (let index = 0; index < 1000; index++) add(`before ${index}`)
  await storage.settled()
  const to = join(dirname(directory), "it's a backup")
  let written = 0
  let isOver = false
  const backup = backUp(directory, to).finally(() => {
    isOver = true
  })
  while (!isOver) {
    // Two a turn: of which a backup has both, or none.
    add(`meanwhile ${written}`)
    add(`meanwhile ${written++}, too`)
    await storage.settled()
  }
  await backup
  t.is((statSync(to).mode & 0o777).toString(8), '600')
  t.deepEqual(readdirSync(dirname(directory)).sort(), ['data', "it's a backup"])

  const restored = join(dirname(directory), 'restored')
  mkdirSync(restored)
  copyFileSync(to, join(restored, 'streamhost.db'))
  const copy = await openStorage(t, restored)
  t.deepEqual(copy.query('PRAGMA integrity_check').all(), [['ok']])
  const kept = notesOf(copy).all()
  t.true(kept.length >= 1000 && kept.length <= 1000 + 2 * written)
  t.is(kept.length % 2, 0)
  t.deepEqual(kept, notesOf(storage).all().slice(0, kept.length))
})

test('a copy of the files lacks what is moved from the one to the other in between', async (t) => {
  const directory = await newDirectory(t)
  const storage = await openStorage(t, directory)
  const { add } = notesOf(storage)
  const restored = join(dirname(directory), 'restored')
  mkdirSync(restored)
  const copy = (name: string) => copyFileSync(join(directory, name), join(restored, name))
  copy('streamhost.db')
  for (let index = 0; index < 1000; index++) add(`settled ${index}`)
  await storage.settled()
  storage.query('PRAGMA wal_checkpoint(RESTART)').get()
  add('settled as well')
  await storage.settled()
  copy('streamhost.db-wal')
  const broken = await openStorage(t, restored)
  t.deepEqual(notesOf(broken).all(), [])
})

test('a backup has its name when it is whole: one that is broken off is not taken for one', async (t) => {
  const directory = await newDirectory(t)
  await openStorage(t, directory)
  const to = join(dirname(directory), 'copy.db')
  const part = `${to}.part`
  const backup = backUp(directory, to)
  while (!existsSync(part)) await setImmediate()
  t.false(existsSync(to))
  await t.throwsAsync(backUp(directory, to), {
    code: 'ERR_FILE_EXISTS',
    message: /copy\.db\.part exists already: delete it, unless a backup is running$/,
  })
  await backup
  t.deepEqual(readdirSync(dirname(directory)).sort(), ['copy.db', 'data'])
})

test('a backup is never written over a file', async (t) => {
  const directory = await newDirectory(t)
  await openStorage(t, directory)
  const file = join(directory, 'streamhost.db')
  await t.throwsAsync(backUp(directory, file), { code: 'ERR_FILE_EXISTS' })
  t.true(statSync(file).size > 0)
})

test('a backup that fails leaves nothing', async (t) => {
  const directory = await newDirectory(t)
  await openStorage(t, directory)
  await t.throwsAsync(backUp(directory, join(directory, 'nowhere', 'backup')), { code: 'ERR_STORAGE' })
  await t.throwsAsync(backUp(dirname(directory), join(directory, 'backup')), {
    code: 'ERR_STORAGE',
    message: /name the directory of a service$/,
  })
  t.false(readdirSync(directory).includes('backup'))
})
