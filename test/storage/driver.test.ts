// Goal: whoever keeps nothing needs no SQLite, neither in memory nor installed; whoever does is told what is missing.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import test from 'ava'
import { ourProgram } from '../helpers/our-programs.ts'
import { newDirectory, openStorage } from '../helpers/storage.ts'

async function run(...args: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [...ourProgram('test/helpers/storage-child.ts'), ...args])
  return stdout.trim().split('\n')
}

test('the driver is loaded when a database is opened, and not before', async (t) => {
  t.deepEqual(await run('with-driver', await newDirectory(t)), ['loaded before: false', 'loaded by opening: true'])
})

// Before 3.51.3, two connections that write and checkpoint at once can damage a database: sqlite.org/wal.html#walresetbug.
test('SQLite is not older than the fix that our checkpoints need', async (t) => {
  const storage = await openStorage(t)
  const [version = ''] = storage.query<[version: string]>('SELECT sqlite_version()').get() ?? []
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  t.true(major * 1e6 + minor * 1e3 + patch >= 3_051_003, version)
})

test('where the driver is not installed everything else runs, and opening says what to install', async (t) => {
  const directory = await newDirectory(t)
  const [before, opened] = await run('without-driver', directory)
  t.is(before, 'loaded before: false')
  t.regex(
    `${opened}`,
    /^ERR_STORAGE_DRIVER: there is no SQLite without the package @photostructure\/sqlite: it is not installed; npm installs it/,
  )
  t.false(existsSync(directory))
})
