import { BytestreamError, type Clock, orAbort, toBytestreamError } from '../../core/index.ts'
import type { JingleContent, JingleDescription, JingleRole, JingleSenders, JingleTransport } from '../../xep/index.ts'
import type { Bytestream } from '../bytestream.ts'
import type { OpenTransport, TransportLink, TransportSide } from './transport-link.ts'

/** Transport-infos that are kept for a content until it has a transport on our side. */
const EARLY_INFOS_MAX = 16
/** Times the other side may replace the transport of a content. */
const REPLACEMENTS_MAX = 8

/** One thing a session is for. */
export interface JingleSessionContent {
  /** Who has added it, whoever speaks of it; together with the name it tells contents apart. */
  readonly creator: JingleRole
  readonly name: string
  readonly senders: JingleSenders
  /** As it was offered. */
  readonly description: JingleDescription
  /** As it was accepted. */
  readonly answer: JingleDescription | undefined
  readonly state: 'offered' | 'accepted'
  /** Rejects when there will be none: refused, removed, failed, or with the session. */
  readonly bytestream: Promise<Bytestream>
}

/** What its session hears of a content. */
export interface ContentEvents {
  readonly onFailed: (error: BytestreamError) => void
  /** Its bytestream is closed. */
  readonly onDone: () => void
}

/** A transport of ours that is to take the place of the one agreed. */
interface Replacement {
  readonly kind: JingleTransport['kind']
  readonly resolve: (theirs: JingleTransport) => void
  readonly reject: (error: BytestreamError) => void
}

/** The course of one content: its transport, what is being waited for, and its end. */
export class SessionContent implements JingleSessionContent {
  readonly creator: JingleRole
  readonly name: string
  /** Whether it came with the session, which decides about it, or was added. */
  readonly isInitial: boolean
  readonly disposition: string
  readonly security: string | undefined
  senders: JingleSenders
  readonly description: JingleDescription
  answer: JingleDescription | undefined
  state: 'offered' | 'accepted' = 'offered'
  /** The other side's transport, where it has made the offer. */
  readonly offered: JingleTransport | undefined
  readonly bytestream: Promise<Bytestream>
  /** Our wish for other senders is not yet acknowledged. */
  isModifying = false
  /** It is being accepted on our side. */
  isAccepting = false
  /** Characters of what is kept of the other side's words about it, roughly. */
  weight: number
  /** What has ended it on our side, and is perhaps not yet acknowledged. */
  leaving: 'content-remove' | 'content-reject' | undefined
  /** Nothing is done for it on our side any more. */
  isOver = false
  /** Its bytestream is closed. */
  isDone = false
  readonly #clock: Clock
  readonly #events: ContentEvents
  readonly #over = new AbortController()
  #settle: { resolve: (bytestream: Bytestream) => void; reject: (error: BytestreamError) => void } | undefined
  #side: TransportSide | undefined
  readonly #early: JingleTransport[] = []
  #replacement: Replacement | undefined
  #replacements = 0
  #isReplacedByPeer = false
  #cancelWait = () => {}

  constructor(clock: Clock, content: JingleContent, isInitial: boolean, events: ContentEvents) {
    this.#clock = clock
    this.#events = events
    this.creator = content.creator
    this.name = content.name
    this.isInitial = isInitial
    this.disposition = content.disposition ?? 'session'
    this.security = content.security
    this.senders = content.senders ?? 'both'
    this.description = content.description ?? { kind: 'unknown', xmlns: '' }
    this.offered = content.transport
    this.weight = weightOf(content)
    this.bytestream = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.bytestream.catch(() => {}) // Nobody has to ask for it.
  }

  /** What names it in an action. */
  get named(): Pick<JingleContent, 'creator' | 'name'> {
    return { creator: this.creator, name: this.name }
  }

  /** It as it was offered, with the transport of whoever did. */
  get offer(): JingleContent {
    const { creator, name, senders, description, disposition, security } = this
    return { creator, name, senders, description, disposition, security, transport: this.offered ?? this.transport }
  }

  /** Our side of its transport. */
  get transport(): JingleTransport | undefined {
    return this.#side?.description
  }

  /** Makes our side of its transport. @throws what that rejects with, and what ended the content meanwhile */
  async open(openTransport: OpenTransport, link: TransportLink): Promise<void> {
    const opening = openTransport(link, this.offered)
    const { signal } = this.#over
    void opening.then(
      (side) => {
        if (signal.aborted) side.close(signal.reason)
      },
      () => {},
    )
    const side = await orAbort(opening, signal)
    this.#side = side
    side.opened.then(
      (bytestream) => this.#open(bytestream),
      (thrown) => this.fail(toBytestreamError(thrown)),
    )
    try {
      for (const transport of this.#early.splice(0)) side.receiveInfo(transport)
    } catch (thrown) {
      this.fail(toBytestreamError(thrown)) // Too late for an answer.
    }
  }

  /** Both sides want it. */
  begin(theirs: JingleTransport): void {
    try {
      this.#side?.begin(theirs)
    } catch (thrown) {
      this.fail(toBytestreamError(thrown))
    }
  }

  /** Whether a transport-info would have to wait for a transport on our side. */
  get isEarly(): boolean {
    return !this.#side
  }

  /** @throws BytestreamError the answer */
  receiveInfo(transport: JingleTransport): void {
    if (this.#side) return this.#side.receiveInfo(transport)
    if (this.#early.length >= EARLY_INFOS_MAX) throw new BytestreamError('ERR_LIMIT_WAITING', 'nothing was accepted yet')
    this.weight += weightOf(transport)
    this.#early.push(transport)
  }

  /**
   * Whether the other side may replace the transport now.
   *
   * @param mayOverrule whether its wish comes before ours (XEP-0166 §7.2.16)
   * @throws BytestreamError the answer
   */
  checkReplace(mayOverrule: boolean): void {
    if (this.#replacement && !mayOverrule) throw new BytestreamError('ERR_JINGLE_TIE_BREAK', 'both sides replace the transport')
    if (this.#isReplacedByPeer)
      throw new BytestreamError('ERR_JINGLE_OUT_OF_ORDER', 'the transport before this one is not yet decided about')
    if (this.#replacements >= REPLACEMENTS_MAX) throw new BytestreamError('ERR_LIMIT_WAITING', 'the transport was replaced too often')
  }

  /** Takes the other side's wish for another transport. @returns what to accept it with; rejects to refuse it */
  receiveReplace(transport: JingleTransport): Promise<JingleTransport> {
    this.#replacements++
    this.#isReplacedByPeer = true
    this.#replacement?.reject(new BytestreamError('ERR_JINGLE_TIE_BREAK', 'the other side replaces the transport'))
    if (!this.#side || transport.kind === 'unknown') return Promise.reject(new BytestreamError('ERR_NO_VALID_STREAMS', 'no such transport'))
    return orAbort(this.#side.receiveReplace(transport), this.#over.signal)
  }

  /** The other side knows what became of its wish. */
  endReplace(): void {
    this.#isReplacedByPeer = false
  }

  /**
   * Waits for what becomes of a transport of ours.
   *
   * @param send sends the transport-replace
   * @returns the transport it was accepted with
   */
  async replace(transport: JingleTransport, answerMsMax: number, send: () => Promise<void>): Promise<JingleTransport> {
    if (this.#replacement || this.#isReplacedByPeer) throw new BytestreamError('ERR_JINGLE_TIE_BREAK', 'the transport is being replaced')
    let cancel = () => {}
    const answer = new Promise<JingleTransport>((resolve, reject) => {
      this.#replacement = { kind: transport.kind, resolve, reject }
    })
    const { signal } = this.#over
    try {
      await Promise.race([orAbort(send(), signal), answer])
      const late = new BytestreamError('ERR_TIMEOUT', `no answer to another transport within ${answerMsMax / 1000} s`)
      cancel = this.#clock.after(answerMsMax, () => this.#replacement?.reject(late))
      return await orAbort(answer, signal)
    } finally {
      answer.catch(() => {}) // Where nobody waits for it any more.
      cancel()
      this.#replacement = undefined
    }
  }

  /**
   * Whether the other side may decide about a transport of ours now.
   *
   * @param theirs what it accepts it with; `undefined` when it rejects it
   * @throws BytestreamError the answer
   */
  checkReplaced(theirs: JingleTransport | undefined): void {
    if (!this.#replacement) throw new BytestreamError('ERR_JINGLE_OUT_OF_ORDER', 'no transport is being replaced')
    if (theirs) checkKind(theirs, this.#replacement.kind)
  }

  /** Takes what became of a transport of ours. */
  settleReplace(theirs: JingleTransport | undefined): void {
    if (theirs) this.#replacement?.resolve(theirs)
    else this.#replacement?.reject(new BytestreamError('ERR_NO_VALID_STREAMS', 'the other side rejects the transport'))
  }

  /** @throws BytestreamError when that is no answer to what was offered */
  checkAnswer(theirs: JingleTransport | undefined): void {
    if (theirs && this.#side) checkKind(theirs, this.#side.description.kind)
  }

  /** Waits for somebody's decision about it. */
  wait(ms: number, onLate: () => void): void {
    this.#cancelWait = this.#clock.after(ms, onLate)
  }

  stopWaiting(): void {
    this.#cancelWait()
  }

  /** Its transport has failed. */
  fail(error: BytestreamError): void {
    if (!this.isOver) this.#events.onFailed(error)
  }

  /** No more is done for it. */
  end(error?: BytestreamError): void {
    if (this.isOver) return
    this.isOver = true
    this.#cancelWait()
    const reason = error ?? new BytestreamError('ERR_RESET', 'the content was removed before it had a bytestream')
    this.#settle?.reject(reason)
    this.#over.abort(reason)
    this.#side?.close(error)
  }

  #open(bytestream: Bytestream): void {
    if (this.isOver) return
    this.#settle?.resolve(bytestream)
    void bytestream.totals.then(() => {
      this.isDone = true
      if (!this.isOver) this.#events.onDone()
    })
  }
}

/** Characters of what is kept of something, roughly. */
export function weightOf(said: JingleContent | JingleTransport): number {
  return JSON.stringify(said).length
}

function checkKind(theirs: JingleTransport, kind: JingleTransport['kind']): void {
  if (theirs.kind !== kind) throw new BytestreamError('ERR_BAD_REQUEST', 'another transport was accepted than the one that was offered')
}
