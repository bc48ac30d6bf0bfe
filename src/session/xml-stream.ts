import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { BytestreamError, type Clock, systemClock, toBytestreamError } from '../core/index.ts'
import { buildStreamError, type Element, type StreamErrorReason, type StreamParser, startStreamParser, writeXml } from '../xep/index.ts'
import { Outbox } from './outbox.ts'
import { StanzaGuard, type StanzaLimits } from './stanza-guard.ts'
import { StreamViolation } from './stream-violation.ts'

export interface XmlStreamInit {
  readonly limits: StanzaLimits
  /** Octets that may wait to be sent; a peer that reads so slowly that there are more is cut off. */
  readonly backlogBytesMax?: number
  /** Milliseconds the other side has, once our stream is closed, to read the rest and to close its own. Default 5,000. */
  readonly closeMsMax?: number
  readonly clock?: Clock
  /** Our stream header, for the side that answers: a stream error comes after it, even if it is the first thing said (RFC 6120 §4.9.1.2). */
  readonly header?: () => string
}

/** Octets of one connection that may wait to be sent. */
export const BACKLOG_BYTES_MAX = 16 * 1024 * 1024
const CLOSE_MS_MAX = 5_000

const injected = () =>
  new StreamViolation('policy-violation', 'there is something between STARTTLS and TLS (RFC 6120 §5.3.4)', 'ERR_STREAM')

/** Facts, in the order they can come. */
export interface XmlStreamEvents {
  header: [header: Element]
  element: [element: Element]
  /** A stanza was over a limit; what is left of it follows. */
  cut: []
  /** The other side closed its stream properly; ours is answered and the socket ended. */
  ended: []
  /** The socket is gone. `error` says why, where it was not a proper end. */
  closed: [error: BytestreamError | undefined]
}

/**
 * One XML stream over a connected socket, which it owns. Limits are enforced before the parser sees an octet. What
 * it raises is told by `closed`, once; after that nothing is emitted.
 *
 * @see RFC 6120 §4
 */
export class XmlStream extends EventEmitter<XmlStreamEvents> {
  #socket: Socket
  readonly #guard: StanzaGuard
  readonly #backlogBytesMax: number
  readonly #closeMsMax: number
  readonly #clock: Clock
  readonly #header: (() => string) | undefined
  readonly #outbox = new Outbox((text, onDone) => this.#write(text, onDone))
  #parser: StreamParser
  #error: BytestreamError | undefined
  #closing = false
  /** TLS begins behind the octets that are being read. */
  #upgrade: (() => void) | undefined
  /** The other side has closed its stream: what comes behind is not looked at. */
  #ended = false

  constructor(socket: Socket, init: XmlStreamInit) {
    super()
    this.#socket = socket
    this.#guard = new StanzaGuard(init.limits, () => this.emit('cut'))
    this.#backlogBytesMax = init.backlogBytesMax ?? BACKLOG_BYTES_MAX
    this.#closeMsMax = init.closeMsMax ?? CLOSE_MS_MAX
    this.#clock = init.clock ?? systemClock
    this.#header = init.header
    this.#parser = this.#startParser()
    socket.setNoDelay(true)
    this.#listen()
  }

  #listen(): void {
    this.#socket.on('data', this.#onData).on('error', this.#onError).once('end', this.#onEnd).once('close', this.#onClose)
  }

  readonly #onData = (octets: Buffer) => this.#receive(octets)
  readonly #onClose = () => this.emit('closed', this.#error)
  readonly #onError = (error: Error) => {
    this.#error ??= new BytestreamError('ERR_SESSION_CLOSED', `the connection broke: ${error.message}`, { cause: error })
  }
  readonly #onEnd = () => {
    if (this.#closing) return
    this.#error ??= new BytestreamError('ERR_SESSION_CLOSED', 'the other side hung up without closing its stream')
    this.#hangUp()
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress
  }

  /** Sends an element, or text that is XML already. What comes after the end of the stream is dropped. */
  send(content: Element | string): void {
    if (this.#closing || this.#socket.destroyed) return
    this.#outbox.put(typeof content === 'string' ? content : writeXml(content))
    const unread = this.#outbox.length + this.#socket.writableLength
    if (unread > this.#backlogBytesMax) {
      this.#error ??= new BytestreamError('ERR_SESSION_CLOSED', `the other side left ${unread} octets unread`)
      this.#socket.destroy()
    }
  }

  /**
   * Sends one of many pieces of text that is XML already. Whoever sends the next one when this has settled leaves every other
   * sender its turn in between, and never more than a piece waits here, however slowly the other side reads.
   *
   * @returns in a later turn of the event loop, whether the system has taken it; if not, the connection is gone, and part of it may have left
   */
  sendPiece(text: string): Promise<boolean> {
    if (this.#closing || this.#socket.destroyed) return Promise.resolve(false)
    return this.#outbox.putPiece(text)
  }

  #write(text: string, onDone: (wasTaken: boolean) => void): void {
    const socket = this.#socket
    // The other side may have hung up in this turn.
    if (!socket.writable) return onDone(false)
    // A socket that broke off calls back without an error.
    socket.write(text, (error) => onDone(!error && !socket.destroyed))
  }

  /** Expects a new stream header, as after SASL (RFC 6120 §4.3.3). To be called while handling an element. */
  restart(): void {
    this.#guard.restart()
    this.#parser = this.#startParser()
  }

  /** Whether TLS lies over the connection. */
  get isSecure(): boolean {
    return this.#socket instanceof TLSSocket
  }

  /**
   * Begins with TLS, as the server, and then expects a new stream header (RFC 6120 §5.4.3). To be called while handling the
   * element that asks for it. Octets in the clear behind it were put there by somebody else: they end the stream.
   *
   * @param consent the last that is said in the clear
   */
  secure(context: SecureContext, consent: Element): void {
    this.#upgrade = () => {
      this.send(consent)
      if (this.#closing || this.#socket.destroyed) return
      this.#outbox.flush()
      const socket = this.#socket.off('data', this.#onData).off('error', this.#onError).off('end', this.#onEnd).off('close', this.#onClose)
      socket.on('error', () => {}) // TLS over it tells.
      this.#socket = new TLSSocket(socket, { isServer: true, secureContext: context })
      this.#listen()
      this.restart()
    }
  }

  /** Closes our stream; the socket follows when the other side has closed its own, or at once if it has. */
  end(): void {
    if (this.#closing) return
    this.send('</stream:stream>')
    this.#hangUp()
  }

  /**
   * Ends the stream with a stream error (RFC 6120 §4.9). What still comes is read and dropped until the other side hangs
   * up, or its time is over: to hang up on unread octets would take the error away from it.
   */
  fail(reason: StreamErrorReason, error?: BytestreamError): void {
    this.#error ??= error ?? new BytestreamError('ERR_STREAM', reason.text)
    if (!this.#closing) {
      if (this.#header && this.#socket.bytesWritten + this.#outbox.length === 0) this.send(this.#header())
      this.send(buildStreamError(reason))
    }
    this.end()
  }

  /** Hangs up without a word. */
  destroy(error?: BytestreamError): void {
    this.#error ??= error
    this.#closing = true
    this.#socket.destroy()
  }

  /** Nothing more is sent, and the other side has a while to take what was. */
  #hangUp(): void {
    this.#closing = true
    if (this.#socket.destroyed) return
    if (this.#isAgreeing) return void this.#socket.destroy()
    this.#outbox.flush()
    this.#socket.end()
    const cancel = this.#clock.after(this.#closeMsMax, () => this.#socket.destroy())
    this.#socket.once('close', cancel)
  }

  /** TLS is not there yet: nothing can be said, and nobody waits for it. */
  get #isAgreeing(): boolean {
    return this.#socket instanceof TLSSocket && this.#socket.getPeerFinished() === undefined
  }

  get #isDeaf(): boolean {
    return this.#error !== undefined || this.#ended || this.#socket.destroyed
  }

  #receive(octets: Buffer): void {
    if (this.#isDeaf) return
    try {
      for (const text of this.#guard.read(octets)) {
        if (this.#upgrade) throw injected()
        this.#parser.write(text)
        if (this.#isDeaf) return
      }
      if (this.#upgrade && this.#guard.isHolding) throw injected()
      this.#upgrade?.()
      this.#upgrade = undefined
    } catch (thrown) {
      const error = toBytestreamError(thrown, 'ERR_STREAM')
      this.fail({ condition: thrown instanceof StreamViolation ? thrown.condition : 'not-well-formed', text: error.message }, error)
    }
  }

  #startParser(): StreamParser {
    return startStreamParser({
      start: (header) => this.#tell(() => this.emit('header', header)),
      element: (element) => this.#tell(() => this.emit('element', element)),
      end: () => {
        if (this.#isDeaf) return
        this.#ended = true
        this.end()
        this.#tell(() => this.emit('ended'))
      },
    })
  }

  /** A listener that throws is our fault, not the other side's: the stream ends, and `closed` says why. */
  #tell(emit: () => void): void {
    try {
      emit()
    } catch (thrown) {
      const error = new BytestreamError('ERR_INTERNAL', 'a listener of the stream failed', { cause: thrown })
      this.fail({ condition: 'internal-server-error', text: '' }, error)
    }
  }
}
