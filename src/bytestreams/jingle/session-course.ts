import { setMaxListeners } from 'node:events'
import { abortError, BytestreamError, type Clock, StanzaError, toBytestreamError } from '../../core/index.ts'
import type { Jingle, JingleAction, JingleReason, JingleRole, JingleTransport } from '../../xep/index.ts'
import { isErrorCode, judgeAction, type SessionState } from './action-table.ts'
import { errorOfReason, reasonOfFailure } from './reasons.ts'
import type { JingleSessionContent, SessionContent } from './session-content.ts'
import { SessionContents } from './session-contents.ts'
import type { TransportLink } from './transport-link.ts'

/** For either side to end a session whose bytestreams are all closed. */
const LINGER_MS_MAX = 120_000

/** How a session has ended. */
export interface JingleEnd {
  /** `lost`: the connection of either side is gone, or the other side knows nothing of the session. */
  readonly by: 'us' | 'peer' | 'lost'
  readonly reason: JingleReason
  /** Why it was not a success. */
  readonly error?: BytestreamError | undefined
}

export interface CourseComponents {
  readonly clock: Clock
  /** Sends an action. @returns settles as it was answered */
  readonly send: (jingle: Jingle) => Promise<void>
}

export interface CourseInit {
  readonly sid: string
  readonly ownJid: string
  readonly peer: string
  readonly role: JingleRole
  /** Milliseconds the other side has to decide. */
  readonly answerMsMax: number
}

export interface CourseEvents {
  readonly onRemoved: (facts: { content: JingleSessionContent; reason: JingleReason; by: 'us' }) => void
  readonly onEnded: (end: JingleEnd) => void
  /** Nothing is awaited of the other side any more. */
  readonly onOver: (error: BytestreamError) => void
}

/** Whether an answer tells that there is no session at the other end. */
function tellsGone(action: JingleAction, error: BytestreamError): boolean {
  if (!(error instanceof StanzaError)) return error.code === 'ERR_SESSION_CLOSED'
  if (error.stanzaError.application?.[0] === 'unknown-session') return true
  // Clients that do not know an information may answer so.
  if (action === 'session-info' && error.condition === 'service-unavailable') return false
  return error.absence === 'for now' || error.absence === 'for good'
}

/**
 * What both directions of a session have in common: its state, what may be said in it, what is waited for, and how it
 * ends. What the other side does is taken when it comes, what we do counts when it was acknowledged: so both sides know
 * the same contents, whatever crosses on the way.
 *
 * @see XEP-0166 §5, §6.7
 */
export class SessionCourse {
  readonly init: CourseInit
  readonly contents = new SessionContents()
  /** Never rejects. */
  readonly ended: Promise<JingleEnd>
  state: SessionState = 'none'
  /** The other side has said something in it. Whoever does has acknowledged it before, whether or not we have looked yet. */
  isHeard = false
  readonly #clock: Clock
  readonly #send: CourseComponents['send']
  readonly #events: CourseEvents
  readonly #ending = new AbortController()
  #end: JingleEnd | undefined
  #isSettled = false
  #resolveEnded: (end: JingleEnd) => void = () => {}
  #cancelWait = () => {}
  #forgetSignal = () => {}

  constructor({ clock, send }: CourseComponents, init: CourseInit, events: CourseEvents) {
    this.#clock = clock
    this.#send = send
    this.init = init
    this.#events = events
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    setMaxListeners(0, this.signal)
  }

  /** Aborted when the session ends, which may be a little before the other side knows. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  get peerRole(): JingleRole {
    return this.init.role === 'initiator' ? 'responder' : 'initiator'
  }

  /** @throws BytestreamError what the other side would answer to such an action */
  check(action: JingleAction): void {
    const verdict = judgeAction(this.state, this.init.role, action)
    if (isErrorCode(verdict)) throw new BytestreamError(verdict, `no ${action} can be sent in a session that is ${this.state}`)
  }

  /**
   * Says something.
   *
   * @returns settles when it was acknowledged
   * @throws StanzaError as the other side refused it; BytestreamError `ERR_JINGLE_TIE_BREAK` when its own comes first, or when
   *   it cannot be said, or was not answered
   */
  async send(action: JingleAction, parts: Partial<Jingle> = {}): Promise<void> {
    this.check(action)
    try {
      await this.#send({ action, sid: this.init.sid, contents: [], ...parts })
    } catch (thrown) {
      const error = asTie(toBytestreamError(thrown))
      if (tellsGone(action, error)) this.lose(error)
      else if (error.code === 'ERR_TIMEOUT') this.terminate({ condition: 'timeout' }, error)
      throw error
    }
  }

  /** What the transport of a content has of the session. */
  linkOf(content: SessionContent): TransportLink {
    const { role, ownJid, peer, answerMsMax } = this.init
    const say = (action: JingleAction, transport: JingleTransport) => {
      if (content.isOver) return Promise.reject(new BytestreamError('ERR_ABORTED', 'the content is over'))
      return this.send(action, { contents: [{ ...content.named, transport }] })
    }
    return {
      ownRole: role,
      ownJid,
      peer,
      sendInfo: (transport) => say('transport-info', transport),
      sendReplace: (transport) => content.replace(transport, answerMsMax, () => say('transport-replace', transport)),
    }
  }

  /** The one wait for the session as a whole; it ends with `timeout` unless it comes to something else before. */
  wait(ms: number, sentence: string): void {
    this.#cancelWait()
    const error = new BytestreamError('ERR_TIMEOUT', `${sentence} within ${ms / 1000} s`)
    this.#cancelWait = this.#clock.after(ms, () => this.terminate({ condition: 'timeout' }, error))
  }

  stopWaiting(): void {
    this.#cancelWait()
  }

  /** There is something to do again. */
  stopLingering(): void {
    if (this.state === 'active') this.#cancelWait()
  }

  /** Ends the session with a signal. */
  follow(signal: AbortSignal | undefined): void {
    const onAbort = () => signal && this.terminate({ condition: 'cancel' }, abortError(signal))
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
    this.#forgetSignal = () => signal?.removeEventListener('abort', onAbort)
  }

  /** A content has failed, once it is one of the session's. */
  fail(content: SessionContent, error: BytestreamError): void {
    if (this.contents.has(content)) void this.drop('content-remove', content, reasonOfFailure(error, content.transport?.kind), error)
    else content.end(error)
  }

  /** Its bytestream is closed: with all the others, the session has no purpose any more. */
  considerEnd(): void {
    const { live } = this.contents
    if (this.state === 'active' && live.every(({ isDone }) => isDone)) this.wait(LINGER_MS_MAX, 'nobody has ended the session')
  }

  /**
   * Takes a content out of the session; with the last one the session ends, as one without contents is void (XEP-0166 §7.2.5).
   *
   * @returns settles when the other side knows, or cannot be told; never rejects
   */
  async drop(
    action: 'content-remove' | 'content-reject',
    content: SessionContent,
    reason: JingleReason,
    error?: BytestreamError,
  ): Promise<void> {
    if (content.isOver || this.state === 'ended') return
    if (this.contents.live.length === 1) {
      this.terminate(reason, error)
      await this.ended
      return
    }
    content.leaving = action
    content.end(error ?? errorOfReason('the content was ended here', reason))
    const sent = this.send(action, { contents: [content.named], reason })
    if (action === 'content-remove') this.#events.onRemoved({ content, reason, by: 'us' })
    try {
      await sent
    } catch {
      if (this.#end) return // It was never told.
    }
    this.contents.delete(content)
  }

  /**
   * Ends the session, from this moment on (XEP-0166 §6.7). That it has ended is told when the other side has acknowledged:
   * until then its own session-terminate may be on its way.
   */
  terminate(reason: JingleReason, error?: BytestreamError): void {
    if (this.#end) return
    const isBegun = this.state !== 'none'
    this.#close({ by: 'us', reason, error: error ?? errorOfReason('the session was ended here', reason) })
    if (isBegun) this.#tellEnd(reason)
    else this.#finish()
  }

  /** The other side has ended it. */
  endByPeer(reason: JingleReason): void {
    this.#close({ by: 'peer', reason, error: errorOfReason(`${this.init.peer} has ended the session`, reason, this.init.peer) })
    this.#finish()
  }

  /** Both sides have ended it at once: what the initiator said counts (XEP-0166 §7.2.16). */
  crossEnd(reason: JingleReason): void {
    if (this.init.role === 'initiator' || this.#end?.by !== 'us' || this.#isSettled) return
    this.#end = { by: 'peer', reason, error: errorOfReason(`${this.init.peer} has ended the session`, reason, this.init.peer) }
  }

  /**
   * There is nobody at the other end any more, or no way to reach it.
   *
   * @param isTold whether to send a session-terminate all the same
   */
  lose(error: BytestreamError, isTold = false): void {
    if (this.#end) {
      if (!isTold) this.#finish()
      return
    }
    this.#close({ by: 'lost', reason: { condition: 'gone' }, error })
    this.#settle()
    if (isTold) this.#tellEnd({ condition: 'gone' })
    else this.#finish()
  }

  #close(end: JingleEnd): void {
    this.#end = end
    this.state = 'ended'
    this.#cancelWait()
    this.#forgetSignal()
    const { live } = this.contents
    this.#ending.abort(end.error ?? new BytestreamError('ERR_RESET', 'the session has ended'))
    for (const content of live) content.end(end.error)
  }

  #tellEnd(reason: JingleReason): void {
    const finish = () => this.#finish()
    this.#send({ action: 'session-terminate', sid: this.init.sid, contents: [], reason }).then(finish, finish)
  }

  #settle(): void {
    if (this.#isSettled || !this.#end) return
    this.#isSettled = true
    this.#resolveEnded(this.#end)
    this.#events.onEnded(this.#end)
  }

  #finish(): void {
    this.#settle()
    this.#events.onOver(this.#end?.error ?? new BytestreamError('ERR_RESET', 'the session has ended'))
  }
}

/** XEP-0166 §7.2.16: what the other side overrules has a code of its own. */
function asTie(error: BytestreamError): BytestreamError {
  if (!(error instanceof StanzaError) || error.stanzaError.application?.[0] !== 'tie-break') return error
  return new BytestreamError('ERR_JINGLE_TIE_BREAK', error.message, { cause: error })
}
