import { bareJid, type StanzaErrorEntry } from '../core/index.ts'
import type { Bounce, SubscriptionRecord } from './records.ts'
import type { PubsubStore } from './store/store.ts'

/** A bounce, and when its JID was told something again. */
interface Held extends Bounce {
  readonly triedMs: number | undefined
}

export interface BouncesComponents {
  /** Borrowed. */
  readonly store: Pick<PubsubStore, 'bouncing' | 'subscriptionsAt' | 'setBounce'>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export interface BouncesInit {
  /** Milliseconds of nothing but errors until a subscription ends. */
  readonly bounceMsMax: number
  /** Hears why something is not in the store; it holds until the process ends. */
  readonly onUnsaved: (error: unknown) => void
}

/** JIDs that are remembered to have sent something back. */
const BOUNCING_MAX = 100_000
/** Errors that may pass before nothing more is sent for a while. */
const PASSING_MAX = 3
const FIRST_PAUSE_MS = 60_000
const PAUSE_MS_MAX = 6 * 3_600_000
/** For an error to come back; a server that looks for another one that is gone takes its time. */
const TRIAL_MS = 300_000
/** Of those in the store, at its opening. */
const LOADED_AT_ONCE = 1_000

/** XEP-0060 §12.4: what may be different the next time, whatever the type says. */
const PASSING: readonly string[] = ['bad-request', 'redirect', 'not-acceptable']

/** XEP-0060 §12.4: whether the address is gone, as opposed to what may pass. */
const isGone = ({ type, condition }: StanzaErrorEntry) => condition === 'gone' || (type === 'cancel' && !PASSING.includes(condition))

/**
 * Who sends notifications back, for each node and JID: it is told nothing for a while, then tried again with what there is to
 * tell, after growing pauses. That it is there, whoever says so, makes all of that forgotten. All of it is kept with the subscriptions,
 * and looked for there no more once the process has begun: whoever sends nothing back costs nothing.
 *
 * @see XEP-0060 §12.4
 */
export class Bounces {
  readonly #store: BouncesComponents['store']
  readonly #now: () => number
  readonly #init: BouncesInit
  /** By JID, then by node; the JID that began first is the first. */
  readonly #held = new Map<string, Map<number, Held>>()
  #suspended = 0

  constructor({ store, now }: BouncesComponents, init: BouncesInit) {
    this.#store = store
    this.#now = now
    this.#init = init
    this.#load()
  }

  /** JIDs that have sent something back. */
  get size(): number {
    return this.#held.size
  }

  /** For how many nodes they are left alone, or have been before they were tried again. */
  get suspended(): number {
    return this.#suspended
  }

  /** Whether a JID is told of a node now. If so, it will be. */
  mayTell(nodeId: number, jid: string): boolean {
    if (this.#held.size === 0) return true
    const bounce = this.#held.get(jid)?.get(nodeId)
    if (!bounce) return true
    const nowMs = this.#now()
    if (isLeftAlone(bounce, nowMs)) return false
    const triedMs = bounce.triedMs ?? nowMs
    if (nowMs - triedMs >= TRIAL_MS) this.#forget(nodeId, jid)
    else if (bounce.triedMs === undefined) this.#hold(nodeId, jid, { ...bounce, triedMs })
    return true
  }

  /** A notification came back. @returns whether nothing else has come of that JID for so long that its subscription ends */
  failed(nodeId: number, jid: string, error: StanzaErrorEntry): boolean {
    const nowMs = this.#now()
    const before = this.#held.get(jid)?.get(nodeId) ?? { firstMs: nowMs, passing: 0, pauseMs: 0, untilMs: nowMs }
    // Held until that is ended: it may fail.
    if (nowMs - before.firstMs >= this.#init.bounceMsMax) return true
    // What was sent before the pause began comes back during it.
    if (isLeftAlone(before, nowMs)) return false
    const { firstMs } = before
    const passing = before.passing + (isGone(error) ? 0 : 1)
    const isCounted = !isGone(error) && passing < PASSING_MAX && before.pauseMs === 0
    const pauseMs = isCounted ? 0 : Math.min(before.pauseMs === 0 ? FIRST_PAUSE_MS : 2 * before.pauseMs, PAUSE_MS_MAX)
    const after: Bounce = { firstMs, passing, pauseMs, untilMs: nowMs + pauseMs }
    this.#hold(nodeId, jid, { ...after, triedMs: undefined })
    this.#save(nodeId, jid, after)
    if (this.#held.size > BOUNCING_MAX) this.#forgetFirst()
    return false
  }

  /** Somebody is there: what its JID, or the bare one of it, sent back is forgotten. */
  heard(jid: string): void {
    if (this.#held.size === 0) return
    this.#forgetAll(jid)
    this.#forgetAll(bareJid(jid))
  }

  /** A subscription of that JID is gone, and what was kept with it; with the last one, the rest. */
  ended(nodeId: number, jid: string): void {
    if (!this.#held.get(jid)?.has(nodeId)) return
    if (!this.#subscriptionsOf(nodeId, jid).length) this.#drop(nodeId, jid)
  }

  /** All subscriptions of that node are over. */
  nodeEnded(nodeId: number): void {
    for (const jid of this.#held.keys()) this.#drop(nodeId, jid)
  }

  #load(): void {
    for (let page = this.#store.bouncing({ limit: LOADED_AT_ONCE }); page.length > 0; ) {
      for (const { nodeId, jid, bounce } of page) this.#hold(nodeId, jid, { ...bounce, triedMs: undefined })
      page = this.#store.bouncing({ after: page.at(-1)?.id, limit: LOADED_AT_ONCE })
    }
  }

  #hold(nodeId: number, jid: string, bounce: Held): void {
    const ofJid = this.#held.get(jid) ?? new Map<number, Held>()
    this.#suspended += Number(bounce.pauseMs > 0) - Number((ofJid.get(nodeId)?.pauseMs ?? 0) > 0)
    this.#held.set(jid, ofJid.set(nodeId, bounce))
  }

  #drop(nodeId: number, jid: string): void {
    const ofJid = this.#held.get(jid)
    const bounce = ofJid?.get(nodeId)
    if (!ofJid || !bounce) return
    ofJid.delete(nodeId)
    if (ofJid.size === 0) this.#held.delete(jid)
    if (bounce.pauseMs > 0) this.#suspended -= 1
  }

  #forget(nodeId: number, jid: string): void {
    this.#drop(nodeId, jid)
    this.#save(nodeId, jid, undefined)
  }

  #forgetAll(jid: string): void {
    for (const nodeId of this.#held.get(jid)?.keys() ?? []) this.#forget(nodeId, jid)
  }

  #forgetFirst(): void {
    for (const jid of this.#held.keys()) return this.#forgetAll(jid)
  }

  /** With each subscription of that JID: one may end, and the others go on. */
  #save(nodeId: number, jid: string, bounce: Bounce | undefined): void {
    try {
      for (const subscription of this.#subscriptionsOf(nodeId, jid)) this.#store.setBounce(subscription, bounce)
    } catch (error) {
      this.#init.onUnsaved(error)
    }
  }

  #subscriptionsOf(nodeId: number, jid: string): readonly SubscriptionRecord[] {
    return this.#store.subscriptionsAt(nodeId, bareJid(jid)).filter((each) => each.jid === jid)
  }
}

/** More than the longest pause there is cannot be left of one: then the time of the machine was set back. */
const isLeftAlone = ({ untilMs }: Bounce, nowMs: number) => nowMs < untilMs && untilMs - nowMs <= PAUSE_MS_MAX
