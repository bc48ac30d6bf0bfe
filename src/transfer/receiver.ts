import { EventEmitter, on } from 'node:events'
import {
  type Bytestream,
  type ExpectedMethods,
  expectStream,
  type IncomingOffer,
  type StreamTargets,
  type Timings,
} from '../bytestreams/index.ts'
import { BytestreamError, bareJid, type Clock, formatBytes, orAbort, prepareJid, startDeadline } from '../core/index.ts'
import { type Hash, NS, parseSiFile, type SiFile } from '../xep/index.ts'
import { overBytestream, takeContent } from './content.ts'
import { toSafeFileName } from './file-name.ts'
import { FileSink } from './file-sink.ts'
import { type Sent, Transfer } from './transfer.ts'

/** A file somebody offers. Name, size and the rest are what the sender says. */
export interface FileOffer {
  /** Full JID. */
  readonly from: string
  /** Safe to create in a folder. */
  readonly name: string
  /** Octets. */
  readonly size: number
  readonly mimeType: string | undefined
  readonly description: string | undefined
}

export interface ReceiveInit {
  /** The folder files are stored in; made if it is not there. */
  readonly into: string
  /** Who may send: bare JIDs, or full ones for a single resource. Nothing is accepted from others. */
  readonly from: readonly string[]
  /** Asked for each file of somebody who may send; `false` declines. */
  readonly mayAccept?: (offer: FileOffer) => boolean | Promise<boolean>
  /** Octets of one file. Default: unlimited. */
  readonly fileBytesMax?: number
  /** Files being received at once; more are refused for the time being. Default 20. */
  readonly transfersMax?: number
  readonly timings?: Partial<Timings>
}

const TRANSFERS_MAX = 20
/** Milliseconds `mayAccept` has. */
const ANSWER_MS_MAX = 80_000
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
  readonly #from: ReadonlySet<string>
  readonly #running = new Set<Transfer>()
  /** Sender and id of every offer that is being decided about or under way. */
  readonly #offers = new Set<string>()
  readonly #stopping = new AbortController()

  /**
   * @throws BytestreamError `ERR_JID_MALFORMED` for one of `from`
   * @internal
   */
  constructor(targets: StreamTargets, clock: Clock, init: ReceiveInit) {
    super()
    this.#targets = targets
    this.#clock = clock
    this.#init = init
    this.#from = new Set(init.from.map(prepareJid))
  }

  /** The transfers that are under way. */
  get running(): ReadonlySet<Transfer> {
    return this.#running
  }

  /** Who may send, prepared. */
  get expected(): readonly string[] {
    return [...this.#from]
  }

  isExpected(from: string): boolean {
    return this.#from.has(from) || this.#from.has(bareJid(from))
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
   * @throws BytestreamError `ERR_DECLINED`, `ERR_NO_VALID_STREAMS`, `ERR_BAD_PROFILE`, `ERR_FILE_NAME`, `ERR_DISK_SPACE`, `ERR_LIMIT_WAITING`
   * @internal
   */
  async decide(offer: IncomingOffer): Promise<string> {
    const key = `${offer.from}\n${offer.id}`
    const isRepeated = this.#offers.has(key)
    const forget = () => void this.#offers.delete(key)
    try {
      if (isRepeated) throw new BytestreamError('ERR_BAD_REQUEST', 'this stream was offered before')
      this.#offers.add(key)
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
    const { mayAccept, fileBytesMax = Number.POSITIVE_INFINITY, transfersMax = TRANSFERS_MAX, into } = this.#init
    if (this.#stopping.signal.aborted || !this.isExpected(from)) throw new BytestreamError('ERR_DECLINED', 'Offer Declined')
    const file = parseSiFile(payload)
    const expected = expectedMethods(methods)
    if (this.#offers.size > transfersMax || this.#offersOf(from) > this.#share(transfersMax))
      throw new BytestreamError('ERR_LIMIT_WAITING', `${transfersMax} files are being received already`)
    if (file.size > fileBytesMax) throw new BytestreamError('ERR_DECLINED', `files of at most ${formatBytes(fileBytesMax)} are accepted`)
    const name = toSafeFileName(file.name)
    if (mayAccept && !(await this.#ask(mayAccept, { from, name, size: file.size, mimeType, description: file.description }))) {
      throw new BytestreamError('ERR_DECLINED', 'Offer Declined')
    }
    const sink = await FileSink.create(into, { name, size: file.size, hashes: hashesOf(file) })
    const transfer = new Transfer(
      this.#clock,
      { direction: 'receive', peer: from, name },
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

  #offersOf(from: string): number {
    const bare = bareJid(from)
    return [...this.#offers].filter((offer) => bareJid(offer) === bare).length
  }

  /** One of several senders cannot take every place. */
  #share(transfersMax: number): number {
    return this.#from.size > 1 ? Math.ceil(transfersMax / 2) : transfersMax
  }

  /** A sender does not wait longer than this for an answer. */
  async #ask(mayAccept: NonNullable<ReceiveInit['mayAccept']>, offer: FileOffer): Promise<boolean> {
    using deadline = startDeadline(this.#clock, ANSWER_MS_MAX, 'ERR_DECLINED', 'nobody decided in time', this.#stopping.signal)
    return await orAbort(Promise.resolve(mayAccept(offer)), deadline.signal)
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
