import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { BytestreamError } from '../core/index.ts'
import type { Database, Driver } from './driver.ts'
import { storageError } from './storage-error.ts'

/** The database in a directory. */
export const databaseIn = (directory: string): string => join(directory, 'streamhost.db')

/**
 * Makes what is missing: the directory, for its owner alone, and the database, likewise; SQLite gives the files beside it the
 * same mode.
 *
 * @throws BytestreamError `ERR_STORAGE_READ_ONLY`, `ERR_STORAGE_FULL` or `ERR_STORAGE`
 */
export function makePlace(directory: string): void {
  try {
    const made = mkdirSync(directory, { recursive: true, mode: 0o700 })
    for (let path = resolve(directory); made !== undefined && path.length >= resolve(made).length; path = dirname(path)) keepName(path)
  } catch (cause) {
    throw storageError(cause, directory)
  }
}

/** Makes a file for its owner alone, if it is not there. One that is there is not opened: closing it would take SQLite's locks away. */
export function makeFile(file: string): void {
  try {
    makeNewFile(file)
  } catch (error) {
    if (!(error instanceof BytestreamError) || error.code !== 'ERR_FILE_EXISTS') throw error
  }
}

/** @throws BytestreamError `ERR_FILE_EXISTS` */
export function makeNewFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
      throw new BytestreamError('ERR_FILE_EXISTS', `${file} exists already`, { cause })
    throw storageError(cause, file)
  }
}

/** A name is durable when the directory it stands in is. */
export function keepName(path: string): void {
  const descriptor = openSync(dirname(path), 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Takes a directory for this process alone, as long as the database that is given back is open. The kernel lets go of it with
 * the process, however that ends: nothing is left to clear away.
 *
 * @throws BytestreamError `ERR_STORAGE_IN_USE`
 */
export function holdPlace(driver: Driver, directory: string): Database {
  const file = join(directory, 'streamhost.lock')
  makeFile(file)
  const lock = driver.open(file)
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return lock
  } catch (cause) {
    lock.close()
    const error = storageError(cause, file)
    if (error.code !== 'ERR_STORAGE_IN_USE') throw error
    throw new BytestreamError('ERR_STORAGE_IN_USE', `${directory} is in use by another process: end that, or name another directory`, {
      cause,
    })
  }
}
