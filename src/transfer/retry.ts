import {
  abortError,
  BytestreamError,
  type Clock,
  type ErrorCode,
  orAbort,
  StanzaError,
  startDeadline,
  toBytestreamError,
} from '../core/index.ts'
import { BackOff, defaultBackOff, type Session } from '../session/index.ts'
import type { Transfer } from './transfer.ts'
import type { Sent } from './transfer-facts.ts'

/** How long a transfer that was interrupted is tried again. */
export interface RetryInit {
  /**
   * Milliseconds without progress until it is given up; 0 never tries again. Default 600,000 (10 minutes), and 0 for a client that does
   * not log in again.
   */
  readonly forMs?: number | undefined
}

/** Milliseconds without progress until a transfer is given up. */
const RETRY_MS_MAX = 600_000
/** How long to try again, where nobody says. */
export const defaultRetry = { forMs: RETRY_MS_MAX } as const satisfies RetryInit

/** Attempts that may fail behind the last octet: more would send a whole file over and over. */
const WHOLE_ATTEMPTS_MAX = 3
/** Attempts in all: each may come a little further than the one before. */
const ATTEMPTS_MAX = 1_000

/** How far a transfer has been: the other side was asked, has accepted it, has opened a bytestream for it. */
export type Reached = 'asked' | 'accepted' | 'opened'

/** No transfer fails with those of publish-subscribe, of offers, which only their owners raise, and of what is kept on disk. */
type TransferCode = Exclude<ErrorCode, `ERR_PUBSUB_${string}` | `ERR_OFFER_${string}` | `ERR_STORAGE${string}`>

/**
 * From where on a failure is worth another attempt. What was refused stays refused, what was wrong stays wrong; a way that has worked
 * may work again, one that never has will not.
 */
const worthwhile = {
  ERR_SOCKS5_MALFORMED: 'opened',
  ERR_SOCKS5_METHOD: 'opened',
  ERR_SOCKS5_COMMAND: 'opened',
  ERR_SOCKS5_ADDRESS_TYPE: 'opened',
  ERR_SOCKS5_DST_ADDR: 'opened',
  ERR_SOCKS5_REFUSED: 'opened',
  ERR_HANDSHAKE_TIMEOUT: 'opened',

  ERR_FORBIDDEN: 'never',
  ERR_BAD_REQUEST: 'never',
  ERR_JID_MALFORMED: 'never',
  ERR_BYTESTREAM_UNKNOWN: 'opened',
  ERR_PEER_MISSING: 'opened',
  ERR_PLACES_TAKEN: 'opened',
  ERR_NOT_A_STREAMHOST: 'never',
  ERR_LIMIT_SOCKETS: 'accepted',
  ERR_LIMIT_SOURCE_SOCKETS: 'accepted',
  ERR_LIMIT_HALF_OPEN: 'accepted',
  ERR_LIMIT_WAITING: 'accepted',
  ERR_LIMIT_READ_AHEAD: 'accepted',
  ERR_LIMIT_ACCOUNT: 'accepted',
  ERR_SHUTTING_DOWN: 'accepted',
  ERR_LISTEN: 'opened',

  ERR_SERVICE_UNAVAILABLE: 'accepted',
  ERR_ITEM_NOT_FOUND: 'never',
  ERR_STANZA: 'never', // Where its condition does not say otherwise: see isTransient().
  ERR_STREAM: 'accepted',
  ERR_STANZA_TOO_BIG: 'never',
  ERR_SESSION_CLOSED: 'accepted',
  ERR_AUTHENTICATION: 'never',
  ERR_HOST_UNKNOWN: 'never',
  ERR_REPLACED: 'never',
  ERR_UNREACHABLE: 'accepted',
  ERR_TLS: 'accepted',

  ERR_NOT_ACCEPTABLE: 'never',
  ERR_NO_STREAMHOST: 'opened',
  ERR_DESTINATION: 'never',
  ERR_DECLINED: 'never',
  ERR_FILE_TOO_LARGE: 'never',
  ERR_NO_VALID_STREAMS: 'never',
  ERR_BAD_PROFILE: 'never',
  ERR_NO_RESOURCE: 'accepted',
  ERR_FILE_NAME: 'never',
  ERR_FILE_EXISTS: 'never',
  ERR_FILE: 'never',
  ERR_DISK_SPACE: 'never',
  ERR_INTEGRITY: 'never',
  ERR_RESET: 'accepted',

  ERR_IN_BAND_REFUSED: 'opened',
  ERR_IN_BAND_BLOCK_SIZE: 'opened',
  ERR_IN_BAND_SEQUENCE: 'accepted',
  ERR_IN_BAND_DATA: 'accepted',

  ERR_JINGLE_OUT_OF_ORDER: 'accepted',
  ERR_JINGLE_TIE_BREAK: 'accepted',
  ERR_JINGLE_UNKNOWN_SESSION: 'accepted',
  ERR_JINGLE_UNSUPPORTED_INFO: 'never',

  ERR_CONFIG: 'never',
  ERR_TIMEOUT: 'accepted',
  ERR_CANCELLED: 'never',
  ERR_ABORTED: 'never',
  ERR_INTERNAL: 'never',
} as const satisfies Record<TransferCode, Reached | 'never'>

const ORDER: readonly Reached[] = ['asked', 'accepted', 'opened']

/**
 * Whether what has failed is worth another attempt.
 *
 * @param reached how far the transfer has been, in any attempt
 */
export function isTransient(error: BytestreamError, reached: Reached): boolean {
  const isForNow = error instanceof StanzaError && (error.stanzaError.type === 'wait' || error.absence !== undefined)
  const fromOf: Partial<Record<ErrorCode, Reached | 'never'>> = worthwhile
  const from = isForNow ? 'accepted' : (fromOf[error.code] ?? 'never')
  return from !== 'never' && ORDER.indexOf(reached) >= ORDER.indexOf(from)
}

export interface RetryComponents {
  readonly clock: Clock
  readonly session: Session
  /** 0 up to, not including, 1. */
  readonly random?: () => number
}

/** What goes on from one attempt to the next. */
interface Retrying {
  readonly forMs: number
  /** Whether the other side has accepted something of the same call already. */
  readonly hasAccepted?: () => boolean
}

/**
 * Tries again what was interrupted: after a while, which doubles from one attempt to the next and begins small again after progress,
 * and once the session is online. It is given up when nothing has come of it for so long, when trying again cannot help, and with the
 * session, if that ends.
 *
 * @param attempt runs once for each; its place in a queue is its own matter
 * @throws BytestreamError as `attempt` does; the reason of {@link Transfer.cancelled}; what has ended the session for good
 */
export async function retrying(
  components: RetryComponents,
  transfer: Transfer,
  init: Retrying,
  attempt: () => Promise<Sent>,
): Promise<Sent> {
  if (init.forMs === 0) return await attempt()
  using course = new Course(components, transfer, init)
  for (;;) {
    try {
      await course.online()
      course.awaitTurn()
      return await attempt()
    } catch (thrown) {
      await course.rest(toBytestreamError(thrown))
    }
  }
}

/** What is known of a transfer over all of its attempts. */
class Course implements Disposable {
  readonly #clock: Clock
  readonly #session: Session
  readonly #transfer: Transfer
  readonly #init: Retrying
  readonly #backOff: BackOff
  #reached: Reached = 'asked'
  /** Whether this attempt has a bytestream. */
  #isOpen = false
  #attempts = 0
  #wholeAttempts = 0
  /** The furthest any attempt has come, and has begun. */
  readonly #best = { bytes: 0, resumedFrom: 0 }
  #quietSinceMs: number
  /** Since when it waits for its turn. */
  #waitingSinceMs: number | undefined

  constructor({ clock, session, random }: RetryComponents, transfer: Transfer, init: Retrying) {
    this.#clock = clock
    this.#session = session
    this.#transfer = transfer
    this.#init = init
    this.#backOff = new BackOff(defaultBackOff, random)
    this.#quietSinceMs = clock.now()
    transfer.on('state', this.#onState).on('step', this.#onStep).on('opened', this.#onOpened)
  }

  /** An attempt waits for its turn, which may be long in coming: that is no time in which nothing has come of it. */
  awaitTurn(): void {
    this.#waitingSinceMs = this.#clock.now()
  }

  /** Settles when the session is online. @throws BytestreamError when it will not be */
  async online(): Promise<void> {
    if (this.#session.isOnline) return
    const { signal } = this.#transfer
    const message = 'we are not logged in, and cannot log in again'
    using deadline = startDeadline(this.#clock, Math.max(0, this.#leftMs), 'ERR_SESSION_CLOSED', message, signal)
    await this.#untilOnline(deadline.signal)
  }

  /** Waits until it is time for the next attempt. @throws BytestreamError `error` when there is none */
  async rest(error: BytestreamError): Promise<void> {
    const { cancelled } = this.#transfer
    if (cancelled.aborted) throw abortError(cancelled)
    this.#checkSession(error)
    const retryMs = this.#mayRetry(error) ? Math.min(this.#backOff.next(), this.#leftMs) : 0
    if (retryMs <= 0) throw error
    this.#isOpen = false
    this.#transfer.interrupt(error, retryMs)
    await this.#pause(retryMs, error)
    this.#transfer.tryAgain()
  }

  get #leftMs(): number {
    return this.#init.forMs - (this.#clock.now() - this.#quietSinceMs)
  }

  /** Takes into account how far it has come. */
  #mayRetry(error: BytestreamError): boolean {
    const { bytes, size, resumedFrom } = this.#transfer
    if (this.#isOpen && (bytes > this.#best.bytes || resumedFrom > this.#best.resumedFrom)) {
      this.#best.bytes = Math.max(bytes, this.#best.bytes)
      this.#best.resumedFrom = Math.max(resumedFrom, this.#best.resumedFrom)
      this.#quietSinceMs = this.#clock.now()
      this.#backOff.reset()
    }
    if (this.#isOpen && bytes >= size) this.#wholeAttempts += 1
    this.#attempts += 1
    if (this.#wholeAttempts >= WHOLE_ATTEMPTS_MAX || this.#attempts >= ATTEMPTS_MAX) return false
    // The loss of our own session says nothing of the other side.
    const reached = this.#session.isOnline ? this.#reached : 'opened'
    return isTransient(error, this.#init.hasAccepted?.() && reached === 'asked' ? 'accepted' : reached)
  }

  /** @throws BytestreamError what has ended the session, or `error` where that says as much */
  #checkSession(error: BytestreamError): void {
    const { end } = this.#session
    if (end) throw end.error && !isTransient(end.error, 'opened') ? end.error : error
  }

  /** Ends early when the session does. */
  async #pause(ms: number, error: BytestreamError): Promise<void> {
    let cancel = () => {}
    let onEnded = () => {}
    const over = new Promise<void>((resolve) => {
      onEnded = resolve
      cancel = this.#clock.after(ms, resolve)
      this.#session.once('ended', onEnded)
    })
    try {
      await orAbort(over, this.#transfer.cancelled)
    } finally {
      cancel()
      this.#session.off('ended', onEnded)
    }
    this.#checkSession(error)
  }

  async #untilOnline(signal: AbortSignal): Promise<void> {
    const lost = new BytestreamError('ERR_SESSION_CLOSED', 'the session is not online')
    this.#checkSession(lost)
    let onChange = () => {}
    const changed = new Promise<void>((resolve) => {
      onChange = resolve
      this.#session.once('online', onChange).once('ended', onChange)
    })
    try {
      await orAbort(changed, signal)
    } finally {
      this.#session.off('online', onChange).off('ended', onChange)
    }
    this.#checkSession(lost)
  }

  readonly #onState = () => {
    this.#quietSinceMs += this.#clock.now() - (this.#waitingSinceMs ?? this.#clock.now())
    this.#waitingSinceMs = undefined
  }

  readonly #onStep = ({ step }: { readonly step: string }) => {
    if (step === 'accepted' && this.#reached === 'asked') this.#reached = 'accepted'
  }

  readonly #onOpened = () => {
    this.#reached = 'opened'
    this.#isOpen = true
  };

  [Symbol.dispose](): void {
    this.#transfer.off('state', this.#onState).off('step', this.#onStep).off('opened', this.#onOpened)
  }
}
