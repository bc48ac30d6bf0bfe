import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Octets the kernel's tmpfs says it is (statfs(2)). */
const TMPFS = 0x01021994

/** Memory that is a file system: so no disk is measured. */
async function memoryFolder(): Promise<string> {
  const isMemory = await statfs('/dev/shm').then(
    ({ type }) => type === TMPFS,
    () => false,
  )
  return isMemory ? '/dev/shm' : tmpdir()
}

/** A folder that goes with the bench. */
export class Stage implements AsyncDisposable {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async open(): Promise<Stage> {
    return new Stage(await mkdtemp(join(await memoryFolder(), 'streamhost-bench-')))
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}
