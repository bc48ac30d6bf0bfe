import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FLAGS = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Wconversion', '-Werror']

/** The programs in C of this bench, compiled into a folder of their own, which goes with them. */
export class Programs implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'streamhost-bench-'))
  readonly generator = join(this.folder, 'generator')
  readonly floor = join(this.folder, 'floor')

  /** @throws Error with what the compiler says */
  compile(): void {
    this.#compile(this.generator, ['generator.c', 'open.c', 'traffic.c', 'xmpp.c'])
    this.#compile(this.floor, ['floor.c'])
  }

  #compile(program: string, sources: readonly string[]): void {
    const paths = sources.map((source) => fileURLToPath(new URL(source, import.meta.url)))
    const { status, error, stderr } = spawnSync('cc', [...FLAGS, '-o', program, ...paths], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`cc: ${error?.message ?? stderr}`)
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
