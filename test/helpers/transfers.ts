import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ExecutionContext } from 'ava'
import { type Bytestream, offerStream, openInBand, ProxyFinder, requestBytestream } from '../../src/bytestreams/index.ts'
import { silentLogger, systemClock } from '../../src/core/index.ts'
import type { Session } from '../../src/session/index.ts'
import type { Receiver, Transfer } from '../../src/transfer/index.ts'
import { buildSiFile, NS, type SiFile } from '../../src/xep/index.ts'
import { until } from './peer.ts'

const PIECE_BYTES = 1024 * 1024

/** A folder that goes with the test. */
export async function makeFolder(t: Pick<ExecutionContext, 'teardown'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-transfer-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export interface TestFile {
  readonly path: string
  readonly content: Buffer
  readonly sha256: string
}

/** A file of random octets. */
export async function makeFile(t: ExecutionContext, size: number, name = 'file.bin'): Promise<TestFile> {
  const path = join(await makeFolder(t), name)
  const content = randomBytes(size)
  await writeFile(path, content)
  return { path, content, sha256: createHash('sha256').update(content).digest('hex') }
}

/** One that is too large to be kept in memory. */
export type LargeFile = Omit<TestFile, 'content'>

/** A file of random octets, written piece by piece. */
export async function makeLargeFile(t: Pick<ExecutionContext, 'teardown'>, size: number, name = 'file.bin'): Promise<LargeFile> {
  const path = join(await makeFolder(t), name)
  await using file = await open(path, 'wx')
  for (let left = size; left > 0; left -= PIECE_BYTES) await file.write(randomBytes(Math.min(PIECE_BYTES, left)))
  return { path, sha256: await sha256Of(path) }
}

/** In hexadecimal digits. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** The files in a folder, part files included; none where there is no folder. */
export async function filesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort()
}

/** The same without parts. */
export async function storedIn(folder: string): Promise<string[]> {
  return (await filesIn(folder)).filter((name) => !/^\..*\.part(\.json)?$/.test(name))
}

/** The next transfer a receiver accepts. */
export async function nextTransfer(receiver: Receiver): Promise<Transfer> {
  const [transfer] = (await once(receiver, 'transfer')) as [Transfer]
  return transfer
}

/** Settles when `bytes` octets of a transfer have moved, or when it is over. Its reports are too seldom: a fast machine is done by the next. */
export const moved = (transfer: Transfer, bytes: number): Promise<void> =>
  until(() => transfer.bytes >= bytes || transfer.state === 'done' || transfer.state === 'failed')

/**
 * Offers a file as `facts` say, and opens the bytestream; what is sent over it is for the test.
 *
 * @throws as {@link offerStream}, {@link requestBytestream} and {@link openInBand} do
 */
export async function offerByHand(session: Session, to: string, facts: SiFile, method: 'direct' | 'ibb' = 'direct'): Promise<Bytestream> {
  const sid = 'by-hand'
  const methods = [method === 'ibb' ? NS.inBand : NS.bytestreams]
  await offerStream(session, { to, id: sid, profile: NS.siFileTransfer, payload: buildSiFile(facts), methods, answerMsMax: 30_000 })
  if (method === 'ibb') return openInBand({ session, clock: systemClock, logger: silentLogger }, { to, sid })
  const proxies = new ProxyFinder(session, systemClock, silentLogger)
  return requestBytestream(
    { session, proxies, clock: systemClock, logger: silentLogger },
    { to, sid, method: 'direct', ownHosts: ['127.0.0.1'] },
  )
}
