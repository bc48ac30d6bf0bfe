import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

/** How a folder is refused that cannot be synced: by a file system that knows of no such thing, or since we may write to it, but not read it. */
const NO_SYNC: readonly unknown[] = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'EACCES', 'EISDIR']

interface Sync {
  hasBegun: boolean
  done: Promise<void>
}

/** By path: the last one that was asked for. */
const syncs = new Map<string, Sync>()

/**
 * Settles when the names in a folder are on the disk, as they are now. Those that ask while another is being synced share the next one.
 *
 * @throws what the file system does; not where it cannot sync folders
 */
export function syncFolder(path: string): Promise<void> {
  const last = syncs.get(path)
  if (last && !last.hasBegun) return last.done
  const sync: Sync = { hasBegun: false, done: Promise.resolve() }
  sync.done = (last?.done ?? sync.done)
    .catch(() => {}) // Whoever asked for that one hears of it.
    .then(() => {
      sync.hasBegun = true
      return syncNow(path)
    })
    .finally(() => {
      if (syncs.get(path) === sync) syncs.delete(path)
    })
  syncs.set(path, sync)
  return sync.done
}

async function syncNow(path: string): Promise<void> {
  try {
    await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
    await folder.sync()
  } catch (error) {
    if (!NO_SYNC.includes((error as NodeJS.ErrnoException).code)) throw error
  }
}
