import { lstat, mkdir, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { BytestreamError } from '../core/index.ts'
import { toFileError } from './file-error.ts'
import { syncFolder } from './sync-folder.ts'

/**
 * Makes folders one inside the other, where they are not there. A symbolic link on the way is not followed: it may lead anywhere.
 *
 * @param into where the first one is; may be a link, and is made, too
 * @param steps safe names
 * @returns the path of the last one
 * @throws BytestreamError `ERR_FILE` when something else has one of the names, or it cannot be made
 */
export async function makeFolders(into: string, steps: readonly string[]): Promise<string> {
  let path = into
  try {
    await makeFolder(into)
    for (const step of steps) {
      const above = path
      path = join(path, step)
      await mkdir(path).then(
        () => syncFolder(above),
        (error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw error
        },
      )
      await checkFolder(path)
    }
    return path
  } catch (cause) {
    if (cause instanceof BytestreamError) throw cause
    throw new BytestreamError('ERR_FILE', `${path} cannot be made: ${(cause as Error).message}`, { cause })
  }
}

/** Makes a folder, and those it is in, where they are not there. Their names are on the disk then. @throws what the file system does */
export async function makeFolder(path: string): Promise<void> {
  const whole = resolve(path)
  const first = await mkdir(whole, { recursive: true })
  if (first === undefined) return
  const top = dirname(first)
  for (let below = whole; below !== top; below = dirname(below)) await syncFolder(dirname(below))
}

/**
 * Looks once more whether each step is a folder: what was made in the last of them meanwhile is where it should be.
 *
 * @throws BytestreamError `ERR_FILE`
 */
export async function checkFolders(into: string, steps: readonly string[]): Promise<void> {
  let path = into
  for (const step of steps) {
    path = join(path, step)
    await checkFolder(path)
  }
}

/**
 * Octets there is room for in `folder`, which is made if it is not there.
 *
 * @throws BytestreamError `ERR_FILE` when it cannot be made
 */
export async function roomIn(folder: string): Promise<number> {
  try {
    await makeFolder(folder)
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch (cause) {
    throw toFileError(cause, `${folder} cannot be written to`)
  }
}

async function checkFolder(path: string): Promise<void> {
  const found = await lstat(path).catch((cause: Error) => {
    throw new BytestreamError('ERR_FILE', `${path} is gone: ${cause.message}`, { cause })
  })
  if (found.isSymbolicLink()) throw new BytestreamError('ERR_FILE', `${path} is a symbolic link, and not followed`)
  if (!found.isDirectory()) throw new BytestreamError('ERR_FILE', `${path} is a file, where a folder is wanted`)
}
