import type { Session } from '../session/index.ts'
import { buildAcknowledgement } from '../xep/index.ts'

/** Messages in one acknowledgement. */
const MESSAGES_AT_ONCE = 256
/** Milliseconds for the service to answer one. */
const ANSWER_MS_MAX = 30_000

/** Tells services what has arrived for good; one question at a time, each with all there is. One that gets lost is no matter: the service sends the message again. */
export class Acknowledgements {
  readonly #session: Session
  /** By service. */
  readonly #waiting = new Map<string, Set<number>>()
  readonly #asking = new Map<string, Promise<void>>()

  constructor(session: Session) {
    this.#session = session
  }

  add(service: string, messageId: number): void {
    const waiting = this.#waiting.get(service) ?? new Set()
    this.#waiting.set(service, waiting.add(messageId))
    if (this.#asking.has(service)) return
    const asking = this.#tellAll(service).finally(() => this.#asking.delete(service))
    this.#asking.set(service, asking)
  }

  /** Settles when all are told, or lost. */
  async told(): Promise<void> {
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
