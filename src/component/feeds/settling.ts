import type { Clock } from '../../core/index.ts'
import type { Pubsub } from '../../pubsub/index.ts'
import type { Consumer } from './consumers.ts'
import type { Keeping } from './keeping.ts'

export interface SettlingComponents {
  /** Borrowed. */
  readonly pubsub: Pubsub
  readonly clock: Clock
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Borrowed. */
  readonly keeping: Keeping
  /** A message is not awaited from whoever had it any more. @returns who that was */
  readonly letGo: (account: string, messageId: number) => Consumer | undefined
  /** There is something to be handed over that was handed over before. */
  readonly onAgain: (account: string) => void
  /** So many were given up. */
  readonly onDead: (letters: number) => void
}

/** Entries that are settled at once. */
const SETTLED_AT_ONCE = 500
/** The longest sleep: the time of the machine may be set. */
const SLEEP_MS_MAX = 600_000
/** Milliseconds for an error to come back from somebody who should have sent a receipt, and has not. */
const LATE_ERROR_MS_MAX = 1_800_000

/** Settles what was handed over when its time is over, and sleeps until then. */
export class Settling implements Disposable {
  readonly #components: SettlingComponents
  #isOver = false
  #callOff = () => {}

  constructor(components: SettlingComponents) {
    this.#components = components
  }

  /** Sleeps until something is due, as it is now. */
  setAlarm(): void {
    this.#callOff()
    if (this.#isOver) return
    const { pubsub, clock, now, keeping } = this.#components
    const sleepMs = keeping.try(() => {
      const dueMs = pubsub.queues.nextDueMs()
      return dueMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, dueMs - now())
    })
    // Where it could not be read it is tried again once the pause is over.
    if (sleepMs === undefined || sleepMs === Number.POSITIVE_INFINITY) return
    this.#callOff = clock.after(Math.min(sleepMs, SLEEP_MS_MAX), () => this.#settle())
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#callOff()
  }

  #settle(): void {
    const { pubsub, now, keeping, letGo, onAgain, onDead } = this.#components
    const settled = keeping.try(() => {
      const some = pubsub.queues.settleHanded(now(), SETTLED_AT_ONCE)
      for (const entry of some.unacknowledged) {
        const consumer = letGo(entry.account, entry.message.id)
        // XEP-0184 §4: that there is no receipt does not mean that it has not arrived; that there is an error does.
        if (consumer?.jid !== entry.handedTo || consumer?.abilities.acknowledges !== 'by receipt') continue
        pubsub.queues.handed(entry, { to: consumer.jid, awaits: 'error', untilMs: now() + LATE_ERROR_MS_MAX })
      }
      return some
    })
    if (!settled) return
    if (settled.dead > 0) onDead(settled.dead)
    for (const account of settled.accounts) onAgain(account)
    this.setAlarm()
  }
}
