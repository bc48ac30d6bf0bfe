import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { BytestreamError, bareJid, type Clock, type Logger, throwIfAborted, tryPrepareJid } from '../../core/index.ts'
import type { ServicePart, Session } from '../../session/index.ts'
import {
  buildJingle,
  type IqRequest,
  type Jingle,
  type JingleCondition,
  type JingleContent,
  type JingleRole,
  NS,
  parseJingle,
} from '../../xep/index.ts'
import { defaultTimings, type Timings } from '../timings.ts'
import { judgeAction } from './action-table.ts'
import { AnswerGate } from './answer-gate.ts'
import { type ContentInit, JingleSession } from './jingle-session.ts'
import { unusableBecause } from './offered-content.ts'
import { areEquivalent, isLower } from './tie-break.ts'

/** Sessions others have begun, and again those that nobody here takes and whose end is not yet acknowledged. */
const SESSIONS_MAX = 100
/** Sessions we have begun. */
const OWN_SESSIONS_MAX = 1_000
/** Sessions one bare JID has begun. */
const PEER_SESSIONS_MAX = 64

export interface JingleComponents {
  readonly session: Session
  readonly clock: Clock
  readonly logger: Logger
}

export interface JingleInit {
  /** The full JID of the other side. */
  readonly peer: string
  readonly contents: readonly ContentInit[]
  /** Left out, it gets one of its own; no other session may have it. */
  readonly sid?: string | undefined
  /** Called before the session is offered, to listen to it before anything can come. */
  readonly onSession?: (session: JingleSession) => void
  /** Ends the session with `cancel`, at any time. */
  readonly signal?: AbortSignal | undefined
  /** `answerMsMax`: for the other side to accept. */
  readonly timings?: Partial<Timings> | undefined
}

/**
 * Decides about a session another entity begins.
 *
 * @throws BytestreamError to refuse it unacknowledged; otherwise it is to be accepted or terminated later
 */
export type MayBegin = (session: JingleSession) => void

interface Entry {
  readonly session: JingleSession
  /** Prepared. */
  readonly peer: string
  readonly gate: AnswerGate
  /** What we offer, while the other side has not yet acknowledged it. */
  offering: readonly ContentInit[] | undefined
}

const ofSession = new WeakMap<Session, JingleSessions>()

/**
 * The Jingle sessions of one account's session, whichever side began them: here their actions become stanzas, and stanzas
 * actions. What belongs to none of them is answered with an error, and kept nowhere.
 *
 * @see XEP-0166
 */
export class JingleSessions implements AsyncDisposable {
  readonly #session: Session
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #entries = new Map<string, Entry>()
  readonly #handlers = new Map<string, MayBegin>()
  #isClosed = false

  private constructor({ session, clock, logger }: JingleComponents) {
    this.#session = session
    this.#clock = clock
    this.#logger = logger
    session.iqs.handle('set', NS.jingle, 'jingle', (request) => this.#answer(request))
    session.on('presence', ({ type, from }) => {
      if (type === 'unavailable' && from) this.#losePeer(from)
    })
    session.on('offline', ({ error }) => this.#loseAll(error))
    session.on('ended', ({ error }) => this.#loseAll(error ?? new BytestreamError('ERR_SESSION_CLOSED', 'the session was closed')))
  }

  /** @returns those of a session, which answers for them from the first time on */
  static of(components: JingleComponents): JingleSessions {
    const { session } = components
    const sessions = ofSession.get(session) ?? new JingleSessions(components)
    ofSession.set(session, sessions)
    return sessions
  }

  /**
   * Lets others begin sessions about descriptions of a kind.
   *
   * @returns what to show in service discovery (XEP-0166 §11); the transports are shown by whoever provides them
   */
  handle(kind: 'file', mayBegin: MayBegin): ServicePart {
    if (this.#handlers.has(kind)) throw new TypeError(`two handlers for sessions of the kind ${kind}`)
    this.#handlers.set(kind, mayBegin)
    return { identities: [], features: [NS.jingle, NS.jingleFileTransfer] }
  }

  /**
   * Begins a session.
   *
   * @returns it, when the other side has acknowledged: it has not yet accepted then, but may have ended it
   * @throws StanzaError as the other side refused; BytestreamError `ERR_JINGLE_TIE_BREAK` when it began one for the same
   *   before, `ERR_LIMIT_WAITING` when there are too many, `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_SESSION_CLOSED`, what a transport throws
   */
  async begin({ peer, contents, sid = randomUUID(), onSession, signal, timings }: JingleInit): Promise<JingleSession> {
    throwIfAborted(signal)
    if (!this.#session.isOnline) throw new BytestreamError('ERR_SESSION_CLOSED', 'the session is not online')
    if (this.#isClosed) throw new BytestreamError('ERR_SHUTTING_DOWN', 'no more sessions are begun')
    if (contents.length === 0) throw new BytestreamError('ERR_BAD_REQUEST', 'a session has at least one content')
    this.#checkOwnLimit()
    const { answerMsMax } = { ...defaultTimings, ...timings }
    const entry = this.#add({ sid, peer, role: 'initiator', answerMsMax })
    entry.offering = contents
    onSession?.(entry.session)
    try {
      await entry.session.initiate(contents, signal)
    } finally {
      entry.offering = undefined
    }
    return entry.session
  }

  /** Ends all sessions with `gone`; no more are begun. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#entries.values()].map(({ session }) => session.terminate({ condition: 'gone' })))
  }

  #add({ sid, peer, role, answerMsMax }: { sid: string; peer: string; role: JingleRole; answerMsMax: number }): Entry {
    const preparedPeer = tryPrepareJid(peer)
    const key = keyOf(preparedPeer, sid)
    const gate = new AnswerGate()
    const over = new AbortController()
    const { signal } = over
    setMaxListeners(0, signal) // One for each action.
    const send = async (jingle: Jingle) => {
      await gate.pass(() => this.#session.request({ type: 'set', to: peer, payload: buildJingle(jingle) }, { signal }))
    }
    const onOver = (error: BytestreamError) => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key)
      over.abort(error)
    }
    const session = new JingleSession({ clock: this.#clock, send }, { sid, ownJid: this.#session.jid, peer, role, answerMsMax, onOver })
    session.once('ended', ({ by, reason, error }) => {
      this.#logger.debug(
        { jid: peer, sid, end: by, because: reason.condition, code: error?.code, reason: error?.message },
        'a Jingle session has ended',
      )
    })
    const entry: Entry = { session, peer: preparedPeer, gate, offering: undefined }
    this.#entries.set(key, entry)
    return entry
  }

  #answer({ from, payload }: IqRequest): undefined {
    const jingle = parseJingle(payload)
    const peer = tryPrepareJid(from)
    if (jingle.action === 'session-initiate') this.#breakTies(peer, jingle)
    const entry = this.#entries.get(keyOf(peer, jingle.sid))
    if (entry) entry.gate.answering(() => entry.session.receive(jingle))
    else if (judgeAction('none', 'initiator', jingle.action) === 'begin') this.#answerInitiate(from, jingle)
    else throw new BytestreamError('ERR_JINGLE_UNKNOWN_SESSION', 'there is no such session')
  }

  /** XEP-0166 §7.2.16: of two sessions that both sides begin for the same at once, the one with the lower sid is begun. */
  #breakTies(peer: string, { sid, contents }: Jingle): void {
    const tie = () => new BytestreamError('ERR_JINGLE_TIE_BREAK', 'both sides have begun such a session')
    for (const { session, offering, peer: rival } of [...this.#entries.values()]) {
      if (!offering || rival !== peer) continue
      if (session.sid === sid) {
        if (isLower(tryPrepareJid(this.#session.jid), peer)) throw tie()
        session.lose(tie()) // The sid is the other side's now.
      } else if (isLower(session.sid, sid) && areEquivalent(offering, contents)) throw tie()
    }
  }

  #answerInitiate(from: string, jingle: Jingle): void {
    if (this.#isClosed) throw new BytestreamError('ERR_SHUTTING_DOWN', 'no more sessions are taken')
    this.#checkLimit(tryPrepareJid(from))
    const { sid } = jingle
    const { session, gate } = this.#add({ sid, peer: from, role: 'responder', answerMsMax: defaultTimings.answerMsMax })
    gate.answering(() => {
      try {
        session.receive(jingle)
        const refusals = jingle.contents.map((content) => this.#refusalOf(content))
        const mayBegin = this.#handlers.get(jingle.contents[refusals.indexOf(undefined)]?.description?.kind ?? '')
        if (mayBegin) return mayBegin(session)
        this.#checkRefused()
        void session.terminate({ condition: refusals.find(isTelling) ?? 'unsupported-applications' })
      } catch (thrown) {
        session.lose(thrown instanceof BytestreamError ? thrown : new BytestreamError('ERR_INTERNAL', 'the offer could not be handled'))
        throw thrown
      }
    })
  }

  /** @returns why a content cannot be had */
  #refusalOf(content: JingleContent): JingleCondition | undefined {
    return this.#handlers.has(content.description?.kind ?? '') ? unusableBecause(content) : 'unsupported-applications'
  }

  #checkOwnLimit(): void {
    if (this.#countOf('initiator') >= OWN_SESSIONS_MAX) throw tooMany()
  }

  #checkLimit(peer: string): void {
    const ofPeer = [...this.#entries.values()].filter(
      (entry) => entry.session.role === 'responder' && bareJid(entry.peer) === bareJid(peer),
    )
    if (this.#countOf('responder') >= SESSIONS_MAX || ofPeer.length >= PEER_SESSIONS_MAX) throw tooMany()
  }

  #countOf(role: JingleRole): number {
    let count = 0
    for (const { session } of this.#entries.values()) if (session.role === role && session.state !== 'ended') count += 1
    return count
  }

  /** Whoever sends what nobody here takes, and is silent then, does not keep others away. */
  #checkRefused(): void {
    const refused = [...this.#entries.values()].filter(({ session }) => session.role === 'responder' && session.state === 'ended')
    if (refused.length >= SESSIONS_MAX) throw new BytestreamError('ERR_LIMIT_WAITING', 'too many sessions are being refused')
  }

  #losePeer(jid: string): void {
    const key = keyOf(tryPrepareJid(jid), '')
    const error = new BytestreamError('ERR_NO_RESOURCE', `${jid} has gone offline`)
    for (const [each, { session }] of [...this.#entries]) {
      if (each.startsWith(key)) session.lose(error, true)
    }
  }

  #loseAll(error: BytestreamError): void {
    for (const { session } of [...this.#entries.values()]) session.lose(error)
  }
}

/** With several contents, the reason that tells most. */
const isTelling = (reason: JingleCondition | undefined) => reason !== undefined && reason !== 'unsupported-applications'

const tooMany = () => new BytestreamError('ERR_LIMIT_WAITING', 'there are too many sessions')

const keyOf = (peer: string, sid: string) => `${peer}\n${sid}`
