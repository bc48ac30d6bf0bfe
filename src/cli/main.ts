#!/usr/bin/env node
import { isatty } from 'node:tty'
import { keepCompiledCode } from './compiled-code.ts'

keepCompiledCode(process.env)
// What is imported above is compiled before anything runs.
const { run } = await import('./program.ts')

const stopping = new AbortController()
let signals = 0
const stop = () => {
  signals += 1
  // The second time means now.
  if (signals > 1) process.exit(130)
  stopping.abort()
}
let hangUp = stop
process.on('SIGINT', stop).on('SIGTERM', stop)
// What a command makes of SIGHUP is for whoever sends it; a terminal that has gone ends what it was started on.
const hadTerminal = isatty(2)
process.on('SIGHUP', () => (hadTerminal && !isatty(2) ? stop() : hangUp()))

// What nobody caught leaves the program in a state nobody thought of: say it, and end.
for (const name of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(name, (error: unknown) => {
    process.stderr.write(`streamhost: a defect, please report it: ${error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(1)
  })
}

// A reader that has gone, such as `head`, hears no more; what the command does goes on, and so does its exit code.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

process.exitCode = await run(process.argv.slice(2), {
  streams: process,
  environment: process.env,
  signal: stopping.signal,
  onHangUp: (listener) => {
    hangUp = listener
  },
  onExit: (listener) => void process.once('exit', listener),
})
