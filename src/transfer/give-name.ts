import { type FileHandle, link, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { BytestreamError } from '../core/index.ts'
import { FILE_NAMES_MAX, numberFileName } from './file-name.ts'

/** Milliseconds a date may be ahead of our clock, and is believed. */
const AHEAD_MS_MAX = 300_000
/** How file systems without hard links, such as FAT, refuse one. */
const NO_LINKS: readonly unknown[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

/** What a file is to be called. */
export interface FinalName {
  readonly folder: string
  readonly name: string
  /** The date it gets, in milliseconds since 1970, unless that is to come. */
  readonly modifiedMs: number | undefined
}

/**
 * Gives a file that is whole its name, or a numbered one where that is taken, and its date. Never overwrites a file.
 *
 * @param part keeps its own name, too, where there are links
 * @throws BytestreamError `ERR_FILE_EXISTS`; what the file system throws
 */
export async function giveName(part: { handle: FileHandle; path: string }, { folder, name, modifiedMs }: FinalName): Promise<string> {
  await part.handle.chmod(0o666 & ~process.umask())
  for (let number = 0; number < FILE_NAMES_MAX; number++) {
    const path = join(folder, numberFileName(name, number))
    try {
      await claim(part.path, path)
      await giveDate(part.handle, modifiedMs)
      return path
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
  throw new BytestreamError('ERR_FILE_EXISTS', `${folder} holds ${FILE_NAMES_MAX} files named like ${name} already`)
}

/** A link fails where the name is taken, in one step. Where there are no links, an empty file holds the name for a moment. */
async function claim(part: string, path: string): Promise<void> {
  try {
    await link(part, path)
  } catch (error) {
    if (!NO_LINKS.includes((error as NodeJS.ErrnoException).code)) throw error
    await (await open(path, 'wx')).close()
    await rename(part, path)
  }
}

/** That of the sender. Not before it has its name: by its date a part is old. */
async function giveDate(handle: FileHandle, modifiedMs: number | undefined): Promise<void> {
  if (modifiedMs === undefined || modifiedMs < 0 || modifiedMs > Date.now() + AHEAD_MS_MAX) return
  await handle.utimes(new Date(), modifiedMs / 1000).catch(() => {}) // The file is whole without it.
}
