import { pino } from 'pino'
import pretty from 'pino-pretty'
import type { Logger } from '../core/index.ts'
import type { Streams } from './output.ts'
import { toPlainText } from './text.ts'

/** Facts of a log line that say who somebody is, or where; `reason` is a sentence that may. */
export const privateFacts: readonly string[] = ['from', 'jid', 'targetJid', 'remoteAddress', 'sid', 'dstAddr', 'reason']

/** An error without its message, which may name somebody: what it is, and where in the program it came from. */
function withoutMessage(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error }
  const { name, message, stack = '', cause } = error
  const lines = stack.replace(message, '').split('\n')
  return {
    type: name,
    code: (error as NodeJS.ErrnoException).code,
    stack: lines.filter((line) => line.startsWith('    at ')).join('\n'),
    ...(cause !== undefined && { cause: withoutMessage(cause) }),
  }
}

/** What a terminal would obey, as JSON writes it, and two backslashes, which are one and begin nothing. Line feeds may stay. */
const ESCAPED = /\\\\|\\u00[01][\da-f]|\\[bfr]/g

/** Others choose what is in some facts; it must not move the cursor, or change the colours, of whoever reads the log. */
const tame = (line: string) => `${toPlainText(line.trimEnd().replace(ESCAPED, (found) => (found === '\\\\' ? found : '\ufffd')))}\n`

/** A logger that can be made to say more, or less, while it is in use. */
export interface LeveledLogger extends Logger {
  /** One of the values of `log-level`. */
  level: string
}

/**
 * A log on stderr: JSON lines, or on a terminal lines for people.
 *
 * @param isPrivate leaves out who did what, and from where
 */
export function buildLogger({ stderr }: Streams, { level, isPrivate }: { level: string; isPrivate: boolean }): LeveledLogger {
  const destination = stderr.isTTY ? prettyOn(stderr as NodeJS.WriteStream) : stderr
  const hidden = { redact: { paths: [...privateFacts], remove: true }, serializers: { err: withoutMessage } }
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, ...(isPrivate && hidden) }, destination)
}

function prettyOn(terminal: NodeJS.WriteStream): { write(line: string): void } {
  const lines = pretty({ destination: terminal, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss', singleLine: true, sync: true })
  return { write: (line) => void lines.write(tame(line)) }
}
