import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { startServe } from './serve.ts'

const CHUNK_BYTES = 1024 * 1024

/** What became of a file, and the largest resident set of the proxy over its first quarter, and over the rest. */
export interface WatchedTransfer {
  readonly firstQuarterBytes: number
  readonly restBytes: number
  readonly sent: string
  readonly received: string
  /** Octets a second. */
  readonly rate: number
}

/** Resident memory of a process (Linux). */
function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
  return Number(kibibytes) * 1024
}

/** The largest resident set a process has had (Linux). */
export function peakBytes(pid: number): number {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
  return Number(kibibytes) * 1024
}

/**
 * Sends a file through `streamhost serve`, which runs as a process of its own, twice, and looks at its memory: what the
 * first time takes is what the engine settles at, and the second time has to do with that.
 */
export async function watchTransfers(t: ExecutionContext, sizeBytes: number): Promise<readonly WatchedTransfer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-memory-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'data.bin')
  const { cli: service, logIn } = await startServe(t, { accounts: ['laptop', 'desk'], args: ['--log-level', 'silent'] })
  const data = await open(path, 'wx')
  for (let left = sizeBytes; left > 0; left -= CHUNK_BYTES) await data.write(randomBytes(Math.min(CHUNK_BYTES, left)))
  await data.close()
  const [laptop, desk] = [await logIn('laptop'), await logIn('desk')]
  const receiver = desk.receive({ into: join(folder, 'inbox'), from: ['laptop@localhost'] })

  const watch = async (): Promise<WatchedTransfer> => {
    const received = new Promise<string>((resolve, reject) => {
      receiver.once('transfer', ({ done }) => void done.then(({ sha256 }) => resolve(sha256), reject))
    })
    const transfer = laptop.send(path, { to: 'desk@localhost', method: 'proxy' })
    let firstQuarterBytes = 0
    let restBytes = 0
    for await (const { bytes } of transfer.progress()) {
      const resident = residentBytes(service.child.pid as number)
      if (bytes <= sizeBytes / 4) firstQuarterBytes = Math.max(firstQuarterBytes, resident)
      else restBytes = Math.max(restBytes, resident)
    }
    const { sha256, durationMs } = await transfer.done
    return { firstQuarterBytes, restBytes, sent: sha256, received: await received, rate: (sizeBytes / durationMs) * 1000 }
  }
  const first = await watch()
  await rm(join(folder, 'inbox', 'data.bin')) // Else it would be there already.
  return [first, await watch()]
}
