import { type Clock, type ErrorCode, type Logger, LogRation, toBytestreamError } from '../../core/index.ts'

export interface KeepingComponents {
  readonly clock: Clock
  readonly logger: Logger
  /** Something was not kept: what was written in this turn of the event loop is taken back. */
  readonly onFailed: () => void
  /** It may be tried again. */
  readonly onResumed: () => void
}

/** Milliseconds until it is tried again to write what could not be kept. */
const PAUSE_MS = 10_000

/** What is done with a database that may fail: nobody is told what was not kept, and after a pause it is tried again. */
export class Keeping implements Disposable {
  readonly #components: KeepingComponents
  readonly #rations: LogRation<'not kept'>
  #isPaused = false
  #callOff = () => {}

  constructor(components: KeepingComponents) {
    this.#components = components
    this.#rations = new LogRation(components.clock)
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** @returns what was to be done; `undefined` where it could not be kept, and has not happened */
  try<Result>(work: () => Result): Result | undefined {
    try {
      return work()
    } catch (err) {
      this.failed(err)
      return undefined
    }
  }

  /** It shows only now that something could not be kept. */
  failed(err: unknown): void {
    const { logger, onFailed } = this.#components
    const suppressed = this.#rations.take('not kept')
    const { code }: { code: ErrorCode } = toBytestreamError(err)
    if (suppressed !== undefined) logger.error({ err, code, suppressed }, 'what is delivered of feeds could not be kept')
    onFailed()
    this.pause()
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#callOff = this.#components.clock.after(PAUSE_MS, () => {
      this.#isPaused = false
      this.#components.onResumed()
    })
  }

  [Symbol.dispose](): void {
    this.#callOff()
  }
}
