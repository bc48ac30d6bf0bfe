import { BytestreamError } from '../core/index.ts'

/** What SQLite takes and gives. */
export type Value = string | number | null | Uint8Array

export interface PreparedStatement {
  run(...values: Value[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint }
  get(...values: Value[]): unknown
  all(...values: Value[]): unknown[]
  /** Rows become arrays: half the time of objects. */
  setReturnArrays(isArray: boolean): void
}

/** A connection; the part of `node:sqlite` that is used. */
export interface Database {
  readonly isTransaction: boolean
  exec(sql: string): void
  prepare(sql: string): PreparedStatement
  close(): void
}

export interface Driver {
  open(file: string): Database
  /** Where a thread finds it. */
  readonly url: string
}

/**
 * Loaded when a database is first wanted: a proxy keeps nothing, and runs where the driver cannot be had.
 *
 * @throws BytestreamError `ERR_STORAGE_DRIVER`
 */
export async function loadDriver(): Promise<Driver> {
  try {
    const { DatabaseSync } = await import('@photostructure/sqlite')
    return { open: (file) => new DatabaseSync(file) as Database, url: import.meta.resolve('@photostructure/sqlite') }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'ERR_MODULE_NOT_FOUND' ? 'it is not installed' : message.split('\n')[0]
    const what = `there is no SQLite without the package @photostructure/sqlite: ${why}; npm installs it with streamhost where it can, glibc 2.29 or musl on x64 or arm64`
    throw new BytestreamError('ERR_STORAGE_DRIVER', what, { cause })
  }
}
