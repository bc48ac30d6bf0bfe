import { type BytestreamError, type Clock, orAbort, startDeadline, toBytestreamError } from '../core/index.ts'
import { isTransient, type Receiver, type Transfer } from '../transfer/index.ts'

/**
 * Settles with the first file that arrives. One that was interrupted is waited for: its sender may offer it again.
 *
 * @param forMs milliseconds without any getting further, until that is given up
 * @throws BytestreamError why the last one was interrupted, or has failed for good
 */
export async function firstWhole(clock: Clock, receiver: Receiver, forMs: number): Promise<void> {
  const transfers = receiver[Symbol.asyncIterator]()
  let furthest = -1
  let leftMs = forMs
  let interrupted: BytestreamError | undefined
  for (;;) {
    const sinceMs = clock.now()
    const { value: transfer } = await orGiveUp(clock, transfers.next(), leftMs, interrupted)
    if (!transfer) return // It was stopped.
    leftMs -= clock.now() - sinceMs
    const error = await endOf(transfer)
    if (!error) return
    if (forMs === 0 || !isWorthWaiting(error, transfer)) throw error
    if (transfer.bytes > furthest) leftMs = forMs
    furthest = Math.max(furthest, transfer.bytes)
    interrupted = error
  }
}

/** @returns why it has failed */
async function endOf({ done }: Transfer): Promise<BytestreamError | undefined> {
  try {
    await done
    return undefined
  } catch (thrown) {
    return toBytestreamError(thrown)
  }
}

/** Where other octets were here than its sender has, a file comes once more, from its start. */
function isWorthWaiting(error: BytestreamError, { resumedFrom }: Transfer): boolean {
  return isTransient(error, 'opened') || (error.code === 'ERR_INTEGRITY' && resumedFrom > 0)
}

/** The first one is waited for as long as it takes. */
async function orGiveUp<T>(clock: Clock, next: Promise<T>, ms: number, error: BytestreamError | undefined): Promise<T> {
  if (!error) return await next
  using deadline = startDeadline(clock, Math.max(0, ms), error.code, error.message)
  return await orAbort(next, deadline.signal)
}
