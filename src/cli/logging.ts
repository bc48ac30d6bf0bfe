import { pino } from 'pino'
import pretty from 'pino-pretty'
import type { Logger } from '../core/index.ts'
import type { Streams } from './output.ts'

/** Facts of a log line that say who somebody is, or where. */
const PRIVATE = ['from', 'jid', 'peer', 'targetJid', 'remoteAddress', 'sid', 'dstAddr', 'remoteAddresses']

/**
 * A log on stderr: JSON lines, or on a terminal lines for people.
 *
 * @param isPrivate leaves out who did what, and from where
 */
export function buildLogger({ stderr }: Streams, { level, isPrivate }: { level: string; isPrivate: boolean }): Logger {
  const destination = stderr.isTTY
    ? pretty({
        destination: stderr as NodeJS.WriteStream,
        ignore: 'pid,hostname',
        translateTime: 'SYS:HH:MM:ss',
        singleLine: true,
        sync: true,
      })
    : stderr
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, ...(isPrivate && { redact: { paths: PRIVATE, remove: true } }) },
    destination,
  )
}
