import type { Duplex } from 'node:stream'
import type { Bytestream } from '../bytestreams/index.ts'
import { abortError, BytestreamError, type Clock, orAbort } from '../core/index.ts'
import type { FileSink } from './file-sink.ts'
import type { Transfer } from './transfer.ts'
import type { Negotiation } from './transfer-facts.ts'

/** Milliseconds the last octets may take to arrive and to be checked: buffers on the way hold megabytes. */
export const RECEIVER_CHECK_MS_MAX = 300_000
/** Milliseconds a sender may take to close, after we did. */
const SENDER_CLOSE_MS_MAX = 60_000
/** Milliseconds a receiver that has said that it has the file may take to close. */
const RECEIVER_CLOSE_MS_MAX = 10_000

/** Who may have broken a bytestream, seen from the sender. */
const between = { direct: 'network', proxy: 'proxy', ibb: 'server' } as const

/** What a file moves over. */
interface Moving {
  readonly bytestream: Bytestream
  readonly negotiation: Negotiation
  /** Tells the other side that, and why, the transfer is cancelled: as the bytestream breaks, and not behind reads and writes in progress. */
  readonly giveUp?: (reason: BytestreamError) => void
}

/**
 * Moves a file over a bytestream, whatever was negotiated to get there: tells that it is open, breaks it when the transfer
 * is cancelled or fails, and says how far it was.
 *
 * @param move is given what makes the outcome final: who cancels after that comes too late
 * @throws BytestreamError as `move` does, `ERR_RESET` for whatever else it throws, or the reason of the transfer's signal
 */
export async function overBytestream<T>(
  transfer: Transfer,
  { bytestream, negotiation, giveUp = () => {} }: Moving,
  move: (makeFinal: () => void) => Promise<T>,
): Promise<T> {
  const { signal, direction, size } = transfer
  const { method, streamhost, dstAddr, blockSize, peer } = bytestream
  transfer.emit('opened', { method, streamhost, dstAddr, peer, negotiation, ...(blockSize !== undefined && { blockSize }) })
  transfer.moveTo('moving')
  const onAbort = () => {
    giveUp(abortError(signal))
    bytestream.reset()
  }
  const makeFinal = () => signal.removeEventListener('abort', onAbort)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await move(makeFinal)
  } catch (thrown) {
    // A write behind the end of the stream says less than what ended it.
    const cause = thrown instanceof BytestreamError ? thrown : (bytestream.stream.errored ?? thrown)
    bytestream.reset()
    if (signal.aborted) throw abortError(signal)
    if (cause instanceof BytestreamError) throw cause
    const whose = direction === 'send' ? `: the receiver or the ${between[method]} ended it` : ''
    throw new BytestreamError('ERR_RESET', `the connection broke after ${transfer.bytes} of ${size} octets${whose}`, { cause })
  } finally {
    makeFinal()
  }
}

/**
 * Reads one buffer while the other is being written; in band, where little is on its way at once, by the block.
 *
 * @returns octets that were read, with those that were there already: not more than one buffer beyond the size of the transfer
 */
export async function sendContent({ stream, blockSize }: Bytestream, content: AsyncIterable<Buffer>, transfer: Transfer): Promise<number> {
  let bytes = transfer.bytes
  let pending: Promise<void> = Promise.resolve()
  const writeAll = async (octets: Buffer, total: number) => {
    const pieceBytes = blockSize ?? octets.length
    for (let start = 0; start < octets.length; start += pieceBytes) {
      await write(stream, octets.subarray(start, start + pieceBytes))
      transfer.update({ bytes: Math.min(total, total - octets.length + start + pieceBytes) })
    }
  }
  for await (const octets of content) {
    await pending
    bytes += octets.length
    if (bytes > transfer.size) return bytes
    pending = writeAll(octets, bytes)
    pending.catch(() => {}) // Awaited in the next turn.
  }
  await pending
  return bytes
}

function write(stream: Duplex, octets: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(octets, (error) => (error ? reject(error) : resolve()))
  })
}

/**
 * Takes what comes, until the file has all of its octets or the stream has ended.
 *
 * @param beyond what becomes of octets behind the last one that come together with it
 * @throws BytestreamError `ERR_INTEGRITY` when they are refused, as {@link FileSink.write} otherwise
 */
export async function takeContent(
  clock: Clock,
  bytestream: Bytestream,
  file: FileSink,
  transfer: Transfer,
  beyond: 'ignored' | 'refused',
): Promise<void> {
  if (file.isComplete) return
  const content = bytestream.octets?.(transfer.size - file.bytes, clock) ?? bytestream.stream.iterator({ destroyOnReturn: false })
  for await (const octets of content as AsyncIterable<Buffer>) {
    await file.write(beyond === 'ignored' ? octets.subarray(0, transfer.size - file.bytes) : octets)
    transfer.update({ bytes: file.bytes })
    if (file.isComplete) return
  }
}

/**
 * Closes on our side, and gives the other side its time to do the same. In band that takes a session, which may be over
 * as soon as the transfer is: until both sides have closed it is not. A side that is gone, as it may be already, has closed.
 */
export async function closeProperly(clock: Clock, { stream, method, totals }: Bytestream, transfer: Transfer): Promise<void> {
  stream.end()
  stream.resume()
  const msMax = transfer.direction === 'send' ? RECEIVER_CLOSE_MS_MAX : SENDER_CLOSE_MS_MAX
  void totals.then(clock.after(msMax, () => stream.destroy()))
  if (method === 'ibb') await orAbort(totals, transfer.signal).catch(() => {})
}
