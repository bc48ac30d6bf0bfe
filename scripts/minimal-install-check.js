// Why: the README promises that its two commands need Node and its npm, and nothing else: no compiler, no Python, no git,
// no root. Here they run on a copy of the tree, with a PATH that holds those two, as a user without rights when this is run
// by root. The one thing npm itself needs besides is a shell for scripts: it would look for `sh` in PATH, and is told where.
// Where there is a C compiler after all, the same installation has the native relay.
//
// npm run check:minimal-install [-- --only-demo]

import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, realpathSync, symlinkSync } from 'node:fs'
import { delimiter, dirname, join, relative } from 'node:path'
import { exitOnError, inTemporaryFolder, outerEnvironment, root, run } from './run.js'

const DEMO_SIZE = '16MiB'
/** Debian's `nobody` and `nogroup`. */
const NOBODY = 65534
/** What is not in a clone. */
const NOT_COPIED = ['node_modules', '.git', 'build', 'dist', 'coverage', join('docs', 'api')]

const isRoot = process.getuid?.() === 0

function give(path) {
  if (!isRoot) return
  chownSync(path, NOBODY, NOBODY)
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const below = join(path, entry.name)
    if (entry.isDirectory()) give(below)
    else chownSync(below, NOBODY, NOBODY)
  }
}

/** npm's own entry, wherever the npm that runs this script is. */
function npmEntry() {
  const npm = process.env.npm_execpath
  if (!npm) throw new Error('start it with `npm run check:minimal-install`')
  return join(dirname(realpathSync(npm)), 'npm-cli.js')
}

const NATIVE = `import { loadNativeRelay } from './src/native/index.ts'
console.log(loadNativeRelay().reason ?? 'it is there')`

/** @throws Error unless that is what an installation says of its native relay */
function expectNative(options, expected) {
  const on = process.platform === 'linux' ? expected : `there is none for ${process.platform}`
  const said = run(process.execPath, ['--import=tsx', '--input-type=module', '--eval', NATIVE], { ...options, stdio: 'pipe' }).trim()
  if (said !== on) throw new Error(`the native relay: "${said}" instead of "${on}"`)
  console.log(`the native relay: ${said}`)
}

const hasCompiler = () => spawnSync('cc', ['--version'], { stdio: 'ignore' }).status === 0

async function main(folder) {
  const [bin, home, tree] = ['bin', 'home', 'tree'].map((name) => join(folder, name))
  for (const path of [bin, home]) mkdirSync(path)
  symlinkSync(process.execPath, join(bin, 'node'))
  symlinkSync(npmEntry(), join(bin, 'npm'))
  cpSync(root, tree, { recursive: true, filter: (source) => !NOT_COPIED.includes(relative(root, source)) })
  give(folder)
  chmodSync(folder, 0o755)

  const { CI: _, ...outer } = outerEnvironment()
  const options = {
    cwd: tree,
    env: { ...outer, PATH: bin, HOME: home, TMPDIR: home, npm_config_script_shell: '/bin/sh' },
    ...(isRoot && { uid: NOBODY, gid: NOBODY }),
  }
  run(join(bin, 'npm'), ['ci', '--ignore-scripts'], options)
  expectNative(options, 'it was not built: install scripts were not run')
  run(join(bin, 'npm'), ['run', 'demo', '--', '--size', DEMO_SIZE], options)
  if (process.argv.includes('--only-demo')) return
  if (hasCompiler()) {
    const withCompiler = { ...options, env: { ...options.env, PATH: `${bin}${delimiter}${outer.PATH}` } }
    run(join(bin, 'npm'), ['run', 'build:native'], withCompiler)
    expectNative(options, 'it is there')
    run(join(bin, 'npm'), ['run', 'demo', '--', '--size', DEMO_SIZE], options)
  } else if (process.env.CI && process.platform === 'linux') {
    throw new Error('there is no C compiler (cc) here: npm run test:setup installs one')
  }
  run(join(bin, 'npm'), ['ci'], options)
  expectNative(options, 'it was not built: no C compiler (cc) was found')
  run(join(bin, 'npm'), ['test'], options)
}

exitOnError('check:minimal-install', inTemporaryFolder(main))
