// Why: a test file reaches hundreds of modules, and to translate these one by one, through a loader, took longer than the tests
// did. Before AVA starts, all of them, and the processes they start, become a few modules each, in build/tests, where they lie as
// their sources do. What they say of where they are (import.meta) stays true of the sources, and so do traces.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { root } from './run.js'

const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const INSTALLED = Object.keys({ ...dependencies, ...optionalDependencies }).filter((name) => name !== 'zod')
const FOLDER = join('build', 'tests')
/** Whoever loads or reads sources by itself; all else, but for what is installed with the package, is compiled with them. */
const NOT_BUILT_IN = ['ava', 'dependency-cruiser', 'socksv5', 'tsx', 'typescript']
/** Tests, and what is started as a process of its own. */
const ENTRY = /(?:\.(?:test|full)|-(?:main|child))\.ts$/

const below = (folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))

const placesOfSources = {
  name: 'places-of-sources',
  setup(compiler) {
    compiler.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const places = { url: pathToFileURL(path).href, filename: path, dirname: dirname(path) }
      const text = readFileSync(path, 'utf8')
      return {
        loader: 'ts',
        contents: text.replace(/\bimport\.meta\.(url|filename|dirname)\b/g, (_, name) => JSON.stringify(places[name])),
      }
    })
  },
}

const COMMON = {
  absWorkingDir: root,
  outdir: FOLDER,
  outbase: '.',
  bundle: true,
  splitting: true,
  external: [...INSTALLED, ...NOT_BUILT_IN],
  // What is CommonJS asks for Node's modules by require, which an ES module has not.
  banner: { js: "import { createRequire as makeRequire_ } from 'node:module'; const require = makeRequire_(import.meta.url);" },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  sourcesContent: false,
  plugins: [placesOfSources],
  logLevel: 'warning',
  write: false,
}

// The command by itself: what it shares with nobody is in few modules.
const command = await build({ ...COMMON, entryPoints: ['src/cli/main.ts'], chunkNames: 'chunks/cli/[name]-[hash]' })
const entryPoints = [...below('test').filter((path) => ENTRY.test(path)), ...below('examples').filter((path) => path.endsWith('.ts'))]
const tests = await build({ ...COMMON, entryPoints, chunkNames: 'chunks/[name]-[hash]' })

// What is the same stays untouched: tests that are running meanwhile go on with it.
const files = new Map([...command.outputFiles, ...tests.outputFiles].map(({ path, contents }) => [path, contents]))
for (const [path, contents] of files) {
  if (existsSync(path) && readFileSync(path).equals(contents)) continue
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, contents)
}
for (const path of below(FOLDER).map((name) => join(root, name))) if (!files.has(path)) rmSync(path)
