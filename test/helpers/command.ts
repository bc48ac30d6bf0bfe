import { setMaxListeners } from 'node:events'
import { run } from '../../src/cli/program.ts'
import { until } from './peer.ts'
import { TestTerminal } from './terminal.ts'

/** A command in this process, as somebody sees it. */
export interface RunningCommand {
  readonly stdout: TestTerminal
  readonly stderr: TestTerminal
  /** Settles once it has written this, on either stream; or with the command. */
  said(text: string): Promise<void>
  /** As Ctrl-C does. */
  interrupt(): void
  readonly ended: Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>
}

interface CommandSetup {
  readonly environment?: Readonly<Record<string, string>>
  /** Of its terminal; without them it writes into a pipe. */
  readonly columns?: number | undefined
}

/** Runs `streamhost` with these arguments; it ends with the test. */
export function startCommand(
  t: { teardown(end: () => unknown): void },
  args: readonly string[],
  { environment = {}, columns }: CommandSetup = {},
): RunningCommand {
  const [stdout, stderr] = [new TestTerminal(columns), new TestTerminal(columns)]
  const stopping = new AbortController()
  setMaxListeners(0, stopping.signal)
  const streams = { stdout, stderr }
  const running = run(args, { streams, environment, signal: stopping.signal, onHangUp: () => {}, onExit: () => {} })
  let isOver = false
  const ended = running
    .finally(() => {
      isOver = true
    })
    .then((code) => ({ code, stdout: stdout.written, stderr: stderr.written }))
  t.teardown(() => {
    stopping.abort()
    return ended
  })
  return {
    ...streams,
    said: (text) => until(() => isOver || stdout.written.includes(text) || stderr.written.includes(text)),
    interrupt: () => stopping.abort(),
    ended,
  }
}
