import { BytestreamError } from '../../core/index.ts'
import type { Jingle, JingleContent, JingleInfo, JingleReason, JingleSenders, JingleTransport } from '../../xep/index.ts'
import { type ContentAction, isErrorCode, judgeAction } from './action-table.ts'
import { unusableBecause } from './offered-content.ts'
import { errorOfReason } from './reasons.ts'
import type { JingleSessionContent, SessionContent } from './session-content.ts'
import type { Addressed } from './session-contents.ts'
import type { SessionCourse } from './session-course.ts'

/** For somebody here to decide about what the other side offers. */
const DECISION_MS_MAX = 300_000

/** Who has to know of what has come. `true`: somebody does. */
export interface ReceivedEvents {
  readonly onAccepted: () => void
  readonly onOffered: (content: JingleSessionContent) => boolean
  readonly onContentAccepted: (content: JingleSessionContent) => void
  readonly onRejected: (facts: { content: JingleSessionContent; reason: JingleReason }) => void
  readonly onRemoved: (facts: { content: JingleSessionContent; reason: JingleReason; by: 'peer' }) => void
  /** May throw what is answered. */
  readonly onModified: (facts: { content: JingleSessionContent; senders: JingleSenders }) => boolean
  readonly onInfo: (info: JingleInfo) => boolean
}

/**
 * What the other side of a session says: every action is taken as a whole, or not at all and answered with an error, and
 * nothing waits before it is answered.
 */
export class ReceivedActions {
  readonly #course: SessionCourse
  readonly #newContent: (content: JingleContent, isInitial: boolean) => SessionContent
  readonly #events: ReceivedEvents

  constructor(course: SessionCourse, newContent: (content: JingleContent, isInitial: boolean) => SessionContent, events: ReceivedEvents) {
    this.#course = course
    this.#newContent = newContent
    this.#events = events
  }

  /** @throws BytestreamError the answer */
  receive(jingle: Jingle): void {
    const course = this.#course
    const { action, reason = unsaidReason(course) } = jingle
    const verdict = judgeAction(course.state, course.peerRole, action)
    course.isHeard ||= !isErrorCode(verdict)
    if (verdict === 'begin') this.#receiveInitiate(jingle)
    else if (verdict === 'accept') this.#receiveAccept(jingle)
    else if (verdict === 'inform') this.#receiveInfo(jingle.info)
    else if (verdict === 'end') course.endByPeer(reason)
    else if (verdict === 'look at the contents') this.#receiveOfContents(action as Exclude<ContentAction, 'session-accept'>, jingle)
    else {
      if (course.state === 'ended' && action === 'session-terminate') course.crossEnd(reason)
      throw new BytestreamError(verdict, `no ${action} is expected in a session that is ${course.state}`)
    }
  }

  #receiveInitiate({ contents }: Jingle): void {
    this.#checkCreator(contents)
    this.#course.contents.check(contents)
    for (const content of contents) this.#course.contents.add(this.#newContent(content, true))
    this.#course.state = 'pending'
    this.#course.wait(DECISION_MS_MAX, 'nobody here has decided about the session')
  }

  #receiveAccept({ contents }: Jingle): void {
    const course = this.#course
    const addressed = course.contents.addressed('session-accept', course.peerRole, contents)
    for (const { content, said } of addressed) content.checkAnswer(said.transport)
    course.state = 'active'
    course.stopWaiting()
    const accepted = addressed.filter(({ verdict }) => verdict === 'accept')
    for (const content of course.contents.live) {
      if (content.isInitial && content.state === 'offered' && !accepted.some((one) => one.content === content)) {
        this.#rejected(content, { condition: 'decline' })
      }
    }
    for (const one of accepted) this.#accepted(one)
    this.#events.onAccepted()
    this.#endIfVoid({ condition: 'success' })
  }

  #receiveInfo(info: JingleInfo | undefined): void {
    if (!info || info.kind === 'ping') return
    if (info.kind === 'unknown' || !this.#events.onInfo(info)) {
      throw new BytestreamError('ERR_JINGLE_UNSUPPORTED_INFO', 'nobody here knows what to make of it')
    }
  }

  #receiveOfContents(action: Exclude<ContentAction, 'session-accept'>, jingle: Jingle): void {
    if (action === 'content-add') this.#checkCreator(jingle.contents)
    const { contents, reason } = jingle
    const addressed = this.#course.contents.addressed(action, this.#course.peerRole, contents)
    switch (action) {
      case 'content-add':
        return this.#added(contents)
      case 'content-accept':
        return this.#receiveContentAccept(addressed)
      case 'content-reject':
        for (const { content } of addressed) this.#rejected(content, reason ?? { condition: 'decline' })
        return this.#endIfVoid(reason ?? { condition: 'decline' })
      case 'content-remove':
        return this.#removed(addressed, reason ?? { condition: 'success' })
      case 'content-modify':
        return this.#modified(addressed)
      case 'transport-info':
        return this.#informed(addressed)
      case 'transport-replace':
        return this.#replaced(addressed)
      case 'transport-accept':
      case 'transport-reject':
        return this.#settled(action, addressed)
    }
  }

  /** XEP-0166 §7.3: the creator is who has added it. */
  #checkCreator(contents: readonly JingleContent[]): void {
    if (contents.some(({ creator }) => creator !== this.#course.peerRole))
      throw new BytestreamError('ERR_BAD_REQUEST', 'whoever adds a content is its creator')
  }

  #added(contents: readonly JingleContent[]): void {
    const course = this.#course
    course.contents.check(contents)
    course.stopLingering()
    const added = contents.map((content) => this.#newContent(content, false))
    for (const content of added) course.contents.add(content)
    for (const [at, content] of added.entries()) {
      const condition = unusableBecause(contents[at] as JingleContent)
      content.wait(DECISION_MS_MAX, () => void course.drop('content-reject', content, { condition: 'timeout' }))
      if (condition) void course.drop('content-reject', content, { condition })
      else if (!this.#events.onOffered(content)) void course.drop('content-reject', content, { condition: 'decline' })
    }
  }

  #receiveContentAccept(addressed: readonly Addressed[]): void {
    // XEP-0166 §7.2.9: what the session began with is accepted with it.
    if (addressed.some(({ content }) => content.isInitial))
      throw new BytestreamError('ERR_JINGLE_OUT_OF_ORDER', 'the content was not added')
    for (const { content, said } of addressed) content.checkAnswer(said.transport)
    for (const one of addressed) {
      this.#accepted(one)
      this.#events.onContentAccepted(one.content)
    }
  }

  #accepted({ content, said }: Addressed): void {
    content.state = 'accepted'
    content.answer = said.description
    content.stopWaiting()
    if (!content.isOver) content.begin(said.transport as JingleTransport)
  }

  #rejected(content: SessionContent, reason: JingleReason): void {
    const isNews = !content.isOver
    content.end(errorOfReason(`${this.#course.init.peer} has refused it`, reason, this.#course.init.peer))
    this.#course.contents.delete(content)
    if (isNews) this.#events.onRejected({ content, reason })
  }

  #removed(addressed: readonly Addressed[], reason: JingleReason): void {
    const course = this.#course
    if (course.init.role === 'initiator' && addressed.some(({ content }) => content.leaving === 'content-remove'))
      throw new BytestreamError('ERR_JINGLE_TIE_BREAK', 'both sides remove the content')
    for (const { content } of addressed) {
      const isNews = !content.isOver
      content.end(errorOfReason(`${course.init.peer} has removed it`, reason, course.init.peer))
      course.contents.delete(content)
      if (isNews) this.#events.onRemoved({ content, reason, by: 'peer' })
    }
    this.#endIfVoid(reason)
  }

  #modified(addressed: readonly Addressed[]): void {
    const overrules = this.#course.init.role === 'initiator'
    if (overrules && addressed.some(({ content }) => content.isModifying))
      throw new BytestreamError('ERR_JINGLE_TIE_BREAK', 'both sides modify the content')
    const wishes = addressed.map(({ content, said }) => ({ content, senders: said.senders ?? 'both' }))
    for (const wish of wishes) {
      if (!this.#events.onModified(wish)) throw new BytestreamError('ERR_NOT_ACCEPTABLE', 'the senders stay who they are')
    }
    for (const { content, senders } of wishes) content.senders = senders
  }

  #informed(addressed: readonly Addressed[]): void {
    // XEP-0166 §6.8: what is not understood is answered so, whichever content it is about.
    if (addressed.some(({ said }) => said.transport?.kind === 'unknown'))
      throw new BytestreamError('ERR_JINGLE_UNSUPPORTED_INFO', 'nobody here knows that transport')
    this.#course.contents.checkRoom(addressed.flatMap(({ content, said }) => (content.isEarly && said.transport ? [said.transport] : [])))
    for (const { content, said } of addressed) if (!content.isOver) content.receiveInfo(said.transport as JingleTransport)
  }

  #replaced(addressed: readonly Addressed[]): void {
    const course = this.#course
    for (const { content } of addressed) content.checkReplace(course.init.role === 'responder')
    const reason: JingleReason = { condition: 'unsupported-transports' }
    for (const { content, said } of addressed) {
      if (content.isOver) continue // The other side hears so.
      void content
        .receiveReplace(said.transport as JingleTransport)
        .then(
          (transport) => course.send('transport-accept', { contents: [{ ...content.named, transport }] }),
          () => course.send('transport-reject', { contents: [{ ...content.named, transport: said.transport }], reason }),
        )
        .catch(() => {}) // The session knows what that means for it.
        .finally(() => content.endReplace())
    }
  }

  #settled(action: 'transport-accept' | 'transport-reject', addressed: readonly Addressed[]): void {
    const answers = addressed.map(({ content, said }) => [content, action === 'transport-accept' ? said.transport : undefined] as const)
    for (const [content, theirs] of answers) content.checkReplaced(theirs)
    for (const [content, theirs] of answers) content.settleReplace(theirs)
  }

  /** XEP-0166 §7.2.4, §7.2.5: whoever hears that the last content is gone ends the session. */
  #endIfVoid(reason: JingleReason): void {
    if (this.#course.contents.live.length === 0) this.#course.terminate(reason)
  }
}

/** What a session-terminate without a reason means: before anything was accepted, that nothing will be. */
function unsaidReason({ state, peerRole }: SessionCourse): JingleReason {
  if (state === 'pending') return { condition: peerRole === 'initiator' ? 'cancel' : 'decline' }
  return { condition: 'success' }
}
