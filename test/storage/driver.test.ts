// Goal: whoever keeps nothing needs no SQLite, neither in memory nor installed; whoever does is told what is missing.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { newDirectory } from '../helpers/storage.ts'

const CHILD = join(import.meta.dirname, '..', 'helpers', 'storage-child.ts')

async function run(...args: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import=tsx', CHILD, ...args])
  return stdout.trim().split('\n')
}

test('the driver is loaded when a database is opened, and not before', async (t) => {
  t.deepEqual(await run('with-driver', await newDirectory(t)), ['loaded before: false', 'loaded by opening: true'])
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
