import { EventEmitter } from 'node:events'
import { BytestreamError, type Clock, orAbort, throwIfAborted, toBytestreamError } from '../../core/index.ts'
import type { Jingle, JingleContent, JingleDescription, JingleInfo, JingleReason, JingleRole, JingleSenders } from '../../xep/index.ts'
import type { SessionState } from './action-table.ts'
import { unusableBecause } from './offered-content.ts'
import { reasonOfFailure } from './reasons.ts'
import { ReceivedActions } from './received-actions.ts'
import { type JingleSessionContent, SessionContent } from './session-content.ts'
import { type CourseComponents, type CourseInit, type JingleEnd, SessionCourse } from './session-course.ts'
import type { OpenTransport } from './transport-link.ts'

/** A content to offer. */
export interface ContentInit {
  /** Left out, it gets one of its own. */
  readonly name?: string
  readonly senders: JingleSenders
  readonly description: JingleDescription
  readonly transport: OpenTransport
}

/** A content to accept. */
export interface ContentAnswer {
  readonly content: JingleSessionContent
  /** The offered one where it is left out. */
  readonly description?: JingleDescription
  readonly transport: OpenTransport
}

/** Facts. A `BytestreamError` thrown by a listener of `info` or `contentModified` is the answer to the other side. */
export interface JingleSessionEvents {
  /** The other side has accepted the session. */
  accepted: []
  /** The other side has added a content. Without a listener it is rejected. */
  contentOffered: [content: JingleSessionContent]
  /** The other side has accepted a content that was added. */
  contentAccepted: [content: JingleSessionContent]
  contentRejected: [facts: { readonly content: JingleSessionContent; readonly reason: JingleReason }]
  contentRemoved: [facts: { readonly content: JingleSessionContent; readonly reason: JingleReason; readonly by: 'us' | 'peer' }]
  /** The other side wants other senders, and gets them unless a listener throws. Without a listener they are refused. */
  contentModified: [facts: { readonly content: JingleSessionContent; readonly senders: JingleSenders }]
  /** Without a listener the answer is `unsupported-info`. */
  info: [info: JingleInfo]
  ended: [end: JingleEnd]
}

export interface JingleSessionInit extends CourseInit {
  /** Nothing is awaited of the other side any more. */
  readonly onOver: (error: BytestreamError) => void
}

interface Opened {
  readonly content: SessionContent
  readonly error?: BytestreamError
}

/**
 * One side of a Jingle session, without its stanzas.
 *
 * @see XEP-0166 §5, §6
 */
export class JingleSession extends EventEmitter<JingleSessionEvents> {
  readonly sid: string
  /** The full JID of the other side. */
  readonly peer: string
  readonly role: JingleRole
  readonly #clock: Clock
  readonly #course: SessionCourse
  readonly #received: ReceivedActions
  #isAccepting = false
  #namesGiven = 0

  constructor(components: CourseComponents, { onOver, ...init }: JingleSessionInit) {
    super()
    this.sid = init.sid
    this.peer = init.peer
    this.role = init.role
    this.#clock = components.clock
    const tell = <K extends keyof JingleSessionEvents>(event: K, ...facts: JingleSessionEvents[K]) => this.#tell(event, ...facts)
    this.#course = new SessionCourse(components, init, {
      onRemoved: (facts) => tell('contentRemoved', facts),
      onEnded: (end) => tell('ended', end),
      onOver,
    })
    this.#received = new ReceivedActions(this.#course, (content, isInitial) => this.#newContent(content, isInitial), {
      onAccepted: () => tell('accepted'),
      onOffered: (content) => {
        tell('contentOffered', content)
        return this.listenerCount('contentOffered') > 0
      },
      onContentAccepted: (content) => tell('contentAccepted', content),
      onRejected: (facts) => tell('contentRejected', facts),
      onRemoved: (facts) => tell('contentRemoved', facts),
      onModified: (facts) => this.emit('contentModified', facts),
      onInfo: (info) => this.emit('info', info),
    })
  }

  get state(): Exclude<SessionState, 'none'> {
    return this.#course.state === 'none' ? 'pending' : this.#course.state
  }

  /** As both sides know them; those of a session that has ended are as they were then. */
  get contents(): readonly JingleSessionContent[] {
    return this.#course.contents.all
  }

  /** Never rejects. Where we have ended the session, it waits for the acknowledgement. */
  get ended(): Promise<JingleEnd> {
    return this.#course.ended
  }

  /**
   * Accepts the session with these contents. All others are declined, and so is one that nobody here can have.
   *
   * @returns settles when the other side has acknowledged
   * @throws BytestreamError when the session ends instead; none of the transports could be made, for example
   */
  async accept(answers: readonly ContentAnswer[]): Promise<void> {
    const course = this.#course
    course.check('session-accept')
    if (this.#isAccepting) throw new BytestreamError('ERR_JINGLE_OUT_OF_ORDER', 'the session is being accepted already')
    const wanted = answers.map((answer) => this.#ours(answer.content))
    if (wanted.some(({ isInitial }) => !isInitial))
      throw new BytestreamError('ERR_JINGLE_OUT_OF_ORDER', 'a content that was added is accepted by itself')
    this.#isAccepting = true
    course.stopWaiting()
    const chosen = answers.filter(
      ({ content }, at) => !unusableBecause(this.#ours(content).offer) && wanted.indexOf(this.#ours(content)) === at,
    )
    const opened = await Promise.all(chosen.map((answer) => this.#open(this.#ours(answer.content), answer)))
    throwIfAborted(course.signal)
    const ready = opened.flatMap(({ content, error }) => (error || content.isOver ? [] : [content]))
    const failed = opened.flatMap(({ content, error }) => (error ? [{ content, error }] : []))
    const rest = course.contents.live.filter((content) => content.isInitial && !opened.some((one) => one.content === content))
    if (ready.length === 0) {
      const [first] = failed
      const condition = wanted.map(({ offer }) => unusableBecause(offer)).find((one) => one !== undefined) ?? 'decline'
      course.terminate(first ? reasonOfFailure(first.error, first.content.offered?.kind) : { condition }, first?.error)
      throwIfAborted(course.signal)
    }
    for (const { content, error } of failed) {
      void course.drop('content-remove', content, reasonOfFailure(error, content.offered?.kind), error)
    }
    for (const content of rest) void course.drop('content-remove', content, { condition: unusableBecause(content.offer) ?? 'decline' })
    await this.#sendAcceptance('session-accept', ready, answers)
  }

  /**
   * Offers more.
   *
   * @returns the contents, when the other side has acknowledged; what it decides is told by events
   * @throws BytestreamError when there are too many, or no transport could be made; StanzaError as the other side refused
   */
  async addContents(inits: readonly ContentInit[]): Promise<readonly JingleSessionContent[]> {
    const course = this.#course
    course.check('content-add')
    course.stopLingering()
    const contents = await this.#prepare(inits, false)
    try {
      await course.send('content-add', { contents: contents.map(({ offer }) => offer) })
    } catch (thrown) {
      for (const content of contents) {
        content.end(toBytestreamError(thrown))
        course.contents.delete(content)
      }
      throw thrown
    }
    const { answerMsMax } = course.init
    const late = new BytestreamError('ERR_TIMEOUT', `${this.peer} has not decided within ${answerMsMax / 1000} s`)
    for (const content of contents) {
      if (content.state === 'offered' && !content.isOver)
        content.wait(answerMsMax, () => void course.drop('content-remove', content, { condition: 'timeout' }, late))
    }
    return contents
  }

  /**
   * Accepts a content the other side has added.
   *
   * @returns settles when the other side has acknowledged
   * @throws BytestreamError when the content ends instead; its transport could not be made, for example
   */
  async acceptContent(answer: ContentAnswer): Promise<void> {
    const course = this.#course
    const content = this.#offeredToUs(answer.content)
    course.check('content-accept')
    content.isAccepting = true
    content.stopWaiting()
    const { error } = await this.#open(content, answer)
    if (error) {
      await course.drop('content-reject', content, reasonOfFailure(error, content.offered?.kind), error)
      throw error
    }
    await this.#sendAcceptance('content-accept', [content], [answer])
  }

  /** Rejects a content the other side has added. @returns settles when it knows, or cannot be told */
  async rejectContent(content: JingleSessionContent, reason: JingleReason): Promise<void> {
    const ours = this.#offeredToUs(content)
    await this.#course.drop('content-reject', ours, reason)
  }

  /** Takes a content out of the session; with the last one the session ends. @returns settles when the other side knows, or cannot be told */
  async removeContent(content: JingleSessionContent, reason: JingleReason): Promise<void> {
    await this.#course.drop('content-remove', this.#ours(content), reason)
  }

  /** Asks for other senders. @throws StanzaError as the other side refuses; BytestreamError `ERR_JINGLE_TIE_BREAK` when it asks itself */
  async modifyContent(content: JingleSessionContent, senders: JingleSenders): Promise<void> {
    const ours = this.#ours(content)
    if (ours.isModifying) throw new BytestreamError('ERR_JINGLE_OUT_OF_ORDER', 'other senders are being asked for already')
    ours.isModifying = true
    try {
      await this.#course.send('content-modify', { contents: [{ ...ours.named, senders }] })
      ours.senders = senders
    } finally {
      ours.isModifying = false
    }
  }

  /** @returns settles when it was acknowledged */
  async sendInfo(info: JingleInfo): Promise<void> {
    await this.#course.send('session-info', { info })
  }

  /** Ends the session, at once. @returns settles when the other side has acknowledged, or is given up; never rejects */
  async terminate(reason: JingleReason): Promise<void> {
    this.#course.terminate(reason)
    await this.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate({ condition: 'cancel' })
  }

  /**
   * Begins the session we are the initiator of; for whoever made it.
   *
   * @internal
   * @returns settles when the other side has acknowledged
   * @throws StanzaError as it refused; BytestreamError otherwise
   */
  async initiate(inits: readonly ContentInit[], signal: AbortSignal | undefined): Promise<void> {
    const course = this.#course
    course.follow(signal)
    try {
      const contents = await this.#prepare(inits, true)
      const sent = course.send('session-initiate', { initiator: course.init.ownJid, contents: contents.map(({ offer }) => offer) })
      course.state = 'pending'
      await orAbort(sent, course.signal)
    } catch (thrown) {
      if (course.isHeard && course.state === 'ended') return // Begun it was; why it has ended is told by its end.
      if (course.state !== 'ended') course.lose(toBytestreamError(thrown))
      throw thrown
    }
    if (this.state === 'pending') course.wait(course.init.answerMsMax, `${this.peer} has not decided about the session`)
  }

  /**
   * Takes an action of the other side; for whoever made the session.
   *
   * @internal
   * @throws BytestreamError the answer
   */
  receive(jingle: Jingle): void {
    this.#received.receive(jingle)
  }

  /**
   * There is nobody at the other end any more, or no way to reach it; for whoever made the session.
   *
   * @internal
   * @param isTold whether to send a session-terminate all the same
   */
  lose(error: BytestreamError, isTold = false): void {
    this.#course.lose(error, isTold)
  }

  #newContent(content: JingleContent, isInitial: boolean): SessionContent {
    const made: SessionContent = new SessionContent(this.#clock, content, isInitial, {
      onFailed: (error) => this.#course.fail(made, error),
      onDone: () => this.#course.considerEnd(),
    })
    return made
  }

  /** Makes contents of ours, with their transports. */
  async #prepare(inits: readonly ContentInit[], isInitial: boolean): Promise<SessionContent[]> {
    const { contents: all, init, signal } = this.#course
    const named = inits.map(({ transport, ...said }) => {
      this.#namesGiven++
      return { name: `content-${this.#namesGiven}`, ...said, creator: init.role }
    })
    const contents = named.map((content) => this.#newContent(content, isInitial))
    try {
      all.check(named)
      const opening = contents.map((content, at) => content.open((inits[at] as ContentInit).transport, this.#course.linkOf(content)))
      await orAbort(Promise.all(opening), signal)
      await Promise.all(contents.filter(({ isOver }) => isOver).map(({ bytestream }) => bytestream)) // Failed already: that rejects.
      all.check(named)
    } catch (thrown) {
      for (const content of contents) content.end(toBytestreamError(thrown))
      throw thrown
    }
    for (const content of contents) all.add(content)
    return contents
  }

  /** Makes the transport of a content, or tells why there is none. */
  async #open(content: SessionContent, { transport }: ContentAnswer): Promise<Opened> {
    try {
      await content.open(transport, this.#course.linkOf(content))
      if (content.isOver) await content.bytestream // That rejects.
      return { content }
    } catch (thrown) {
      return { content, error: toBytestreamError(thrown) }
    }
  }

  async #sendAcceptance(
    action: 'session-accept' | 'content-accept',
    contents: readonly SessionContent[],
    answers: readonly ContentAnswer[],
  ): Promise<void> {
    const course = this.#course
    const said = contents.map((content) => {
      const answer = answers.find((one) => one.content === content)
      return { ...content.offer, description: answer?.description ?? content.description, transport: content.transport }
    })
    const responder = action === 'session-accept' ? course.init.ownJid : undefined
    const sent = course.send(action, { responder, contents: said })
    for (const [at, content] of contents.entries()) {
      // Before it is acknowledged: what comes together with that is said of it already.
      content.answer = said[at]?.description
      content.begin(content.offered as NonNullable<typeof content.offered>)
    }
    try {
      await sent
    } catch (thrown) {
      // Whatever the other side makes of it, it is not what we do.
      course.terminate({ condition: 'general-error' }, toBytestreamError(thrown))
      throw thrown
    }
    for (const content of contents) content.state = 'accepted'
    if (action === 'content-accept' || course.state === 'ended') return
    course.state = 'active'
    this.#tell('accepted')
  }

  #ours(content: JingleSessionContent): SessionContent {
    const ours = this.#course.contents.all.find((one) => one === content)
    if (!ours) throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'the session has no such content')
    return ours
  }

  #offeredToUs(content: JingleSessionContent): SessionContent {
    const ours = this.#ours(content)
    if (ours.creator === this.role || ours.isInitial || ours.state !== 'offered' || ours.isAccepting || ours.isOver)
      throw new BytestreamError('ERR_JINGLE_OUT_OF_ORDER', 'the content is not one to decide about')
    return ours
  }

  /** What goes wrong in a listener is its own fault, and must not look like the other side's. */
  #tell<K extends keyof JingleSessionEvents>(event: K, ...facts: JingleSessionEvents[K]): void {
    try {
      this.emit(event as never, ...(facts as never))
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
