import { BytestreamError } from '../core/index.ts'

/** What a file system refuses, as an error of ours: a disk or a quota that is full has a code of its own. */
export function toFileError(cause: unknown, what: string): BytestreamError {
  const { code, message } = cause as NodeJS.ErrnoException
  const isFull = code === 'ENOSPC' || code === 'EDQUOT'
  return new BytestreamError(isFull ? 'ERR_DISK_SPACE' : 'ERR_FILE', `${what}: ${message}`, { cause })
}
