import { open, readFile, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'

const WRITES = 50
const BLOCK = Buffer.alloc(4096, 'x')

/** mountinfo in proc(5): the mount point is the fifth field, and the file system is named after a lone hyphen. */
async function fileSystemOf(path: string): Promise<string> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
    .trim()
    .split('\n')
    .map((line) => ({ point: line.split(' ')[4] ?? '', type: line.split(' - ')[1]?.split(' ')[0] ?? '' }))
    .filter(({ point }) => point === '/' || `${path}/`.startsWith(`${point}/`))
  return mounts.reduce((best, mount) => (mount.point.length >= best.point.length ? mount : best)).type
}

/** Which file system a folder is on, and how long 4 KiB take there until they are durable. */
export async function describeDisk(folder: string): Promise<string> {
  const name = join(folder, 'durable')
  const times: number[] = []
  {
    await using file = await open(name, 'w')
    for (let write = 0; write < WRITES; write += 1) {
      const startedMs = performance.now()
      await file.write(BLOCK, 0, BLOCK.length, 0)
      await file.datasync()
      times.push(performance.now() - startedMs)
    }
  }
  await rm(name)
  const median = times.sort((a, b) => a - b)[WRITES / 2] as number
  return `${await fileSystemOf(await realpath(folder))} (${folder}), where 4 KiB are durable after ${median.toFixed(2)} ms`
}
