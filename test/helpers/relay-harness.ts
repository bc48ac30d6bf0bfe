import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ExecutionContext } from 'ava'

const run = promisify(execFile)
const source = (path: string): string => join(import.meta.dirname, '..', '..', path)

/** What every compiler of these sources is told, the one that builds the addon included. */
export const STRICT: readonly string[] = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Wconversion', '-Werror', '-pthread']

/** Compiles `src/native/relay.c` alone, for what the compiler has to say. */
export async function compileRelay(flags: readonly string[]): Promise<void> {
  await run('cc', [...STRICT, ...flags, '-c', source('src/native/relay.c'), '-o', '/dev/null'])
}

/** Flags of the sanitizers; nothing they find is survived. */
export const MEMORY: readonly string[] = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']
export const THREADS: readonly string[] = ['-fsanitize=thread']

/** What the harness stands in for, to refuse it now and then. */
const WRAPPED = ['calloc', 'malloc', 'pipe2', 'eventfd', 'epoll_create1', 'epoll_ctl', 'splice', 'pthread_create']

/**
 * Compiles the relay together with the harness of `test/native/`.
 *
 * @returns runs it, and resolves with what it said; rejects with that when it failed
 */
export async function buildHarness(t: ExecutionContext, flags: readonly string[]): Promise<(...args: string[]) => Promise<string>> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-harness-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const program = join(folder, 'harness')
  const wrap = `-Wl,${WRAPPED.map((name) => `--wrap=${name}`).join(',')}`
  await run('cc', [...STRICT, '-g', ...flags, wrap, source('test/native/harness.c'), source('src/native/relay.c'), '-o', program])
  return async (...args) => {
    const { stdout } = await run(program, args)
    return stdout
  }
}
