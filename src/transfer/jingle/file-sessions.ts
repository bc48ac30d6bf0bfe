import {
  type ContentAnswer,
  type JingleSession,
  type JingleSessionContent,
  JingleSessions,
  type JingleTransportComponents,
  type JingleTransportInit,
  jingleTransport,
  jingleTransportsPart,
  type WayInit,
} from '../../bytestreams/index.ts'
import { BytestreamError, toBytestreamError } from '../../core/index.ts'
import type { ServicePart } from '../../session/index.ts'
import type { JingleDescription } from '../../xep/index.ts'
import type { FileContent } from './file-content.ts'
import { FileSession } from './file-session.ts'
import { reasonOf } from './reasons.ts'

/** Decides about files that others offer, or ask for. */
export interface FileTaker {
  /**
   * Lets somebody begin a session about files; disposing of what it returns ends that.
   *
   * @param from full JID
   * @throws BytestreamError to refuse the session
   */
  admit(from: string): Disposable
  /**
   * Decides about one file, and begins its transfer.
   *
   * @throws BytestreamError to refuse it; the other side hears the reason of its code
   */
  take(file: FileContent): Promise<Accepted>
}

/** What a file is accepted with. */
export interface Accepted {
  /** As it was offered where it is left out. */
  readonly description?: JingleDescription
  /** How it may travel, and who hears how it comes to that. */
  readonly way?: WayInit & Pick<JingleTransportInit, 'onStep'>
}

/**
 * The Jingle sessions about files that others begin: what they offer goes to whoever has asked for it, or receives, what they ask for to
 * whoever shares.
 *
 * @see XEP-0234 §4, §6
 */
export class FileSessions {
  /** What to show in service discovery while somebody receives or shares. */
  readonly parts: readonly ServicePart[]
  /** Who has asked for what comes in a session of the other side, if anybody has. */
  awaited: ((peer: string, sid: string) => FileTaker | undefined) | undefined
  receiver: FileTaker | undefined
  sharing: FileTaker | undefined
  readonly #components: JingleTransportComponents

  constructor(components: JingleTransportComponents) {
    this.#components = components
    const part = JingleSessions.of(components).handle('file', (session) => this.#begin(session))
    this.parts = [part, jingleTransportsPart]
  }

  /** @throws BytestreamError the answer */
  #begin(session: JingleSession): void {
    const { contents } = session
    const takers = new Set(contents.flatMap((content) => this.#takerOf(session, content) ?? []))
    if (takers.size === 0) throw unspoken()
    const admitted: Disposable[] = []
    const leave = () => {
      for (const each of admitted) each[Symbol.dispose]()
    }
    try {
      for (const taker of takers) admitted.push(taker.admit(session.peer))
    } catch (thrown) {
      leave()
      // XEP-0166 §6.3.2: the answer to those whose sessions are not taken at all.
      throw thrown instanceof BytestreamError && thrown.code === 'ERR_DECLINED' ? unspoken() : thrown
    }
    session.once('ended', leave)
    const files = new FileSession(this.#components.clock, session)
    session.on('contentOffered', (content) => void this.#answerAdded(session, files.follow(content)))
    const followed = contents.filter(({ description }) => description.kind === 'file').map((content) => files.follow(content))
    void this.#answer(session, followed)
  }

  #takerOf(session: JingleSession, { senders, description }: JingleSessionContent): FileTaker | undefined {
    if (description.kind !== 'file' || senders === 'none') return undefined
    // XEP-0234 §4.1 wants the senders; where they are left out, or are both, whoever speaks of a file offers it.
    return senders === session.role ? this.sharing : (this.awaited?.(session.peer, session.sid) ?? this.receiver)
  }

  async #answer(session: JingleSession, files: readonly FileContent[]): Promise<void> {
    const decisions = await Promise.all(files.map((file) => this.#decide(session, file)))
    if (session.state === 'ended') return
    // What was taken out meanwhile is no matter of the others.
    const decided = decisions.filter((_, at) => !files[at]?.end)
    const answers = decided.flatMap((decision) => (decision instanceof BytestreamError ? [] : [decision]))
    const first = decided.find((decision) => decision instanceof BytestreamError)
    if (answers.length === 0 && first) return void session.terminate(reasonOf(first))
    for (const [at, decision] of decisions.entries()) {
      if (!(decision instanceof BytestreamError)) continue
      files[at]?.fail(reasonOf(decision))
      files[at]?.settle()
    }
    // Whoever waits for one of its bytestreams hears why there is none.
    await session.accept(answers).catch(() => {})
  }

  async #answerAdded(session: JingleSession, file: FileContent): Promise<void> {
    const decision = await this.#decide(session, file)
    if (decision instanceof BytestreamError) {
      await session.rejectContent(file.content, reasonOf(decision)).catch(() => {})
      file.settle()
    } else await session.acceptContent(decision).catch(() => {})
  }

  /** @returns what to accept a file with, or why it is refused */
  async #decide(session: JingleSession, file: FileContent): Promise<ContentAnswer | BytestreamError> {
    const { content } = file
    const taker = this.#takerOf(session, content)
    if (!taker) return new BytestreamError('ERR_DECLINED', 'no such files are taken here')
    try {
      const { description, way } = await taker.take(file)
      const transport = jingleTransport(this.#components, way)
      return { content, transport, ...(description && { description }) }
    } catch (thrown) {
      return toBytestreamError(thrown)
    }
  }
}

/** As if nothing here knew Jingle. */
const unspoken = () => new BytestreamError('ERR_SERVICE_UNAVAILABLE', 'there are no files here')
