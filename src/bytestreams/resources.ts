import { bareJid, type Clock, orAbort, resourceOf, startDeadline } from '../core/index.ts'
import type { Session } from '../session/index.ts'
import { buildDiscoInfoRequest, parseDiscoInfo } from '../xep/index.ts'
import { ResourceSearch } from './resource-search.ts'

/** Bare JIDs whose resources are remembered. */
const PEERS_MAX = 10_000
/** Resources of one bare JID that are remembered. */
const RESOURCES_MAX = 32

export interface FindResourceInit {
  /** Sets of features; the resource must show one of them in its disco#info, the whole set. */
  readonly anyOf: readonly (readonly string[])[]
  /** Milliseconds to wait for a resource to show up. Default 10,000. */
  readonly answerMsMax?: number
  readonly signal?: AbortSignal | undefined
}

/** A resource, and what it shows in its disco#info; `undefined` when it was not asked. */
export interface FoundResource {
  readonly jid: string
  readonly features: readonly string[] | undefined
}

const ANSWER_MS_MAX = 10_000

/**
 * Knows which resources of other accounts are there, from the presence that comes, and turns a bare JID into the full
 * one of the resource that can do what is asked.
 *
 * @see RFC 6121 §4.6 (directed presence), XEP-0030 §3
 */
export class ResourceFinder {
  readonly #session: Session
  readonly #clock: Clock
  readonly #announce: (to: string) => void
  /** Bare JID → full JID → priority. */
  readonly #peers = new Map<string, Map<string, number>>()
  /** By bare JID: who waits for one of its resources to show up. */
  readonly #searches = new Map<string, Set<ResourceSearch>>()

  /** @param announce sends somebody our presence, as all others get it */
  constructor(session: Session, clock: Clock, announce: (to: string) => void) {
    this.#session = session
    this.#clock = clock
    this.#announce = announce
    session.on('presence', ({ type, from, priority }) => {
      if (!from || from === session.jid) return
      if (type === 'available') this.#remember(from, priority)
      else if (type === 'unavailable' || type === 'error') this.#forget(from)
    })
    session.on('offline', () => this.#peers.clear())
  }

  /**
   * A full JID is returned as it is. For a bare one, the resources already known are asked what they can do; when none of
   * them can, directed presence is sent to it, so that a peer that was never met can answer with its own. Of those that
   * can, the highest priority wins.
   *
   * @throws BytestreamError `ERR_NO_RESOURCE` when none shows up in time, or the reason of `signal`
   */
  async find(jid: string, { anyOf, answerMsMax = ANSWER_MS_MAX, signal }: FindResourceInit): Promise<FoundResource> {
    if (resourceOf(jid)) return { jid, features: undefined }
    const sentence = `no device of ${jid} that takes files has answered within ${answerMsMax / 1000} s`
    using deadline = startDeadline(this.#clock, answerMsMax, 'ERR_NO_RESOURCE', sentence, signal)
    const shown = new Map<string, readonly string[]>()
    using search = new ResourceSearch({
      clock: this.#clock,
      known: () => this.#known(jid),
      can: async (full, over) => {
        const features = await this.ask(full, over)
        shown.set(full, features)
        return anyOf.some((set) => set.every((feature) => features.includes(feature)))
      },
      greet: () => this.#announce(jid),
    })
    const searches = this.#searches.get(jid) ?? new Set()
    this.#searches.set(jid, searches.add(search))
    try {
      const found = await orAbort(search.found, deadline.signal)
      return { jid: found, features: shown.get(found) }
    } finally {
      searches.delete(search)
      if (searches.size === 0) this.#searches.delete(jid)
    }
  }

  /** The highest priority first; of two the same, the one that came first. */
  #known(bare: string): string[] {
    return [...(this.#peers.get(bare) ?? [])].sort(([, one], [, other]) => other - one).map(([full]) => full)
  }

  /** @returns the features a full JID shows; none when it is gone, or does not answer: either way it can nothing */
  async ask(full: string, signal: AbortSignal): Promise<readonly string[]> {
    try {
      const answer = await this.#session.request(
        { type: 'get', to: full, payload: buildDiscoInfoRequest() },
        { answerMsMax: ANSWER_MS_MAX / 2, signal },
      )
      return answer ? parseDiscoInfo(answer).features : []
    } catch {
      return []
    }
  }

  #remember(full: string, priority: number): void {
    const bare = bareJid(full)
    let resources = this.#peers.get(bare)
    if (!resources) {
      if (this.#peers.size >= PEERS_MAX && !this.#searches.has(bare)) return
      resources = new Map()
      this.#peers.set(bare, resources)
    }
    if (resources.size >= RESOURCES_MAX && !resources.has(full)) return
    resources.set(full, priority)
    for (const search of this.#searches.get(bare) ?? []) search.hear(full)
  }

  #forget(full: string): void {
    const resources = this.#peers.get(bareJid(full))
    if (resourceOf(full)) resources?.delete(full)
    if (resources?.size === 0 || !resourceOf(full)) this.#peers.delete(bareJid(full))
  }
}
