import { createHash, randomBytes } from 'node:crypto'
import { type FileHandle, open, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { FileSink } from '../../../src/transfer/file-sink.ts'
import { FileSource } from '../../../src/transfer/file-source.ts'
import type { ContentHasher } from '../../../src/transfer/hashes.ts'
import { FileHere } from '../../../src/transfer/parts/file-here.ts'
import { hashBeginning } from '../../../src/transfer/parts/hash-beginning.ts'
import { nearestPlace, rememberPlace } from '../../../src/transfer/parts/known-beginnings.ts'
import { PartStore } from '../../../src/transfer/parts/part-store.ts'
import { wantedFile } from '../../helpers/parts.ts'
import { countReads } from '../../helpers/reads.ts'
import { makeFile, makeFolder } from '../../helpers/transfers.ts'

// Goal: no octet of a file is read twice because somebody wants its beginning hashed again, and no hash is of anything but the file.
// Method: the octets are counted that are read. Files of others are ones that have been there for long: that of Node itself.

const MIB = 2 ** 20
const NEVER = new AbortController().signal
const sha256 = (octets: Buffer) => createHash('sha256').update(octets).digest()
const digestOf = async (hasher: ContentHasher) => (await hasher.digestSoFar()).get('sha-256') as Buffer

/** Opened until the test is over. */
async function openFile(t: ExecutionContext, path: string, flags = 'r'): Promise<FileHandle> {
  const handle = await open(path, flags)
  t.teardown(() => handle.close())
  return handle
}

test.serial('a beginning that was hashed is not read again, and a longer one only behind it', async (t) => {
  const { path, content } = await makeFile(t, 3 * MIB)
  const file = { handle: await openFile(t, path), isOurs: true }
  const reads = await countReads(t)
  for (const end of [MIB + 5, MIB + 5, 2 * MIB, 2 * MIB, 3 * MIB]) {
    const { hasher, bytes } = await hashBeginning(file, ['sha-256'], end)
    t.is(bytes, end)
    t.deepEqual(await digestOf(hasher), sha256(content.subarray(0, end)))
    t.is(reads.octets(), end)
  }
  t.is((await hashBeginning(file, ['sha-256'], 4 * MIB)).bytes, 3 * MIB)
  t.is(reads.octets(), 3 * MIB)
  const { hasher } = await hashBeginning(file, ['md5'], MIB)
  t.is(reads.octets(), 4 * MIB, 'another hash needs its own reading')
  t.deepEqual(hasher.digest().get('md5'), createHash('md5').update(content.subarray(0, MIB)).digest())
})

test.serial('a reading that is broken off is gone on with', async (t) => {
  const { path, content } = await makeFile(t, 3 * MIB)
  const handle = await openFile(t, path)
  const reads = await countReads(t)
  const breaking = new AbortController()
  const read = (...args: unknown[]) => {
    breaking.abort()
    return Reflect.apply(handle.read, handle, args)
  }
  const broken = { handle: { stat: handle.stat.bind(handle), read } as unknown as FileHandle, isOurs: true }
  await t.throwsAsync(hashBeginning(broken, ['sha-256'], 3 * MIB, breaking.signal), { code: 'ERR_ABORTED' })
  t.is(reads.octets(), MIB)
  const { hasher } = await hashBeginning({ handle, isOurs: true }, ['sha-256'], 3 * MIB)
  t.is(reads.octets(), 3 * MIB)
  t.deepEqual(await digestOf(hasher), sha256(content))
})

test.serial('a file that has changed is read anew', async (t) => {
  const { path } = await makeFile(t, MIB)
  const file = { handle: await openFile(t, path), isOurs: true }
  await hashBeginning(file, ['sha-256'], MIB)
  const other = randomBytes(MIB)
  await writeFile(path, other)
  const reads = await countReads(t)
  const { hasher } = await hashBeginning(file, ['sha-256'], MIB)
  t.is(reads.octets(), MIB)
  t.deepEqual(await digestOf(hasher), sha256(other))
})

test.serial('of a file of others that was changed a moment ago nothing is remembered: it may change again unseen', async (t) => {
  const { path } = await makeFile(t, MIB)
  const { ctimeMs } = await stat(path)
  const now = Date.now
  Date.now = () => ctimeMs + 1_000
  t.teardown(() => {
    Date.now = now
  })
  await using source = await FileSource.open(path)
  const reads = await countReads(t)
  for (const octets of [MIB, 2 * MIB]) {
    await source.hashBeginning(['sha-256'], MIB)
    t.is(reads.octets(), octets)
  }
})

test.serial('whoever wants ever less of a file has a 32nd of it read each time', async (t) => {
  const { size } = await stat(process.execPath)
  await using source = await FileSource.open(process.execPath)
  const { digests } = await source.inspect(['sha-256'])
  const reads = await countReads(t)
  for (let less = 1; less <= 8; less++) await source.hashBeginning(['sha-256'], size - less)
  t.true(reads.octets() <= 8 * (Math.ceil(size / 32) + MIB), `${reads.octets()}`)
  const again = await source.inspect(['sha-256'])
  t.deepEqual(again.digests, digests)
  const hasher = await source.hashBeginning(['sha-256'], size - 8)
  t.deepEqual(await digestOf(hasher), sha256((await readFile(process.execPath)).subarray(0, size - 8)))
})

test.serial('a file that was stored, and is offered again and again with its hash, is read once', async (t) => {
  const path = process.execPath
  const content = await readFile(path)
  const { mtimeMs } = await stat(path)
  const hashes = [{ algo: 'sha-256', value: sha256(content) }]
  const wanted = wantedFile({ name: basename(path), size: content.length, modifiedS: Math.floor(mtimeMs / 1000), hashes })
  const sought = { folder: dirname(path), name: basename(path), wanted, modifiedMs: Math.round(mtimeMs) }
  const first = await FileHere.find(sought, NEVER)
  t.is(first?.offset, content.length - 1)
  await first?.discard()
  const reads = await countReads(t)
  for (let round = 1; round <= 3; round++) {
    const here = (await FileHere.find(sought, NEVER)) as FileHere
    await using sink = await FileSink.create(dirname(path), { name: basename(path), size: content.length, hashes }, here)
    await sink.readAgain()
    t.is(reads.octets(), round, 'its last octet, which is not hashed ahead')
  }
})

/** A sink that goes on with the one part there is. */
async function goOn(folder: string, content: Buffer, algo = 'sha-256'): Promise<FileSink> {
  const store = new PartStore(folder)
  const wanted = wantedFile({ size: content.length })
  const { part: found } = await store.find(wanted)
  const part = found ? await store.take(found, wanted) : await store.begin(wanted)
  if (!part) throw new Error('somebody else has it')
  return FileSink.create(
    folder,
    { name: 'file.bin', size: content.length, hashes: [{ algo, value: createHash(algo.replace('-', '')).update(content).digest() }] },
    part,
  )
}

test.serial('what was written of a part is not read by those who go on with it, whichever hash they want', async (t) => {
  const folder = await makeFolder(t)
  const content = randomBytes(3 * MIB)
  const reads = await countReads(t)
  const pieces = [MIB, MIB + 1, 2 * MIB, content.length - 1]
  for (const [at, end] of pieces.entries()) {
    const sink = await goOn(folder, content)
    await sink.readAgain()
    await sink.write(content.subarray(pieces[at - 1] ?? 0, end))
    await sink.keep()
    const idle = await goOn(folder, content)
    await idle.readAgain()
    await idle.keep()
  }
  t.is(reads.octets(), 0)
  const other = await goOn(folder, content, 'sha-1')
  await other.readAgain()
  t.is(reads.octets(), content.length - 1)
  await other.keep()
  const last = await goOn(folder, content)
  await last.readAgain()
  t.is(reads.octets(), content.length - 1)
  await last.write(content.subarray(-1))
  t.like(await last.store(), { verified: 'sha-256', sha256: sha256(content).toString('hex') })
})

test.serial('of a part that has every octet, and lost its last one again and again, the others are read once', async (t) => {
  const folder = await makeFolder(t)
  const content = randomBytes(MIB)
  const whole = await goOn(folder, content)
  await whole.write(content)
  await whole.keep()
  const reads = await countReads(t)
  for (let round = 0; round < 3; round++) {
    const sink = await goOn(folder, content)
    await sink.readAgain()
    t.is(sink.offset, MIB - 1)
    await sink.write(content.subarray(-1))
    await sink.keep()
  }
  t.is(reads.octets(), MIB - 1)
  const last = await goOn(folder, content)
  await last.readAgain()
  await last.write(content.subarray(-1))
  t.is((await last.store()).sha256, sha256(content).toString('hex'))
})

test.serial('what the disk has refused is not taken for what is there', async (t) => {
  const folder = await makeFolder(t)
  const content = randomBytes(2 * MIB)
  const sink = await goOn(folder, content)
  await sink.write(content.subarray(0, MIB))
  const handle = await open('/dev/null')
  const prototype = Object.getPrototypeOf(handle) as FileHandle
  await handle.close()
  const real = Object.getOwnPropertyDescriptor(prototype, 'write') as PropertyDescriptor
  Object.defineProperty(prototype, 'write', { ...real, value: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })) })
  try {
    await t.throwsAsync(sink.write(content.subarray(MIB)), { code: 'ERR_DISK_SPACE' })
  } finally {
    Object.defineProperty(prototype, 'write', real)
  }
  await sink.keep()
  const again = await goOn(folder, content)
  await again.readAgain()
  t.is(again.offset, MIB)
  await again.write(content.subarray(MIB))
  t.is((await again.store()).sha256, sha256(content).toString('hex'))
})

test.serial('a part that somebody else has changed is read anew', async (t) => {
  const folder = await makeFolder(t)
  const content = randomBytes(MIB)
  const sink = await goOn(folder, content)
  await sink.write(content.subarray(0, -1))
  const kept = await sink.keep()
  const spoiled = Buffer.from(content.subarray(0, -1)).fill(0, 0, 1)
  await writeFile(join(kept?.path as string), spoiled)
  const again = await goOn(folder, content)
  await again.readAgain()
  await again.write(content.subarray(-1))
  await t.throwsAsync(again.store(), { code: 'ERR_INTEGRITY' })
})

test.serial('of ever more files no more is remembered than there may be: those that were hashed last', (t) => {
  const identity = (at: number) => ({ id: `file ${at}`, stamp: '', size: MIB, isSettled: true })
  const isKnown = (at: number) => nearestPlace(identity(at), 'md5', 2) !== undefined
  for (let at = 0; at < 5_000; at++) {
    rememberPlace(identity(at), 'md5', { end: 1, state: new Map() })
    isKnown(0)
  }
  t.true(isKnown(0), 'which was looked for all the time')
  t.false(isKnown(1))
  t.true(isKnown(4_999))
  t.is(Array.from({ length: 5_000 }, (_, at) => isKnown(at)).filter(Boolean).length, 4_096)
})
