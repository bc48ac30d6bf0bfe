import type { Socket } from 'node:net'
import { BytestreamError, type Clock, orAbort, throwIfAborted, toBytestreamError } from '../../core/index.ts'
import type { DstAddr } from '../../socks5/index.ts'
import type { JingleCandidate } from '../../xep/index.ts'
import type { BytestreamMethod } from '../bytestream.ts'
import { connectToNamedStreamhost, type Reach } from '../socks5/connect-streamhost.ts'
import { placeName, tryStaggered } from '../socks5/staggered.ts'
import { whyOutOfReach } from '../socks5/within-reach.ts'
import type { Timings } from '../timings.ts'
import type { StreamhostChoice } from '../way.ts'

/** Of one bytestream: candidates of the other side that are tried, proxies aside. */
const DIRECT_MAX = 12
/** The same of its proxies. */
const PROXIES_MAX = 4
/** Milliseconds an other side that offered nothing has to offer something: XEP-0260 §2.2 lets it send candidates one by one. */
const LATE_OFFER_MS = 1_000

export interface TheirCandidatesInit {
  /** `none`: there is nothing to try. */
  readonly method: StreamhostChoice | 'none'
  readonly timings: Timings
  readonly reach: Reach
  /** How the other side was last reached: after a proxy, no direct connection is waited for. */
  readonly lastWay?: BytestreamMethod | undefined
  /** Default: {@link whyOutOfReach}. What has no chance is tried, and not waited for. */
  readonly whyOutOfReach?: ((host: string) => string | undefined) | undefined
}

const isProxy = ({ type }: JingleCandidate) => type === 'proxy'

/**
 * What the other side offers, tried in the order of its priorities: direct connections first, proxies when those with a chance
 * have failed or have had their time.
 *
 * @see XEP-0260 §2.3, §4
 */
export class TheirCandidates {
  readonly #clock: Clock
  readonly #init: TheirCandidatesInit
  readonly #offered = { direct: 0, proxy: 0 }
  readonly #attempts = new Map<JingleCandidate, AbortController>()
  /** By the host of direct connections: why there is none. */
  readonly #whyNot = new Map<string, string>()
  #untried: JingleCandidate[] = []
  #isReaching = false
  /** What is about to be tried. */
  #round = new Set<JingleCandidate>()
  /** What has this priority, or a lower one, is not worth trying. */
  #stopAt = -1
  #stopWaiting: () => void = () => {}
  #cancelTime: () => void = () => {}

  constructor(clock: Clock, init: TheirCandidatesInit) {
    this.#clock = clock
    this.#init = init
  }

  /** Those beyond what is tried are left out. */
  add(candidates: readonly JingleCandidate[]): void {
    for (const candidate of [...candidates].sort((one, other) => other.priority - one.priority)) {
      const { method } = this.#init
      const kind = isProxy(candidate) ? 'proxy' : 'direct'
      if (method !== 'auto' && method !== kind) continue
      if (this.#offered[kind] >= (kind === 'proxy' ? PROXIES_MAX : DIRECT_MAX)) continue
      this.#offered[kind] += 1
      this.#untried.push(candidate)
    }
    if (this.#untried.length > 0) this.#stopWaiting()
  }

  /**
   * The other side has reached something of ours: what would not be chosen any more is given up. What would be is still
   * tried, but has no more time than it would have had before a proxy: what is there is not kept back by what is silent.
   */
  stopAt(priority: number): void {
    const { staggerMs, proxyHeadStartMs } = this.#init.timings
    this.#giveUp(priority)
    const isBetter = (candidate: JingleCandidate) => candidate.priority > priority && this.#isPromising(candidate)
    const toStart = [...this.#round, ...this.#untried].filter(isBetter).length
    const giveUpAll = () => this.#giveUp(Number.POSITIVE_INFINITY)
    if (this.#isReaching && toStart === 0 && ![...this.#attempts.keys()].some(isBetter)) giveUpAll()
    else this.#cancelTime = this.#clock.after(toStart * staggerMs + proxyHeadStartMs, giveUpAll)
  }

  /** Why none of the other side's direct candidates is used, as far as is known. */
  get whyNotDirect(): readonly string[] {
    return [...this.#whyNot.values()]
  }

  #isPromising(candidate: JingleCandidate): boolean {
    return isProxy(candidate) || (this.#init.lastWay !== 'proxy' && this.#whyHopeless(candidate) === undefined)
  }

  #whyHopeless({ host }: JingleCandidate): string | undefined {
    const { whyOutOfReach: why = whyOutOfReach } = this.#init
    return why(host)
  }

  /** Nothing is waited for any more. */
  stop(): void {
    this.#cancelTime()
  }

  #giveUp(priority: number): void {
    this.#stopAt = priority
    for (const [candidate, attempt] of this.#attempts) {
      if (candidate.priority <= priority) attempt.abort(outdone())
    }
  }

  /** The other side has said what it reached, so that there is nothing more to come. */
  noMore(): void {
    this.#stopWaiting()
  }

  /**
   * @returns the first that was reached, with a socket that is the caller's
   * @throws BytestreamError `ERR_NO_STREAMHOST` with every reason, or the reason of `signal`
   */
  async reach(dstAddr: DstAddr, signal: AbortSignal): Promise<{ candidate: JingleCandidate; socket: Socket }> {
    if (this.#init.method !== 'none' && this.#untried.length === 0) await this.#lateOffer(signal)
    this.#isReaching = true
    const { staggerMs, attemptMsMax, proxyHeadStartMs } = this.#init.timings
    for (;;) {
      const round = this.#untried.sort((one, other) => other.priority - one.priority)
      this.#untried = []
      this.#round = new Set(round)
      try {
        const { candidate, result } = await tryStaggered(
          this.#clock,
          round,
          (one, attempt) => this.#attempt(one, dstAddr, attempt),
          (late) => late.destroy(),
          {
            ...{ staggerMs, attemptMsMax, signal, nameOf: placeName },
            isPromising: (one) => this.#isPromising(one),
            reserve: { has: isProxy, headStartMs: proxyHeadStartMs },
          },
        )
        return { candidate, socket: result }
      } catch (error) {
        throwIfAborted(signal)
        if (this.#untried.length === 0) throw error
      }
    }
  }

  async #attempt(candidate: JingleCandidate, dstAddr: DstAddr, signal: AbortSignal): Promise<Socket> {
    this.#round.delete(candidate)
    const { host } = candidate
    const why = isProxy(candidate) ? undefined : this.#whyHopeless(candidate)
    if (!isProxy(candidate)) this.#whyNot.set(host, `${host} has not answered${why === undefined ? '' : `: ${why}`}`)
    if (candidate.priority <= this.#stopAt) throw outdone()
    const outdoing = new AbortController()
    this.#attempts.set(candidate, outdoing)
    try {
      return await connectToNamedStreamhost(candidate, dstAddr, AbortSignal.any([signal, outdoing.signal]), this.#init.reach)
    } catch (thrown) {
      const { code, cause } = toBytestreamError(thrown)
      const isSilent = code === 'ERR_ABORTED' || code === 'ERR_TIMEOUT'
      if (!isProxy(candidate) && !isSilent) this.#whyNot.set(host, `${host} cannot be reached (${reasonOf(cause) ?? code})`)
      throw thrown
    } finally {
      this.#attempts.delete(candidate)
    }
  }

  async #lateOffer(signal: AbortSignal): Promise<void> {
    let cancel = () => {}
    const offered = new Promise<void>((resolve) => {
      cancel = this.#clock.after(LATE_OFFER_MS, resolve)
      this.#stopWaiting = resolve
    })
    try {
      await orAbort(offered, signal)
    } finally {
      cancel()
      this.#stopWaiting = () => {}
    }
  }
}

/** Such as ECONNREFUSED. */
const reasonOf = (cause: unknown) => (cause as NodeJS.ErrnoException | undefined)?.code

const outdone = () => new BytestreamError('ERR_ABORTED', 'the other side has reached a better one')
