import type { MethodChoice, Timings } from '../bytestreams/index.ts'
import type { FileSource } from './file-source.ts'
import type { Transfer } from './transfer.ts'

export interface SendInit {
  /** Full or bare; a bare one becomes the resource that can receive files. */
  readonly to: string
  readonly description?: string
  /** Default `auto`: direct or through a proxy, whichever works, and in band where neither does. */
  readonly method?: MethodChoice
  /** Only this proxy, instead of those of the account's server. */
  readonly proxy?: string | undefined
  /** Addresses to offer for a direct connection; those of this machine where it is left out. */
  readonly ownHosts?: readonly string[]
  readonly timings?: Partial<Timings>
  readonly signal?: AbortSignal | undefined
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
