import { EventEmitter } from 'node:events'
import { type Clock, type Logger, LogRation, tryPrepareJid } from '../../core/index.ts'
import type { Session } from '../../session/index.ts'
import { type Element, type Message, parsePrivileges } from '../../xep/index.ts'

export interface PrivilegesComponents {
  /** Borrowed. */
  readonly session: Session
  readonly clock: Clock
  readonly logger: Logger
}

/** Facts. */
export interface PrivilegesEvents {
  /** Other rosters may be read than before. */
  changed: []
}

/** A server says what it grants as soon as a component is online. Milliseconds until it counts as granting nothing. */
const GRANT_MS_MAX = 5_000

/**
 * What the server we are connected to lets us do for its accounts, as it says itself, for as long as the connection lasts. Each domain
 * of it speaks for its own accounts. Nobody else is believed: a message can say anything.
 *
 * @see XEP-0356 §4.2
 */
export class Privileges extends EventEmitter<PrivilegesEvents> implements Disposable {
  readonly #components: PrivilegesComponents
  /** The domains that are believed. */
  readonly #grantors: ReadonlySet<string>
  readonly #strangers: LogRation<string>
  /** Those that have said something on this connection: whether they let us read their accounts' rosters. */
  readonly #granted = new Map<string, boolean>()
  /** Who waits for what may yet be granted. */
  readonly #waiting = new Set<() => void>()
  /** Since this connection began; undefined once it is too late to be waited for. */
  #cancelDeadline: (() => void) | undefined

  /** @param grantors the server's domains, as they are configured */
  constructor(components: PrivilegesComponents, grantors: readonly string[]) {
    super()
    this.#components = components
    this.#grantors = new Set(grantors.map(tryPrepareJid))
    this.#strangers = new LogRation(components.clock)
    components.session.on('online', this.#onOnline).on('offline', this.#onGone).on('ended', this.#onGone).on('message', this.#onMessage)
  }

  /** Whether the rosters of any accounts may be read. */
  get hasRosters(): boolean {
    return [...this.#granted.values()].includes(true)
  }

  /** Whether those of a domain may be read now. */
  mayRead(domain: string): boolean {
    return this.#granted.get(domain) ?? false
  }

  /** The same, once the server has had time to say so. */
  async willRead(domain: string): Promise<boolean> {
    while (this.#grantors.has(domain) && !this.#granted.has(domain) && this.#cancelDeadline) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
    return this.mayRead(domain)
  }

  [Symbol.dispose](): void {
    const { session } = this.#components
    session.off('online', this.#onOnline).off('offline', this.#onGone).off('ended', this.#onGone).off('message', this.#onMessage)
    this.#onGone()
  }

  readonly #onOnline = () => {
    this.#forget()
    this.#cancelDeadline = this.#components.clock.after(GRANT_MS_MAX, () => {
      this.#cancelDeadline = undefined
      this.#wake()
    })
  }

  /** What was granted belongs to the connection. */
  readonly #onGone = () => {
    this.#forget()
    this.#wake()
  }

  readonly #onMessage = ({ type, from = '' }: Message, stanza: Element) => {
    const granted = type === 'error' ? undefined : parsePrivileges(stanza)
    if (!granted) return
    const { logger } = this.#components
    const domain = tryPrepareJid(from)
    if (!this.#grantors.has(domain)) {
      const suppressed = this.#strangers.take('not believed')
      if (suppressed !== undefined) logger.warn({ from, suppressed }, 'privileges are not believed of whoever is not our server')
      return
    }
    const mayRead = granted.roster === 'get' || granted.roster === 'both'
    const hasChanged = mayRead !== this.mayRead(domain)
    this.#granted.set(domain, mayRead)
    this.#wake()
    if (!hasChanged) return
    if (mayRead) logger.info({ domain }, "the server lets its accounts' rosters be read: there are the access models presence and roster")
    else logger.info({ domain }, "the server does not let its accounts' rosters be read any more")
    this.emit('changed')
  }

  #forget(): void {
    this.#cancelDeadline?.()
    this.#cancelDeadline = undefined
    const hadRosters = this.hasRosters
    this.#granted.clear()
    if (hadRosters) this.emit('changed')
  }

  /** They look again. */
  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }
}
