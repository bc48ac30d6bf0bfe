import { readdirSync, readFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import type { Addresses } from './hostile-stanzas.ts'
import { hex } from './socks5.ts'

const ROOT = join(import.meta.dirname, '..', 'corpus')

/** One case of `test/corpus/`. */
export interface CorpusCase {
  /** The name of its file, in words. */
  readonly name: string
  readonly octets: (addresses: Addresses) => Buffer
}

function read(path: string): CorpusCase['octets'] {
  const text = readFileSync(path, 'utf8')
  if (extname(path) === '.hex') {
    const octets = hex(text.replace(/^#.*$/gm, '').replace(/\s/g, ''))
    return () => octets
  }
  return ({ from, to }) =>
    Buffer.from(text.replace(/\n$/, '').replaceAll('{addresses}', `${from === undefined ? '' : ` from='${from}'`} to='${to}'`))
}

/** The cases of a folder, by name. */
export function corpusOf(folder: string): readonly CorpusCase[] {
  return readdirSync(join(ROOT, folder))
    .sort()
    .map((file) => ({ name: basename(file, extname(file)).replaceAll('-', ' '), octets: read(join(ROOT, folder, file)) }))
}
