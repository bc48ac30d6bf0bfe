import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { Storage } from '../../src/storage/index.ts'
import { makeFolder } from './transfers.ts'

/** A table to write to. */
export const notes = 'CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT'

export const newDirectory = async (t: ExecutionContext): Promise<string> => join(await makeFolder(t), 'data')

/** Open until the test is over, unless it is closed before. */
export async function openStorage(t: ExecutionContext, directory?: string, migrations: readonly string[] = [notes]): Promise<Storage> {
  const storage = await Storage.open({ directory: directory ?? (await newDirectory(t)), migrations })
  t.teardown(() => storage[Symbol.asyncDispose]())
  return storage
}

/** Writes notes, and reads them. */
export function notesOf(storage: Storage) {
  const insert = storage.change('INSERT INTO note (text) VALUES (?)')
  const all = storage.query<[text: string]>('SELECT text FROM note ORDER BY id')
  return { add: (text: string) => insert.run(text), all: () => all.all().map(([text]) => text) }
}

/** Of the log of a database, which SQLite writes to: we have it open for reading. */
export function ownDescriptor(directory: string): number {
  const log = join(directory, 'streamhost.db-wal')
  const isOurs = (name: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === log && /^flags:\s+0\d*0$/m.test(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'))
    } catch {
      return false
    }
  }
  return Number(readdirSync('/proc/self/fd').find(isOurs))
}

/** What cannot be synchronised, EINVAL, where something else was open: a device that fails, as far as the program can tell. */
function putInPlace(descriptor: number): void {
  closeSync(descriptor)
  const others: number[] = []
  for (let opened = openSync('/dev/null', 'r'); opened !== descriptor; opened = openSync('/dev/null', 'r')) others.push(opened)
  for (const other of others) closeSync(other)
}

/** The log of a database cannot be synchronised any more. */
export const breakDisk = (directory: string): void => putInPlace(ownDescriptor(directory))
