import { BytestreamError, StanzaError, startDeadline } from '../../core/index.ts'
import { BLOCK_SIZE_LARGEST, buildInBandOpen } from '../../xep/index.ts'
import type { Bytestream } from '../bytestream.ts'
import { defaultTimings, type Timings } from '../timings.ts'
import { type InBandComponents, InBandStreams, inBandBytestream } from './in-band-streams.ts'

/** XEP-0047 §5 recommends it. */
export const BLOCK_SIZE = 4096
/** Octets below which a block is not made smaller: there would be more stanza than content. */
const BLOCK_SIZE_MIN = 256

export interface AnnouncingComponents extends InBandComponents {
  /** Sends somebody our presence, as all others get it: whatever came last is what counts there. */
  readonly announce: (to: string) => void
}

export interface InBandInit {
  /** Full JID of the other end. */
  readonly to: string
  readonly sid: string
  /** Octets of content of one stanza, 1 to 65,535; halved, down to 256, while the other end asks for less. Default 4,096. */
  readonly blockSize?: number
  readonly timings?: Partial<Timings> | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens an in-band bytestream, as it was negotiated before.
 *
 * @throws BytestreamError `ERR_CONFIG` for another block size, `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_SESSION_CLOSED`,
 *   `ERR_LIMIT_WAITING`, `ERR_BAD_REQUEST` when it is open already; StanzaError as the other end refused
 * @see XEP-0047 §2.1
 */
export async function openInBand(components: InBandComponents, init: InBandInit): Promise<Bytestream> {
  const { session, clock } = components
  const { to, sid, signal, blockSize: wanted = BLOCK_SIZE } = init
  const { overallMsMax, answerMsMax } = { ...defaultTimings, ...init.timings }
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > BLOCK_SIZE_LARGEST)
    throw new BytestreamError('ERR_CONFIG', `a block has 1 to ${BLOCK_SIZE_LARGEST} octets (XEP-0047 §2.1)`)
  const streams = InBandStreams.of(components)
  const message = `${to} opened no bytestream within ${overallMsMax / 1000} s`
  using deadline = startDeadline(clock, overallMsMax, 'ERR_TIMEOUT', message, signal)
  for (let blockSize = wanted; ; blockSize = Math.max(BLOCK_SIZE_MIN, Math.floor(blockSize / 2))) {
    // Before the answer, as the first block may come right behind it.
    const stream = streams.add({ peer: to, sid }, blockSize)
    try {
      const payload = buildInBandOpen({ sid, blockSize })
      await session.request({ type: 'set', to, payload }, { answerMsMax, signal: deadline.signal })
      if (stream.destroyed) throw new BytestreamError('ERR_RESET', `${to} broke the bytestream when it was opened`)
      return inBandBytestream(stream, { peer: to, sid })
    } catch (thrown) {
      if (!(thrown instanceof StanzaError)) {
        stream.reset() // The other end may have opened it.
        throw thrown
      }
      stream.lose(thrown)
      if (thrown.condition !== 'resource-constraint' || blockSize <= BLOCK_SIZE_MIN) throw thrown
    }
  }
}

/**
 * The same, after the other end got our presence: whoever has that is told by our server when we are gone, as no connection
 * breaks that would tell it.
 */
export function announceAndOpenInBand(components: AnnouncingComponents, init: InBandInit): Promise<Bytestream> {
  components.announce(init.to)
  return openInBand(components, init)
}
