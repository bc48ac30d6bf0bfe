import { BytestreamError, type Clock, type ErrorCode, orAbort, startDeadline } from '../core/index.ts'

/** Milliseconds a program has to decide about a file: the other side does not wait longer for an answer. */
const ANSWER_MS_MAX = 80_000

/**
 * Asks the program about a file.
 *
 * @param code of the error when it does not answer in time
 * @throws BytestreamError that, or the reason of the signal; and what the program throws
 */
export async function askProgram<T>(
  clock: Clock,
  question: () => T | Promise<T>,
  { code, signal }: { readonly code: ErrorCode; readonly signal: AbortSignal },
): Promise<T> {
  using deadline = startDeadline(clock, ANSWER_MS_MAX, code, 'nobody decided in time', signal)
  return await orAbort(Promise.resolve(question()), deadline.signal)
}

/** Why a file is refused: whatever else was thrown is a fault here. */
export function refusalOf(thrown: unknown, what: 'offer' | 'request'): BytestreamError {
  if (thrown instanceof BytestreamError) return thrown
  return new BytestreamError('ERR_INTERNAL', `deciding about the ${what} failed`, { cause: thrown })
}
