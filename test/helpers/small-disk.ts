import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ExecutionContext } from 'ava'
import type { Host } from './namespaces.ts'
import { makeFolder } from './transfers.ts'

/** A file system of its own, with little room, which only those see that are started there. */
export interface SmallDisk extends Pick<Host, 'command'> {
  /** Where it is, for those that are started there. */
  readonly path: string
  /** Where everybody else sees it, until the test is over. */
  readonly seenFrom: string
  /** Takes the room that is left; `free` gives it back. */
  fill(): Promise<void>
  free(): Promise<void>
}

/** What a suite with one needs. */
export const smallDiskNeeds = ['mount namespaces', 'unshare'] as const

const MIB = 2 ** 20
const MOUNT = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && echo mounted && exec sleep infinity'

/** A file system in memory, in a mount namespace. */
export async function startSmallDisk(t: ExecutionContext, bytes: number): Promise<SmallDisk> {
  const path = await makeFolder(t)
  const holder: ChildProcess = spawn('unshare', ['--mount', 'sh', '-c', MOUNT, 'sh', `${bytes}`, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(async () => {
    holder.kill('SIGKILL')
    if (holder.exitCode === null && holder.signalCode === null) await once(holder, 'exit')
  })
  await once(createInterface({ input: holder.stdout as NodeJS.ReadableStream }), 'line')
  const seenFrom = `/proc/${holder.pid}/root${path}`
  const filling = join(seenFrom, 'somebody-elses')
  return {
    path,
    seenFrom,
    command: (program, args) => ['nsenter', ['--mount', '--target', `${holder.pid}`, '--wd', program, ...args]],
    async fill() {
      await using file = await open(filling, 'w')
      for (const piece of [Buffer.alloc(MIB), Buffer.alloc(4096)]) {
        for (;;) {
          const isTaken = await file.appendFile(piece).then(
            () => true,
            () => false,
          )
          if (!isTaken) break
        }
      }
    },
    free: () => rm(filling),
  }
}
