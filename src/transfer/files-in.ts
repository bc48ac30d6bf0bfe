import { lstat, opendir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { BytestreamError, throwIfAborted } from '../core/index.ts'

/** Files and folders in one that is sent. */
const ENTRIES_MAX = 10_000

/** A regular file that was found. */
export interface FoundFile {
  readonly kind: 'file'
  readonly path: string
  /** The folders it is in, from the one that was looked into on, with a `/` between two; none for a file that was named itself. */
  readonly folder: string | undefined
  /** Octets, when it was found. */
  readonly size: number
}

/** What was found where files were looked for. */
export type Found =
  | FoundFile
  /** What cannot be sent, and why: a symbolic link, a device, an empty folder. */
  | { readonly kind: 'skipped'; readonly path: string; readonly reason: string }
  /** What cannot be looked at: most likely a folder of somebody else. */
  | { readonly kind: 'failed'; readonly path: string; readonly error: BytestreamError }

/**
 * Looks for files: the one at `path`, or all in that folder and in those below it, hidden ones too, in the order of their names.
 * Symbolic links in folders are not followed, as they may lead anywhere; `path` itself may be one.
 *
 * ```ts
 * const files: FoundFile[] = []
 * for await (const found of filesIn('holiday')) if (found.kind === 'file') files.push(found)
 * client.sendAll(files, { to: 'desk@example.org' })
 * ```
 *
 * @throws BytestreamError `ERR_FILE` when there is nothing at `path`, or more than 10,000 files and folders
 */
export async function* filesIn(path: string, { signal }: { readonly signal?: AbortSignal | undefined } = {}): AsyncGenerator<Found, void> {
  const found = await stat(path).catch((cause: Error) => {
    throw unreadable(path, cause)
  })
  if (found.isDirectory()) yield* walk(path, basename(resolve(path)), { top: path, seen: 0, signal })
  else yield { kind: 'file', path, folder: undefined, size: found.size }
}

interface Walk {
  readonly top: string
  readonly signal: AbortSignal | undefined
  /** Entries by now. */
  seen: number
}

async function* walk(path: string, folder: string, state: Walk): AsyncGenerator<Found, void> {
  let names: readonly string[]
  try {
    names = await namesIn(path, state)
  } catch (cause) {
    if (cause instanceof BytestreamError) throw cause
    yield { kind: 'failed', path, error: unreadable(path, cause as Error) }
    return
  }
  if (names.length === 0) yield { kind: 'skipped', path, reason: 'an empty folder' }
  for (const name of names) {
    const each = join(path, name)
    const found = await lstat(each).catch((error: NodeJS.ErrnoException) => error)
    if (found instanceof Error) {
      if (found.code !== 'ENOENT') yield { kind: 'failed', path: each, error: unreadable(each, found) } // Else it is gone.
    } else if (found.isDirectory()) yield* walk(each, folder === '' ? name : `${folder}/${name}`, state)
    else if (found.isFile()) yield { kind: 'file', path: each, folder: folder || undefined, size: found.size }
    else yield { kind: 'skipped', path: each, reason: found.isSymbolicLink() ? 'a symbolic link' : 'not a regular file' }
  }
}

async function namesIn(path: string, state: Walk): Promise<readonly string[]> {
  const names: string[] = []
  for await (const { name } of await opendir(path)) {
    throwIfAborted(state.signal)
    state.seen += 1
    if (state.seen > ENTRIES_MAX) {
      throw new BytestreamError('ERR_FILE', `${state.top} holds more than ${ENTRIES_MAX} files and folders: send an archive of it`)
    }
    names.push(name)
  }
  return names.sort()
}

const unreadable = (path: string, cause: Error) => new BytestreamError('ERR_FILE', `${path} cannot be read: ${cause.message}`, { cause })
