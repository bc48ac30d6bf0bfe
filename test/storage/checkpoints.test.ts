// Goal: the log is copied into the database while something is written, and begins anew; whoever reads one moment delays that, no more.
// Method: the numbers SQLite has about its log, while pages are written as fast as they become durable.

import { statSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { loadDriver } from '../../src/storage/driver.ts'
import type { Storage } from '../../src/storage/index.ts'
import { newDirectory, notesOf, openStorage } from '../helpers/storage.ts'

/** Pages, of 4 KiB each. */
const FRAMES_BEFORE_COPY = 2048
const NOTE = 'x'.repeat(100_000)

/** Writes, and forgets what was written, until it is so. */
async function writeUntil(storage: Storage, isSo: (frames: number, copied: number) => boolean): Promise<void> {
  const { add } = notesOf(storage)
  const forget = storage.change('DELETE FROM note')
  const log = storage.query<[isBusy: number, frames: number, copied: number]>('PRAGMA wal_checkpoint(NOOP)')
  for (;;) {
    for (let count = 0; count < 10; count++) add(NOTE)
    forget.run()
    await storage.settled()
    const [, frames = 0, copied = 0] = log.get() ?? []
    if (isSo(frames, copied)) return
  }
}

test('a log that is long enough is copied, and begins anew, while something is written', async (t) => {
  const directory = await newDirectory(t)
  const storage = await openStorage(t, directory)
  const size = statSync(join(directory, 'streamhost.db')).size
  for (let turn = 0; turn < 2; turn++) {
    await writeUntil(storage, (frames) => frames > FRAMES_BEFORE_COPY / 2)
    await writeUntil(storage, (frames) => frames < FRAMES_BEFORE_COPY / 2)
  }
  t.true(statSync(join(directory, 'streamhost.db')).size > size)
})

test('while somebody reads one moment the log grows, and begins anew when he is done', async (t) => {
  const directory = await newDirectory(t)
  const storage = await openStorage(t, directory)
  const strained: unknown[] = []
  storage.on('strained', (error) => strained.push(error))
  const { add } = notesOf(storage)
  add('one')
  await storage.settled()
  const reader = (await loadDriver()).open(join(directory, 'streamhost.db'))
  reader.exec('BEGIN')
  const read = reader.prepare('SELECT count(*) AS count FROM note')
  t.deepEqual({ ...(read.get() as object) }, { count: 1 })
  await writeUntil(storage, (frames) => frames > 2 * FRAMES_BEFORE_COPY)
  t.deepEqual({ ...(read.get() as object) }, { count: 1 })
  reader.exec('COMMIT')
  await writeUntil(storage, (frames) => frames < FRAMES_BEFORE_COPY / 2)
  t.deepEqual({ ...(read.get() as object) }, { count: 0 })
  reader.close()
  t.deepEqual(strained, [])
})
