import { BytestreamError, type ErrorCode } from '../core/index.ts'

/** Result codes of SQLite, of which the lowest octet is the kind of failure (sqlite.org/rescode.html). */
const kinds: Readonly<Record<number, readonly [code: ErrorCode, whatToDo: string]>> = {
  5: ['ERR_STORAGE_IN_USE', 'another program writes to it: end that first'], // SQLITE_BUSY
  8: ['ERR_STORAGE_READ_ONLY', 'it cannot be written: see to its permissions, and those of its directory'], // SQLITE_READONLY
  10: ['ERR_STORAGE', 'the disk failed: see to it, then start again'], // SQLITE_IOERR
  11: ['ERR_STORAGE', 'it is damaged: put a backup in its place'], // SQLITE_CORRUPT
  13: ['ERR_DISK_SPACE', 'the disk is full: make room'], // SQLITE_FULL
  14: ['ERR_STORAGE', 'it cannot be opened: see to the permissions of it and its directory'], // SQLITE_CANTOPEN
  26: ['ERR_STORAGE_FOREIGN', 'it is not a database: put it elsewhere, or name another directory'], // SQLITE_NOTADB
}

/** What went wrong with the database in `file`, and what to do about it. */
export function storageError(cause: unknown, file: string): BytestreamError {
  if (cause instanceof BytestreamError) return cause
  const { errcode, message } = cause as Error & { errcode?: number }
  const [code, whatToDo] = kinds[(errcode ?? 0) & 0xff] ?? ['ERR_STORAGE', 'this is a fault of streamhost']
  return new BytestreamError(code, `${file}: ${message}; ${whatToDo}`, { cause })
}
