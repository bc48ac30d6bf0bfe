import { setMaxListeners } from 'node:events'
import type { Clock } from '../core/index.ts'

/** Milliseconds that one who can waits for others that might come before it, and that a silent one holds up the search. */
const GATHER_MS = 300

export interface SearchComponents {
  readonly clock: Clock
  /** The resources that are there, full JIDs, the highest priority first. */
  readonly known: () => readonly string[]
  /** Asks one whether it can do what is looked for. */
  readonly can: (full: string, signal: AbortSignal) => Promise<boolean>
  /** Asks all of them to show themselves. */
  readonly greet: () => void
}

/**
 * A bare JID on its way to a full one. Each resource is asked when it shows itself, those that show up meanwhile included. One that is
 * slow to answer is not waited for once another could.
 */
export class ResourceSearch implements Disposable {
  /** Settles with the best one that can. */
  readonly found: Promise<string>
  readonly #components: SearchComponents
  /** `undefined`: asked, and not answered yet. */
  readonly #abilities = new Map<string, boolean | undefined>()
  readonly #over = new AbortController()
  readonly #cancelPatience: () => void
  #cancelGathering: (() => void) | undefined
  #isPatient = true
  #isGreeted = false
  #hasGathered = false
  #resolve = (_: string) => {}

  constructor(components: SearchComponents) {
    this.#components = components
    setMaxListeners(0, this.#over.signal)
    this.found = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#cancelPatience = components.clock.after(GATHER_MS, () => {
      this.#isPatient = false
      this.look()
    })
    this.look()
  }

  /** To be called when a resource shows itself: what it could not do before it may be able to do now. */
  hear(full: string): void {
    if (this.#abilities.get(full) === false) this.#abilities.delete(full)
    this.look()
  }

  /** To be called when a resource went. */
  look(): void {
    if (this.#over.signal.aborted) return
    const known = this.#components.known()
    for (const full of known) if (!this.#abilities.has(full)) this.#ask(full)
    const [first] = known.filter((full) => this.#abilities.get(full) !== false)
    const best = known.find((full) => this.#abilities.get(full))
    if (best === undefined) {
      if (!this.#isGreeted && (first === undefined || !this.#isPatient)) this.#greet()
    } else if (this.#hasGathered || (best === first && !this.#isGreeted)) {
      this.#resolve(best)
    } else {
      this.#cancelGathering ??= this.#components.clock.after(GATHER_MS, () => {
        this.#hasGathered = true
        this.look()
      })
    }
  }

  [Symbol.dispose](): void {
    this.#over.abort()
    this.#cancelPatience()
    this.#cancelGathering?.()
  }

  #ask(full: string): void {
    this.#abilities.set(full, undefined)
    void this.#components.can(full, this.#over.signal).then((able) => {
      this.#abilities.set(full, able)
      this.look()
    })
  }

  #greet(): void {
    this.#isGreeted = true
    this.#components.greet()
  }
}
