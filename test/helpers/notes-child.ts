// Writes notes to a database in a process of its own, as it is told by lines: how long each is. Says what became of it.

import { createInterface } from 'node:readline'
import { Storage } from '../../src/storage/index.ts'
import { notes, notesOf } from './storage.ts'

const codeOf = (error: unknown): string => `${(error as { code?: string }).code}`

async function serve(directory: string): Promise<void> {
  await using storage = await Storage.open({ directory, migrations: [notes] })
  const { add, all } = notesOf(storage)
  console.log(`open ${all().length}`)
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      add('x'.repeat(Number(line)))
      await storage.settled()
      console.log(`settled ${all().length}`)
    } catch (error) {
      await storage.settled().catch(() => {})
      console.log(`${codeOf(error)} ${all().length}`)
    }
  }
}

await serve(process.argv[2] ?? '').catch((error: unknown) => console.log(codeOf(error)))
