import type { Bytestream } from '../../bytestreams/index.ts'
import { BytestreamError, type Clock, orAbort, throwIfAborted, toBytestreamError } from '../../core/index.ts'
import type { JingleRange } from '../../xep/index.ts'
import { closeProperly, overBytestream, RECEIVER_CHECK_MS_MAX, sendContent } from '../content.ts'
import type { FileSource } from '../file-source.ts'
import { ContentHasher, type HashAlgorithm, type OfferableAlgorithm } from '../hashes.ts'
import type { Transfer } from '../transfer.ts'
import type { Sent } from '../transfer-facts.ts'
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
  /** Octets whoever wants it has already: what is wanted up to the end of a file is the rest of one that was begun. */
  readonly kept: number
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
  /** The other side has found that what it has is not how the file begins. */
  readonly onOtherOctets?: () => void
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
  return { offset, length, isWhole: length === size, kept: offset + length === size ? offset : 0 }
}

/**
 * Sends a file the other side wants, or the part of it: the hash of what it has already, the octets, then their hashes, and waits
 * until the other side has said that it has them, and has closed, or ended the session.
 *
 * @see XEP-0234 §6.4, §6.5, §8.1, §8.2
 */
export async function sendOver(clock: Clock, sending: Sending): Promise<Sent> {
  const { file, path, part, transfer } = sending
  const size = part.kept + part.length
  transfer.update({ size })
  try {
    const [bytestream, content] = await beginToHash(sending)
    const giveUp = (reason: BytestreamError) => file.fail(reasonOf(reason))
    return await overBytestream(transfer, { bytestream, negotiation: 'jingle', giveUp }, async (makeFinal) => {
      // Who gives it up need not read on.
      void file.over().then(({ by, error }) => {
        if (by === 'peer' && error) bytestream.reset()
      })
      try {
        const sha256 = await sendHashed(bytestream, sending, content)
        bytestream.stream.end()
        bytestream.stream.resume()
        const isConfirmed = await orAbort(confirmed(clock, file, bytestream), transfer.signal)
        makeFinal()
        // COMPAT(Dino): it ends the session behind the last octet, and does not close.
        await Promise.race([closeProperly(clock, bytestream, transfer), file.over()])
        return { path, size, sha256, method: bytestream.method, confirmed: isConfirmed }
      } catch (thrown) {
        throwIfAborted(transfer.signal)
        const isOurs = thrown instanceof BytestreamError && thrown.code !== 'ERR_RESET'
        throw isOurs ? (file.end?.error ?? thrown) : await whatWasSaid(clock, file, thrown)
      }
    })
  } catch (thrown) {
    const error = rightly(sending, toBytestreamError(thrown))
    file.fail(reasonOf(error))
    throw error
  } finally {
    file.settle()
  }
}

/** Content that is wrong before all of it is there was not what we have sent: where the rest was wanted, it is what was there before. */
function rightly({ file, part, transfer, onOtherOctets = () => {} }: Sending, error: BytestreamError): BytestreamError {
  const isWrong = file.end?.by === 'peer' && error.code === 'ERR_INTEGRITY'
  if (!isWrong || (part.kept === 0 && transfer.bytes === transfer.size)) return error
  onOtherOctets()
  return new BytestreamError('ERR_RESET', error.message, { cause: error })
}

/** The hashes of what is sent; of the rest of a file, those of the whole as well. */
interface Hashing {
  readonly whole: ContentHasher
  readonly rest: ContentHasher | undefined
}

/**
 * Waits for the bytestream. Of what the other side has already it is told the hash meanwhile, before the first octet that follows.
 *
 * @see XEP-0234 §8.1
 */
async function beginToHash({ file, source, part: { kept }, hashes: told, transfer }: Sending): Promise<[Bytestream, Hashing]> {
  const { signal } = transfer
  const algorithms = new Set<HashAlgorithm>(['sha-256', ...told])
  if (kept === 0) return [await file.opened(signal), { whole: await ContentHasher.begin(algorithms), rest: undefined }]
  const failing = new AbortController()
  const tellPrefix = async () => {
    const whole = await source.hashBeginning(algorithms, kept, AbortSignal.any([signal, failing.signal]))
    const hashes = listOf(await whole.digestSoFar(), algorithms)
    await file.tellChecksum({ hashes: [], hashUsed: [], range: { offset: 0, length: kept, hashes } })
    return whole
  }
  try {
    const [bytestream, rest, whole] = await Promise.all([file.opened(signal), ContentHasher.begin(told), tellPrefix()])
    return [bytestream, { whole, rest }]
  } finally {
    failing.abort()
  }
}

/** @returns the SHA-256 of what was sent, once the hashes are told; of the rest of a file, that of the whole */
async function sendHashed(
  bytestream: Bytestream,
  { file, source, part, hashes: told, transfer }: Sending,
  { whole, rest }: Hashing,
): Promise<string> {
  const { isWhole, offset, length, kept } = part
  // A file that has grown is noticed by its end.
  const content = source.read(transfer.signal, { offset, ...(!isWhole && kept === 0 && { length }) })
  const sent = await sendContent(bytestream, hashed(content, rest ? [whole, rest] : [whole]), transfer)
  if (sent !== kept + length) {
    throw new BytestreamError(
      'ERR_INTEGRITY',
      `${transfer.name} changed while it was being sent: it had ${kept + length} octets, and ${sent} were read`,
    )
  }
  const digests = whole.digest()
  const hashes = listOf(digests, told)
  const ofPart = rest ? listOf(rest.digest(), told) : hashes
  const isAll = isWhole || kept > 0
  if (told.length > 0) {
    await file.tellChecksum({
      ...{ hashes: isAll ? hashes : [], hashUsed: [] },
      ...(!isWhole && { range: { offset, length, hashes: ofPart } }),
    })
  }
  return (digests.get('sha-256') as Buffer).toString('hex')
}

const listOf = (digests: ReadonlyMap<HashAlgorithm, Buffer>, algorithms: Iterable<HashAlgorithm>) =>
  [...algorithms].map((algo) => ({ algo, value: digests.get(algo) as Buffer }))

/** A content, hashed while it passes. */
export async function* hashed(content: AsyncIterable<Buffer>, hashers: readonly ContentHasher[]): AsyncGenerator<Buffer, void> {
  for await (const octets of content) {
    for (const hasher of hashers) hasher.update(octets)
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
