import { EventEmitter } from 'node:events'
import {
  BytestreamError,
  bareJid,
  type Clock,
  domainOf,
  type ErrorCode,
  type Logger,
  LogRation,
  silentLogger,
  systemClock,
  toBytestreamError,
} from '../core/index.ts'
import { attribute, type Element, type Message, type Presence, parseMessage, parsePresence } from '../xep/index.ts'
import { BackOff, type BackOffInit, defaultBackOff } from './back-off.ts'
import type { Connect, Connection } from './connection.ts'
import { IqRequests, type Question, type QuestionOptions } from './iq-requests.ts'
import { IqRouter } from './iq-router.ts'

/** What a program gives a session, besides what its user sets. */
export interface SessionComponents {
  readonly clock?: Clock
  readonly logger?: Logger
}

/** When a session comes back. */
export interface SessionInit {
  /** Whether to try again after a connection was lost: never, once it had been online, or from the first try on. */
  readonly reconnect: 'never' | 'once online' | 'always'
  readonly backOff?: BackOffInit
}

/** Facts. After `ended` there are none. */
export interface SessionEvents {
  online: [{ jid: string }]
  /** The connection is gone, or none came about; the next try is in `retryMs`. */
  offline: [{ error: BytestreamError; retryMs: number }]
  /** The session is over: stopped, or failed for good. */
  ended: [{ error: BytestreamError | undefined }]
  presence: [presence: Presence & { readonly priority: number }, stanza: Element]
  message: [message: Required<Message>, stanza: Element]
}

/** Trying again cannot help before somebody has changed something. */
const FINAL: readonly ErrorCode[] = ['ERR_AUTHENTICATION', 'ERR_HOST_UNKNOWN', 'ERR_REPLACED']

/**
 * An XMPP session, of a component or of an account: it connects, comes back, asks, and answers. Questions that were
 * under way when a connection is lost fail; handlers and listeners stay.
 */
export class Session extends EventEmitter<SessionEvents> {
  /** Who answers what we are asked. */
  readonly iqs: IqRouter
  readonly #connect: Connect
  readonly #init: SessionInit
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #cuts: LogRation<string>
  readonly #requests: IqRequests
  readonly #stopping = new AbortController()
  #connection: Connection | undefined
  #running: Promise<void> | undefined
  #jid = ''
  /** The next stanza comes without its content. */
  #isNextCut = false
  #end: SessionEvents['ended'][0] | undefined

  constructor({ clock = systemClock, logger = silentLogger }: SessionComponents, connect: Connect, init: SessionInit) {
    super()
    // Whoever has a program's many offers, feeds and transfers listens here for each.
    this.setMaxListeners(0)
    this.#clock = clock
    this.#logger = logger
    this.#cuts = new LogRation(clock)
    this.#connect = connect
    this.#init = init
    this.#requests = new IqRequests(clock)
    this.iqs = new IqRouter(logger)
  }

  /** The address of this session while it is online, and the last one afterwards. */
  get jid(): string {
    return this.#jid
  }

  /** Whether there is a connection now. */
  get isOnline(): boolean {
    return this.#connection !== undefined
  }

  /** How the session is over; `undefined` while it runs, or may come back. */
  get end(): SessionEvents['ended'][0] | undefined {
    return this.#end
  }

  /**
   * Connects. May be called once.
   *
   * @returns the session's address, once it is online
   * @throws BytestreamError as {@link Connect} says, when the session ends before it was online
   */
  start(): Promise<string> {
    if (this.#running !== undefined) throw new TypeError('a session starts once')
    return new Promise<string>((resolve, reject) => {
      this.once('online', ({ jid }) => resolve(jid))
      this.once('ended', ({ error }) => reject(error ?? new BytestreamError('ERR_ABORTED', 'the session was stopped')))
      this.#running = this.#run()
    })
  }

  /** Closes the stream, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#connection?.close()
    await this.#running
  }

  /** Does what {@link stop} does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Sends a stanza; while the session is offline it is dropped, as every stanza may be on its way. */
  send(stanza: Element): void {
    this.#connection?.send(stanza)
  }

  /**
   * Sends many stanzas, piece by piece: stanzas that are written already, each with all its addresses, some 64 KiB at a time. The next
   * piece is for when this one has settled: then everybody else has had a turn, and no more than a piece waits for a server that
   * reads slowly.
   *
   * @returns whether the system has taken it; if not, there is no connection any more, and part of it may have left
   */
  sendPiece(stanzas: string): Promise<boolean> {
    return this.#connection?.sendPiece(stanzas) ?? Promise.resolve(false)
  }

  /**
   * Asks another entity, and waits for its answer.
   *
   * @returns the payload of the result, if it has one
   * @throws StanzaError as the other side answered; BytestreamError `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_SESSION_CLOSED`
   */
  async request(question: Question, options: QuestionOptions = {}): Promise<Element | undefined> {
    const connection = this.#connection
    if (!connection) throw new BytestreamError('ERR_SESSION_CLOSED', 'the session is not online')
    return this.#requests.ask(question, options, (stanza) => connection.send(stanza))
  }

  async #run(): Promise<void> {
    const backOff = new BackOff(this.#init.backOff ?? defaultBackOff)
    const { signal } = this.#stopping
    let hasBeenOnline = false
    let error: BytestreamError | undefined
    while (!signal.aborted) {
      error = await this.#connectOnce(() => {
        hasBeenOnline = true
        backOff.reset()
      })
      const mayRetry = this.#init.reconnect === 'always' || (this.#init.reconnect === 'once online' && hasBeenOnline)
      if (signal.aborted || error === undefined || !mayRetry || FINAL.includes(error.code)) break
      const retryMs = backOff.next()
      const facts = { error, retryMs }
      this.#tell(() => this.emit('offline', facts))
      await this.#pause(retryMs)
    }
    const end = { error: signal.aborted ? undefined : error }
    this.#end = end
    this.#tell(() => this.emit('ended', end))
  }

  /** @returns why the connection ended, or did not come about; `undefined` when it was closed on purpose */
  async #connectOnce(onOnline: () => void): Promise<BytestreamError | undefined> {
    let connection: Connection | undefined
    const early: Element[] = []
    const onStanza = (stanza: Element) => {
      if (connection) this.#receive(stanza, connection)
      else early.push(stanza)
    }
    try {
      connection = await this.#connect(onStanza, this.#stopping.signal, () => this.#tellCut())
    } catch (thrown) {
      return toBytestreamError(thrown, 'ERR_STREAM')
    }
    this.#connection = connection
    this.#jid = connection.jid
    onOnline()
    if (this.#stopping.signal.aborted) connection.close()
    else this.#tell(() => this.emit('online', { jid: this.#jid }))
    for (const stanza of early) this.#receive(stanza, connection)
    const error = await connection.closed
    this.#connection = undefined
    this.#requests.failAll(error ?? new BytestreamError('ERR_SESSION_CLOSED', 'the session was closed'))
    return error
  }

  /** What goes wrong in a listener is its own fault, and must not look like the other side's. */
  #tell(emit: () => void): void {
    try {
      emit()
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }

  #tellCut(): void {
    this.#isNextCut = true
    const suppressed = this.#cuts.take('over a limit')
    if (suppressed !== undefined) this.#logger.warn({ suppressed }, 'a stanza is over the limits, and was taken without its content')
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const onAbort = () => {
        cancel()
        resolve()
      }
      const cancel = this.#clock.after(ms, () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      })
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** The account itself, or its server: who may answer a question that names nobody. */
  #isOurs(from: string): boolean {
    return from === this.#jid || from === bareJid(this.#jid) || from === domainOf(this.#jid)
  }

  #receive(stanza: Element, connection: Connection): void {
    const isCut = this.#isNextCut && stanza.children.length === 0
    this.#isNextCut = false
    if (stanza.name === 'message') {
      this.#tell(() => this.emit('message', parseMessage(stanza), stanza))
    } else if (stanza.name === 'presence') {
      const presence = parsePresence(stanza)
      if (presence) this.#tell(() => this.emit('presence', presence, stanza))
    } else if (stanza.name === 'iq') {
      this.#receiveIq(stanza, connection, isCut).catch((error: unknown) => this.#logger.error({ err: error }, 'an IQ could not be handled'))
    }
  }

  async #receiveIq(stanza: Element, connection: Connection, isCut: boolean): Promise<void> {
    const type = attribute(stanza, 'type')
    if (type === 'result' || type === 'error') {
      this.#requests.settle(stanza, (from) => this.#isOurs(from))
      return
    }
    const reply = await this.iqs.answer(stanza, isCut)
    // Whoever asked waits for an answer of that address: we may be online under it again, or under another one.
    if (reply && connection.jid === this.#connection?.jid) this.#connection.send(reply)
  }
}
