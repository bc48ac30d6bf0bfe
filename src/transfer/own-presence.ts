import { bareJid, type Clock } from '../core/index.ts'
import type { ServiceDiscovery, Session } from '../session/index.ts'
import { buildPresence, type Presence } from '../xep/index.ts'

/** Full JIDs that are remembered to have our presence. */
const ANSWERED_MAX = 10_000
/** Milliseconds until one of them that looks for us gets it again: by then it may be another connection of the same name. */
const ANSWERED_MS = 5_000

/** Takes part in transfers of others, who have to find us. */
interface Findable {
  /** Who gets our presence in any case: prepared. */
  readonly expected: readonly string[]
  /** Whether somebody who shows up gets it. */
  isExpected(from: string): boolean
}

export interface OwnPresenceInit {
  readonly clock: Clock
  readonly priority: number
  readonly responders: () => Iterable<Findable>
}

/** The presence of a client, which those have to get who look for what it can, or for where it is. */
export class OwnPresence {
  readonly #session: Session
  readonly #discovery: ServiceDiscovery
  readonly #init: OwnPresenceInit
  /**
   * When full JIDs were given our presence. Who shows himself to this device alone may be answering, and is answered once: that keeps two
   * receivers from greeting forever.
   */
  readonly #answered = new Map<string, number>()

  constructor(session: Session, discovery: ServiceDiscovery, init: OwnPresenceInit) {
    this.#session = session
    this.#discovery = discovery
    this.#init = init
    session.on('online', () => this.announce())
    session.on('presence', (presence) => this.#answer(presence))
  }

  /** Who knows where to find us, also when the two accounts have never met. */
  announce(): void {
    this.show()
    this.#answered.clear()
    for (const { expected } of this.#init.responders()) for (const jid of expected) this.show(jid)
  }

  /** Some look for what a client can nowhere else than in its presence: COMPAT(Gajim). */
  show(to?: string): void {
    this.#session.send(buildPresence({ type: 'available', to, priority: this.#init.priority }, this.#discovery.capabilities))
  }

  /** Whoever shows up and may send, or ask, learns where to. */
  #answer({ type, from, to }: Presence): void {
    if (!from || from === this.#session.jid) return
    if (type === 'unavailable') this.#answered.delete(from)
    const isExpected = [...this.#init.responders()].some((each) => each.isExpected(from))
    if (type !== 'available' || !to || !isExpected || this.#isAnswered(from, to)) return
    if (this.#answered.size >= ANSWERED_MAX) this.#answered.clear()
    this.#answered.set(from, this.#init.clock.now())
    this.show(from)
  }

  #isAnswered(from: string, to: string): boolean {
    const atMs = this.#answered.get(from)
    return atMs !== undefined && (to !== bareJid(to) || this.#init.clock.now() - atMs < ANSWERED_MS)
  }
}
