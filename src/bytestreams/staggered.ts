import { BytestreamError, type Clock, startDeadline, throwIfAborted, toBytestreamError } from '../core/index.ts'

export interface StaggerInit {
  /** Milliseconds an attempt has for itself before the next one starts beside it. */
  readonly staggerMs: number
  /** Milliseconds one attempt may take. */
  readonly attemptMsMax: number
  readonly signal?: AbortSignal | undefined
}

/** Whoever was first, and the errors of those that had failed by then. */
export interface Winner<C, T> {
  readonly candidate: C
  readonly result: T
  readonly failures: readonly BytestreamError[]
}

/**
 * Tries candidates in their order, each a little after the one before, or as soon as that one has failed; the first
 * to succeed wins, and what the others bring after that is discarded.
 *
 * @param attempt must give up when its signal aborts
 * @param discard is given each result that came too late
 * @throws BytestreamError `ERR_NO_STREAMHOST` with every reason when none succeeds, or the reason of `signal`
 * @see XEP-0065 §5.3.2 (the order), XEP-0260 §4 (staggering)
 */
export async function tryStaggered<C, T>(
  clock: Clock,
  candidates: readonly C[],
  attempt: (candidate: C, signal: AbortSignal) => Promise<T>,
  discard: (result: T) => void,
  { staggerMs, attemptMsMax, signal }: StaggerInit,
): Promise<Winner<C, T>> {
  throwIfAborted(signal)
  const failures: BytestreamError[] = []
  const losers = new AbortController()
  let winner: Winner<C, T> | undefined

  const run = async (candidate: C) => {
    const all = signal ? AbortSignal.any([signal, losers.signal]) : losers.signal
    using deadline = startDeadline(clock, attemptMsMax, 'ERR_TIMEOUT', `no connection within ${attemptMsMax / 1000} s`, all)
    try {
      const result = await attempt(candidate, deadline.signal)
      if (winner) return discard(result)
      winner = { candidate, result, failures: [...failures] }
      losers.abort()
    } catch (thrown) {
      failures.push(toBytestreamError(thrown))
    }
  }

  const running = new Set<Promise<void>>()
  for (const candidate of candidates) {
    const one: Promise<void> = run(candidate).finally(() => running.delete(one))
    running.add(one)
    await headStart(clock, one, staggerMs)
    if (winner || signal?.aborted) break
  }
  while (!winner && running.size > 0) await Promise.race(running)
  if (winner) return winner
  throwIfAborted(signal)
  throw new BytestreamError(
    'ERR_NO_STREAMHOST',
    `no streamhost can be reached (${failures.map(({ message }) => message).join('; ') || 'none was offered'})`,
  )
}

/** Waits until an attempt has ended, `staggerMs` at most. */
async function headStart(clock: Clock, attempt: Promise<void>, staggerMs: number): Promise<void> {
  let cancel = () => {}
  const elapsed = new Promise<void>((resolve) => {
    cancel = clock.after(staggerMs, resolve)
  })
  await Promise.race([attempt, elapsed])
  cancel()
}
