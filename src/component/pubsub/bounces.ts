import { bareJid, type Clock, type StanzaErrorEntry } from '../../core/index.ts'

/** What has come back of what one address was told of one node. */
interface Bounce {
  /** Since then nothing has arrived, for all we know. */
  readonly firstMs: number
  /** Errors that may pass; they count until there are enough. */
  passing: number
  /** How long it was left alone the last time; 0 for not yet. */
  pauseMs: number
  /** Until then it is told nothing. */
  untilMs: number
  /** When it was told something again. */
  triedMs: number | undefined
}

/** Addresses that are remembered to have sent something back. */
const BOUNCING_MAX = 100_000
/** Errors that may pass before nothing more is sent for a while. */
const PASSING_MAX = 3
const FIRST_PAUSE_MS = 60_000
const PAUSE_MS_MAX = 6 * 3_600_000
/** For an error to come back; a server that looks for another one that is gone takes its time. */
const TRIAL_MS = 300_000

/** XEP-0060 §12.4: what may be different the next time, whatever the type says. */
const PASSING: readonly string[] = ['bad-request', 'redirect', 'not-acceptable']

/** XEP-0060 §12.4: whether the address is gone, as opposed to what may pass. */
const isGone = ({ type, condition }: StanzaErrorEntry) => condition === 'gone' || (type === 'cancel' && !PASSING.includes(condition))

/**
 * Who sends notifications back, for each node and address: it is told nothing for a while, then tried again with what there is to
 * tell, after growing pauses. That it is there, whoever says so, makes all of that forgotten.
 *
 * @see XEP-0060 §12.4
 */
export class Bounces {
  readonly #clock: Clock
  readonly #bounceMsMax: number
  /** By address, then by node; the address that began first is the first. */
  readonly #bounces = new Map<string, Map<number, Bounce>>()

  /** @param bounceMsMax milliseconds of nothing but errors until a subscription ends */
  constructor(clock: Clock, bounceMsMax: number) {
    this.#clock = clock
    this.#bounceMsMax = bounceMsMax
  }

  /** Addresses that have sent something back. */
  get size(): number {
    return this.#bounces.size
  }

  /** Whether an address is told of a node now. If so, it will be. */
  mayTell(nodeId: number, jid: string): boolean {
    if (this.#bounces.size === 0) return true
    const bounce = this.#bounces.get(jid)?.get(nodeId)
    if (!bounce) return true
    const nowMs = this.#clock.now()
    if (nowMs < bounce.untilMs) return false
    bounce.triedMs ??= nowMs
    if (nowMs - bounce.triedMs >= TRIAL_MS) this.#forget(nodeId, jid)
    return true
  }

  /** A notification came back. @returns whether nothing else has come of that address for so long that its subscription ends */
  failed(nodeId: number, jid: string, error: StanzaErrorEntry): boolean {
    const nowMs = this.#clock.now()
    const bounce = this.#of(nodeId, jid, nowMs)
    if (nowMs - bounce.firstMs >= this.#bounceMsMax) {
      this.#forget(nodeId, jid)
      return true
    }
    // What was sent before the pause began comes back during it.
    if (nowMs < bounce.untilMs) return false
    bounce.triedMs = undefined
    if (!isGone(error)) bounce.passing += 1
    if (!isGone(error) && bounce.passing < PASSING_MAX && bounce.pauseMs === 0) return false
    bounce.pauseMs = Math.min(bounce.pauseMs === 0 ? FIRST_PAUSE_MS : 2 * bounce.pauseMs, PAUSE_MS_MAX)
    bounce.untilMs = nowMs + bounce.pauseMs
    return false
  }

  /** Somebody is there: what its address, or the bare one of it, sent back is forgotten. */
  heard(jid: string): void {
    if (this.#bounces.size === 0) return
    this.#bounces.delete(jid)
    this.#bounces.delete(bareJid(jid))
  }

  #of(nodeId: number, jid: string, firstMs: number): Bounce {
    const ofJid = this.#bounces.get(jid) ?? new Map<number, Bounce>()
    const bounce = ofJid.get(nodeId) ?? { firstMs, passing: 0, pauseMs: 0, untilMs: firstMs, triedMs: undefined }
    ofJid.set(nodeId, bounce)
    this.#bounces.set(jid, ofJid)
    if (this.#bounces.size > BOUNCING_MAX) {
      for (const first of this.#bounces.keys()) {
        this.#bounces.delete(first)
        break
      }
    }
    return bounce
  }

  #forget(nodeId: number, jid: string): void {
    const ofJid = this.#bounces.get(jid)
    ofJid?.delete(nodeId)
    if (ofJid?.size === 0) this.#bounces.delete(jid)
  }
}
