// Why: a package can pass every test in its repository and lack a file once it is installed. This packs what would be
// published, installs the archive into an empty folder without development dependencies, and uses it as a user does.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { exitOnError, inTemporaryFolder, outerEnvironment, root, run } from './run.js'

const UNPACKED_BYTES_MAX = 2.5 * 1024 * 1024
/** One more than were enough for everything else: SQLite, which is left out where it cannot be installed (docs/adr/0021). */
const DEPENDENCIES_MAX = 26
/** Besides these and dist/, nothing is published. */
const BESIDE_DIST = [
  'CHANGELOG.md',
  'dist/third-party.txt',
  'examples/streamhost.service',
  'LICENSE',
  'README.md',
  'package.json',
  'scripts/build-native.js',
  ...readdirSync(join(root, 'src', 'native'))
    .filter((name) => /\.[ch]$/.test(name))
    .map((name) => `src/native/${name}`),
]
/** Programs that were built before, if there are some: docs/native.md. */
const PREBUILT = /^prebuilds\/linux-\w+(-musl)?\/streamhost-relay\.node$/
const DEMO_SIZE = '4MiB'

const env = outerEnvironment()
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

function expect(isTrue, otherwise) {
  if (!isTrue) throw new Error(otherwise)
}

function pack(folder) {
  run('npm', ['run', 'build', '--silent'], { cwd: root, env })
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const [packed] = Object.values(JSON.parse(run('npm', args, { cwd: root, env, stdio: 'pipe' })))
  return packed
}

function checkContents({ files, unpackedSize }) {
  const isExpected = (path) => /^dist\/.+\.(js|d\.ts)$/.test(path) || BESIDE_DIST.includes(path) || PREBUILT.test(path)
  const strays = files.map(({ path }) => path).filter((path) => !isExpected(path))
  expect(strays.length === 0, `these do not belong into the package: ${strays.join(', ')}`)
  const missing = BESIDE_DIST.filter((name) => !files.some(({ path }) => path === name))
  expect(missing.length === 0, `the package lacks ${missing.join(', ')}`)
  const sources = readdirSync(join(root, 'src'), { recursive: true }).filter((path) => /(?<!\.d)\.ts$/.test(path)).length
  const filesMax = 2 * sources + BESIDE_DIST.length + files.filter(({ path }) => PREBUILT.test(path)).length
  expect(files.length <= filesMax, `${files.length} files are more than ${filesMax}: two for each of src/, and those beside dist/`)
  expect(unpackedSize <= UNPACKED_BYTES_MAX, `${unpackedSize} octets are more than ${UNPACKED_BYTES_MAX}`)
  const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }).length
  expect(dependencies <= DEPENDENCIES_MAX, `${dependencies} dependencies are more than ${DEPENDENCIES_MAX}`)
  console.log(`${files.length} files, ${unpackedSize} octets, ${dependencies} dependencies`)
}

async function lint(pkgDir) {
  const { messages, pkg } = await publint({ pkgDir, pack: false, strict: true })
  const lines = messages.map((message) => formatMessage(message, pkg, { color: false }))
  expect(lines.length === 0, `publint:\n${lines.join('\n')}`)
}

/** The types as a strict user sees them, with nothing but Node's beside them. */
function checkTypes(folder) {
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['user.mts'] }))
  writeFileSync(join(folder, 'user.mts'), "export * from 'streamhost'\n")
  run(process.execPath, [createRequire(import.meta.url).resolve('typescript/bin/tsc'), '--project', folder], { cwd: folder, env })
}

const WHY_NOT = `import('./node_modules/streamhost/dist/native/index.js').then(({ loadNativeRelay }) => {
  console.log(loadNativeRelay().reason ?? 'it is there')
})`

/** Installs the archive with its script and without, which then is run; what an admin hears of the native relay each time. */
function installAndCheckNative(folder, filename) {
  const inFolder = { cwd: folder, env }
  const reason = () => run(process.execPath, ['--eval', WHY_NOT], { ...inFolder, stdio: 'pipe' }).trim()
  const install = (...args) => {
    rmSync(join(folder, 'node_modules'), { recursive: true, force: true })
    run('npm', ['install', '--omit=dev', '--no-audit', '--no-fund', ...args, `./${filename}`], inFolder)
    return reason()
  }
  const without = install('--ignore-scripts')
  expect(/^(it was not built: install scripts were not run|there is none for \w+)$/.test(without), `without its script: ${without}`)
  run('npm', ['rebuild', manifest.name], inFolder)
  const rebuilt = reason()
  const built = install()
  expect(rebuilt === built, `npm rebuild: ${rebuilt}; npm install: ${built}`)
  expect(process.platform !== 'linux' || !env.CI || built === 'it is there', `the native relay: ${built}`)
  console.log(`the native relay: ${built}`)
}

/** SQLite is loaded from where it was installed, by the command and by its thread: it finds its native part by that. */
function checkStorage(folder, command) {
  mkdirSync(join(folder, 'data'))
  writeFileSync(join(folder, 'data', 'streamhost.db'), '')
  run(command, ['backup', '--data', 'data', 'copy.db'], { cwd: folder, env })
}

async function main(folder) {
  const packed = pack(folder)
  checkContents(packed)
  // As README.md says: later versions of npm run no script that is not allowed.
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, allowScripts: { [`file:${join(folder, packed.filename)}`]: true } }),
  )
  const inFolder = { cwd: folder, env }
  installAndCheckNative(folder, packed.filename)
  await lint(join(folder, 'node_modules', manifest.name))

  const command = join(folder, 'node_modules', '.bin', 'streamhost')
  const version = run(command, ['--version'], { ...inFolder, stdio: 'pipe' }).trim()
  expect(version === manifest.version, `streamhost --version says ${version}`)
  run(command, ['demo', '--size', DEMO_SIZE], inFolder)
  checkStorage(folder, command)
  const names = run(process.execPath, ['--eval', "import('streamhost').then((all) => console.log(Object.keys(all).join(' ')))"], {
    ...inFolder,
    stdio: 'pipe',
  })
  expect(names.trim() !== '', "import 'streamhost' gives nothing")
  checkTypes(folder)
  console.log(`exports: ${names.trim()}`)
}

exitOnError('pack:check', inTemporaryFolder(main))
