import { BytestreamError, type Clock, startDeadline, throwIfAborted, toBytestreamError } from '../../core/index.ts'
import type { Hash } from '../../xep/index.ts'
import { closeProperly, overBytestream, takeContent } from '../content.ts'
import type { FileSink } from '../file-sink.ts'
import { pickAlgorithm } from '../hashes.ts'
import { leaveOff, takeUp } from '../take-up.ts'
import type { Transfer } from '../transfer.ts'
import type { Sent } from '../transfer-facts.ts'
import type { FileContent } from './file-content.ts'
import { reasonOf } from './reasons.ts'
import { whatWasSaid } from './what-was-said.ts'

/** Milliseconds a sender has to tell the hash it has announced, after the last octet. */
const CHECKSUM_MS_MAX = 30_000

/** A file that comes, and where it goes. */
export interface Taking {
  readonly file: FileContent
  readonly sink: FileSink
  /** Names of the hashes the sender has announced without their values. */
  readonly hashUsed: readonly string[]
  readonly transfer: Transfer
}

/**
 * Receives a file: the octets, then the hash where it was announced, and says that it is there.
 *
 * @see XEP-0234 §6.5, §8.1, §8.2
 */
export async function takeOver(clock: Clock, { file, sink, hashUsed, transfer }: Taking): Promise<Sent> {
  await using part = sink
  const { signal } = transfer
  try {
    part.expectPrefix(() => file.prefix)
    const begin = takeUp(part, transfer)
    const bytestream = await file.opened(signal)
    const giveUp = (reason: BytestreamError) => file.fail(reasonOf(reason))
    return await overBytestream(transfer, { bytestream, negotiation: 'jingle', giveUp }, async (makeFinal) => {
      let hasEnded = false
      try {
        await begin()
        await takeContent(clock, bytestream, part, transfer, 'refused')
        hasEnded = !part.isComplete
        if (part.isComplete && (pickAlgorithm(hashUsed) || file.hasChecksum)) part.expect(await checksum(clock, file, signal, part.offset))
        // XEP-0234 §9.2
        if (bytestream.stream.readableLength > 0) await part.write(bytestream.stream.read() as Buffer)
        throwIfAborted(signal)
        makeFinal() // Who gives up from now on does not take the file back.
        const stored = await part.store()
        await file.acknowledge()
        file.settle()
        await closeProperly(clock, bytestream, transfer)
        return { ...stored, method: bytestream.method, confirmed: true }
      } catch (thrown) {
        throwIfAborted(signal)
        const isOurs = !hasEnded && thrown instanceof BytestreamError && thrown.code !== 'ERR_RESET'
        const error = isOurs ? (file.end?.error ?? thrown) : await whatWasSaid(clock, file, thrown)
        // As the bytestream is broken, and not later: whoever sends should hear why.
        if (error instanceof BytestreamError) file.fail(reasonOf(error))
        throw error
      }
    })
  } catch (thrown) {
    const error = toBytestreamError(thrown)
    file.fail(reasonOf(error))
    await leaveOff(part, transfer, error)
    throw error
  } finally {
    file.settle()
  }
}

/**
 * @param offset octets that did not come: a hash of the others says nothing of the whole file
 * @throws BytestreamError `ERR_INTEGRITY` when it does not come: what was announced is part of what was offered
 */
async function checksum(clock: Clock, file: FileContent, signal: AbortSignal, offset: number): Promise<readonly Hash[]> {
  const message = `${file.peer} has announced a hash, and has not told it`
  using deadline = startDeadline(clock, CHECKSUM_MS_MAX, 'ERR_INTEGRITY', message, signal)
  try {
    const { hashes, range } = await file.checksum(deadline.signal)
    return offset > 0 ? hashes : (range?.hashes ?? hashes)
  } catch (thrown) {
    if (file.end && !file.end.error) throw new BytestreamError('ERR_INTEGRITY', message, { cause: thrown })
    throw thrown
  }
}
