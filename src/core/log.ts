/**
 * What this library asks of a logger; pino's are such loggers. Never given a secret. Sentences are the same whoever they
 * are about: who it was, and from where, is in the facts, under the same names everywhere (`jid`, `remoteAddress`, …), and
 * so is the message of an error, as `reason` or in `err`.
 */
export interface Logger {
  debug(facts: object, sentence: string): void
  info(facts: object, sentence: string): void
  warn(facts: object, sentence: string): void
  error(facts: object, sentence: string): void
}

const nothing = () => {}

/** The default: says nothing. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
