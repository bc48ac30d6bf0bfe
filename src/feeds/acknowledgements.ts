import type { Session } from '../session/index.ts'
import { buildAcknowledgement } from '../xep/index.ts'

/** Messages in one acknowledgement. */
const MESSAGES_AT_ONCE = 256
/** Milliseconds for the service to answer one. */
const ANSWER_MS_MAX = 10_000
/** Messages that were heard of, and somebody is not done with. */
const HELD_MAX = 10_000

/** A message, and the watches that were told of it. */
interface Held {
  readonly service: string
  readonly messageId: number
  readonly by: Set<Acknowledging>
  /** Whether one has gone that was not done with it: it has to come again. */
  isLeft: boolean
}

/** What one watch has heard of, and is done with. */
export interface Acknowledging extends Disposable {
  /** It was told of a message. */
  heard(service: string, messageId: number): void
  /** It needs not be told of it again. */
  done(service: string, messageId: number): void
  /** Settles when all that is acknowledged by now is told, or lost. */
  told(): Promise<void>
}

const keyOf = (service: string, messageId: number) => `${messageId} ${service}`

/**
 * Tells services what has arrived for good: what all watches that were told of it are done with. One question at a time, each with all there
 * is. One that gets lost is no matter: the service sends the message again.
 */
export class Acknowledgements {
  readonly #session: Session
  readonly #held = new Map<string, Held>()
  /** By service. */
  readonly #waiting = new Map<string, Set<number>>()
  readonly #asking = new Map<string, Promise<void>>()

  constructor(session: Session) {
    this.#session = session
  }

  /** @returns to be disposed of by a watch that ends: what it is not done with comes again */
  join(): Acknowledging {
    const watch: Acknowledging = {
      heard: (service, messageId) => this.#hold(watch, service, messageId),
      done: (service, messageId) => this.#release(watch, keyOf(service, messageId)),
      told: () => this.#told(),
      [Symbol.dispose]: () => this.#leave(watch),
    }
    return watch
  }

  #hold(watch: Acknowledging, service: string, messageId: number): void {
    const key = keyOf(service, messageId)
    const held = this.#held.get(key) ?? { service, messageId, by: new Set(), isLeft: false }
    this.#held.set(key, held)
    held.by.add(watch)
    const [oldest] = this.#held.keys()
    if (this.#held.size > HELD_MAX && oldest !== undefined) this.#held.delete(oldest)
  }

  #release(watch: Acknowledging, key: string): void {
    // Others may hear of the same message in this turn.
    if (this.#held.get(key)?.by.delete(watch)) queueMicrotask(() => this.#settle(key))
  }

  #leave(watch: Acknowledging): void {
    for (const [key, held] of [...this.#held]) {
      if (!held.by.delete(watch)) continue
      held.isLeft = true
      this.#settle(key)
    }
  }

  #settle(key: string): void {
    const held = this.#held.get(key)
    if (!held || held.by.size > 0) return
    this.#held.delete(key)
    if (!held.isLeft) this.#acknowledge(held)
  }

  #acknowledge({ service, messageId }: Held): void {
    const waiting = this.#waiting.get(service) ?? new Set()
    this.#waiting.set(service, waiting.add(messageId))
    if (this.#asking.has(service)) return
    const asking = this.#tellAll(service).finally(() => this.#asking.delete(service))
    this.#asking.set(service, asking)
  }

  async #told(): Promise<void> {
    await Promise.resolve()
    await Promise.all(this.#asking.values())
  }

  async #tellAll(service: string): Promise<void> {
    // What comes in the same turn goes along.
    await Promise.resolve()
    for (;;) {
      const waiting = this.#waiting.get(service)
      if (!waiting || waiting.size === 0) return void this.#waiting.delete(service)
      const ids = [...waiting].slice(0, MESSAGES_AT_ONCE)
      for (const id of ids) waiting.delete(id)
      const question = { type: 'set', to: service, payload: buildAcknowledgement(ids) } as const
      await this.#session.request(question, { answerMsMax: ANSWER_MS_MAX }).catch(() => {})
    }
  }
}
