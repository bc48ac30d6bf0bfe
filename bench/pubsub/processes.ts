import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Settles once it says that it is ready. */
export async function ready(child: ChildProcess): Promise<ChildProcess> {
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) if (line.includes('ready')) return child
  throw new Error(`${child.spawnargs.join(' ')} ended`)
}

/** Asks it to end, and waits for that. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}
