import { readFileSync } from 'node:fs'
import { BytestreamError } from '../core/index.ts'

/** As sha256sum(1) prints it: the digits, and what they are of; a backslash in front where that is escaped. */
const LINE = /^\\?([0-9a-f]{64})(\s.*)?$/i

/**
 * Reads a list of SHA-256, one a line. Empty lines, and those that begin with `#`, are passed over.
 *
 * @throws BytestreamError `ERR_CONFIG` when it cannot be read, or a line is none
 */
export function loadHashList(option: string, path: string): string[] {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new BytestreamError('ERR_CONFIG', `--${option}: the list cannot be read: ${(cause as Error).message}`, { cause })
  }
  const hashes: string[] = []
  for (const [index, line] of content.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const [, digits] = LINE.exec(line) ?? []
    if (digits === undefined)
      throw new BytestreamError('ERR_CONFIG', `--${option}: line ${index + 1} of ${path} does not begin with a SHA-256`)
    hashes.push(digits.toLowerCase())
  }
  return hashes
}
