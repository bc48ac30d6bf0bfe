import { BytestreamError } from '../core/index.ts'
import type { Database } from './driver.ts'

/** Whose database it is: "SHST", which `file` and SQLite's own tools show (sqlite.org/fileformat2.html#application_id). */
export const APPLICATION_ID = 0x53485354

/**
 * Brings a database to the version this release knows: the number of migrations. Each is a transaction of its own, together with
 * its number, so that a start that is broken off is taken up by the next.
 *
 * @param migrations SQL; one that was released is never changed, and none is ever taken out
 * @throws BytestreamError `ERR_STORAGE_FOREIGN` or `ERR_STORAGE_VERSION`
 */
export function migrate(database: Database, migrations: readonly string[], file: string): void {
  const from = versionOf(database, file)
  if (from > migrations.length) {
    const what = `${file} has version ${from}, of a newer release; this one knows ${migrations.length}: install the newer one, or put a backup in its place`
    throw new BytestreamError('ERR_STORAGE_VERSION', what)
  }
  for (const [index, sql] of migrations.entries()) {
    if (index < from) continue
    database.exec('BEGIN EXCLUSIVE')
    try {
      database.exec(sql)
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${index + 1}; COMMIT`)
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
}

/** @returns 0 for one that is empty */
function versionOf(database: Database, file: string): number {
  const application = pragma(database, 'application_id')
  if (application === APPLICATION_ID) return pragma(database, 'user_version')
  if (application === 0 && pragma(database, 'schema_version') === 0) return 0
  const what = `${file} is the database of another program: put it elsewhere, or name another directory`
  throw new BytestreamError('ERR_STORAGE_FOREIGN', what)
}

function pragma(database: Database, name: string): number {
  return (database.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name] as number
}
