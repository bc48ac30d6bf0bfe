// Why: the native relay is built where it is installed, by the C compiler that is there, and nobody's installation fails for
// want of one. Whatever happens this exits 0, says in one line why there is none, and leaves that in build/native.json for
// the program to tell. It is the package's "install"; plain JavaScript, since it runs before anything is built.
//
// npm run build:native    the same, and exits 1 when there is none

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ADDON = 'streamhost-relay.node'
const SOURCES = join('src', 'native')
const COMPILE_MS_MAX = 120_000
const FLAGS = ['-std=c11', '-O2', '-fPIC', '-shared', '-pthread', '-fvisibility=hidden', '-Wl,-z,relro,-z,now']

const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)
const outcome = join(root, 'build', 'native.json')
const built = join(root, 'build', ADDON)

/** Whether one that came with the package works here. */
function isPrebuilt() {
  if (!existsSync(join(root, 'prebuilds'))) return false
  const libc = process.report.getReport().header.glibcVersionRuntime === undefined ? '-musl' : ''
  try {
    require(join(root, 'prebuilds', `linux-${process.arch}${libc}`, ADDON))
    return true
  } catch {
    return false
  }
}

/** @returns why it failed, or `undefined` */
function compile(target) {
  const [command, ...args] = (process.env['CC'] || 'cc').split(' ')
  const sources = readdirSync(join(root, SOURCES)).filter((name) => name.endsWith('.c'))
  const { include_dir: headers } = require('node-api-headers')
  const { status, signal, error, stderr } = spawnSync(
    command,
    [...args, ...FLAGS, '-I', headers, '-o', target, ...sources.map((name) => join(SOURCES, name))],
    { cwd: root, encoding: 'utf8', timeout: COMPILE_MS_MAX },
  )
  if (error?.code === 'ENOENT') return `no C compiler (${command}) was found`
  if (error) return `the C compiler (${command}) could not be run: ${error.code}`
  if (status === 0) return
  const lines = stderr.split('\n').filter((line) => line !== '')
  return `the C compiler (${command}) failed: ${lines.find((line) => line.includes('error')) ?? lines[0] ?? signal ?? `exit code ${status}`}`
}

/** @returns why there is none, or `undefined` */
function build() {
  if (process.env['STREAMHOST_NO_NATIVE']) return 'STREAMHOST_NO_NATIVE was set when it was installed'
  if (process.platform !== 'linux') return `there is none for ${process.platform}`
  if (isPrebuilt()) return
  mkdirSync(join(root, 'build'), { recursive: true })
  // Processes may be using the last one: its name is given to the new one at once, or to none.
  const unfinished = `${built}.${process.pid}`
  try {
    const reason = compile(unfinished)
    if (reason === undefined) renameSync(unfinished, built)
    return reason
  } finally {
    rmSync(unfinished, { force: true })
  }
}

/** @returns why there is none, or `undefined`; never throws */
function tryToBuild() {
  try {
    return build()
  } catch (error) {
    return error.code && error.syscall ? `${error.syscall} ${error.code}` : String(error.message).split('\n', 1)[0]
  }
}

/** For the program to tell. Where nothing can be written, it says that nothing was built. */
function leave(reason) {
  try {
    if (reason === undefined) return rmSync(outcome, { force: true })
    rmSync(built, { force: true })
    mkdirSync(join(root, 'build'), { recursive: true })
    writeFileSync(outcome, `${JSON.stringify({ reason })}\n`)
  } catch {
    // Then it stays untold.
  }
}

const reason = tryToBuild()
leave(reason)
if (reason !== undefined) console.log(`streamhost: no native relay was built, octets are moved in JavaScript: ${reason}`)
if (reason !== undefined && process.argv.includes('--required')) process.exitCode = 1
