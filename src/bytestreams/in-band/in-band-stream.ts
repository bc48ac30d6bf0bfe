import { Duplex } from 'node:stream'
import { BytestreamError, type Clock, StanzaError } from '../../core/index.ts'
import { SEQUENCE_NUMBERS } from '../../xep/index.ts'
import { AnswerWindow } from './answer-window.ts'

/** Octets that are received, answered and not yet read; with more, answers are withheld until the reader takes some. */
const ANSWERED_BYTES_MAX = 64 * 1024
/** Octets that are received and not yet read: a peer that does not wait for answers is cut off here. */
const UNREAD_BYTES_MAX = 1024 * 1024
/** Answers that are withheld at once, for the same reason. */
const WITHHELD_MAX = 1_024
/** Milliseconds the peer may leave everything unanswered; each answer, and each block that comes, begins them anew. */
const SILENCE_MS_MAX = 300_000
/** Milliseconds the peer has to answer the closing of a bytestream that was broken off. */
const LINGER_MS_MAX = 30_000

/** Milliseconds after which a close that has no answer is sent once more. */
const CLOSE_AGAIN_MS = 5_000
/** Closes of the peer that wait for their answer. */
const CLOSES_MAX = 2

const NOTHING = Buffer.alloc(0)

/** How one end speaks to the other. Both promises settle with the peer's answer, or reject when there will be none. */
export interface InBandWire {
  sendBlock(seq: number, octets: Buffer): Promise<unknown>
  sendClose(): Promise<unknown>
}

export interface InBandStreamInit {
  /** Octets of a block at most, in both directions. */
  readonly blockSize: number
  readonly wire: InBandWire
  /** Called once, when neither side has anything more to say or to answer. */
  readonly onOver?: () => void
}

interface Answer {
  readonly give: () => void
  readonly refuse: (error: BytestreamError) => void
}

const brokenOff = () => new BytestreamError('ERR_IN_BAND_REFUSED', 'the bytestream was broken off')
const unknown = () => new BytestreamError('ERR_BYTESTREAM_UNKNOWN', 'no such bytestream is open')

/**
 * One end of an in-band bytestream: blocks, their numbers and their answers, without the stanzas that carry them.
 *
 * An answer says that the reader has the octets, or nearly: while more than 64 KiB are unread they are withheld, so that
 * the peer's window becomes our back-pressure. Ours is a window of blocks without an answer ({@link AnswerWindow}).
 *
 * Each direction ends by itself. `end()` waits until every block is answered, and then sends a close; the answer to that
 * comes when the peer has ended, too, and only then the writing is finished. Where the peer closes first, its close is
 * answered when we have ended as well; whoever has sent octets closes itself before that, as the answer tells whether the
 * peer was content with them: one that has broken off refuses it. For the same reason a reader that has ended its own
 * direction hears of the end of the other only then.
 *
 * What goes wrong destroys the stream, and closes it towards the peer.
 *
 * @see XEP-0047 §2.2, §2.3, §3
 */
export class InBandStream extends Duplex {
  readonly blockSize: number
  readonly #clock: Clock
  readonly #wire: InBandWire
  readonly #onOver: () => void
  readonly #window: AnswerWindow
  readonly #bytes = { sent: 0, received: 0 }
  /** The numbers of the next blocks. */
  readonly #next = { sent: 0, received: 0 }
  /** What is left of the write that is under way, and whom to tell when it has left. */
  #unsent: Buffer = NOTHING
  #onSent: ((error?: Error) => void) | undefined
  #onFinal: ((error?: Error) => void) | undefined
  #outstanding = 0
  readonly #withheld: Answer[] = []
  /** Those of the peer that wait for their answer: it may have asked twice. */
  readonly #peerCloses: Answer[] = []
  #hasPeerClosed = false
  #hasEnded = false
  /** Our close is on its way. */
  #isClosing = false
  /** Nothing goes over the wire any more. */
  #isOver = false
  #isReset = false
  #stopWatch: (() => void) | undefined
  #stopAsking = () => {}
  #progressMs = 0

  constructor(clock: Clock, { blockSize, wire, onOver = () => {} }: InBandStreamInit) {
    super({ readableHighWaterMark: ANSWERED_BYTES_MAX, writableHighWaterMark: ANSWERED_BYTES_MAX })
    this.blockSize = blockSize
    this.#clock = clock
    this.#wire = wire
    this.#onOver = onOver
    this.#window = new AnswerWindow(blockSize)
  }

  /** Octets that were received, and those of ours the peer has confirmed. */
  get bytes(): { readonly sent: number; readonly received: number } {
    return this.#bytes
  }

  /** Whether it was broken off, by whichever side, instead of closed by both. */
  get isReset(): boolean {
    return this.#isReset
  }

  /**
   * Takes a block of the peer.
   *
   * @returns when to answer it
   * @throws BytestreamError what to answer instead; the bytestream is broken off
   * @see XEP-0047 §2.2
   */
  async receiveBlock(seq: number, octets: Buffer): Promise<void> {
    if (this.destroyed || this.#isOver) throw unknown()
    if (this.#hasPeerClosed) throw this.#fail(unknown())
    if (seq !== this.#next.received)
      throw this.#fail(new BytestreamError('ERR_IN_BAND_SEQUENCE', `block ${seq} came where ${this.#next.received} was due`))
    if (octets.length > this.blockSize)
      throw this.#fail(new BytestreamError('ERR_IN_BAND_DATA', `a block has more than ${this.blockSize} octets`))
    if (this.readableLength + octets.length > UNREAD_BYTES_MAX || this.#withheld.length >= WITHHELD_MAX)
      throw this.#fail(new BytestreamError('ERR_LIMIT_READ_AHEAD', 'blocks come without waiting for answers, and too many are unread'))
    this.#next.received = (seq + 1) % SEQUENCE_NUMBERS
    this.#bytes.received += octets.length
    this.#progressMs = this.#clock.now()
    if (octets.length === 0 || this.push(octets)) return undefined
    return new Promise<void>((give, refuse) => this.#withheld.push({ give, refuse }))
  }

  /**
   * Takes the peer's close.
   *
   * @returns when to answer it
   * @throws BytestreamError what to answer instead
   * @see XEP-0047 §2.3
   */
  async receiveClose(): Promise<void> {
    if (this.#peerCloses.length >= CLOSES_MAX) throw this.#fail(unknown())
    this.#hasPeerClosed = true
    if (this.destroyed) {
      if (this.#isReset) throw brokenOff()
      return undefined
    }
    if (this.#isClosing) return undefined
    if (!this.writableEnded) this.#end()
    return new Promise<void>((give, refuse) => this.#peerCloses.push({ give, refuse }))
  }

  /** The peer breaks the rules, or cannot be spoken to any more: the bytestream is broken off. */
  fail(error: BytestreamError): void {
    this.#fail(error)
  }

  /** There is nobody to be told: the session is lost, or the peer. */
  lose(error: BytestreamError): void {
    if (this.#isOver) return
    this.#over()
    this.#fail(error)
  }

  /** Breaks the bytestream off. */
  reset(): void {
    if (!this.#isOver) this.#isReset = true
    this.destroy()
  }

  override _read(): void {
    this.#giveWithheld()
  }

  override _writev(chunks: { chunk: Buffer }[], onSent: (error?: Error) => void): void {
    this.#unsent = Buffer.concat(chunks.map(({ chunk }) => chunk))
    this.#onSent = onSent
    this.#pump()
  }

  override _final(onFinal: (error?: Error) => void): void {
    this.#onFinal = onFinal
    this.#endWhenAnswered()
  }

  override _destroy(error: Error | null, onDestroyed: (error: Error | null) => void): void {
    this.#stopWatch?.()
    this.#stopWatch = undefined
    // Whoever leaves after its own close has done its part.
    if (error || (!this.#isOver && !this.#isClosing)) this.#isReset = true
    for (const { refuse } of this.#withheld.splice(0)) refuse(brokenOff())
    if (this.#isReset) for (const { refuse } of this.#peerCloses.splice(0)) refuse(brokenOff())
    else this.#givePeerCloses()
    if (!this.#isOver) this.#leave()
    const reason = error ?? brokenOff()
    this.#onSent?.(reason)
    this.#onFinal?.(reason)
    onDestroyed(error)
  }

  #fail(error: BytestreamError): BytestreamError {
    if (!this.destroyed) this.destroy(error)
    return error
  }

  #giveWithheld(): void {
    for (const { give } of this.#withheld.splice(0)) give()
  }

  #givePeerCloses(): void {
    for (const { give } of this.#peerCloses.splice(0)) give()
  }

  /** Nothing more comes from the peer. */
  #end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.push(null)
    // Nobody asks for more than the end.
    this.#giveWithheld()
  }

  #pump(): void {
    while (this.#unsent.length > 0 && this.#outstanding < this.#window.blocks) this.#sendBlock()
    if (this.#unsent.length > 0) return
    const onSent = this.#onSent
    this.#onSent = undefined
    onSent?.()
  }

  #sendBlock(): void {
    const octets = this.#unsent.subarray(0, this.blockSize)
    const seq = this.#next.sent
    const sentMs = this.#clock.now()
    this.#unsent = this.#unsent.subarray(octets.length)
    this.#next.sent = (seq + 1) % SEQUENCE_NUMBERS
    if (this.#outstanding === 0) this.#progressMs = sentMs
    this.#outstanding += 1
    this.#watch()
    this.#wire.sendBlock(seq, octets).then(
      () => {
        if (this.destroyed) return
        this.#outstanding -= 1
        this.#bytes.sent += octets.length
        this.#progressMs = this.#clock.now()
        this.#window.answered(this.#progressMs - sentMs)
        if (this.#onFinal) this.#endWhenAnswered()
        else this.#pump()
      },
      (cause: unknown) => this.#refused(cause),
    )
  }

  /** The peer did not take a block, or our close. */
  #refused(cause: unknown): void {
    if (this.destroyed) return
    const reason = cause instanceof Error ? cause.message : String(cause)
    const isAnswer = cause instanceof StanzaError || !(cause instanceof BytestreamError)
    this.#fail(isAnswer ? new BytestreamError('ERR_RESET', `the bytestream broke: ${reason}`, { cause }) : cause)
  }

  #endWhenAnswered(): void {
    if (this.#outstanding > 0 || this.#isClosing) return
    const hasSent = this.#bytes.sent > 0
    if (this.#peerCloses.length > 0 && !hasSent) this.#closed()
    else this.#sendClose()
  }

  #sendClose(): void {
    this.#isClosing = true
    this.#progressMs = this.#clock.now()
    this.#watch()
    this.#askToClose()
    // COMPAT(libpurple): it answers no close of a bytestream it knows; of the next one it says that it knows none.
    this.#stopAsking = this.#clock.after(CLOSE_AGAIN_MS, () => this.#askToClose())
  }

  #askToClose(): void {
    this.#wire.sendClose().then(
      () => this.#closed(),
      (cause: unknown) => {
        if (this.#isOver) return
        // XEP-0047 §2.3: a peer that does not know the bytestream any more has closed it as well.
        if (cause instanceof StanzaError && cause.condition === 'item-not-found') return this.#closed()
        this.#over()
        this.#refused(cause)
      },
    )
  }

  /** Both sides have closed. */
  #closed(): void {
    this.#over()
    if (this.destroyed) return
    this.#givePeerCloses()
    this.#end()
    const onFinal = this.#onFinal
    this.#onFinal = undefined
    onFinal?.()
  }

  /** Says goodbye to the peer, whose questions are answered until it has answered that. */
  #leave(): void {
    this.#progressMs = this.#clock.now()
    if (this.#isClosing) this.#watch()
    else if (this.#hasPeerClosed) this.#over()
    else this.#sendClose()
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopAsking()
    this.#stopWatch?.()
    this.#stopWatch = undefined
    this.#onOver()
  }

  /** Sees to it that a peer from which an answer is due does not stay silent. */
  #watch(): void {
    if (!this.#stopWatch) this.#look()
  }

  #look(): void {
    const silentMs = this.#clock.now() - this.#progressMs
    const msMax = this.destroyed ? LINGER_MS_MAX : SILENCE_MS_MAX
    this.#stopWatch = undefined
    if (this.#outstanding === 0 && !this.#isClosing) return
    if (silentMs < msMax) {
      this.#stopWatch = this.#clock.after(msMax - silentMs, () => this.#look())
      return
    }
    if (this.destroyed) this.#over()
    else this.#fail(new BytestreamError('ERR_TIMEOUT', `the peer has not answered for ${msMax / 1000} s`))
  }
}
