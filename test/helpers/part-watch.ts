import { statSync, watch } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** The parts of files in a folder, without their states. */
export async function partsIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.part')).sort()
}

/** Settles once the only part in a folder has so many octets. The folder has to be there. */
export async function partReaches(folder: string, bytes: number): Promise<void> {
  const sizeOf = (name: string) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0
  const isThere = async () => (await partsIn(folder)).some((name) => sizeOf(name) >= bytes)
  await new Promise<void>((resolve, reject) => {
    const watcher = watch(folder)
    const look = () =>
      void isThere().then((isReached) => {
        if (!isReached) return
        watcher.close()
        resolve()
      }, reject)
    watcher.on('change', look).on('error', reject)
    look()
  })
}
