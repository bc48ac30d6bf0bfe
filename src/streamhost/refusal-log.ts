import { type Clock, type ErrorCode, type Logger, LogRation } from '../core/index.ts'
import type { DstAddr } from '../socks5/index.ts'

/** Who was refused, and why; a DST.ADDR when a place was lost. */
export interface Refusal {
  readonly remoteAddress: string
  readonly code: ErrorCode
  readonly dstAddr?: DstAddr
}

/**
 * Tells of sockets that were turned away, each reason at most once a minute: a limit that was reached at `warn`, since
 * it may have to be raised; what wrong or slow peers bring about at `info`; and every single one at `debug`.
 */
export class RefusalLog {
  readonly #logger: Logger
  readonly #ration: LogRation<ErrorCode>

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#ration = new LogRation(clock)
  }

  tell(refusal: Refusal): void {
    const suppressed = this.#ration.take(refusal.code)
    if (suppressed === undefined) this.#logger.debug(refusal, 'turned a socket away')
    else if (refusal.code.startsWith('ERR_LIMIT_'))
      this.#logger.warn({ ...refusal, suppressed }, 'turned a socket away: a limit is reached')
    else this.#logger.info({ ...refusal, suppressed }, 'turned a socket away')
  }
}
