// Goal: the tree holds nothing of the machine somebody worked on, and keeps the sizes that were agreed on.

import test from 'ava'
import { readRepositoryFile, repositoryFiles } from '../helpers/repository-files.ts'

/** Paths that exist on one machine, and places packages are taken from on one network. */
const MACHINE_PATH = /(?<![\w.~*)}-])\/(?:work|root|tmp|home)\/[\w.-]/
const REGISTRY = /https?:\/\/[^\s/"'<>]*(?:registry|artifactory|verdaccio|nexus)[^\s"'<>]*/i

const findIn = (pattern: RegExp): string[] =>
  repositoryFiles().flatMap((path) =>
    readRepositoryFile(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
  )

test('no file names a path of one machine', (t) => {
  t.deepEqual(findIn(MACHINE_PATH), [])
  t.regex(['', 'tmp', 'x'].join('/'), MACHINE_PATH)
  t.notRegex('dist/tmp/x', MACHINE_PATH)
})

test('no file names a package registry', (t) => {
  t.deepEqual(findIn(REGISTRY), [])
  t.regex(`https:/${'/registry.example'}/ava`, REGISTRY)
})

test('the embedded server has at most 1,500 lines', (t) => {
  const files = repositoryFiles().filter((path) => path.startsWith('src/embedded/'))
  t.true(files.length > 0)
  const lines = files.reduce((sum, path) => sum + readRepositoryFile(path).split('\n').length - 1, 0)
  t.true(lines <= 1500, `it has ${lines}`)
})
