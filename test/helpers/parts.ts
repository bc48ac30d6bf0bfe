import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ExpectedFile, FileSink, type FileSinkInit } from '../../src/transfer/file-sink.ts'
import { ownHolder } from '../../src/transfer/parts/holder.ts'
import type { WantedFile } from '../../src/transfer/parts/matching.ts'
import { PartStore } from '../../src/transfer/parts/part-store.ts'

/** A file somebody offers, whose hash is to come. */
export const wantedFile = (facts: Partial<WantedFile> = {}): WantedFile => ({
  ...{ from: 'sender@example.org', name: 'file.bin', folder: '', size: 100, modifiedS: 1_000_000, hashes: [], hashUsed: ['sha-256'] },
  ...facts,
})

/** Begins to receive a file, in a folder that need not be there. */
export async function beginSink(folder: string, expected: ExpectedFile, init?: FileSinkInit): Promise<FileSink> {
  const { name, size, hashes = [] } = expected
  const part = await new PartStore(folder).begin(wantedFile({ name, size, hashes }))
  return FileSink.create(folder, expected, part, init)
}

/** A process that is over. */
const goneHolder = { ...ownHolder, pid: spawnSync(process.execPath, ['--version']).pid }

/** The parts of a folder, as a process leaves them that is killed. */
export function abandon(folder: string): void {
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.part.json'))) {
    const path = join(folder, name)
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.replace(JSON.stringify(ownHolder), JSON.stringify(goneHolder)))
  }
}

/** Leaves a part of a file in a folder, as an interruption does. */
export async function leavePart(folder: string, content: Buffer | string, facts: Partial<WantedFile> = {}): Promise<void> {
  const part = await new PartStore(folder).begin(wantedFile(facts))
  await part.handle.writeFile(content)
  await part.keep()
}
