import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const SOURCE = 'test/interop/peers/qxmpp/files.cpp'
const LIBRARIES = ['qxmpp', 'Qt5Core', 'Qt5Network', 'Qt5Xml']

let compiled: Promise<string> | undefined

/** Compiles the program around QXmpp, once a process. @returns its path; it goes with the process */
export function compileQxmppFiles(): Promise<string> {
  compiled ??= compile()
  return compiled
}

async function compile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-qxmpp-'))
  process.once('exit', () => rmSync(folder, { recursive: true }))
  const { stdout } = await run('pkg-config', ['--cflags', '--libs', ...LIBRARIES])
  const program = join(folder, 'files')
  await run('g++', ['-std=c++17', '-fPIC', '-Wall', '-Wextra', '-Werror', '-o', program, SOURCE, ...stdout.trim().split(/\s+/)])
  return program
}
