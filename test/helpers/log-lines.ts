import type { Logger } from '../../src/core/index.ts'

/** A line of a log, its facts beside its level and its sentence. */
export interface LogLine extends Readonly<Record<string, unknown>> {
  readonly level: keyof Logger
  readonly sentence: string
}

/** A logger that keeps its lines. */
export function keepLines(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = []
  const at = (level: keyof Logger) => (facts: object, sentence: string) => void lines.push({ ...facts, level, sentence })
  return { logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines }
}
