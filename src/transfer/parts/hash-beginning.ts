import { throwIfAborted } from '../../core/index.ts'
import { ContentHasher, type HashAlgorithm } from '../hashes.ts'
import { type Identity, identify, nearestPlace, type ReadFile, rememberPlace, stepOf } from './known-beginnings.ts'

/** Octets read at once, when a file is read again. */
const READ_BYTES = 1024 * 1024

/** The beginning of a file, hashed. */
export interface Beginning {
  /** Goes on behind it. */
  readonly hasher: ContentHasher
  /** Octets there were, at most as many as were asked for. */
  readonly bytes: number
  /** The file as it was. */
  readonly identity: Identity
}

/**
 * Hashes the first octets of a file. How far it has come is remembered, also when it is broken off: whoever has a file hashed again
 * and again has it read once.
 *
 * @param end how many
 */
export async function hashBeginning(
  file: ReadFile,
  algorithms: Iterable<HashAlgorithm>,
  end: number,
  signal?: AbortSignal,
): Promise<Beginning> {
  const identity = await identify(file)
  const fresh = await ContentHasher.begin(algorithms)
  const { names } = fresh
  const known = nearestPlace(identity, names, end)
  const hasher = known ? await ContentHasher.resume(known.state) : fresh
  let bytes = known?.end ?? 0
  const remember = (step?: number) => rememberPlace(identity, names, { end: bytes, state: hasher.state() }, step)
  try {
    const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, end - bytes))
    while (bytes < end) {
      throwIfAborted(signal)
      const { bytesRead } = await file.handle.read(buffer, 0, Math.min(READ_BYTES, end - bytes), bytes)
      if (bytesRead === 0) break
      hasher.update(buffer.subarray(0, bytesRead))
      const step = stepOf(identity, bytes)
      bytes += bytesRead
      if (stepOf(identity, bytes) > step) remember(stepOf(identity, bytes))
    }
  } finally {
    remember()
  }
  return { hasher, bytes, identity }
}
