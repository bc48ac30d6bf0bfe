import type { WayInit } from '../bytestreams/index.ts'
import { BytestreamError } from '../core/index.ts'
import type { FileFacts, FileSource } from './file-source.ts'
import type { HashAlgorithm, OfferableAlgorithm } from './hashes.ts'
import type { NegotiationChoice } from './negotiation.ts'
import type { RetryInit } from './retry.ts'
import type { Transfer } from './transfer.ts'

/** A file to be sent. */
export interface FileToSend {
  readonly path: string
  /**
   * Where it is among the files that go with it: names of folders with a `/` between two. A receiver that knows of folders, as ours
   * does, makes them; others get the file alone, and so do all by stream initiation.
   */
  readonly folder?: string | undefined
}

/** Who gets a file, and how. */
export interface SendInit extends WayInit {
  /** Full or bare; a bare one becomes the resource that can receive files. */
  readonly to: string
  readonly description?: string | undefined
  /** The media type, as far as the sender knows it. Default `application/octet-stream`. */
  readonly mimeType?: string | undefined
  /**
   * Which hashes of the content are sent along; a receiver may verify the strongest of them. Stream initiation has an MD5 as
   * well. Default SHA-256.
   */
  readonly hashes?: readonly OfferableAlgorithm[] | undefined
  /** Default `auto`: by Jingle where the receiver shows it, else by stream initiation. */
  readonly negotiation?: NegotiationChoice | undefined
  /** Higher ones have their turn first; among equal ones, accounts take turns. Default 0. */
  readonly priority?: number | undefined
  /** How long it is tried again, when it was interrupted after it had been accepted. */
  readonly retry?: RetryInit | undefined
}

const inspectSource = (source: FileSource, algorithms: Iterable<HashAlgorithm>, signal: AbortSignal) => source.inspect(algorithms, signal)

/** What is known of a file from one attempt to send it to the next. */
export class OfferedBefore {
  readonly #inspect: typeof inspectSource
  #mayResume = true
  #seen: Omit<FileFacts, 'digests'> | undefined
  #inspected: FileFacts | undefined

  /** @param inspect reads the file to learn its hashes */
  constructor(inspect = inspectSource) {
    this.#inspect = inspect
  }

  /** Whether the receiver may go on behind what it has. */
  get mayResume(): boolean {
    return this.#mayResume
  }

  /** What the receiver has is something else: from now on the file is sent from its start. */
  refuseResume(): void {
    this.#mayResume = false
  }

  /**
   * What can be known of a file without reading it, which has to stay as it was.
   *
   * @throws BytestreamError `ERR_INTEGRITY` when it was changed since the first attempt
   */
  async glance(source: FileSource): Promise<Omit<FileFacts, 'digests'>> {
    const facts = await source.glance()
    const { size, modified } = this.#seen ?? facts
    if (facts.size !== size || facts.modified.getTime() !== modified.getTime())
      throw new BytestreamError('ERR_INTEGRITY', `${facts.name} changed while it was being sent`)
    this.#seen = facts
    return facts
  }

  /** Reads the file to learn its hashes, once. */
  async inspect(source: FileSource, algorithms: Iterable<HashAlgorithm>, signal: AbortSignal): Promise<FileFacts> {
    this.#inspected ??= await this.#inspect(source, algorithms, signal)
    return this.#inspected
  }
}

/** A file, and whom it is offered to. */
export interface Offering extends FileToSend {
  readonly source: FileSource
  /** Full JID. */
  readonly to: string
  readonly init: SendInit
  readonly transfer: Transfer
  readonly before: OfferedBefore
  /** Of the session, or the stream, where the other side waits for that one. */
  readonly sid?: string | undefined
}
