import type { BytestreamError, ErrorCode } from '../core/index.ts'
import type { FileSink } from './file-sink.ts'
import type { Transfer } from './transfer.ts'

/** Of what is wrong, or not wanted, nothing is kept: neither is worth its rest. */
const WORTHLESS: readonly ErrorCode[] = ['ERR_INTEGRITY', 'ERR_DECLINED']

/**
 * Hashes what is here of a file, while its bytestream comes about.
 *
 * @returns to be called before its first octet is written; tells how much that was, or why it is not gone on with
 */
export function takeUp(sink: FileSink, transfer: Transfer): () => Promise<void> {
  const { offset, fromStartBecause: reason } = sink
  transfer.readAgain(offset)
  const reading = sink.readAgain()
  reading.catch(() => {}) // Whoever calls what is returned hears of it.
  return async () => {
    await reading
    transfer.startFrom(offset)
    if (offset === 0 && reason !== undefined) transfer.emit('resumed', { offset, reason })
  }
}

/** Keeps what has come of a file that will not come whole now, where its rest may come another time. */
export async function leaveOff(sink: FileSink, transfer: Transfer, { code }: BytestreamError): Promise<void> {
  const kept = WORTHLESS.includes(code) ? undefined : await sink.keep()
  if (kept) transfer.emit('kept', kept)
}
