import { constants, type Stats } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { ownHolder } from './holder.ts'
import { decodeState, encodeState, type PartFacts, type PartState, STATE_BYTES_MAX } from './part-state.ts'

/** Where the state of a part is. */
export const stateOf = (path: string) => `${path}.json`

/** A regular file of our own without another name: what is written to it changes no other file. */
export const isOurs = (stats: Stats) => stats.isFile() && stats.nlink === 1 && stats.uid === process.getuid?.()

/** Writes what a part will be of, before there is one. @throws what the file system does, also where there is one already */
export async function writeState(path: string, facts: PartFacts): Promise<void> {
  const handle = await open(stateOf(path), 'wx', 0o600)
  try {
    await handle.writeFile(encodeState({ ...facts, holder: ownHolder }))
  } finally {
    await handle.close()
  }
}

/** Total: `undefined` for whatever is no state. */
export async function readState(path: string): Promise<PartState | undefined> {
  // Opening a FIFO would wait for somebody to write to it.
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => undefined)
  try {
    if (!handle) return undefined
    const stats = await handle.stat()
    return isOurs(stats) && stats.size <= STATE_BYTES_MAX ? decodeState(await handle.readFile('utf8')) : undefined
  } catch {
    return undefined
  } finally {
    await handle?.close()
  }
}

/** The part goes first: a state alone is no part. */
export async function remove(path: string): Promise<void> {
  await rm(path, { force: true })
  await rm(stateOf(path), { force: true })
}
