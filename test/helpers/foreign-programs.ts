import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import programs from './foreign-programs.json' with { type: 'json' }

/** A program that is not ours and that no `npm ci` brings; `npm run test:setup` installs its Debian package. */
export type ForeignProgram = keyof typeof programs

/** How a program is found, and which Debian package has it. Exactly one of the first four is there. */
interface ForeignProgramEntry {
  /** Looked for in `PATH`. */
  readonly executable?: string
  /** Imported by Debian's own Python, not by the first in `PATH`. */
  readonly pythonModule?: string
  /** A shared library, by its soname. */
  readonly library?: string
  /** By its path, where Debian's package puts it. */
  readonly file?: string
  readonly package: string
  /** `full`: too large for every day; only `npm run test:setup -- --full` installs it, and only `test/full/` and `bench/` may need it. */
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

function isThere({ executable, pythonModule, library, file }: ForeignProgramEntry): boolean {
  if (file !== undefined) return existsSync(file)
  if (executable !== undefined) return hasExecutable(executable)
  if (pythonModule !== undefined) return hasPythonModule(pythonModule)
  return library !== undefined && hasLibrary(library)
}

/** @returns why what needs `needed` cannot run here, or `undefined` when all of it is there */
export function whatIsMissing(needed: readonly ForeignProgram[]): string | undefined {
  const missing = needed.filter((name) => !isThere(programs[name]))
  if (missing.length > 0) return `${missing.map((name) => `${name} (Debian: ${programs[name].package})`).join(', ')} not found`
  const forRoot = process.getuid?.() === 0 ? [] : needed.filter((name) => (programs[name] as ForeignProgramEntry).needsRoot)
  return forRoot.length === 0 ? undefined : `${forRoot.join(', ')} ${forRoot.length === 1 ? 'needs' : 'need'} root`
}

/** @returns the npm script that installs what is missing of `needed` */
export function setupFor(needed: readonly ForeignProgram[]): string {
  return needed.some((name) => (programs[name] as ForeignProgramEntry).for === 'full') ? 'test:setup -- --full' : 'test:setup'
}
