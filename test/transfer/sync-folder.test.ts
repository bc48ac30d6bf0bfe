// Goal: what the sender is told of outlives a power cut: the file's name is on the disk, and so are the folders it is in.
// Method: a process of its own notes its calls of the file system, in their order, as Node's trace of them gives them.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { syncFolder } from '../../src/transfer/sync-folder.ts'
import { makeFolder } from '../helpers/transfers.ts'

const STORING = `
import { writeFile } from 'node:fs/promises'
import { makeFolders } from './src/transfer/folders.ts'
import { beginSink } from './test/helpers/parts.ts'
const [into, told] = process.argv.slice(1)
const folder = await makeFolders(into, ['a', 'b'])
const sink = await beginSink(folder, { name: 'file.bin', size: 1 })
await sink.write(Buffer.from('x'))
await sink.store()
await writeFile(told, '')
`
const SHARING = `
import { writeFile } from 'node:fs/promises'
import { syncFolder } from './src/transfer/sync-folder.ts'
const [folder, told] = process.argv.slice(1)
const first = syncFolder(folder)
await new Promise(setImmediate)
await Promise.all([first, ...Array.from({ length: 50 }, () => syncFolder(folder))])
await writeFile(told, '')
`

interface TraceEvent {
  readonly ph: string
  readonly name: string
  readonly id: string
  readonly args: { readonly path?: string; readonly dest?: string; readonly result?: number }
}

/** What a program does to paths, as `call path`, once it is done; a sync has the path that was opened right before. */
async function callsOf(program: string, folder: string, args: readonly string[]): Promise<string[]> {
  const file = join(folder, 'trace.json')
  const flags = ['--import=tsx', '--trace-event-categories=node.fs.async', `--trace-event-file-pattern=${file}`]
  const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', program, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`the program ended with ${code}`)
  const { traceEvents } = JSON.parse(await readFile(file, 'utf8')) as { traceEvents: readonly TraceEvent[] }
  const begun = new Map<string, string>()
  let opened = ''
  return traceEvents.flatMap(({ ph, name, id, args: { path, dest } }) => {
    if (ph === 'b') begun.set(id, path ?? dest ?? opened)
    if (ph !== 'e') return []
    if (name === 'open') opened = begun.get(id) ?? ''
    return [`${name} ${begun.get(id)}`]
  })
}

test('a file is told of when its folder is on the disk with its name, and each folder that was made with that of the next', async (t) => {
  const folder = await makeFolder(t)
  const [into, told] = [join(folder, 'new', 'inbox'), join(folder, 'told')]
  const calls = await callsOf(STORING, folder, [into, told])
  const at = (call: string) => calls.lastIndexOf(call)
  const end = at(`open ${told}`)
  t.true(end > 0)
  const named = at(`link ${join(into, 'a', 'b', 'file.bin')}`)
  t.true(named > 0)
  const synced = at(`fsync ${join(into, 'a', 'b')}`)
  t.true(synced > named && synced < end, 'the name of the file')
  for (const above of [folder, join(folder, 'new'), into, join(into, 'a')]) {
    const made = at(`fsync ${above}`)
    t.true(made >= 0 && made < end, above)
  }
})

test('those who ask while a folder is being synced share the next time', async (t) => {
  const folder = await makeFolder(t)
  const calls = await callsOf(SHARING, folder, [folder, join(folder, 'told')])
  t.is(calls.filter((call) => call === `fsync ${folder}`).length, 2)
})

test('a folder that no file system can sync is no failure; one that is not there, or is none, is', async (t) => {
  const folder = await makeFolder(t)
  await t.notThrowsAsync(syncFolder('/proc/self'))
  await t.throwsAsync(syncFolder(join(folder, 'gone')), { code: 'ENOENT' })
  await writeFile(join(folder, 'file'), '')
  await t.throwsAsync(syncFolder(join(folder, 'file')), { code: 'ENOTDIR' })
  await t.notThrowsAsync(syncFolder(folder), 'a failure is that of one time')
})
