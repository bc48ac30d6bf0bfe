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

test('every package is locked to a version and to its content', (t) => {
  t.true(packages.length > 0)
  t.deepEqual(
    packages
      .filter(([, { version, integrity, inBundle }]) => !version || !(inBundle || integrity?.startsWith('sha512-')))
      .map(([path]) => path),
    [],
  )
})

test('every package that has an install script is allowed it or denied it by name', (t) => {
  const scripted = packages.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path.replace(/^.*node_modules\//, ''))
  t.deepEqual([...new Set(scripted)].sort(), Object.keys(manifest.allowScripts).sort())
})

test('nothing that users of the package install runs a script', (t) => {
  t.deepEqual(
    packages.filter(([, { hasInstallScript, dev }]) => hasInstallScript && !dev).map(([path]) => path),
    [],
  )
})
