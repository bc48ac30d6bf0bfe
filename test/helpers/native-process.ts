import { spawn } from 'node:child_process'
import { join } from 'node:path'

const CHILD = join(import.meta.dirname, 'native-child.ts')

/** How a process ended, and what it said on its standard output. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly said: readonly string[]
}

/**
 * Runs native-child.ts.
 *
 * @param ending one of those it knows
 * @param options.signal sent once it has said something
 * @param options.node another Node than this one
 */
export function runNativeChild(ending: string, options: { signal?: NodeJS.Signals; node?: string } = {}): Promise<Ended> {
  const { signal, node = process.execPath } = options
  const child = spawn(node, ['--import=tsx', CHILD, ending], { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (signal) child.kill(signal)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    // Threads speak in any order.
    child.once('close', (code, by) => resolve({ code, signal: by, said: said.split('\n').slice(0, -1).sort() }))
  })
}
