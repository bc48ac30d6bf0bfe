import { spawn } from 'node:child_process'
import { ourProgram } from './our-programs.ts'

/** How a process ended, and what it said on its standard output. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly said: readonly string[]
}

interface ChildOptions {
  /** Sent once it has said something. */
  readonly signal?: NodeJS.Signals
  /** Another Node than this one. */
  readonly node?: string
  readonly environment?: NodeJS.ProcessEnv
}

/** Runs native-child.ts with an ending that it knows. */
export const runNativeChild = (ending: string, options: ChildOptions = {}): Promise<Ended> => run('native-child.ts', [ending], options)

/** Runs engine-child.ts. */
export const runEngineChild = (options: ChildOptions): Promise<Ended> => run('engine-child.ts', [], options)

function run(script: string, args: readonly string[], options: ChildOptions): Promise<Ended> {
  const { signal, node = process.execPath, environment = {} } = options
  const child = spawn(node, [...ourProgram(`test/helpers/${script}`), ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...environment },
  })
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
