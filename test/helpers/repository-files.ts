import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const repositoryRoot = join(import.meta.dirname, '..', '..')

/** Names that `.gitignore` excludes, folders without their slash; `*.tgz` is the one pattern in it. */
function ignored(): Set<string> {
  const lines = readFileSync(join(repositoryRoot, '.gitignore'), 'utf8').split('\n')
  return new Set(['.git', ...lines.filter((line) => line !== '').map((line) => line.replace(/\/$/, ''))])
}

/**
 * What a commit of everything would hold, found without git: the tests run where there is none.
 *
 * @returns paths relative to the repository, with `/`
 */
export function repositoryFiles(): string[] {
  const skip = ignored()
  const below = (folder: string): string[] =>
    readdirSync(join(repositoryRoot, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (skip.has(path) || skip.has(entry.name) || entry.name.endsWith('.tgz')) return []
      if (entry.isDirectory()) return below(path)
      return entry.isFile() ? [path] : []
    })
  return below('').sort()
}

/** As text, whatever it is. */
export const readRepositoryFile = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8')
