import type { Clock } from './clock.ts'
import { BytestreamError, type ErrorCode } from './errors.ts'

/** The reason of an aborted signal as an error of ours: `ERR_ABORTED` unless the reason is one already. */
export function abortError(signal: AbortSignal): BytestreamError {
  const { reason } = signal
  if (reason instanceof BytestreamError) return reason
  return new BytestreamError('ERR_ABORTED', 'the operation was cancelled', { cause: reason })
}

/** @throws BytestreamError when `signal` is aborted already */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}

/** Settles as `promise` does, or rejects with {@link abortError} as soon as `signal` is aborted. */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(abortError(signal))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** A deadline as a signal, joined with the signal of the caller. Dispose of it to stop its timer. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
}

/**
 * Starts a deadline.
 *
 * @param ms milliseconds until the signal aborts
 * @param code and `message`: the error the signal aborts with
 * @param outer aborts the deadline's signal too, with its own reason
 */
export function startDeadline(clock: Clock, ms: number, code: ErrorCode, message: string, outer?: AbortSignal): Deadline {
  const controller = new AbortController()
  const settle = () => {
    cancel()
    outer?.removeEventListener('abort', onAbort)
  }
  const onAbort = () => {
    settle()
    controller.abort(outer && abortError(outer))
  }
  const cancel = clock.after(ms, () => {
    settle()
    controller.abort(new BytestreamError(code, message))
  })
  if (outer?.aborted) onAbort()
  else outer?.addEventListener('abort', onAbort, { once: true })
  return { signal: controller.signal, [Symbol.dispose]: settle }
}
