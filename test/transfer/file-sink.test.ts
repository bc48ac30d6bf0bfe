import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { BytestreamError } from '../../src/core/index.ts'
import type { ExpectedFile, FileSink } from '../../src/transfer/file-sink.ts'
import { ContentHasher, type HashAlgorithm, verifiableAlgorithms } from '../../src/transfer/hashes.ts'
import type { Hash } from '../../src/xep/index.ts'
import { beginSink } from '../helpers/parts.ts'

const content = randomBytes(100_000)
const hasher = await ContentHasher.begin(verifiableAlgorithms)
hasher.update(content)
const digests = hasher.digest()

const right = (algo: HashAlgorithm): Hash => ({ algo, value: digests.get(algo) as Buffer })
const sha256 = right('sha-256').value.toString('hex')
const another = (algo: HashAlgorithm): Hash => ({ algo, value: Buffer.from(right(algo).value).fill(0, 1) })

async function makeFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-sink-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Writes `octets` in three pieces. */
async function fill(folder: string, expected: Partial<ExpectedFile> = {}, octets: Buffer = content): Promise<FileSink> {
  const sink = await beginSink(folder, { name: 'a.bin', size: content.length, ...expected })
  for (const [from, to] of [
    [0, 1],
    [1, 65_537],
    [65_537, octets.length],
  ] as const) {
    await sink.write(octets.subarray(from, to))
  }
  return sink
}

test('a file whose size and hash are right gets its name, its path and hash are told, and no part is left', async (t) => {
  const folder = await makeFolder(t)
  const sink = await fill(folder, { hashes: [right('sha-256')] })
  t.true(sink.isComplete)
  t.is(sink.bytes, content.length)
  t.deepEqual(await sink.store(), { path: join(folder, 'a.bin'), size: content.length, sha256, verified: 'sha-256', alreadyThere: false })
  t.deepEqual(await readdir(folder), ['a.bin'])
  t.deepEqual(await readFile(join(folder, 'a.bin')), content)
})

test('until it is stored, it has a name of its own that nobody takes for it, and only we can read it', async (t) => {
  const folder = await makeFolder(t)
  await using sink = await fill(folder)
  const [part = '', state = '', ...others] = (await readdir(folder)).sort()
  t.deepEqual(others, [])
  t.regex(part, /^\.a\.bin\.[0-9a-f]{12}\.part$/)
  t.is(state, `${part}.json`)
  for (const each of [part, state]) t.is((await stat(join(folder, each))).mode & 0o777, 0o600)
  t.is(sink.bytes, content.length)
})

test('a folder that is not there is made', async (t) => {
  const folder = join(await makeFolder(t), 'deep', 'deeper')
  await (await fill(folder)).store()
  t.deepEqual(await readdir(folder), ['a.bin'])
})

test('a file of no octets is one', async (t) => {
  const folder = await makeFolder(t)
  const sink = await beginSink(folder, { name: 'empty', size: 0 })
  t.true(sink.isComplete)
  await sink.store()
  t.is((await stat(join(folder, 'empty'))).size, 0)
})

test('an existing file is never overwritten: the next free number is used', async (t) => {
  const folder = await makeFolder(t)
  await writeFile(join(folder, 'a.bin'), 'old')
  await writeFile(join(folder, 'a (1).bin'), 'older')
  t.is((await (await fill(folder)).store()).path, join(folder, 'a (2).bin'))
  t.is(await readFile(join(folder, 'a.bin'), 'utf8'), 'old')
  t.is(await readFile(join(folder, 'a (1).bin'), 'utf8'), 'older')
})

test('a name that is a folder, or a link to nowhere or elsewhere, is taken too', async (t) => {
  const folder = await makeFolder(t)
  const elsewhere = join(await makeFolder(t), 'elsewhere')
  await mkdir(join(folder, 'a.bin'))
  await symlink(join(folder, 'nowhere'), join(folder, 'a (1).bin'))
  await symlink(elsewhere, join(folder, 'a (2).bin'))
  await writeFile(elsewhere, 'mine')
  t.is((await (await fill(folder)).store()).path, join(folder, 'a (3).bin'))
  t.is(await readFile(elsewhere, 'utf8'), 'mine')
})

test('ten sinks for the same name at once store ten files', async (t) => {
  const folder = await makeFolder(t)
  const stored = await Promise.all(Array.from({ length: 10 }, async () => (await fill(folder)).store()))
  t.is(new Set(stored.map(({ path }) => path)).size, 10)
  t.is((await readdir(folder)).length, 10)
})

test('when a thousand names are taken it gives up, and leaves no part', async (t) => {
  const folder = await makeFolder(t)
  await writeFile(join(folder, 'x'), '')
  await Promise.all(Array.from({ length: 999 }, (_, index) => writeFile(join(folder, `x (${index + 1})`), '')))
  const sink = await beginSink(folder, { name: 'x', size: 0 })
  await t.throwsAsync(sink.store(), { code: 'ERR_FILE_EXISTS' })
  t.is((await readdir(folder)).length, 1_000)
})

for (const umask of [0o022, 0o077]) {
  test.serial(`the mode of a stored file is the one the umask ${umask.toString(8)} leaves`, async (t) => {
    const before = process.umask(umask)
    t.teardown(() => process.umask(before))
    const folder = await makeFolder(t)
    const { path } = await (await fill(folder)).store()
    t.is((await stat(path)).mode & 0o777, 0o666 & ~umask)
  })
}

test('disposing of a sink that was not stored leaves nothing, twice as once', async (t) => {
  const folder = await makeFolder(t)
  const sink = await fill(folder)
  await sink[Symbol.asyncDispose]()
  await sink[Symbol.asyncDispose]()
  t.deepEqual(await readdir(folder), [])
})

test('disposing of a sink that was stored leaves the file', async (t) => {
  const folder = await makeFolder(t)
  {
    await using sink = await fill(folder)
    await sink.store()
  }
  t.deepEqual(await readdir(folder), ['a.bin'])
})

const wrong = test.macro({
  async exec(t: ExecutionContext, expected: Partial<ExpectedFile>, message: RegExp) {
    const folder = await makeFolder(t)
    const sink = await fill(folder, expected)
    await t.throwsAsync(sink.store(), { code: 'ERR_INTEGRITY', message })
    await sink[Symbol.asyncDispose]()
    t.deepEqual(await readdir(folder), [])
  },
  title: (given = '') => `${given} leaves nothing`,
})
for (const algo of verifiableAlgorithms) {
  test(`another ${algo}`, wrong, { hashes: [another(algo)] }, new RegExp(`its ${algo.toUpperCase()} is another`))

  test(`the right ${algo} is enough where there is nothing better`, async (t) => {
    const sink = await fill(await makeFolder(t), { hashes: [right(algo)] })
    const stored = await sink.store()
    t.is(stored.verified, algo)
    t.is(stored.sha256, sha256)
  })
}
test('another SHA-256 beside the right MD5', wrong, { hashes: [right('md5'), another('sha-256')] }, /SHA-256/)
test('another BLAKE2b-512 beside the right SHA-256', wrong, { hashes: [right('sha-256'), another('blake2b-512')] }, /BLAKE2B-512/)
test('a hash of another length', wrong, { hashes: [{ algo: 'sha-256', value: Buffer.alloc(0) }] }, /SHA-256/)
test('two hashes of a kind, one of them right', wrong, { hashes: [right('sha-256'), another('sha-256')] }, /SHA-256/)

test('an end before the last octet is no other content: what came may stay', async (t) => {
  const folder = await makeFolder(t)
  const sink = await fill(folder, { size: content.length + 1 })
  await t.throwsAsync(sink.store(), { code: 'ERR_RESET', message: 'the bytestream ended after 100000 of 100001 octets' })
  const [part = ''] = (await readdir(folder)).sort()
  t.deepEqual(await sink.keep(), { path: join(folder, part), bytes: content.length })
  await sink[Symbol.asyncDispose]()
  t.deepEqual(await readFile(join(folder, part)), content)
})

test('of a file without an octet nothing is kept', async (t) => {
  const folder = await makeFolder(t)
  {
    await using sink = await beginSink(folder, { name: 'a', size: 1 })
    t.is(await sink.keep(), undefined)
  }
  t.deepEqual(await readdir(folder), [])
})

test('only the strongest of several hashes is looked at', async (t) => {
  const sink = await fill(await makeFolder(t), { hashes: [another('md5'), right('sha-256'), another('sha-1')] })
  t.is((await sink.store()).verified, 'sha-256')
})

test('each hash of the content that is wanted is looked at, also where the sender gives a stronger one', async (t) => {
  const folder = await makeFolder(t)
  for (const algo of ['sha-256', 'md5'] as const) {
    const fine = await fill(folder, { hashes: [right('blake2b-512')], hashesWanted: [right(algo)] })
    t.is((await fine.store()).verified, 'blake2b-512')
    const wrong = await fill(folder, { hashes: [right('blake2b-512')], hashesWanted: [right('sha3-256'), another(algo)] })
    await t.throwsAsync(wrong.store(), { code: 'ERR_INTEGRITY', message: new RegExp(algo, 'i') })
  }
  t.is((await readdir(folder)).length, 2)
})

test('a hash nobody knows is as good as none', async (t) => {
  const sink = await fill(await makeFolder(t), { hashes: [{ algo: 'sha-224', value: Buffer.alloc(28) }] })
  t.is((await sink.store()).verified, undefined)
})

for (const algo of verifiableAlgorithms) {
  for (const hashUsed of [[algo], []]) {
    test(`a ${algo} that comes behind the octets ${hashUsed.length > 0 ? 'as announced' : 'unannounced'} counts like any other`, async (t) => {
      const folder = await makeFolder(t)
      const sink = await fill(folder, { hashUsed })
      sink.expect([right(algo)])
      t.is((await sink.store()).verified, algo)

      const wrong = await fill(folder, { hashUsed })
      wrong.expect([another(algo)])
      await t.throwsAsync(wrong.store(), { code: 'ERR_INTEGRITY' })
      t.deepEqual(await readdir(folder), ['a.bin'])
    })
  }
}

test('a hash that comes behind the octets is weighed against those of the offer', async (t) => {
  const weaker = await fill(await makeFolder(t), { hashes: [right('sha-256')] })
  weaker.expect([another('md5')])
  t.is((await weaker.store()).verified, 'sha-256')

  const other = await fill(await makeFolder(t), { hashes: [right('sha-256')] })
  other.expect([another('sha-256')])
  await t.throwsAsync(other.store(), { code: 'ERR_INTEGRITY' })
})

test('a part file that somebody cuts meanwhile is ERR_FILE where it has to be read again', async (t) => {
  const folder = await makeFolder(t)
  const sink = await fill(folder)
  await truncate(join(folder, (await readdir(folder)).sort()[0] as string), 10)
  sink.expect([right('sha3-256')])
  await t.throwsAsync(sink.store(), { code: 'ERR_FILE', message: /somebody has cut the part file$/ })
  t.deepEqual(await readdir(folder), [])
})

test('an octet more than promised is refused before it is written', async (t) => {
  const folder = await makeFolder(t)
  await using sink = await beginSink(folder, { name: 'a', size: 3 })
  await sink.write(Buffer.from('ab'))
  await t.throwsAsync(sink.write(Buffer.from('cd')), { code: 'ERR_INTEGRITY', message: /promised 3 octets and sends more/ })
  t.is(sink.bytes, 2)
})

test('where a hash is required, a file none came for is not kept', async (t) => {
  const folder = await makeFolder(t)
  const announced = await beginSink(folder, { name: 'a', size: 0, hashUsed: ['sha-256'] }, { hashRequired: true })
  await t.throwsAsync(announced.store(), { code: 'ERR_INTEGRITY', message: 'the sender gave no hash of the content' })
  t.deepEqual(await readdir(folder), [])
  const given = await beginSink(folder, { name: 'a', size: 0 }, { hashRequired: true })
  given.expect([{ algo: 'md5', value: createHash('md5').digest() }])
  t.is((await given.store()).verified, 'md5')
})

test('a content that is not wanted gets no name, and the reason is told', async (t) => {
  const folder = await makeFolder(t)
  const checkContent = (found: string) => {
    throw new BytestreamError('ERR_DECLINED', found)
  }
  const sink = await beginSink(folder, { name: 'a', size: 0 }, { checkContent })
  await t.throwsAsync(sink.store(), { code: 'ERR_DECLINED', message: createHash('sha256').digest('hex') })
  t.deepEqual(await readdir(folder), [])
})

test('it is told once that it is closed: stored, wrong, or given up', async (t) => {
  const folder = await makeFolder(t)
  let closed = 0
  const onClosed = () => {
    closed += 1
  }
  const begin = (expected: Partial<ExpectedFile> = {}) => beginSink(folder, { name: 'a', size: 0, ...expected }, { onClosed })
  {
    await using stored = await begin()
    t.is(closed, 0)
    await stored.store()
    t.is(closed, 1)
  }
  t.is(closed, 1)
  await using wrong = await begin({ hashes: [{ algo: 'md5', value: Buffer.alloc(16) }] })
  await t.throwsAsync(wrong.store())
  t.is(closed, 2)
  const dropped = await begin()
  await dropped[Symbol.asyncDispose]()
  t.is(closed, 3)
})

test('a folder that is a file is ERR_FILE', async (t) => {
  const path = join(await makeFolder(t), 'file')
  await writeFile(path, '')
  await t.throwsAsync(beginSink(path, { name: 'a', size: 1 }), { code: 'ERR_FILE', message: /cannot be written to: / })
})

test('a folder that is cleared meanwhile is ERR_FILE, and nothing else', async (t) => {
  const folder = await makeFolder(t)
  const sink = await fill(folder)
  await rm(folder, { recursive: true })
  await t.throwsAsync(sink.store(), { code: 'ERR_FILE', message: /storing into .* failed: / })
})
