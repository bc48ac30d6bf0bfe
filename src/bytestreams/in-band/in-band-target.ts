import { BytestreamError, type Clock, orAbort, startDeadline, tryPrepareJid } from '../../core/index.ts'
import { BLOCK_SIZE_LARGEST, type InBandOpen, NS } from '../../xep/index.ts'
import type { Bytestream } from '../bytestream.ts'
import { defaultTimings, type Timings } from '../timings.ts'
import { type InBandComponents, InBandStreams, inBandBytestream } from './in-band-streams.ts'

/** In-band bytestreams that are waited for at once. */
const EXPECTED_MAX = 1_000

export interface InBandExpectInit {
  /** The full JID that has to open it. */
  readonly from: string
  readonly sid: string
  /** Octets of content of one stanza that are accepted; whoever wants more is asked for less. Default 65,535. */
  readonly blockSizeMax?: number
  readonly timings?: Partial<Timings> | undefined
  readonly signal?: AbortSignal | undefined
}

interface Expected {
  readonly blockSizeMax: number
  readonly open: (bytestream: Bytestream) => void
}

/**
 * The responder's side of in-band bytestreams: lets those be opened that were announced by another negotiation. Any
 * other is not acceptable.
 *
 * @see XEP-0047 §2.1
 */
export class InBandTarget {
  readonly #streams: InBandStreams
  readonly #clock: Clock
  readonly #expected = new Map<string, Expected>()

  constructor(components: InBandComponents) {
    this.#clock = components.clock
    this.#streams = InBandStreams.of(components)
    if (this.#streams.onOpen) throw new TypeError('two targets of in-band bytestreams for one session')
    this.#streams.onOpen = (from, open) => this.#answer(from, open)
  }

  /**
   * Waits for a bytestream.
   *
   * @throws BytestreamError `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_LIMIT_WAITING`, `ERR_BAD_REQUEST` when it is expected already
   */
  async expect({ from, sid, blockSizeMax = BLOCK_SIZE_LARGEST, timings, signal }: InBandExpectInit): Promise<Bytestream> {
    const { overallMsMax } = { ...defaultTimings, ...timings }
    const key = keyOf(from, sid)
    if (this.#expected.has(key)) throw new BytestreamError('ERR_BAD_REQUEST', `a bytestream with the sid ${sid} is expected already`)
    if (this.#expected.size >= EXPECTED_MAX)
      throw new BytestreamError('ERR_LIMIT_WAITING', `${EXPECTED_MAX} in-band bytestreams are being waited for`)
    const message = `${from} opened no bytestream within ${overallMsMax / 1000} s`
    using deadline = startDeadline(this.#clock, overallMsMax, 'ERR_TIMEOUT', message, signal)
    const opened = new Promise<Bytestream>((open) => this.#expected.set(key, { blockSizeMax, open }))
    try {
      return await orAbort(opened, deadline.signal)
    } catch (error) {
      void opened.then((late) => late.reset()) // Opened in the moment of the abort.
      throw error
    } finally {
      this.#expected.delete(key)
    }
  }

  #answer(from: string, { sid, blockSize, stanza }: InBandOpen): void {
    const key = keyOf(from, sid)
    const expected = this.#expected.get(key)
    if (!expected) throw new BytestreamError('ERR_IN_BAND_REFUSED', 'no bytestream of that sid was negotiated')
    if (stanza === 'message') throw new BytestreamError('ERR_IN_BAND_REFUSED', 'blocks have to come in IQ stanzas')
    if (blockSize > expected.blockSizeMax)
      throw new BytestreamError('ERR_IN_BAND_BLOCK_SIZE', `blocks of at most ${expected.blockSizeMax} octets, please`)
    const bytestream = inBandBytestream(this.#streams.add({ peer: from, sid }, blockSize), { peer: from, sid })
    this.#expected.delete(key)
    // Behind the answer to the open: nothing may be said before it.
    setImmediate(() => expected.open(bytestream))
  }
}

const keyOf = (from: string, sid: string) => `${tryPrepareJid(from)}\n${sid}`

/** What an entity that takes in-band bytestreams shows in service discovery. */
export const inBandPart = { identities: [], features: [NS.inBand] } as const
