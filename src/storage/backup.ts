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
  const driver = await loadDriver()
  makeNewFile(to)
  const part = `${to}.part`
  try {
    makeNewFile(part)
    await using thread = new SqlThread(driver, file)
    await thread.ask(`VACUUM INTO '${part.replaceAll("'", "''")}'`)
    await using written = await open(part, 'r+')
    await written.sync()
    await rename(part, to)
    keepName(to)
  } catch (error) {
    await Promise.all([rm(part, { force: true }), rm(to, { force: true })])
    throw error
  }
}
