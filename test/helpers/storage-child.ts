// What becomes of SQLite in a process that wants none, and in one that cannot have it: an argument says which.

import { readFileSync } from 'node:fs'
import { register } from 'node:module'

const isDriverLoaded = () => readFileSync('/proc/self/maps', 'utf8').includes('sqlite')

/** As it is where npm could not install the driver. */
const WITHOUT_DRIVER = `export async function resolve(specifier, context, next) {
  return next(specifier === '@photostructure/sqlite' ? '@photostructure/not-installed' : specifier, context)
}`

const [, , what, directory = ''] = process.argv
if (what === 'without-driver') register(`data:text/javascript,${encodeURIComponent(WITHOUT_DRIVER)}`)

const { Storage } = await import('../../src/storage/index.ts')
await import('../../src/index.ts')
console.log(`loaded before: ${isDriverLoaded()}`)
try {
  await using storage = await Storage.open({ directory, migrations: [] })
  await storage.settled()
  console.log(`loaded by opening: ${isDriverLoaded()}`)
} catch (error) {
  const { code, message } = error as { code: string; message: string }
  console.log(`${code}: ${message}`)
}
