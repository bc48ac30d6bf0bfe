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

/** What a sender may hear of why its file is refused: nothing about our folders and disks. */
export function tellable(error: BytestreamError): BytestreamError {
  if (error.code === 'ERR_FILE' || error.code === 'ERR_INTERNAL') return new BytestreamError('ERR_DECLINED', 'the file cannot be stored')
  if (error.code === 'ERR_DISK_SPACE') return new BytestreamError('ERR_DISK_SPACE', 'there is no room for the file')
  return error
}
