import { BytestreamError, type ErrorCode } from '../core/index.ts'

type Meaning = readonly [code: ErrorCode, whatToDo: string]

const FULL: Meaning = ['ERR_STORAGE_FULL', 'the disk is full: make room']
const TOO_LARGE: Meaning = ['ERR_STORAGE_FULL', 'the disk is full, or the database as large as it may be: make room, or raise --data-max']
const NOT_WRITABLE: Meaning = ['ERR_STORAGE_READ_ONLY', 'it cannot be written: see to its permissions, or name another directory']

/** By SQLite's result code, or the lowest octet of it, which is the kind of failure (sqlite.org/rescode.html), or by the name of the system's. */
const meanings: Readonly<Record<string | number, Meaning>> = {
  5: ['ERR_STORAGE_IN_USE', 'another program writes to it: end that first'], // SQLITE_BUSY
  8: NOT_WRITABLE, // SQLITE_READONLY
  10: ['ERR_STORAGE', 'the disk failed: see to it, then start again'], // SQLITE_IOERR
  11: ['ERR_STORAGE', 'it is damaged: put a backup in its place'], // SQLITE_CORRUPT
  13: TOO_LARGE, // SQLITE_FULL
  14: ['ERR_STORAGE', 'it cannot be opened: see to the permissions of it and its directory'], // SQLITE_CANTOPEN
  26: ['ERR_STORAGE_FOREIGN', 'it is not a database: put it elsewhere, or name another directory'], // SQLITE_NOTADB
  4874: FULL, // SQLITE_IOERR_SHMSIZE: for the index of the log
  EACCES: NOT_WRITABLE,
  EPERM: NOT_WRITABLE,
  EROFS: NOT_WRITABLE,
  ENOSPC: FULL,
  EDQUOT: FULL,
}
const FAULT: Meaning = ['ERR_STORAGE', 'this is a fault of streamhost']
const OF_THE_SYSTEM: Meaning = ['ERR_STORAGE', 'see to that, or name another directory']

/** What went wrong at a path, and what to do about it. */
export function storageError(cause: unknown, path: string): BytestreamError {
  if (cause instanceof BytestreamError) return cause
  const { errcode, code = '', syscall, message } = cause as NodeJS.ErrnoException & { errcode?: number }
  const otherwise = syscall === undefined ? FAULT : OF_THE_SYSTEM
  const [ours, whatToDo] = meanings[errcode ?? code] ?? meanings[(errcode ?? 0) & 0xff] ?? otherwise
  return new BytestreamError(ours, `${path}: ${message}; ${whatToDo}`, { cause })
}
