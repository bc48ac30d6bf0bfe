import type { Bytestream } from '../../bytestreams/index.ts'
import { BytestreamError, type Clock, orAbort, throwIfAborted, toBytestreamError } from '../../core/index.ts'
import type { JingleRange } from '../../xep/index.ts'
import { overBytestream, RECEIVER_CHECK_MS_MAX, sendContent } from '../content.ts'
import type { FileSource } from '../file-source.ts'
import { ContentHasher, type HashAlgorithm, type OfferableAlgorithm } from '../hashes.ts'
import type { Sent, Transfer } from '../transfer.ts'
import type { FileContent } from './file-content.ts'
import { reasonOf } from './reasons.ts'
import { whatWasSaid } from './what-was-said.ts'

/** Milliseconds a receiver has to say that it has the file, once the bytestream is closed; and what has gone wrong, once it is broken. */
const WORD_MS_MAX = 30_000

/** What of a file is sent. */
export interface Part {
  readonly offset: number
  /** Octets. */
  readonly length: number
  /** Whether that is all of it. */
  readonly isWhole: boolean
}

/** What is sent, from where to where. */
export interface Sending {
  readonly file: FileContent
  readonly source: FileSource
  readonly path: string
  readonly part: Part
  /** Those the other side is told. */
  readonly hashes: readonly OfferableAlgorithm[]
  readonly transfer: Transfer
}

/**
 * The part of a file somebody wants.
 *
 * @throws BytestreamError `ERR_ITEM_NOT_FOUND` when the file has no such part
 * @see XEP-0234 §5
 */
export function partOf(size: number, { offset = 0, length = size - offset }: JingleRange = {}): Part {
  if (offset > size || offset + length > size) {
    throw new BytestreamError('ERR_ITEM_NOT_FOUND', `the file has ${size} octets, and none from ${offset} to ${offset + length}`)
  }
  return { offset, length, isWhole: length === size }
}

/**
 * Sends a file the other side wants, or the part of it: the octets, then their hashes, and waits until the other side has
 * said that it has them.
 *
 * @see XEP-0234 §6.5, §8.1, §8.2
 */
export async function sendOver(clock: Clock, sending: Sending): Promise<Sent> {
  const { file, path, part, transfer } = sending
  try {
    const bytestream = await file.opened(transfer.signal)
    return await overBytestream(transfer, { bytestream, negotiation: 'jingle' }, async (makeFinal) => {
      try {
        const digests = await sendHashed(bytestream, sending)
        bytestream.stream.end()
        bytestream.stream.resume()
        const isConfirmed = await orAbort(confirmed(clock, file, bytestream), transfer.signal)
        makeFinal()
        const sha256 = (digests.get('sha-256') as Buffer).toString('hex')
        return { path, size: part.length, sha256, method: bytestream.method, confirmed: isConfirmed }
      } catch (thrown) {
        throwIfAborted(transfer.signal)
        const isOurs = thrown instanceof BytestreamError && thrown.code !== 'ERR_RESET'
        throw isOurs ? (file.end?.error ?? thrown) : await whatWasSaid(clock, file, thrown)
      }
    })
  } catch (thrown) {
    const error = toBytestreamError(thrown)
    file.fail(reasonOf(error))
    throw error
  } finally {
    file.settle()
  }
}

/** @returns the hashes of what was sent, once they are told */
async function sendHashed(
  bytestream: Bytestream,
  { file, source, part, hashes: told, transfer }: Sending,
): Promise<ReadonlyMap<HashAlgorithm, Buffer>> {
  const { isWhole, offset, length } = part
  const hasher = await ContentHasher.begin(new Set<HashAlgorithm>(['sha-256', ...told]))
  // A whole file that has grown is noticed by its end.
  const content = source.read(transfer.signal, isWhole ? {} : { offset, length })
  const sent = await sendContent(bytestream, hashed(content, hasher), transfer)
  if (sent !== length) {
    throw new BytestreamError(
      'ERR_INTEGRITY',
      `${transfer.name} changed while it was being sent: it had ${length} octets, and ${sent} were read`,
    )
  }
  const digests = hasher.digest()
  const hashes = told.map((algo) => ({ algo, value: digests.get(algo) as Buffer }))
  if (hashes.length > 0) {
    await file.tellChecksum(isWhole ? { hashes, hashUsed: [] } : { hashes: [], hashUsed: [], range: { offset, length, hashes } })
  }
  return digests
}

async function* hashed(content: AsyncIterable<Buffer>, hasher: ContentHasher): AsyncGenerator<Buffer, void> {
  for await (const octets of content) {
    hasher.update(octets)
    yield octets
  }
}

/**
 * Waits for the word of the receiver; the end of the bytestream is none, as either side may close it first.
 *
 * @returns `false` for one that takes everything, and says nothing
 * @throws BytestreamError what it says instead, or `ERR_RESET` when it has broken the bytestream and says nothing
 */
function confirmed(clock: Clock, file: FileContent, { totals }: Bytestream): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const isSilent = () => resolve(false)
    const isBroken = () =>
      reject(new BytestreamError('ERR_RESET', `${file.peer} broke the connection after the last octet, and does not say why`))
    const cancels = [clock.after(RECEIVER_CHECK_MS_MAX, isSilent)]
    let isOver = false
    void totals.then(({ end }) => {
      if (!isOver) cancels.push(clock.after(WORD_MS_MAX, end === 'reset' ? isBroken : isSilent))
    })
    const stop = () => {
      isOver = true
      for (const cancel of cancels) cancel()
    }
    file
      .received()
      .finally(stop)
      .then(() => resolve(true), reject)
  })
}
