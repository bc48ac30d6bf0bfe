import type { Bytestream, JingleEnd, JingleSessionContent } from '../../bytestreams/index.ts'
import { BytestreamError, orAbort } from '../../core/index.ts'
import type { Hash, JingleFile, JingleInfo, JingleRange, JingleReason } from '../../xep/index.ts'

/** Whether, and why, nothing more is done for a file. */
export interface FileEnd extends JingleEnd {
  /** The session was accepted without it, and without a word about it. */
  readonly isOmitted?: boolean
}

/** The hashes of a file, or of a part of it. */
export type Checksum = Extract<JingleInfo, { kind: 'checksum' }>['file']

/** What a file's session does for it. */
export interface FileWire {
  tell(info: JingleInfo): Promise<void>
  /** Takes the file out of the session, which ends with the last one. */
  remove(reason: JingleReason): void
  /** Nothing more is to be done for it on our side; where it was received, and was the last one, the session ends. */
  settle(): void
}

/** A promise, and how to keep it. */
class Awaited<T> {
  readonly promise: Promise<T>
  resolve: (value: T) => void = () => {}

  constructor() {
    this.promise = new Promise((resolve) => {
      this.resolve = resolve
    })
  }
}

/**
 * One file in a Jingle session, whichever side offers or asks for it: what the other side says of it.
 *
 * @see XEP-0234 §5, §8
 */
export class FileContent {
  readonly content: JingleSessionContent
  /** Full JID of the other side. */
  readonly peer: string
  /** Of its session. */
  readonly sid: string
  /** Whether we send it. */
  readonly isOurs: boolean
  readonly #wire: FileWire
  readonly #accepted = new Awaited<void>()
  readonly #checksum = new Awaited<Checksum>()
  readonly #received = new Awaited<void>()
  readonly #over = new Awaited<FileEnd>()
  #end: FileEnd | undefined
  #hasChecksum = false
  #prefix: readonly Hash[] | undefined

  constructor(content: JingleSessionContent, { peer, sid, isOurs }: Pick<FileContent, 'peer' | 'sid' | 'isOurs'>, wire: FileWire) {
    this.content = content
    this.peer = peer
    this.sid = sid
    this.isOurs = isOurs
    this.#wire = wire
  }

  /** As it was offered, or asked for. */
  get offered(): JingleFile {
    return fileOf(this.content.description)
  }

  /** As it was accepted. */
  get answered(): JingleFile {
    return fileOf(this.content.answer)
  }

  /** `undefined` while it is in the session. */
  get end(): FileEnd | undefined {
    return this.#end
  }

  /** Whether the other side has told hashes, announced or not. */
  get hasChecksum(): boolean {
    return this.#hasChecksum
  }

  /**
   * The hashes of the octets before those that come, which the other side tells before the first one; `undefined` while, or where,
   * it does not.
   */
  get prefix(): readonly Hash[] | undefined {
    return this.#prefix
  }

  /** Settles when the other side wants it. @throws BytestreamError why it does not */
  accepted(): Promise<void> {
    return this.#orOver(this.#accepted.promise)
  }

  /** Settles with its bytestream. @throws BytestreamError why there is none, or the reason of the signal */
  opened(signal: AbortSignal): Promise<Bytestream> {
    return orAbort(this.content.bytestream, signal)
  }

  /** Settles with the hashes the other side tells. @throws BytestreamError when it will not, or the reason of the signal */
  checksum(signal: AbortSignal): Promise<Checksum> {
    return orAbort(this.#orOver(this.#checksum.promise), signal)
  }

  /** Settles when the other side has it: it says so, or ends the session well. @throws BytestreamError why it has not */
  async received(): Promise<void> {
    const end = await Promise.race([this.#received.promise, this.#over.promise])
    if (end?.error) throw end.error
  }

  /** Settles when the file is no longer in the session. */
  over(): Promise<FileEnd> {
    return this.#over.promise
  }

  /** Tells the hashes of what we have sent. A receiver need not want to know. */
  async tellChecksum(file: Checksum): Promise<void> {
    await this.#tell({ kind: 'checksum', ...this.#named, file })
  }

  /** Tells that we have it. */
  async acknowledge(): Promise<void> {
    await this.#tell({ kind: 'received', ...this.#named })
  }

  /** Gives it up, unless the other side has. */
  fail(reason: JingleReason): void {
    if (!this.#end) this.#wire.remove(reason)
  }

  settle(): void {
    this.#wire.settle()
  }

  /** For the session: the other side has accepted it. */
  hearAccepted(): void {
    this.#accepted.resolve()
  }

  /** For the session: what the other side says. @throws BytestreamError the answer */
  hear(info: Extract<JingleInfo, { kind: 'checksum' | 'received' }>): void {
    if (this.isOurs !== (info.kind === 'received'))
      throw new BytestreamError('ERR_BAD_REQUEST', `${info.kind} is for the other side to say`)
    if (info.kind === 'received') return this.#received.resolve()
    const { range } = info.file
    if (this.#isBefore(range)) {
      this.#prefix = range?.hashes
      return
    }
    this.#hasChecksum = true
    this.#checksum.resolve(info.file)
  }

  /** For the session: it is over. */
  hearEnd(end: FileEnd): void {
    this.#end ??= end
    this.#over.resolve(this.#end)
  }

  get #named() {
    return { creator: this.content.creator, name: this.content.name }
  }

  /** Whether a range is what lies before the part that was asked for. */
  #isBefore(range: JingleRange | undefined): boolean {
    const { offset = 0 } = this.answered.range ?? this.offered.range ?? {}
    return offset > 0 && range?.length === offset && (range.offset ?? 0) === 0
  }

  async #tell(info: JingleInfo): Promise<void> {
    if (this.#end) return
    try {
      await this.#wire.tell(info)
    } catch {
      // COMPAT(Dino, Gajim): they know no session-info about files. Whether the session goes on is told by its end.
    }
  }

  #orOver<T>(promise: Promise<T>): Promise<T> {
    const over = this.#over.promise.then(({ by, error }) => {
      throw error ?? new BytestreamError('ERR_RESET', by === 'us' ? 'the session was ended' : `${this.peer} has ended the session`)
    })
    return Promise.race([promise, over])
  }
}

function fileOf(description: JingleSessionContent['answer']): JingleFile {
  return description?.kind === 'file' ? description.file : { hashes: [], hashUsed: [] }
}
