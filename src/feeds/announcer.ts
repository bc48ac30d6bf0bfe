import { type BytestreamError, type Clock, StanzaError, toBytestreamError } from '../core/index.ts'
import { BackOff, type Session } from '../session/index.ts'
import type { Announcement } from '../xep/index.ts'
import type { AnnouncingPlace } from './places.ts'

/** Whether a service that has known us may do it a moment later. */
export function isPassing(error: BytestreamError): boolean {
  if (error instanceof StanzaError) return error.stanzaError.type === 'wait' || error.absence === 'for now'
  return error.code === 'ERR_TIMEOUT' || error.code === 'ERR_SESSION_CLOSED'
}

/** What somebody wants announced; `undefined`: nothing any more. */
type Wanted = { readonly announcement: Announcement | undefined }

export interface AnnouncerComponents {
  readonly session: Session
  readonly clock: Clock
}

interface Waiter {
  readonly wanted: Wanted
  readonly resolve: () => void
  readonly reject: (error: BytestreamError) => void
}

/**
 * Keeps what a service says of one offer as it is wanted, whatever happens to the connection: what was to be told while there was
 * none is told afterwards, and only the last of it.
 */
export class Announcer implements Disposable {
  readonly #session: Session
  readonly #clock: Clock
  readonly #places: readonly AnnouncingPlace[]
  readonly #onFailed: (error: BytestreamError) => void
  readonly #backOff = new BackOff()
  /** Those that may hold an announcement. */
  readonly #reached = new Set<AnnouncingPlace>()
  #wanted: Wanted | undefined
  #told: Wanted | undefined
  #waiters: Waiter[] = []
  #isRunning = false
  #isOver = false
  #cancelPause = () => {}

  /** @param onFailed told when a place refuses, once it had taken the first announcement */
  constructor({ session, clock }: AnnouncerComponents, places: readonly AnnouncingPlace[], onFailed: (error: BytestreamError) => void) {
    this.#session = session
    this.#clock = clock
    this.#places = places
    this.#onFailed = onFailed
    session.on('online', this.#run)
  }

  /**
   * @param announcement what is to be told from now on; nothing, where it is `undefined`
   * @returns settles when it is told, or something newer is wanted
   * @throws StanzaError as a service answered; BytestreamError `ERR_TIMEOUT`, `ERR_SESSION_CLOSED`
   */
  tell(announcement: Announcement | undefined): Promise<void> {
    const wanted = { announcement }
    for (const { resolve } of this.#waiters.splice(0)) resolve()
    this.#wanted = wanted
    return new Promise((resolve, reject) => {
      this.#waiters.push({ wanted, resolve, reject })
      this.#run()
    })
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#session.off('online', this.#run)
    this.#cancelPause()
    for (const { resolve } of this.#waiters.splice(0)) resolve()
  }

  readonly #run = () => {
    this.#cancelPause()
    if (!this.#isRunning) void this.#reconcile()
  }

  async #reconcile(): Promise<void> {
    this.#isRunning = true
    while (this.#wanted !== this.#told && !this.#isOver) {
      const wanted = this.#wanted as Wanted
      try {
        for (const place of this.#places) await this.#tellPlace(place, wanted)
        this.#backOff.reset()
        this.#told = wanted
        this.#settle(wanted, ({ resolve }) => resolve())
      } catch (thrown) {
        if (!this.#mayTryAgain(wanted, toBytestreamError(thrown))) break
      }
    }
    this.#isRunning = false
  }

  /** That it is over, or its owner away, is of interest where it was announced. */
  async #tellPlace(place: AnnouncingPlace, { announcement }: Wanted): Promise<void> {
    const wasReached = this.#reached.has(place)
    if (!wasReached && announcement?.state !== 'available') return
    this.#reached.add(place)
    try {
      await place.tell(announcement)
    } catch (error) {
      if (!wasReached && error instanceof StanzaError) this.#reached.delete(place)
      throw error
    }
  }

  /** @returns whether something newer is wanted already */
  #mayTryAgain(wanted: Wanted, error: BytestreamError): boolean {
    const isFirst = this.#told === undefined
    if (this.#wanted !== wanted) return true
    if (isFirst || !isPassing(error)) {
      this.#told = wanted
      this.#settle(wanted, ({ reject }) => reject(error))
      if (!isFirst) this.#onFailed(error)
      return false
    }
    // Whatever ends the pause first: the time, a new connection, or something newer.
    if (this.#session.isOnline) this.#cancelPause = this.#clock.after(this.#backOff.next(), this.#run)
    return false
  }

  #settle(wanted: Wanted, settle: (waiter: Waiter) => void): void {
    const settled = this.#waiters.filter((waiter) => waiter.wanted === wanted)
    this.#waiters = this.#waiters.filter((waiter) => waiter.wanted !== wanted)
    settled.forEach(settle)
  }
}
