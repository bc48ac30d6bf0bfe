import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import ava, { type TestFn } from 'ava'
import programs from './foreign-programs.json' with { type: 'json' }

/** A program that is not ours and that no `npm ci` brings; `npm run test:setup` installs its Debian package. */
export type ForeignProgram = keyof typeof programs

/** How a program is found, and which Debian package has it. Exactly one of the first three is there. */
interface ForeignProgramEntry {
  /** Looked for in `PATH`. */
  readonly executable?: string
  /** Imported by Debian's own Python, not by the first in `PATH`. */
  readonly pythonModule?: string
  /** A shared library, by its soname. */
  readonly library?: string
  readonly package: string
  /** `full`: too large for every day; only `npm run test:setup -- --full` installs it, and only `test/full/` may need it. */
  readonly for?: string
  /** Whether only root can use it. */
  readonly needsRoot?: boolean
}

const LIBRARY_FOLDERS = ['/usr/lib', '/usr/local/lib']
const PYTHON = '/usr/bin/python3'

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function hasExecutable(name: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.some((folder) => isExecutable(join(folder, name)))
}

function hasLibrary(soname: string): boolean {
  return LIBRARY_FOLDERS.filter((folder) => existsSync(folder)).some((folder) =>
    ['', ...readdirSync(folder)].some((below) => existsSync(join(folder, below, soname))),
  )
}

function hasPythonModule(name: string): boolean {
  return spawnSync(PYTHON, ['-c', `import ${name}`], { stdio: 'ignore' }).status === 0
}

function isThere({ executable, pythonModule, library }: ForeignProgramEntry): boolean {
  if (executable !== undefined) return hasExecutable(executable)
  if (pythonModule !== undefined) return hasPythonModule(pythonModule)
  return library !== undefined && hasLibrary(library)
}

/** @returns why a suite that needs `needed` cannot run here, or `undefined` when all of it is there */
function whatIsMissing(needed: readonly ForeignProgram[]): string | undefined {
  const missing = needed.filter((name) => !isThere(programs[name]))
  if (missing.length > 0) return `${missing.map((name) => `${name} (Debian: ${programs[name].package})`).join(', ')} not found`
  const forRoot = process.getuid?.() === 0 ? [] : needed.filter((name) => (programs[name] as ForeignProgramEntry).needsRoot)
  return forRoot.length === 0 ? undefined : `${forRoot.join(', ')} ${forRoot.length === 1 ? 'needs' : 'need'} root`
}

/** Takes every test and hook of a suite that cannot run, and does nothing with them. */
const nothing: unknown = new Proxy(() => undefined, { get: () => nothing })

/**
 * Declares a suite that needs programs of others:
 *
 * ```ts
 * const test = foreign('the component on Prosody', ['prosody'])
 * test('appears in disco#items of the server', async (t) => { … })
 * ```
 *
 * Where one of them is missing, none of its tests run, and one skipped test tells the suite's name and the reason, for
 * the list at the end of `npm test`. With `CI=true` that one fails instead: there everything has to run.
 *
 * @param suite unlike any other in the same file
 * @returns what `import test from 'ava'` would be
 */
export function foreign<Context = unknown>(suite: string, needed: readonly ForeignProgram[]): TestFn<Context> {
  const setup = needed.some((name) => (programs[name] as ForeignProgramEntry).for === 'full') ? 'test:setup -- --full' : 'test:setup'
  return suiteUnless(whatIsMissing(needed), suite, `npm run ${setup} installs what is missing`)
}

/**
 * Declares a suite that runs unless something is missing, as {@link foreign} does.
 *
 * @param missing why it cannot run
 * @param remedy what to do about it, for CI
 */
export function suiteUnless<Context = unknown>(missing: string | undefined, suite: string, remedy: string): TestFn<Context> {
  if (missing === undefined) return ava as TestFn<Context>
  const title = `${suite} could not run: ${missing}`
  if (process.env['CI'] === 'true') ava(title, (t) => t.fail(remedy))
  else ava.skip(title, (t) => t.pass())
  return nothing as TestFn<Context>
}
