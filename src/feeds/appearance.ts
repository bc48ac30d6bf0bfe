import { type Clock, toBytestreamError } from '../core/index.ts'
import { BackOff } from '../session/index.ts'
import type { TransferClient } from '../transfer/index.ts'
import { buildAcknowledgement } from '../xep/index.ts'
import { isPassing } from './announcer.ts'

export interface AppearanceComponents {
  readonly client: Pick<TransferClient, 'session' | 'showPresence'>
  readonly clock: Clock
}

/** Milliseconds for a service to say that it has heard us. */
const ANSWER_MS_MAX = 10_000
/** Milliseconds until what has been heard is shown again. */
const AGAIN_MS = 10_000
const AGAIN_MS_MAX = 300_000

/**
 * Shows one service that we are there. Presence has no answer: it is lost where the service is away, or dies with it, and nothing would be
 * delivered then. So a service that keeps queues is asked whether it is on the disk, by acknowledging nothing, and shown it again until it says so.
 *
 * And then from time to time: that our former connection is gone may be told late, behind that we are there again under the same address.
 */
export class Appearance implements Disposable {
  readonly #client: AppearanceComponents['client']
  readonly #clock: Clock
  readonly #service: string
  readonly #backOff = new BackOff()
  readonly #again = new BackOff({ firstMs: AGAIN_MS, retryMsMax: AGAIN_MS_MAX })
  #rounds = 0
  #cancelPause = () => {}
  /** Whether it keeps queues, and says what it has heard. */
  hasQueues = false

  constructor({ client, clock }: AppearanceComponents, service: string) {
    this.#client = client
    this.#clock = clock
    this.#service = service
  }

  /** With each connection, and whenever somebody begins to watch. */
  show(): void {
    this.#again.reset()
    this.#show()
  }

  #show(): void {
    this.#cancelPause()
    const round = ++this.#rounds
    this.#client.showPresence(this.#service)
    if (this.hasQueues) void this.#confirm(round)
  }

  [Symbol.dispose](): void {
    this.#rounds += 1
    this.#cancelPause()
  }

  async #confirm(round: number): Promise<void> {
    const { session } = this.#client
    const question = { type: 'set', to: this.#service, payload: buildAcknowledgement([]) } as const
    try {
      await session.request(question, { answerMsMax: ANSWER_MS_MAX })
      this.#backOff.reset()
      this.#showAfter(this.#again.next(), round)
    } catch (thrown) {
      if (session.isOnline && isPassing(toBytestreamError(thrown))) this.#showAfter(this.#backOff.next(), round)
    }
  }

  /** With a new connection it is shown anyway. */
  #showAfter(ms: number, round: number): void {
    if (round === this.#rounds) this.#cancelPause = this.#clock.after(ms, () => this.#show())
  }
}
