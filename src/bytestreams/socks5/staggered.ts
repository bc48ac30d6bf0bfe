import { BytestreamError, type Clock, startDeadline, throwIfAborted, toBytestreamError } from '../../core/index.ts'

/** Milliseconds an attempt without a chance may take: should a route lead there after all, it is a short one. */
const HOPELESS_MS_MAX = 2_000

/** A streamhost in an error. */
export const placeName = ({ host, port }: { readonly host: string; readonly port: number }) => `${host}:${port}`

export interface StaggerInit<C> {
  /** Milliseconds an attempt has for itself before the next one starts beside it. */
  readonly staggerMs: number
  /** Milliseconds one attempt may take. */
  readonly attemptMsMax: number
  /** What to call one in an error. */
  nameOf(candidate: NoInfer<C>): string
  /** Whether there is a chance. One without is tried, and is no reason to wait with the next. Default: each has one. */
  isPromising?(candidate: C): boolean
  /** What is only to be had when the others fail, or take long. */
  readonly reserve?: {
    has(candidate: C): boolean
    /** Milliseconds the last of the others has, before the first of these starts beside it. */
    readonly headStartMs: number
  }
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
 * to succeed wins, and what the others bring after that is discarded. The first of a reserve waits longer, or until all
 * before it have failed: that those are silent does not keep it back. What has no chance is waited for by nobody.
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
  { staggerMs, attemptMsMax, nameOf, isPromising = () => true, reserve, signal }: StaggerInit<C>,
): Promise<Winner<C, T>> {
  throwIfAborted(signal)
  const failures: BytestreamError[] = []
  const losers = new AbortController()
  let winner: Winner<C, T> | undefined

  const run = async (candidate: C) => {
    const all = signal ? AbortSignal.any([signal, losers.signal]) : losers.signal
    const ms = isPromising(candidate) ? attemptMsMax : Math.min(attemptMsMax, HOPELESS_MS_MAX)
    using deadline = startDeadline(clock, ms, 'ERR_TIMEOUT', `${nameOf(candidate)}: no connection within ${ms / 1000} s`, all)
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
  const promising = new Set<Promise<void>>()
  for (const [index, candidate] of candidates.entries()) {
    const one: Promise<void> = run(candidate).finally(() => running.delete(one) && promising.delete(one))
    running.add(one)
    if (isPromising(candidate)) promising.add(one)
    const next = candidates[index + 1]
    if (next === undefined) break
    if (reserve?.has(next) && !reserve.has(candidate)) {
      if (promising.size > 0) await headStart(clock, Promise.all(promising), reserve.headStartMs)
    } else if (promising.has(one)) await headStart(clock, one, staggerMs)
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

/** Waits until the attempts have ended, `ms` at most. */
async function headStart(clock: Clock, attempts: Promise<unknown>, ms: number): Promise<void> {
  let cancel = () => {}
  const elapsed = new Promise<void>((resolve) => {
    cancel = clock.after(ms, resolve)
  })
  await Promise.race([attempts, elapsed])
  cancel()
}
