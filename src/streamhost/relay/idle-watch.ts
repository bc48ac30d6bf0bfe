import type { Clock } from '../../core/index.ts'
import type { Relay } from './engine.ts'

/** What was seen of a bytestream when it was looked at last. */
interface Seen {
  bytes: number
  /** When it was first seen with so many octets. */
  sinceMs: number
  /** How often it was looked at and had no more. */
  quietLooks: number
}

/** Looks at the counters within the idle time: it is kept to a quarter of itself. */
const LOOKS = 4

/**
 * Breaks off bytestreams that have moved no octet for the idle time. Their counters are compared now and then, instead of
 * a timer being set anew for each octet, and one timer does for all of them. A program that stood still has seen nothing,
 * so it looks often enough first.
 */
export class IdleWatch {
  readonly #clock: Clock
  readonly #idleMsMax: number
  readonly #relays = new Map<Relay, Seen>()
  #cancelLook: (() => void) | undefined

  constructor(clock: Clock, idleMsMax: number) {
    this.#clock = clock
    this.#idleMsMax = idleMsMax
  }

  add(relay: Relay): void {
    this.#relays.set(relay, { bytes: 0, sinceMs: this.#clock.now(), quietLooks: 0 })
    this.#cancelLook ??= this.#clock.after(this.#idleMsMax / LOOKS, () => this.#look())
  }

  delete(relay: Relay): void {
    this.#relays.delete(relay)
    if (this.#relays.size > 0) return
    this.#cancelLook?.()
    this.#cancelLook = undefined
  }

  #look(): void {
    this.#cancelLook = this.#clock.after(this.#idleMsMax / LOOKS, () => this.#look())
    const nowMs = this.#clock.now()
    for (const [relay, seen] of this.#relays) {
      const bytes = relay.firstToSecond + relay.secondToFirst
      if (bytes !== seen.bytes) {
        seen.bytes = bytes
        seen.sinceMs = nowMs
        seen.quietLooks = 0
      } else {
        seen.quietLooks += 1
        if (seen.quietLooks >= LOOKS && nowMs - seen.sinceMs >= this.#idleMsMax) relay.breakOff('idle')
      }
    }
  }
}
