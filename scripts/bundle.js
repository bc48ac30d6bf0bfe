// Why: Node opens, resolves and compiles a module at a time, and there are hundreds; a command took four times the CPU time to
// start. What tsc has written, and the packages it needs, become a few modules, of which each entry of the package loads those it
// needs. What package.json calls a dependency stays where it is, but for one, and so do the types. docs/adr/0020 has the figures.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { build } from 'esbuild'
import { root } from './run.js'

/** Those that ask for no more than to be named, and to be passed on with what is made of them. */
const LICENSES = ['MIT', 'ISC', 'BSD-3-Clause']
const LICENSE_FILE = /^licen[cs]e/i
const PACKAGE = /^node_modules\/(?:.*\/node_modules\/)?((?:@[^/]+\/)?[^/]+)\//

/** Our types speak of theirs, so that they are installed as well. */
const BUILT_IN_DEPENDENCIES = ['zod']

const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const { metafile } = await build({
  absWorkingDir: root,
  // The last one for whoever asks why there is no native relay, as pack-check.js does.
  entryPoints: ['dist/index.js', 'dist/cli/main.js', 'dist/native/index.js'],
  outdir: 'dist',
  // As deep as the modules were: some find the rest of the package by that.
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  external: Object.keys({ ...dependencies, ...optionalDependencies }).filter((name) => !BUILT_IN_DEPENDENCIES.includes(name)),
  // What is CommonJS asks for Node's modules by require, which an ES module has not.
  banner: { js: "import { createRequire as makeRequire_ } from 'node:module'; const require = makeRequire_(import.meta.url);" },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  allowOverwrite: true,
  metafile: true,
  // What people read are the sources; names stay, for traces.
  minifyWhitespace: true,
  logLevel: 'warning',
})

const dist = join(root, 'dist')
for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  const path = join(dist, name)
  if (name.endsWith('.js') && !(relative(root, path) in metafile.outputs)) rmSync(path)
}

/** What the license of a package wants to be said wherever its code is. */
function notice(folder) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  if (!LICENSES.includes(license)) throw new Error(`${name} is built in, and its license is ${license}: expected ${LICENSES.join(', ')}`)
  const file = readdirSync(join(root, folder)).find((entry) => LICENSE_FILE.test(entry))
  const text = file ? readFileSync(join(root, folder, file), 'utf8').trim() : (author?.name ?? author ?? '')
  return `${name} ${version} (${license})\n\n${text}\n`
}

const folders = new Set(
  Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => {
      const [start] = PACKAGE.exec(path) ?? []
      return start && bytesInOutput > 0 ? [start] : []
    }),
  ),
)
const notices = [...folders].sort().map(notice)
const head = 'The modules in this folder contain code of these packages, at these versions. Their licenses follow.\n'
writeFileSync(join(dist, 'third-party.txt'), [head, ...notices].join(`\n${'-'.repeat(80)}\n\n`))
