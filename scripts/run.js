// Why: what the scripts that try the package out somewhere else have in common.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** What the user has set, without what the npm that runs this script adds about this package. */
export function outerEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_(config|package|lifecycle)_|npm_|INIT_CWD$)/.test(name)))
}

/**
 * Runs a program to its end; what it says is shown, unless `options.stdio` says otherwise.
 *
 * @returns its standard output, if that is piped
 * @throws Error when it fails, with what it said
 */
export function run(command, args, options = {}) {
  if (options.stdio === undefined) console.log(`$ ${[command, ...args].join(' ')}`)
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, { stdio: 'inherit', encoding: 'utf8', ...options })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${signal ?? `exit code ${status}`}\n${stdout ?? ''}${stderr ?? ''}`)
  return stdout ?? ''
}

/** Gives `body` an empty folder, and takes it away afterwards, Ctrl-C included: what runs in it hears that first. */
export async function inTemporaryFolder(body) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'streamhost-check-')))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))
  await body(folder)
}

/** Reports a check's failure in one line, or what a program said. */
export function exitOnError(name, promise) {
  promise.catch((error) => {
    console.error(`${name}: ${error.message}`)
    process.exitCode = 1
  })
}
