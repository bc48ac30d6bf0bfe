// Why: Node opens, resolves and compiles a module at a time, and there are hundreds; a command took twice the CPU time to start.
// What tsc has written becomes a few modules, of which each entry of the package loads those it needs; dependencies stay where
// they are. The types stay as they were. docs/adr/0020 has the figures.

import { readdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { build } from 'esbuild'
import { root } from './run.js'

const { metafile } = await build({
  absWorkingDir: root,
  // The last one for whoever asks why there is no native relay, as pack-check.js does.
  entryPoints: ['dist/index.js', 'dist/cli/main.js', 'dist/native/index.js'],
  outdir: 'dist',
  // As deep as the modules were: some find the rest of the package by that.
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  allowOverwrite: true,
  metafile: true,
  logLevel: 'warning',
})

const dist = join(root, 'dist')
for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  const path = join(dist, name)
  if (name.endsWith('.js') && !(relative(root, path) in metafile.outputs)) rmSync(path)
}
