import { randomUUID } from 'node:crypto'
import { BytestreamError, orAbort } from '../../core/index.ts'
import { BLOCK_SIZE_LARGEST, type JingleInBand, type JingleTransport } from '../../xep/index.ts'
import type { Bytestream } from '../bytestream.ts'
import type { InBandTarget } from '../in-band/in-band-target.ts'
import { type AnnouncingComponents, announceAndOpenInBand, BLOCK_SIZE } from '../in-band/open-in-band.ts'
import type { Timings } from '../timings.ts'
import type { TransportSide } from './transport-link.ts'

export interface InBandTransportComponents extends AnnouncingComponents {
  /** Lets those in that the other side opens. */
  readonly inBand: InBandTarget
}

export interface InBandTransportInit {
  /** Octets of a block: what we offer, and the most we accept. Default: 4,096, and whatever is offered. */
  readonly blockSize?: number | undefined
  readonly timings?: Partial<Timings> | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * An in-band bytestream as the transport of a content. Whoever has offered it opens it, with the block size the other side
 * was content with.
 *
 * @see XEP-0261 §2.2
 */
export class InBandTransport implements TransportSide {
  readonly description: JingleInBand
  readonly opened: Promise<Bytestream>
  readonly #closing = new AbortController()
  #bytestream: Bytestream | undefined
  /** Begins to open it; where the other side opens it, nothing. */
  #open: (theirs: JingleTransport) => void = () => {}

  private constructor(
    description: JingleInBand,
    signal: AbortSignal | undefined,
    open: (side: InBandTransport, signal: AbortSignal) => Promise<Bytestream>,
  ) {
    this.description = description
    const closing = this.#closing.signal
    this.opened = open(this, signal ? AbortSignal.any([signal, closing]) : closing).then((bytestream) => {
      this.#bytestream = bytestream
      return bytestream
    })
    this.opened.catch(() => {}) // Looked at by those who wait for it.
  }

  /** Offers one, which we open when it was accepted. */
  static offer(components: InBandTransportComponents, peer: string, init: InBandTransportInit): InBandTransport {
    const { blockSize = BLOCK_SIZE, timings = {} } = init
    const sid = randomUUID()
    return new InBandTransport({ kind: 'inBand', sid, blockSize }, init.signal, async (side, signal) => {
      const accepted = new Promise<JingleTransport>((resolve) => {
        side.#open = resolve
      })
      const theirs = await orAbort(accepted, signal)
      if (theirs.kind !== 'inBand' || theirs.sid !== sid)
        throw new BytestreamError('ERR_NO_VALID_STREAMS', `${peer} accepted another transport than was offered`)
      const negotiated = Math.min(blockSize, theirs.blockSize)
      return announceAndOpenInBand(components, { to: peer, sid, blockSize: negotiated, timings, signal })
    })
  }

  /** Accepts what the other side has offered, and opens. */
  static accept({ inBand }: InBandTransportComponents, from: string, offered: JingleInBand, init: InBandTransportInit): InBandTransport {
    const { blockSize: blockSizeMax = BLOCK_SIZE_LARGEST, timings = {} } = init
    const { sid } = offered
    const blockSize = Math.min(offered.blockSize, blockSizeMax)
    return new InBandTransport({ kind: 'inBand', sid, blockSize }, init.signal, (_, signal) =>
      inBand.expect({ from, sid, blockSizeMax: blockSize, timings, signal }),
    )
  }

  begin(theirs: JingleTransport): void {
    this.#open(theirs)
  }

  /** XEP-0261 §2.4, further bytestreams beside the first: nobody is known to use it. */
  receiveInfo(): void {
    throw new BytestreamError('ERR_JINGLE_UNSUPPORTED_INFO', 'an in-band bytestream has nothing to tell')
  }

  async receiveReplace(): Promise<JingleTransport> {
    throw new BytestreamError('ERR_NO_VALID_STREAMS', 'there is no other transport than in band')
  }

  close(error?: Error): void {
    if (!this.#bytestream) this.#closing.abort(error ?? new BytestreamError('ERR_ABORTED', 'the bytestream is not wanted any more'))
    else if (error) this.#bytestream.reset()
  }
}
