import { orAbort } from '../../core/index.ts'
import type { Transfer } from '../transfer.ts'
import type { Sent } from '../transfer-facts.ts'

/**
 * Does the work of a transfer that can be paused: its attempt ends, and gives its place up; when the transfer is resumed the
 * work is done anew, and goes on behind what is there.
 *
 * @throws BytestreamError as `work` does, unless the transfer was paused; the reason of {@link Transfer.cancelled}
 */
export async function pausable(transfer: Transfer, work: () => Promise<Sent>): Promise<Sent> {
  for (;;) {
    try {
      return await work()
    } catch (thrown) {
      if (!transfer.isEndedByPause || transfer.cancelled.aborted) throw thrown
    }
    if (transfer.state !== 'waiting') transfer.moveTo('interrupted')
    if (transfer.isPaused) await orAbort(untilResumed(transfer), transfer.cancelled)
    transfer.tryAgain()
  }
}

function untilResumed(transfer: Transfer): Promise<void> {
  return new Promise((resolve) => {
    transfer.once('unpaused', resolve)
  })
}
