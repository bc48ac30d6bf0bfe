import { stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { backupOptions } from '../../config/index.ts'
import { formatBytes } from '../../core/index.ts'
import { addExamples, addOptions, type Run, type Start, settingsOf } from '../command-line.ts'

/** `streamhost backup`. */
export function addBackup(program: Command, start: Start): void {
  const command = program
    .command('backup')
    .description('copy what "serve --data" keeps into one file, as it is at one moment, also while it runs')
    .argument('<file>', 'the copy; must not exist. Restored as streamhost.db of an empty directory')
  addExamples(
    command,
    'streamhost backup --data /var/lib/streamhost monday.db',
    'mkdir --mode 700 restored && cp monday.db restored/streamhost.db',
    'streamhost serve --data restored …',
  )
  addOptions(command, backupOptions).action((file: string) => start(command, (run) => backUpTo(command, run, file)))
}

async function backUpTo(command: Command, run: Run, path: string): Promise<void> {
  const { data } = settingsOf(command, backupOptions, run)
  // No other command needs it.
  const { backUp } = await import('../../storage/index.ts')
  await backUp(data, path)
  const { size: bytes } = await stat(path)
  run.output.tell('backup', { path, bytes }, `${path} has what is in ${data}, ${formatBytes(bytes)}`)
}
