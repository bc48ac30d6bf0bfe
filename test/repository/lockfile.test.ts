// Goal: `npm ci` takes each package from the registry its user has set, as it was when it was locked.

import test from 'ava'
import { readRepositoryFile } from '../helpers/repository-files.ts'

interface Locked {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  /** Inside of another package's archive, whose integrity covers it. */
  readonly inBundle?: boolean
  readonly hasInstallScript?: boolean
  readonly dev?: boolean
  readonly optional?: boolean
  readonly os?: readonly string[]
  readonly optionalDependencies?: Record<string, string>
}

const lock: { lockfileVersion: number; packages: Record<string, Locked> } = JSON.parse(readRepositoryFile('package-lock.json'))
const manifest: { allowScripts: Record<string, boolean> } = JSON.parse(readRepositoryFile('package.json'))
const packages = Object.entries(lock.packages).filter(([path]) => path !== '')

test('no package is locked to the address of a registry', (t) => {
  t.deepEqual(
    packages.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path),
    [],
  )
  t.notRegex(readRepositoryFile('package-lock.json'), /"https?:\/\/[^"]*\.tgz/)
})

/**
 * A program for one platform, of which a package takes the one that fits. Not every registry has all of them, so that some
 * are locked by version only; npm asks for none but its own platform's.
 */
const isForOnePlatform = ({ dev, optional, os }: Locked): boolean => dev === true && optional === true && os !== undefined

test('every package is locked to a version and to its content', (t) => {
  t.true(packages.length > 0)
  const isLocked = (locked: Locked): boolean =>
    locked.version !== undefined &&
    (locked.inBundle === true || isForOnePlatform(locked) || locked.integrity?.startsWith('sha512-') === true)
  t.deepEqual(
    packages.filter(([, locked]) => !isLocked(locked)).map(([path]) => path),
    [],
  )
})

// npm leaves out what its registry lacks, without a word; `npm ci` then refuses the lock file, on every platform.
test('what packages depend on for other platforms is locked too', (t) => {
  const missing = packages.flatMap(([path, { optionalDependencies }]) =>
    Object.keys(optionalDependencies ?? {}).filter(
      (name) => !lock.packages[`${path}/node_modules/${name}`] && !lock.packages[`node_modules/${name}`],
    ),
  )
  t.deepEqual(missing, [])
})

test('every package that has an install script is allowed it or denied it by name', (t) => {
  const scripted = packages.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path.replace(/^.*node_modules\//, ''))
  t.deepEqual([...new Set(scripted)].sort(), Object.keys(manifest.allowScripts).sort())
})

// SQLite, which is optional, has one that looks whether the program it brings runs here. It runs without that, too.
test('nothing that users of the package need runs a script', (t) => {
  t.deepEqual(
    packages.filter(([, { hasInstallScript, dev, optional }]) => hasInstallScript && !dev && !optional).map(([path]) => path),
    [],
  )
})
