import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hash } from '../xep/index.ts'
import { FILE_NAMES_MAX, numberFileName, toSafeFileName } from './file-name.ts'
import { type FileFacts, FileSource } from './file-source.ts'
import { type HashAlgorithm, pickAlgorithm } from './hashes.ts'

/**
 * Reads a file once, to say what it is before anybody asks for it.
 *
 * @throws BytestreamError `ERR_FILE`, `ERR_ABORTED`; `ERR_INTEGRITY` when it was changed meanwhile
 */
export async function inspectFile(path: string, algorithms: Iterable<HashAlgorithm>, signal?: AbortSignal): Promise<FileFacts> {
  await using source = await FileSource.open(path)
  return await source.inspect(algorithms, signal)
}

/** Whether a file is what it was, as far as its size and its date tell. @throws BytestreamError `ERR_FILE` when it cannot be read any more */
export async function isUnchanged(path: string, { size, modified }: Pick<FileFacts, 'size' | 'modified'>): Promise<boolean> {
  await using source = await FileSource.open(path)
  const now = await source.glance()
  return now.size === size && now.modified.getTime() === modified.getTime()
}

/** What a file is that may be here already. */
export interface SoughtFile {
  /** As somebody told it. */
  readonly name: string
  /** Octets. */
  readonly size: number
  readonly hashes: readonly Hash[]
}

/**
 * Looks for a file under the name it would get in a folder, and the numbered ones behind that, up to the first that nobody has.
 *
 * @returns nothing where none has that size and that hash, the strongest that can be verified, nor without such a hash
 * @throws BytestreamError `ERR_FILE_NAME`, `ERR_ABORTED`
 */
export async function findFile(
  folder: string,
  { name, size, hashes }: SoughtFile,
  signal?: AbortSignal,
): Promise<{ readonly path: string; readonly sha256: string } | undefined> {
  const algo = pickAlgorithm(hashes.map((hash) => hash.algo))
  const wanted = hashes.filter((hash) => hash.algo === algo)
  if (algo === undefined) return undefined
  const safe = toSafeFileName(name)
  for (let number = 0; number < FILE_NAMES_MAX; number++) {
    const path = join(folder, numberFileName(safe, number))
    const stats = await lstat(path).catch(() => undefined)
    if (!stats) return undefined
    if (!stats.isFile() || stats.size !== size) continue
    const digests = await digestsOf(path, algo, signal)
    if (digests && wanted.every(({ value }) => digests.get(algo)?.equals(value))) {
      return { path, sha256: (digests.get('sha-256') as Buffer).toString('hex') }
    }
  }
  return undefined
}

/** What cannot be read cannot be said to be the same. */
async function digestsOf(path: string, algo: HashAlgorithm, signal: AbortSignal | undefined): Promise<FileFacts['digests'] | undefined> {
  try {
    return (await inspectFile(path, ['sha-256', algo], signal)).digests
  } catch (error) {
    if (signal?.aborted) throw error
    return undefined
  }
}
