import { bareJid, type Clock, orAbort, resourceOf, startDeadline } from '../core/index.ts'
import type { Session } from '../session/index.ts'
import { buildDiscoInfoRequest, buildPresence, parseDiscoInfo } from '../xep/index.ts'

/** Bare JIDs whose resources are remembered. */
const PEERS_MAX = 10_000
/** Resources of one bare JID that are remembered. */
const RESOURCES_MAX = 32

export interface FindResourceInit {
  /** Features the resource must show in its disco#info, all of them. */
  readonly features: readonly string[]
  /** Milliseconds to wait for a resource to show up. Default 10,000. */
  readonly answerMsMax?: number
  readonly signal?: AbortSignal | undefined
}

const ANSWER_MS_MAX = 10_000
/** Milliseconds a first resource waits for others that might come before it. */
const GATHER_MS = 300

/**
 * Knows which resources of other accounts are there, from the presence that comes, and turns a bare JID into the full
 * one of the resource that can do what is asked.
 *
 * @see RFC 6121 §4.6 (directed presence), XEP-0030 §3
 */
export class ResourceFinder {
  readonly #session: Session
  readonly #clock: Clock
  /** Bare JID → full JID → priority. */
  readonly #peers = new Map<string, Map<string, number>>()
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(session: Session, clock: Clock) {
    this.#session = session
    this.#clock = clock
    session.on('presence', ({ type, from, priority }) => {
      if (!from || from === session.jid) return
      if (type === 'available') this.#remember(from, priority)
      else if (type === 'unavailable' || type === 'error') this.#forget(from)
    })
    session.on('offline', () => this.#peers.clear())
  }

  /**
   * A full JID is returned as it is. For a bare one, the resources already known are asked what they can do; then
   * directed presence is sent to it, so that a peer that was never met can answer with its own. Of those that can, the
   * highest priority wins.
   *
   * @throws BytestreamError `ERR_NO_RESOURCE` when none shows up in time, or the reason of `signal`
   */
  async find(jid: string, init: FindResourceInit): Promise<string> {
    if (resourceOf(jid)) return jid
    const known = await this.#best(jid, init)
    if (known) return known

    const { answerMsMax = ANSWER_MS_MAX, signal } = init
    const sentence = `no resource of ${jid} that can take part answered within ${answerMsMax / 1000} s: is it online, and does it accept files from ${bareJid(this.#session.jid)}?`
    using deadline = startDeadline(this.#clock, answerMsMax, 'ERR_NO_RESOURCE', sentence, signal)
    using watch = this.#watch(jid)
    this.#session.send(buildPresence({ type: 'available', to: jid, priority: -1 }))
    for (;;) {
      await orAbort(watch.next(), deadline.signal)
      await this.#pause(deadline.signal)
      const found = await orAbort(this.#best(jid, init), deadline.signal)
      if (found) return found
    }
  }

  /** Of the known resources of a bare JID, the one of highest priority that shows all the features. */
  async #best(bare: string, { features, signal }: FindResourceInit): Promise<string | undefined> {
    const known = [...(this.#peers.get(bare) ?? [])].sort(([, one], [, other]) => other - one)
    const able = await Promise.all(known.map(async ([full]) => ((await this.#can(full, features, signal)) ? full : undefined)))
    return able.find((full) => full !== undefined)
  }

  async #can(full: string, features: readonly string[], signal: AbortSignal | undefined): Promise<boolean> {
    try {
      const answer = await this.#session.request(
        { type: 'get', to: full, payload: buildDiscoInfoRequest() },
        { answerMsMax: ANSWER_MS_MAX / 2, signal },
      )
      const shown = answer ? parseDiscoInfo(answer).features : []
      return features.every((feature) => shown.includes(feature))
    } catch {
      return false // It is gone, or does not answer: either way it cannot.
    }
  }

  #remember(full: string, priority: number): void {
    const bare = bareJid(full)
    let resources = this.#peers.get(bare)
    if (!resources) {
      if (this.#peers.size >= PEERS_MAX && !this.#waiting.has(bare)) return
      resources = new Map()
      this.#peers.set(bare, resources)
    }
    if (resources.size >= RESOURCES_MAX && !resources.has(full)) return
    resources.set(full, priority)
    for (const tell of this.#waiting.get(bare) ?? []) tell()
  }

  #forget(full: string): void {
    const resources = this.#peers.get(bareJid(full))
    if (resourceOf(full)) resources?.delete(full)
    if (resources?.size === 0 || !resourceOf(full)) this.#peers.delete(bareJid(full))
  }

  /** Hears of resources of `bare` that show up, until it is disposed of. */
  #watch(bare: string): Disposable & { next(): Promise<void> } {
    let hasChanged = false
    let wake = () => {}
    const tell = () => {
      hasChanged = true
      wake()
    }
    const listeners = this.#waiting.get(bare) ?? new Set()
    this.#waiting.set(bare, listeners.add(tell))
    return {
      async next() {
        while (!hasChanged) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
        hasChanged = false
      },
      [Symbol.dispose]: () => {
        listeners.delete(tell)
        if (listeners.size === 0 && this.#waiting.get(bare) === listeners) this.#waiting.delete(bare)
      },
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    let cancel = () => {}
    const over = new Promise<void>((resolve) => {
      cancel = this.#clock.after(GATHER_MS, resolve)
    })
    await orAbort(over, signal).finally(() => cancel())
  }
}
