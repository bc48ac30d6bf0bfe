import { readFileSync } from 'node:fs'
import { BytestreamError } from '../core/index.ts'

/** Octets of what is published, or said; a server ends a stream for less. */
const INPUT_BYTES_MAX = 4 * 1024 * 1024

/**
 * What a file holds, or with `-` stdin.
 *
 * @param purpose what a larger one would be too large for: `to be published`
 * @throws BytestreamError `ERR_FILE`
 */
export function readInput(path: string, purpose: string): string {
  const name = path === '-' ? 'stdin' : path
  let content: Buffer
  try {
    content = readFileSync(path === '-' ? 0 : path)
  } catch (error) {
    throw new BytestreamError('ERR_FILE', `${name} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  if (content.length <= INPUT_BYTES_MAX) return content.toString('utf8')
  throw new BytestreamError('ERR_FILE', `${name} is too large ${purpose}: it has more than ${INPUT_BYTES_MAX} octets`)
}
