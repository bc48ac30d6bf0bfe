import { errorOfReason, type JingleSession, type JingleSessionContent } from '../../bytestreams/index.ts'
import { BytestreamError, type Clock } from '../../core/index.ts'
import type { JingleInfo } from '../../xep/index.ts'
import { FileContent, type FileEnd } from './file-content.ts'

/** Milliseconds a receiver has to end the session, after it has said that it has the last file. */
const END_MS_MAX = 10_000

/**
 * The files of a Jingle session: brings what is said in the session to the file it is about, and ends the session when
 * nothing is left to do.
 *
 * @see XEP-0234 §6.5, §8
 */
export class FileSession {
  readonly session: JingleSession
  readonly #clock: Clock
  /** Those that are in the session. */
  readonly #files = new Map<JingleSessionContent, FileContent>()
  /** Of those that no longer are. */
  readonly #ends = new WeakMap<JingleSessionContent, FileEnd>()
  /** Files with something left to do on our side. */
  readonly #pending = new Set<FileContent>()
  #isAccepted: boolean
  #cancelEnd = () => {}

  constructor(clock: Clock, session: JingleSession) {
    this.#clock = clock
    this.session = session
    this.#isAccepted = session.state === 'active'
    const { peer } = session
    session.on('info', (info) => this.#hear(info))
    session.on('accepted', () => {
      this.#isAccepted = true
      for (const { content } of this.#files.values()) this.#hearAccepted(content)
    })
    session.on('contentAccepted', (content) => this.#hearAccepted(content))
    session.on('contentRejected', ({ content, reason }) => {
      const error = errorOfReason(`${peer} does not want the file`, reason, peer)
      this.#hearEnd(content, { by: 'peer', reason, error, isOmitted: !this.#isAccepted && session.state === 'active' })
    })
    session.on('contentRemoved', ({ content, reason, by }) => {
      const sentence = by === 'us' ? 'the file was given up' : `${peer} has given the file up`
      this.#hearEnd(content, { by, reason, error: errorOfReason(sentence, reason, by === 'peer' ? peer : undefined) })
    })
    session.once('ended', (end) => {
      this.#cancelEnd()
      for (const { content } of [...this.#files.values()]) this.#hearEnd(content, end)
    })
  }

  /** Whether more files can be added to it. */
  get isOpen(): boolean {
    return this.session.state === 'active'
  }

  /** Follows one of the session's contents. */
  follow(content: JingleSessionContent): FileContent {
    const { session } = this
    const file: FileContent = new FileContent(
      content,
      { peer: session.peer, sid: session.sid, isOurs: content.senders === session.role },
      {
        tell: (info) => session.sendInfo(info),
        remove: (reason) => {
          // One the other side has taken out meanwhile is there no more.
          void session.removeContent(content, reason).catch(() => {})
        },
        settle: () => this.#settle(file),
      },
    )
    this.#files.set(content, file)
    this.#pending.add(file)
    this.#cancelEnd()
    // What was said before somebody could listen.
    const end = this.#ends.get(content)
    if (end) this.#hearEnd(content, end)
    else if (session.state === 'ended') void session.ended.then((end) => file.hearEnd(end))
    else this.#hearAccepted(content)
    return file
  }

  #settle(file: FileContent): void {
    this.#pending.delete(file)
    if (this.#pending.size > 0 || !this.isOpen) return
    const end = () => void this.session.terminate({ condition: 'success' })
    // XEP-0234 §6.5: the last to receive a file ends the session.
    if (file.isOurs) this.#cancelEnd = this.#clock.after(END_MS_MAX, end)
    else end()
  }

  #hearAccepted(content: JingleSessionContent): void {
    if (content.state === 'accepted') this.#files.get(content)?.hearAccepted()
  }

  #hearEnd(content: JingleSessionContent, end: FileEnd): void {
    this.#ends.set(content, end)
    this.#files.get(content)?.hearEnd(end)
    this.#files.delete(content)
  }

  /** @throws BytestreamError the answer */
  #hear(info: JingleInfo): void {
    if (info.kind !== 'checksum' && info.kind !== 'received') return
    const { name, creator } = info
    const [file, second] = [...this.#files.values()].filter(
      ({ content }) => (name ?? content.name) === content.name && (creator ?? content.creator) === content.creator,
    )
    if (!file) throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is no such content')
    // XEP-0234 §8: what identifies the content may be left out only where there is no other.
    if (second) throw new BytestreamError('ERR_BAD_REQUEST', `of several files, ${info.kind} has to name one`)
    file.hear(info)
  }
}
