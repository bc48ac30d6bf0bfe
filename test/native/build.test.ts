// Goal: the install script never fails anybody's `npm ci`; it builds the addon, or says and leaves in one line why not.
// Method: a copy of what the package has of it, with a PATH and compilers of the test's making.

import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { loadNativeRelay } from '../../src/native/index.ts'
import { foreign } from '../helpers/foreign.ts'
import { STRICT } from '../helpers/relay-harness.ts'

const root = join(import.meta.dirname, '..', '..')
const SOURCES = join('src', 'native')

interface Outcome {
  readonly status: number | null
  readonly said: string
  /** Why the loader gives none; `undefined` when it does. */
  readonly reason: string | undefined
  /** What is in build/. */
  readonly files: readonly string[]
}

function copyOfPackage(t: ExecutionContext): string {
  const folder = `${mkdtempSync(join(tmpdir(), 'streamhost-build-'))}/`
  t.teardown(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'scripts'))
  for (const path of ['package.json', join('scripts', 'build-native.js'), SOURCES]) {
    cpSync(join(root, path), join(folder, path), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** A folder to be the PATH, with a program called `cc` in it, if there is to be one. */
function pathWith(t: ExecutionContext, compiler?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'streamhost-path-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  if (compiler !== undefined) writeFileSync(join(folder, 'cc'), `#!/bin/sh\n${compiler}\n`, { mode: 0o755 })
  return folder
}

function install(folder: string, environment: NodeJS.ProcessEnv, options: { args?: string[]; uid?: number } = {}): Outcome {
  const { args = [], ...user } = options
  const script = join(folder, 'scripts', 'build-native.js')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', env: environment, ...user })
  const result = loadNativeRelay({}, { folder, platform: 'linux', arch: process.arch })
  const files = existsSync(join(folder, 'build')) ? readdirSync(join(folder, 'build')).sort() : []
  return { status, said: `${stdout}${stderr}`, reason: 'reason' in result ? result.reason : undefined, files }
}

const SAID = 'streamhost: no native relay was built, octets are moved in JavaScript: '

function refused(t: ExecutionContext, outcome: Outcome, reason: string): void {
  t.deepEqual(outcome, { status: 0, said: `${SAID}${reason}\n`, reason: `it was not built: ${reason}`, files: ['native.json'] })
}

test('without a compiler: exit 0, one line, and the loader knows', (t) => {
  refused(t, install(copyOfPackage(t), { PATH: pathWith(t) }), 'no C compiler (cc) was found')
})

test('CC names another compiler', (t) => {
  refused(t, install(copyOfPackage(t), { PATH: pathWith(t), CC: 'clang -v' }), 'no C compiler (clang) was found')
})

test('a compiler that fails: the line that says why', (t) => {
  const compiler = 'echo "In file included from x.h:1:" >&2\necho "x.c:1:10: fatal error: errno.h: No such file" >&2\nexit 1'
  const reason = 'the C compiler (cc) failed: x.c:1:10: fatal error: errno.h: No such file'
  refused(t, install(copyOfPackage(t), { PATH: pathWith(t, compiler) }), reason)
  refused(t, install(copyOfPackage(t), { PATH: pathWith(t, 'exit 3') }), 'the C compiler (cc) failed: exit code 3')
})

test('a compiler that says it did, and made nothing', (t) => {
  refused(t, install(copyOfPackage(t), { PATH: pathWith(t, 'exit 0') }), 'rename ENOENT')
})

test('STREAMHOST_NO_NATIVE: nothing is compiled', (t) => {
  const compiler = 'echo "it was run" >&2\nexit 1'
  const outcome = install(copyOfPackage(t), { PATH: pathWith(t, compiler), STREAMHOST_NO_NATIVE: '1' })
  refused(t, outcome, 'STREAMHOST_NO_NATIVE was set when it was installed')
})

test('without what it depends on: exit 0, too', (t) => {
  const folder = copyOfPackage(t)
  rmSync(join(folder, 'node_modules'))
  const { status, said } = install(folder, { PATH: pathWith(t, 'exit 0') })
  t.is(status, 0)
  t.regex(said, /^streamhost: no native relay was built, octets are moved in JavaScript: Cannot find module 'node-api-headers'\n$/)
})

test('--required exits 1 where the other would have gone on', (t) => {
  t.is(install(copyOfPackage(t), { PATH: pathWith(t) }, { args: ['--required'] }).status, 1)
})

test('where nothing can be written: exit 0, and the loader says that nothing was built', (t) => {
  const folder = copyOfPackage(t)
  chmodSync(folder, 0o555)
  t.teardown(() => chmodSync(folder, 0o755))
  const outcome = install(folder, { PATH: pathWith(t, 'exit 0') }, process.getuid?.() === 0 ? { uid: 65_534 } : {})
  const said = `${SAID}mkdir EACCES\n`
  t.deepEqual(outcome, { status: 0, said, reason: 'it was not built: install scripts were not run', files: [] })
})

const compiled = foreign('building the native relay', ['cc', 'libc6-dev'])

compiled('with a compiler: quiet, and the loader has it; what an earlier run left is gone', (t) => {
  const folder = copyOfPackage(t)
  install(folder, { PATH: pathWith(t) })
  const built = { status: 0, said: '', reason: undefined, files: ['streamhost-relay.node'] }
  t.deepEqual(install(folder, { PATH: process.env['PATH'] }), built)
  const before = statSync(join(folder, 'build', 'streamhost-relay.node')).ino
  t.deepEqual(install(folder, { PATH: process.env['PATH'] }), built)
  // Processes that have loaded the last one go on with it: it is another file.
  t.not(statSync(join(folder, 'build', 'streamhost-relay.node')).ino, before)
  refused(t, install(folder, { PATH: pathWith(t) }), 'no C compiler (cc) was found')
})

compiled('one that came with the package and works here needs no compiler', (t) => {
  const folder = copyOfPackage(t)
  install(folder, { PATH: process.env['PATH'] })
  const { glibcVersionRuntime } = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header
  const prebuilt = join(folder, 'prebuilds', `linux-${process.arch}${glibcVersionRuntime ? '' : '-musl'}`)
  cpSync(join(folder, 'build'), prebuilt, { recursive: true })
  rmSync(join(folder, 'build'), { recursive: true })
  t.deepEqual(install(folder, { PATH: pathWith(t) }), { status: 0, said: '', reason: undefined, files: [] })
  // This process has it mapped: not into the same file.
  rmSync(join(prebuilt, 'streamhost-relay.node'))
  writeFileSync(join(prebuilt, 'streamhost-relay.node'), 'no program')
  t.is(install(folder, { PATH: pathWith(t) }).said, `${SAID}no C compiler (cc) was found\n`)
})

compiled('the addon has nothing a compiler would warn of', (t) => {
  const headers = join(root, 'node_modules', 'node-api-headers', 'include')
  const flags = [...STRICT, '-Wshadow', '-Wpedantic', '-fPIC', '-fanalyzer', '-c', '-o', '/dev/null']
  const { stderr, status } = spawnSync('cc', [...flags, '-isystem', headers, join(SOURCES, 'addon.c')], { cwd: root, encoding: 'utf8' })
  t.deepEqual({ stderr, status }, { stderr: '', status: 0 })
})
