import type { FileHandle } from 'node:fs/promises'
import { throwIfAborted } from '../../core/index.ts'
import type { ContentHasher } from '../hashes.ts'

/** Octets read at once, when a file is read again. */
const READ_BYTES = 1024 * 1024

/**
 * Hashes the first octets of a file.
 *
 * @returns how many there were, at most `end`
 */
export async function hashBeginning(
  handle: FileHandle,
  hashers: readonly ContentHasher[],
  end: number,
  signal?: AbortSignal,
): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, end))
  for (let position = 0; position < end; ) {
    throwIfAborted(signal)
    const { bytesRead } = await handle.read(buffer, 0, Math.min(READ_BYTES, end - position), position)
    if (bytesRead === 0) return position
    for (const hasher of hashers) hasher.update(buffer.subarray(0, bytesRead))
    position += bytesRead
  }
  return end
}
