import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type Bytestream, offerStream, openInBand, ProxyFinder, requestBytestream } from '../../src/bytestreams/index.ts'
import { silentLogger, systemClock } from '../../src/core/index.ts'
import type { Session } from '../../src/session/index.ts'
import type { Receiver, Transfer } from '../../src/transfer/index.ts'
import { buildSiFile, NS, type SiFile } from '../../src/xep/index.ts'

/** A folder that goes with the test. */
export async function makeFolder(t: ExecutionContext): Promise<string> {
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

/** Settles when `bytes` octets of a transfer have moved, or when it is over. */
export async function moved(transfer: Transfer, bytes: number): Promise<void> {
  for await (const progress of transfer.progress()) if (progress.bytes >= bytes) return
}

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
