import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { FileSource } from '../../src/transfer/file-source.ts'

async function makeFile(t: ExecutionContext, content: Buffer | string, name = 'a.bin'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-source-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, name), content)
  return join(folder, name)
}

for (const size of [0, 1, 1024 * 1024, 2 * 1024 * 1024 + 1]) {
  test(`a file of ${size} octets is read whole, and known by its hashes`, async (t) => {
    const content = randomBytes(size)
    const path = await makeFile(t, content)
    await utimes(path, 0, new Date('1969-07-21T02:56:15Z'))
    await using source = await FileSource.open(path)
    t.deepEqual(await source.inspect(['sha3-256', 'md5']), {
      name: 'a.bin',
      size,
      modified: new Date('1969-07-21T02:56:15Z'),
      digests: new Map([
        ['sha3-256', createHash('sha3-256').update(content).digest()],
        ['md5', createHash('md5').update(content).digest()],
      ] as const),
    })
    const pieces: Buffer[] = []
    for await (const piece of source.read()) pieces.push(Buffer.from(piece))
    t.true(Buffer.concat(pieces).equals(content))
  })
}

test('a piece stays as it is while the next is read', async (t) => {
  await using source = await FileSource.open(await makeFile(t, Buffer.concat([Buffer.alloc(1024 * 1024, 1), Buffer.alloc(10, 2)])))
  const reading = source.read()
  const first = await reading.next()
  const second = await reading.next()
  t.deepEqual([first.value?.[0], second.value?.[0]], [1, 2])
})

test('a link to a file is that file, by the name of the link', async (t) => {
  const path = await makeFile(t, 'content')
  await symlink(path, `${path}.link`)
  await using source = await FileSource.open(`${path}.link`)
  t.like(await source.inspect([]), { name: 'a.bin.link', size: 7 })
})

test('what is not there, or no regular file, is ERR_FILE that says so', async (t) => {
  const path = await makeFile(t, '')
  await t.throwsAsync(FileSource.open(`${path}.absent`), { code: 'ERR_FILE', message: /absent cannot be read: ENOENT/ })
  await t.throwsAsync(FileSource.open(join(path, '..')), { code: 'ERR_FILE', message: /is not a regular file$/ })
  await t.throwsAsync(FileSource.open('/dev/null'), { code: 'ERR_FILE', message: /is not a regular file$/ })
})

test('a FIFO nobody writes to is no regular file either, and does not make us wait', async (t) => {
  const path = `${await makeFile(t, '')}.fifo`
  t.is(spawnSync('/usr/bin/mkfifo', [path]).status, 0)
  await t.throwsAsync(FileSource.open(path), { code: 'ERR_FILE', message: /is not a regular file$/ })
})

test('an abort ends the reading', async (t) => {
  await using source = await FileSource.open(await makeFile(t, randomBytes(3 * 1024 * 1024)))
  const stopping = new AbortController()
  const reading = source.read(stopping.signal)
  await reading.next()
  stopping.abort()
  await t.throwsAsync(reading.next(), { code: 'ERR_ABORTED' })
  await t.throwsAsync(source.inspect(['md5'], AbortSignal.abort()), { code: 'ERR_ABORTED' })
})

test('a file whose reading fails is ERR_FILE', async (t) => {
  const source = await FileSource.open(await makeFile(t, 'content'))
  await source[Symbol.asyncDispose]()
  await t.throwsAsync(source.read().next(), { code: 'ERR_FILE', message: /reading .* failed/ })
})
