/**
 * What this library asks of a logger; pino's are such loggers. Never given a secret. Sentences are the same whoever they
 * are about: who it was, and from where, is in the facts, under the same names everywhere (`jid`, `remoteAddress`, …), and
 * so is the message of an error, as `reason` or in `err`.
 */
export interface Logger {
  /** For whoever looks for a fault. */
  debug(facts: object, sentence: string): void
  /** What happens in the course of things. */
  info(facts: object, sentence: string): void
  /** What somebody should look at. */
  warn(facts: object, sentence: string): void
  /** What does not work. */
  error(facts: object, sentence: string): void
}

const nothing = () => {}

/** The default: says nothing. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
