import type { ErrorCode } from '../../core/index.ts'
import type { FileToSend, SendInit } from '../offering.ts'

/** What becomes of a file in a queue. The last three are ends, of which two may be tried again. */
export type EntryState = 'waiting' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled'

/** What happens to it: the first five by whoever works the queue, the others by order. */
export type EntryEvent = 'begin' | 'done' | 'failed' | 'released' | 'pause' | 'resume' | 'cancel' | 'retry'

/** Of {@link SendInit}, what can be written down. */
export type QueuedOptions = Pick<SendInit, 'description' | 'mimeType' | 'hashes' | 'negotiation' | 'method' | 'proxy' | 'retry' | 'timings'>

/** A file to be queued. Its path is made absolute, since who sends it may be elsewhere. */
export interface QueuedFile extends FileToSend {
  /** Full or bare JID. */
  readonly to: string
  /** Higher ones are first. Default 0. */
  readonly priority?: number | undefined
  readonly options?: QueuedOptions | undefined
}

/** A file in a queue, with its absolute path. */
export interface QueueEntry extends FileToSend {
  readonly id: string
  readonly to: string
  readonly priority: number
  readonly options: QueuedOptions
  readonly state: EntryState
  /** How often its turn has come. */
  readonly attempts: number
  /** ISO 8601, as the other times. */
  readonly addedAt: string
  /** When its turn came last. */
  readonly begunAt?: string | undefined
  readonly endedAt?: string | undefined
  /** Why it has failed, or waits again. */
  readonly error?: { readonly code: ErrorCode; readonly message: string } | undefined
  /** Octets; of one that is done. */
  readonly size?: number | undefined
  /** Lower-case hexadecimal digits; of one that is done. */
  readonly sha256?: string | undefined
}

/** How what is still to be done may end. */
const ended = { done: 'done', failed: 'failed' } as const

/** What has ended stays so, whatever comes behind. */
const stays = <T extends EntryState>(state: T) =>
  ({ begin: state, done: state, failed: state, released: state, pause: state, resume: state, cancel: state }) as const

/**
 * Every cell is filled: processes that know nothing of each other write these down, so an order may come behind the end, and
 * the beginning behind an order. What is done stays done.
 */
const table = {
  waiting: { ...ended, begin: 'running', released: 'waiting', pause: 'paused', resume: 'waiting', cancel: 'cancelled', retry: 'waiting' },
  running: { ...ended, begin: 'running', released: 'waiting', pause: 'paused', resume: 'running', cancel: 'cancelled', retry: 'running' },
  paused: { ...ended, begin: 'paused', released: 'paused', pause: 'paused', resume: 'waiting', cancel: 'cancelled', retry: 'paused' },
  done: { ...stays('done'), retry: 'done' },
  failed: { ...stays('failed'), done: 'done', retry: 'waiting' },
  cancelled: { ...stays('cancelled'), done: 'done', retry: 'waiting' },
} as const satisfies Record<EntryState, Record<EntryEvent, EntryState>>

/** The states of an entry, in the order of {@link EntryState}. */
export const entryStates = Object.keys(table) as readonly EntryState[]

/** What becomes of an entry. */
export const nextState = (state: EntryState, event: EntryEvent): EntryState => table[state][event]

/** Whether something is still to be done. */
export const isActive = ({ state }: Pick<QueueEntry, 'state'>): boolean => state === 'waiting' || state === 'running' || state === 'paused'
