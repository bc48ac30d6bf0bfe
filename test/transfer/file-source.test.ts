import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { appendFile, mkdtemp, open, readFile, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
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

test('what lies beyond 4 GiB of a file is read, from where it was asked for', async (t) => {
  const path = await makeFile(t, '')
  const offset = 2 ** 32 + 5
  {
    await using file = await open(path, 'r+')
    await file.write('behind', offset)
  }
  await using source = await FileSource.open(path)
  t.is((await source.glance()).size, offset + 6)
  const pieces: string[] = []
  for await (const piece of source.read(undefined, { offset: offset - 1 })) pieces.push(piece.toString('latin1'))
  t.is(pieces.join(''), '\0behind')
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

const changes: readonly (readonly [what: string, change: (path: string) => Promise<void>])[] = [
  ['grows', (path) => appendFile(path, 'more')],
  ['is cut', (path) => truncate(path, 1024 * 1024)],
  ['is cut to what was read already', (path) => truncate(path, 1024 * 1024 - 1)],
  ['is emptied, and written anew', (path) => writeFile(path, Buffer.alloc(2 * 1024 * 1024, 1))],
  ['has an octet changed', (path) => overwrite(path, 'x')],
]

/** In place: its size stays as it was. */
async function overwrite(path: string, text: string): Promise<void> {
  await using file = await open(path, 'r+')
  await file.write(text, 10)
}

for (const [what, change] of changes) {
  test(`a file that ${what} while it is read gives no last piece`, async (t) => {
    const path = await makeFile(t, Buffer.alloc(2 * 1024 * 1024))
    await utimes(path, 0, 0)
    await using source = await FileSource.open(path)
    const reading = source.read()
    await reading.next()
    await change(path)
    await t.throwsAsync(reading.next(), { code: 'ERR_INTEGRITY', message: 'a.bin changed while it was being sent' })
    await t.throwsAsync(source.inspect(['md5']), { code: 'ERR_INTEGRITY' })
    const [first, second] = [source.read(undefined, { length: 1024 }), source.read(undefined, { offset: 1024, length: 10 })]
    await t.throwsAsync(first.next(), { code: 'ERR_INTEGRITY' })
    await t.throwsAsync(second.next(), { code: 'ERR_INTEGRITY' })
  })
}

test('a file that loses its name, or is read by others, while it is read is what it was', async (t) => {
  const content = randomBytes(2 * 1024 * 1024)
  const path = await makeFile(t, content)
  await using source = await FileSource.open(path)
  const pieces: Buffer[] = []
  for await (const piece of source.read()) {
    pieces.push(Buffer.from(piece))
    if (pieces.length > 1) continue
    await readFile(path)
    await rename(path, `${path}.elsewhere`)
    await rm(`${path}.elsewhere`)
    await writeFile(path, 'another file of that name')
  }
  t.true(Buffer.concat(pieces).equals(content))
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
