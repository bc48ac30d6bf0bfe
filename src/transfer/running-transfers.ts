import type { Transfer } from './transfer.ts'

/** Transfers that are under way. */
export class RunningTransfers {
  readonly #transfers = new Set<Transfer>()

  get all(): ReadonlySet<Transfer> {
    return this.#transfers
  }

  /** Follows one until it is over. */
  add(transfer: Transfer): Transfer {
    this.#transfers.add(transfer)
    const forget = () => this.#transfers.delete(transfer)
    return transfer.once('done', forget).once('failed', forget)
  }
}
