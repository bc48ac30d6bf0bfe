import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ExecutionContext } from 'ava'
import type { Host } from './namespaces.ts'
import { ourProgram } from './our-programs.ts'

/** A command of ours as a process of its own, as npm test has compiled it. */
export interface Cli {
  readonly child: ChildProcess
  /** With `--json`: settles with the first object on stdout whose `event` is this one, or the last of `count`, also when they came before. */
  event(name: string, count?: number): Promise<Record<string, unknown>>
  /** Settles with the first line of its log after the last one asked for that says this, also when it came before. */
  logged(sentence: string): Promise<Record<string, unknown>>
  /** Settles when it has ended, with everything it wrote. */
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>
}

/** For {@link startCli}: with so many descriptors. */
export const withDescriptors = (count: number): Pick<Host, 'command'> => ({
  command: (program, args) => ['sh', ['-c', `ulimit -n ${count}; exec "$@"`, 'sh', program, ...args]],
})

/** For {@link startCli}: with a file as its standard input. */
export const withInput = (path: string): Pick<Host, 'command'> => ({
  command: (program, args) => ['/bin/sh', ['-c', 'exec "$@" < "$0"', path, program, ...args]],
})

/** For {@link startCli}: without IPv6. Needs `python`. */
export const withoutIpv6: Pick<Host, 'command'> = {
  command: (program, args) => ['/usr/bin/python3', ['test/helpers/without-ipv6.py', program, ...args]],
}

/** Starts `streamhost` with these arguments, here, on a host of its own, or with fewer descriptors; it ends with the test. */
export function startCli(
  t: Pick<ExecutionContext, 'teardown'>,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  on?: Pick<Host, 'command'>,
): Cli {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STREAMHOST_')))
  const command = [...ourProgram('src/cli/main.ts'), ...args]
  const child = spawn(...(on?.command(process.execPath, command) ?? [process.execPath, command]), {
    env: { ...inherited, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => {
    lines.push(line)
    stdout += `${line}\n`
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  let heardBytes = 0
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }))
  return {
    child,
    ended,
    async logged(sentence) {
      for (;;) {
        const end = stderr.indexOf('\n', heardBytes)
        if (end === -1) {
          const isOver = await Promise.race([once(child.stderr, 'data').then(() => false), ended.then(() => true)])
          if (isOver && !stderr.includes('\n', heardBytes)) throw new Error(`ended before it logged "${sentence}": ${stderr}`)
          continue
        }
        const line = stderr.slice(heardBytes, end)
        heardBytes = end + 1
        const facts = line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : {}
        if (facts['msg'] === sentence) return facts
      }
    },
    event: (name, count = 1) =>
      new Promise((resolve, reject) => {
        let left = count
        const look = (line: string) => {
          const facts = line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : {}
          if (facts['event'] === name) left -= 1
          if (facts['event'] === name && left === 0) resolve(facts)
        }
        for (const line of lines) look(line)
        reader.on('line', look)
        void ended.then(({ code, stderr: text }) => reject(new Error(`ended with ${code} before it said ${name}: ${text}`)))
      }),
  }
}
