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
