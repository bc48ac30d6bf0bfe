import type { WayInit } from '../bytestreams/index.ts'
import type { FileSource } from './file-source.ts'
import type { OfferableAlgorithm } from './hashes.ts'
import type { NegotiationChoice } from './negotiation.ts'
import type { Transfer } from './transfer.ts'

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
  readonly hashes?: readonly OfferableAlgorithm[]
  /** Default `auto`: by Jingle where the receiver shows it, else by stream initiation. */
  readonly negotiation?: NegotiationChoice
  /** Higher ones have their turn first; among equal ones, accounts take turns. Default 0. */
  readonly priority?: number | undefined
}

/** A file, and whom it is offered to. */
export interface Offering {
  readonly source: FileSource
  readonly path: string
  /** Full JID. */
  readonly to: string
  readonly init: SendInit
  readonly transfer: Transfer
}
