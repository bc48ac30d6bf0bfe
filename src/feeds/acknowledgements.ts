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
  /** Those that are done with it. */
  readonly doneBy: Set<Acknowledging>
  /** Whether one has gone that was not done with it: it has to come again. */
  isLeft: boolean
}

/** Messages that are acknowledged together. */
interface Batch {
  readonly ids: Set<number>
  /** Settles when they are told, or lost. */
  readonly told: Promise<void>
}

/** What one watch has heard of, and is done with. */
export interface Acknowledging extends Disposable {
  /** It was told of a message. */
  heard(service: string, messageId: number): void
  /** It needs not be told of it again. */
  done(service: string, messageId: number): void
  /** Settles when what it is done with, and all others are, is told, or lost; what others are done with later is not waited for. */
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
  /** By service: the last one that is to be asked, to which more may be added. */
  readonly #open = new Map<string, Batch>()
  /** By service: the last one that was asked, when none is behind it. */
  readonly #asked = new Map<string, Promise<void>>()
  /** Of each watch, by service: the last one with a message of its. */
  readonly #lastOf = new WeakMap<Acknowledging, Map<string, Promise<void>>>()

  constructor(session: Session) {
    this.#session = session
  }

  /** @returns to be disposed of by a watch that ends: what it is not done with comes again */
  join(): Acknowledging {
    const watch: Acknowledging = {
      heard: (service, messageId) => this.#hold(watch, service, messageId),
      done: (service, messageId) => this.#release(watch, keyOf(service, messageId)),
      told: () => this.#told(watch),
      [Symbol.dispose]: () => this.#leave(watch),
    }
    this.#lastOf.set(watch, new Map())
    return watch
  }

  #hold(watch: Acknowledging, service: string, messageId: number): void {
    const key = keyOf(service, messageId)
    const held = this.#held.get(key) ?? { service, messageId, by: new Set(), doneBy: new Set(), isLeft: false }
    this.#held.set(key, held)
    held.by.add(watch)
    const [oldest] = this.#held.keys()
    if (this.#held.size > HELD_MAX && oldest !== undefined) this.#held.delete(oldest)
  }

  #release(watch: Acknowledging, key: string): void {
    // Others may hear of the same message in this turn.
    const held = this.#held.get(key)
    if (!held?.by.delete(watch)) return
    held.doneBy.add(watch)
    queueMicrotask(() => this.#settle(key))
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

  #acknowledge({ service, messageId, doneBy }: Held): void {
    const open = this.#open.get(service)
    const batch = open && open.ids.size < MESSAGES_AT_ONCE ? open : this.#gather(service)
    batch.ids.add(messageId)
    // It is the last by now.
    for (const watch of doneBy) this.#lastOf.get(watch)?.set(service, batch.told)
  }

  /** Asked when the one before has been answered; until then, and for the rest of this turn, more go along. */
  #gather(service: string): Batch {
    const ids = new Set<number>()
    const before = this.#open.get(service)?.told ?? this.#asked.get(service) ?? Promise.resolve()
    const told = before.then(() => this.#tell(service, batch))
    const batch: Batch = { ids, told }
    this.#open.set(service, batch)
    return batch
  }

  async #told(watch: Acknowledging): Promise<void> {
    await Promise.resolve()
    await Promise.all(this.#lastOf.get(watch)?.values() ?? [])
  }

  async #tell(service: string, batch: Batch): Promise<void> {
    if (this.#open.get(service) === batch) {
      this.#open.delete(service)
      this.#asked.set(service, batch.told)
    }
    const question = { type: 'set', to: service, payload: buildAcknowledgement([...batch.ids]) } as const
    await this.#session.request(question, { answerMsMax: ANSWER_MS_MAX }).catch(() => {})
    if (this.#asked.get(service) === batch.told) this.#asked.delete(service)
  }
}
