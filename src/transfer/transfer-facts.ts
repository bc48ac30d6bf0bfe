import type { Bytestream, BytestreamMethod, InitiatorStep } from '../bytestreams/index.ts'
import type { BytestreamError } from '../core/index.ts'
import type { HashAlgorithm } from './hashes.ts'

/** How far a transfer is. */
export interface Progress {
  /** Octets of the content that have left, or arrived. */
  readonly bytes: number
  /** Octets in all. */
  readonly size: number
  /** Octets a second, over the last moments. */
  readonly bytesPerSecond: number
}

/** A transfer that is done: every octet and the hash were right, and the other side took it. */
export interface TransferResult {
  /** The file that was sent, or the one that was written. */
  readonly path: string
  readonly size: number
  /** Lower-case hexadecimal digits. */
  readonly sha256: string
  /** Of a file that was received: the hash of the sender that was verified, the strongest it gave. */
  readonly verified?: HashAlgorithm | undefined
  /** Of a file that was received: whether it was here before, and nothing was written. */
  readonly alreadyThere?: boolean | undefined
  /** How the octets travelled. */
  readonly method: BytestreamMethod
  /** Milliseconds in which octets moved, from the first one to the last; without the time between two attempts. */
  readonly durationMs: number
  /**
   * Whether the other side said that it has the file, by closing properly after the last octet. `false` is for receivers
   * that just stay: the file was sent whole, and nobody complained for five minutes.
   */
  readonly confirmed: boolean
  /** Octets that were there already when the last attempt began, and were not sent again. */
  readonly resumedFrom: number
  /** How often it was tried: 1 where nothing went wrong. */
  readonly attempts: number
  /** Octets of the content that travelled, in all attempts: what had to be sent twice counts twice. */
  readonly movedBytes: number
}

/** What is known at the end of a transfer by whoever ran it. */
export type Sent = Omit<TransferResult, 'durationMs' | 'resumedFrom' | 'attempts' | 'movedBytes'>

/** How two ends agree on a transfer: by stream initiation (XEP-0095), or by Jingle (XEP-0234). */
export type Negotiation = 'jingle' | 'si'

/** How a transfer will be negotiated, and why not the other way, where that was not asked for. */
export interface NegotiationStep {
  readonly step: 'negotiation'
  readonly negotiation: Negotiation
  readonly reason?: string | undefined
}

/** The receiver gets a file without the folder it is sent with. */
export interface WithoutFolderStep {
  readonly step: 'without folder'
  readonly reason: string
}

/**
 * The states of a transfer, in their order, of which not every transfer has each; the last two are final. Behind `interrupted`,
 * where an attempt has failed and another will follow, they begin anew.
 */
export type TransferState = 'waiting' | 'preparing' | 'negotiating' | 'moving' | 'interrupted' | 'done' | 'failed'

/** What is known of a transfer from its beginning. */
export interface TransferFacts {
  readonly direction: 'send' | 'receive'
  /** The JID at the other end: full, once it is known. */
  readonly peer: string
  readonly name: string
  /** Default 0. */
  readonly priority?: number | undefined
  /** Whether it was begun here, and not by the other side. */
  readonly isOurs?: boolean
}

/** The bytestream of a transfer, and what was negotiated to get there. */
export interface Opened extends Pick<Bytestream, 'method' | 'streamhost' | 'dstAddr' | 'blockSize' | 'peer'> {
  readonly negotiation: Negotiation
}

/** Facts. After `done` or `failed` there are none. */
export interface TransferEvents {
  state: [state: TransferState]
  /** What the negotiation has come to; where the other side has offered the file, only by Jingle. */
  step: [step: InitiatorStep | NegotiationStep | WithoutFolderStep]
  /** The bytestream is open. */
  opened: [facts: Opened]
  /** Its priority was changed. */
  priority: [priority: number]
  /** It has given its place up, until it is resumed. */
  paused: []
  /** It waits for its turn again. */
  unpaused: []
  /** An attempt has failed, and another follows after `retryMs` milliseconds, once the session is online. */
  interrupted: [facts: { error: BytestreamError; attempt: number; retryMs: number }]
  /** How many octets were there already; 0 where it has to begin again, with the reason. */
  resumed: [facts: { offset: number; reason?: string }]
  /** What has come of a file stays, so that its rest can follow another time: where it is, and how many octets it has. */
  kept: [facts: { path: string; bytes: number }]
  done: [result: TransferResult]
  failed: [error: BytestreamError]
}
