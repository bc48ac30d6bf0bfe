import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, relative } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type Found, filesIn } from '../../src/transfer/index.ts'
import { makeFolder } from '../helpers/transfers.ts'

// Goal: what is found where somebody wants to send from, and what is said of the rest.

async function makeTree(t: ExecutionContext) {
  const root = await makeFolder(t)
  const top = join(root, 'holiday')
  await mkdir(join(top, '.hidden'), { recursive: true })
  await mkdir(join(top, 'day 1', 'empty'), { recursive: true })
  await writeFile(join(root, 'secret'), 'secret')
  await writeFile(join(top, 'b.txt'), '')
  await truncate(join(top, 'b.txt'), 7)
  await writeFile(join(top, '.hidden', '.a'), 'a')
  await writeFile(join(top, 'day 1', '漢字'), '')
  await symlink('../secret', join(top, 'leads out'))
  await symlink('b.txt', join(top, 'leads in'))
  await symlink('.', join(top, 'loop'))
  const socket = createServer().listen(join(top, 'socket'))
  t.teardown(() => void socket.close())
  await once(socket, 'listening')
  return { root, top }
}

async function look(path: string, init?: { readonly signal: AbortSignal }): Promise<Found[]> {
  const all: Found[] = []
  for await (const found of filesIn(path, init)) all.push(found)
  return all
}

test('a directory gives its regular files in order, hidden ones too, with the folders from its own name on', async (t) => {
  const { root, top } = await makeTree(t)
  const found = await look(top)
  t.deepEqual(
    found.flatMap((each) => (each.kind === 'file' ? [[relative(root, each.path), each.folder, each.size]] : [])),
    [
      ['holiday/.hidden/.a', 'holiday/.hidden', 1],
      ['holiday/b.txt', 'holiday', 7],
      ['holiday/day 1/漢字', 'holiday/day 1', 0],
    ],
  )
  t.deepEqual(
    found.flatMap((each) => (each.kind === 'skipped' ? [[relative(top, each.path), each.reason]] : [])),
    [
      ['day 1/empty', 'an empty folder'],
      ['leads in', 'a symbolic link'],
      ['leads out', 'a symbolic link'],
      ['loop', 'a symbolic link'],
      ['socket', 'not a regular file'],
    ],
  )
  t.is(found.length, 8)
})

test('its own name is that of the directory, however it is named', async (t) => {
  const { top } = await makeTree(t)
  for (const path of [`${top}/`, join(top, 'day 1', '..'), `${top}/.`, relative(process.cwd(), top)]) {
    const folders = (await look(path)).flatMap((each) => (each.kind === 'file' ? [each.folder] : []))
    t.deepEqual(folders, ['holiday/.hidden', 'holiday', 'holiday/day 1'], path)
  }
})

test('a file that is named has no folder, and a symbolic link that is named is what it leads to', async (t) => {
  const { top } = await makeTree(t)
  t.deepEqual(await look(join(top, 'b.txt')), [{ kind: 'file', path: join(top, 'b.txt'), folder: undefined, size: 7 }])
  t.deepEqual(await look(join(top, 'leads in')), [{ kind: 'file', path: join(top, 'leads in'), folder: undefined, size: 7 }])
  t.is((await look(join(top, 'loop')))[0]?.kind, 'file')
  await t.throwsAsync(look(join(top, 'absent')), { code: 'ERR_FILE', message: /absent cannot be read: ENOENT/ })
})

test('what cannot be looked at is told of, and the rest is found', async (t) => {
  const top = await makeFolder(t)
  await writeFile(join(top, 'a'), '')
  // Deeper than a path may be, which stops every user, root too.
  const deeper = "for (let i = 0; i < 17; i++) { fs.mkdirSync('d'.repeat(255)); process.chdir('d'.repeat(255)) }"
  execFileSync(process.execPath, ['-e', deeper], { cwd: top })
  const back =
    "for (let i = 0; i < 17; i++) process.chdir('d'.repeat(255)); for (let i = 0; i < 17; i++) { process.chdir('..'); fs.rmdirSync('d'.repeat(255)) }"
  t.teardown(() => void execFileSync(process.execPath, ['-e', back], { cwd: top }))
  const [file, failed, ...more] = await look(top)
  t.like(file, { kind: 'file', path: join(top, 'a') })
  if (failed?.kind !== 'failed') return t.fail(failed?.kind)
  t.is(failed.error.code, 'ERR_FILE')
  t.regex(failed.error.message, /d cannot be read: ENAMETOOLONG/)
  t.deepEqual(more, [])
})

test('a directory of more than 10,000 entries is not sent, and it is said what to do', async (t) => {
  const top = await makeFolder(t)
  for (const folder of ['a', 'b']) {
    await mkdir(join(top, folder))
    for (let at = 0; at < 4_999; at++) writeFileSync(join(top, folder, `${at}`), '')
  }
  t.is((await look(top)).length, 9_998)
  await writeFile(join(top, 'one more'), '')
  await t.throwsAsync(look(top), { code: 'ERR_FILE', message: /holds more than 10000 files and folders: send an archive of it$/ })
})

test('looking ends when nobody wants to know any more', async (t) => {
  const { top } = await makeTree(t)
  await t.throwsAsync(look(top, { signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' })
})
