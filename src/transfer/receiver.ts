import { EventEmitter, on } from 'node:events'
import {
  type Bytestream,
  type ExpectedMethods,
  expectStream,
  type IncomingOffer,
  type StreamTargets,
  type Timings,
} from '../bytestreams/index.ts'
import { BytestreamError, type Clock, orAbort } from '../core/index.ts'
import { type Hash, NS, parseSiFile, type SiFile } from '../xep/index.ts'
import { Acceptance, type AcceptanceInit } from './acceptance.ts'
import { overBytestream, takeContent } from './content.ts'
import type { FileSink } from './file-sink.ts'
import { type Sent, Transfer } from './transfer.ts'

export interface ReceiveInit extends AcceptanceInit {
  readonly timings?: Partial<Timings>
}

/** Milliseconds a sender may take to close, after we did. */
const CLOSE_MS_MAX = 60_000

/** Facts. */
export interface ReceiverEvents {
  /** A file was accepted. */
  transfer: [transfer: Transfer]
  /** An offer was declined; the error says why. */
  declined: [facts: { from: string; error: BytestreamError }]
  /** Nothing is accepted any more. */
  stopped: []
}

/** Accepts files into a folder, until it is stopped. Iterating over it gives each transfer as it begins. */
export class Receiver extends EventEmitter<ReceiverEvents> {
  readonly #targets: StreamTargets
  readonly #clock: Clock
  readonly #init: ReceiveInit
  readonly #acceptance: Acceptance
  readonly #running = new Set<Transfer>()
  /** The session of every offer that is being decided about or under way, by sender and id. */
  readonly #offers = new Map<string, Disposable>()
  readonly #stopping = new AbortController()

  /**
   * @throws BytestreamError `ERR_JID_MALFORMED` for one of `from`; TypeError for a blocked hash that is none
   * @internal
   */
  constructor(targets: StreamTargets, clock: Clock, init: ReceiveInit) {
    super()
    this.#targets = targets
    this.#clock = clock
    this.#init = init
    this.#acceptance = new Acceptance({ clock }, init, this.#stopping.signal)
  }

  /** The transfers that are under way. */
  get running(): ReadonlySet<Transfer> {
    return this.#running
  }

  /** Who may send, prepared. */
  get expected(): readonly string[] {
    return this.#acceptance.senders
  }

  isExpected(from: string): boolean {
    return this.#acceptance.isExpected(from)
  }

  /** Accepts nothing more, and cancels what is under way. */
  stop(): void {
    if (this.isStopped) return
    this.#stopping.abort()
    for (const transfer of this.#running) transfer.cancel()
    this.emit('stopped')
  }

  get isStopped(): boolean {
    return this.#stopping.signal.aborted
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Transfer, void> {
    try {
      for await (const [transfer] of on(this, 'transfer', { signal: this.#stopping.signal })) yield transfer as Transfer
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error
    }
  }

  /**
   * Decides about an offer, and begins to wait for its bytestream.
   *
   * @returns the stream method chosen
   * @throws BytestreamError `ERR_DECLINED`, `ERR_NO_VALID_STREAMS`, `ERR_BAD_PROFILE`, and as
   *   {@link Acceptance.accept}
   * @internal
   */
  async decide(offer: IncomingOffer): Promise<string> {
    const key = `${offer.from}\n${offer.id}`
    const isRepeated = this.#offers.has(key)
    const forget = () => {
      this.#offers.get(key)?.[Symbol.dispose]()
      this.#offers.delete(key)
    }
    try {
      if (isRepeated) throw new BytestreamError('ERR_BAD_REQUEST', 'this stream was offered before')
      this.#offers.set(key, this.#acceptance.admitSession(offer.from))
      const transfer = await this.#accept(offer)
      transfer.once('done', forget).once('failed', forget)
      return offer.methods.includes(NS.bytestreams) ? NS.bytestreams : NS.inBand
    } catch (thrown) {
      if (!isRepeated) forget()
      const error =
        thrown instanceof BytestreamError
          ? thrown
          : new BytestreamError('ERR_INTERNAL', 'deciding about the offer failed', { cause: thrown })
      this.emit('declined', { from: offer.from, error })
      throw tellable(error)
    }
  }

  async #accept({ from, id, payload, mimeType, methods }: IncomingOffer): Promise<Transfer> {
    const file = parseSiFile(payload)
    const expected = expectedMethods(methods)
    const { name, size, description } = file
    const sink = await this.#acceptance.accept({ from, name, size, mimeType, description, hashes: hashesOf(file) })
    const transfer = new Transfer(
      this.#clock,
      { direction: 'receive', peer: from, name: sink.name },
      (self) => this.#receive(self, sink, { from, sid: id, expected }),
      this.#stopping.signal,
    )
    transfer.update({ size: file.size })
    this.#running.add(transfer)
    const forget = () => this.#running.delete(transfer)
    transfer.once('done', forget).once('failed', forget)
    this.emit('transfer', transfer)
    return transfer
  }

  async #receive(
    transfer: Transfer,
    sink: FileSink,
    { from, sid, expected }: { from: string; sid: string; expected: ExpectedMethods },
  ): Promise<Sent> {
    await using file = sink
    const { signal } = transfer
    transfer.moveTo('negotiating')
    const { timings } = this.#init
    const init = { from, sid, mayBeEmpty: transfer.size === 0, signal, ...(timings && { timings }) }
    const bytestream = await expectStream(this.#targets, expected, init)
    return await overBytestream(transfer, { bytestream, negotiation: 'si' }, async (makeFinal) => {
      await takeContent(bytestream, file, transfer)
      const stored = await file.store()
      makeFinal() // Who gives up now does not take the file back.
      await this.#close(bytestream, signal)
      return { ...stored, method: bytestream.method, confirmed: true }
    })
  }

  /**
   * Closing properly tells the sender that all is well: see finish() in offer-by-si.ts. In band that takes a session, which may
   * be over as soon as the transfer is: until both sides have closed it is not.
   */
  async #close({ stream, method, totals }: Bytestream, signal: AbortSignal): Promise<void> {
    stream.end()
    stream.resume()
    stream.once(
      'close',
      this.#clock.after(CLOSE_MS_MAX, () => stream.destroy()),
    )
    if (method === 'ibb') await orAbort(totals, signal).catch(() => {})
  }
}

/**
 * SOCKS5 where it is offered; in band where that is all there is, or as well, for when no streamhost works.
 *
 * @throws BytestreamError `ERR_NO_VALID_STREAMS` (XEP-0095 §3.2)
 */
function expectedMethods(methods: readonly string[]): ExpectedMethods {
  const isInBand = methods.includes(NS.inBand)
  if (methods.includes(NS.bytestreams)) return isInBand ? 'either' : 'socks5'
  if (isInBand) return 'inBand'
  throw new BytestreamError('ERR_NO_VALID_STREAMS', 'only SOCKS5 and in-band bytestreams are supported')
}

/** XEP-0096 §3 knows MD5 alone. */
function hashesOf({ hashes = [], md5 }: SiFile): readonly Hash[] {
  return md5 === undefined ? hashes : [...hashes, { algo: 'md5', value: Buffer.from(md5, 'hex') }]
}

/** What a sender may hear: nothing about our folders and disks. */
function tellable(error: BytestreamError): BytestreamError {
  if (error.code === 'ERR_FILE' || error.code === 'ERR_INTERNAL') return new BytestreamError('ERR_DECLINED', 'the file cannot be stored')
  if (error.code === 'ERR_DISK_SPACE') return new BytestreamError('ERR_DISK_SPACE', 'there is no room for the file')
  return error
}
