import { type Clock, domainOf, type Logger, toBytestreamError } from '../../core/index.ts'
import type { Session } from '../../session/index.ts'
import {
  buildAddressRequest,
  buildDiscoInfoRequest,
  buildDiscoItemsRequest,
  NS,
  parseDiscoInfo,
  parseDiscoItems,
  parseStreamhosts,
  type StreamhostAddress,
} from '../../xep/index.ts'

/** Milliseconds for the items, and again for everything asked of one of them. */
const STEP_MS_MAX = 5_000
/** Milliseconds an answer is remembered: a proxy may come, go or move. */
const REMEMBERED_MS = 5 * 60_000
/** Items of a server that are asked; no server has more services. */
const ITEMS_MAX = 50

/** A proxy and the addresses it told us. */
export interface FoundProxy {
  readonly jid: string
  readonly streamhosts: readonly StreamhostAddress[]
}

/**
 * Finds the proxies an account may use: the items of its server that are bytestream proxies, each asked for its
 * address. Answers are remembered for five minutes.
 *
 * @see XEP-0065 §4
 */
export class ProxyFinder {
  readonly #session: Session
  readonly #clock: Clock
  readonly #logger: Logger
  #found: { proxies: Promise<FoundProxy[]>; untilMs: number } | undefined

  constructor(session: Session, clock: Clock, logger: Logger) {
    this.#session = session
    this.#clock = clock
    this.#logger = logger
  }

  /** @returns the proxies of the account's server, in the order of its items; none of them is an empty list, not an error */
  find(): Promise<FoundProxy[]> {
    const nowMs = this.#clock.now()
    if (!this.#found || this.#found.untilMs <= nowMs) {
      const proxies = this.#search()
      this.#found = { proxies, untilMs: nowMs + REMEMBERED_MS }
      // Finding none is worth another look the next time.
      void proxies.then(({ length }) => {
        if (length === 0) this.#found = undefined
      })
    }
    return this.#found.proxies
  }

  /** Forgets what is remembered, after a proxy has failed. */
  forget(): void {
    this.#found = undefined
  }

  /**
   * Asks one proxy for its address.
   *
   * @throws StanzaError as it answered, BytestreamError `ERR_TIMEOUT`, `ERR_SESSION_CLOSED`
   */
  async ask(jid: string): Promise<FoundProxy> {
    const answer = await this.#session.request({ type: 'get', to: jid, payload: buildAddressRequest() }, { answerMsMax: STEP_MS_MAX })
    return { jid, streamhosts: answer ? parseStreamhosts(answer) : [] }
  }

  async #search(): Promise<FoundProxy[]> {
    try {
      const server = domainOf(this.#session.jid)
      const answer = await this.#session.request(
        { type: 'get', to: server, payload: buildDiscoItemsRequest() },
        { answerMsMax: STEP_MS_MAX },
      )
      const items = answer ? parseDiscoItems(answer).filter(({ node }) => node === undefined) : []
      const asked = await Promise.all(items.slice(0, ITEMS_MAX).map(({ jid }) => this.#probe(jid)))
      return asked.filter((proxy) => proxy !== undefined)
    } catch (thrown) {
      const { code, message } = toBytestreamError(thrown)
      this.#logger.warn({ code, reason: message }, 'looking for proxies failed')
      return []
    }
  }

  /** @returns `undefined` when it is no proxy, or none for us */
  async #probe(jid: string): Promise<FoundProxy | undefined> {
    try {
      const answer = await this.#session.request({ type: 'get', to: jid, payload: buildDiscoInfoRequest() }, { answerMsMax: STEP_MS_MAX })
      if (!answer) return undefined
      const { identities } = parseDiscoInfo(answer)
      if (!identities.some(({ category, type }) => category === 'proxy' && type === 'bytestreams')) return undefined
      const proxy = await this.ask(jid)
      return proxy.streamhosts.length > 0 ? proxy : undefined
    } catch (thrown) {
      const { code, message } = toBytestreamError(thrown)
      this.#logger.debug({ jid, code, reason: message }, 'an item of the server is of no use as a proxy')
      return undefined
    }
  }
}

/** What an entity that can take part in bytestreams shows in service discovery (XEP-0065 §3). */
export const bytestreamsPart = { identities: [], features: [NS.bytestreams] } as const
