import { existsSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { BytestreamError } from '../core/index.ts'
import { loadDriver } from './driver.ts'
import { databaseIn, keepName, makeNewFile } from './place.ts'
import { SqlThread } from './thread.ts'

/**
 * Copies the database of a directory as it is at one moment, whoever is writing to it meanwhile, this process or another. The copy is one
 * file, without a log: it is restored as the `streamhost.db` of an empty directory.
 *
 * @param to must not exist
 * @throws BytestreamError `ERR_FILE_EXISTS`, `ERR_STORAGE…`
 */
export async function backUp(directory: string, to: string): Promise<void> {
  const file = databaseIn(directory)
  if (!existsSync(file)) throw new BytestreamError('ERR_STORAGE', `there is no ${file}: name the directory of a service`)
  if (existsSync(to)) throw new BytestreamError('ERR_FILE_EXISTS', `${to} exists already: name another file`)
  const driver = await loadDriver()
  // Only what is whole has its name: an empty file would be restored as an empty database, without a word.
  const part = `${to}.part`
  if (existsSync(part)) throw new BytestreamError('ERR_FILE_EXISTS', `${part} exists already: delete it, unless a backup is running`)
  makeNewFile(part)
  try {
    await using thread = new SqlThread(driver, file)
    await thread.ask(`VACUUM INTO '${part.replaceAll("'", "''")}'`)
    await using written = await open(part, 'r+')
    await written.sync()
    await rename(part, to)
    keepName(to)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}
