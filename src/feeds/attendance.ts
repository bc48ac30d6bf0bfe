import type { Clock } from '../core/index.ts'
import type { ServicePart } from '../session/index.ts'
import type { TransferClient } from '../transfer/index.ts'
import { buildPresence, type FeedAcceptance, feedAcceptanceForm, NS } from '../xep/index.ts'
import { Appearance } from './appearance.ts'

/** One who watches. */
interface Attending {
  readonly service: string
  readonly acceptance: FeedAcceptance
}

/**
 * Shows services that we are there, and what we can take: from then on they deliver what has waited for the account. As long as
 * anybody here watches a feed of theirs; again with each connection.
 */
export class Attendance {
  readonly #client: TransferClient
  readonly #clock: Clock
  readonly #attending = new Set<Attending>()
  readonly #appearances = new Map<string, Appearance>()
  #hide: (() => void) | undefined

  constructor(client: TransferClient, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /**
   * @param hasQueues whether the service keeps queues, and can say that it has heard us
   * @returns to be disposed of when nothing is watched there any more
   */
  attend(service: string, acceptance: FeedAcceptance, { hasQueues }: { readonly hasQueues: boolean }): Disposable {
    const attending = { service, acceptance }
    const appearance = this.#appearances.get(service) ?? new Appearance({ client: this.#client, clock: this.#clock }, service)
    this.#appearances.set(service, appearance)
    appearance.hasQueues ||= hasQueues
    if (this.#attending.size === 0) this.#client.session.on('online', this.#onOnline)
    this.#attending.add(attending)
    this.#show()
    this.#onOnline()
    return { [Symbol.dispose]: () => this.#leave(attending) }
  }

  #leave(attending: Attending): void {
    if (!this.#attending.delete(attending)) return
    const { service } = attending
    if (![...this.#attending].some((other) => other.service === service)) {
      this.#appearances.get(service)?.[Symbol.dispose]()
      this.#appearances.delete(service)
      this.#client.session.send(buildPresence({ type: 'unavailable', to: service }))
    }
    if (this.#attending.size > 0) return this.#show()
    this.#client.session.off('online', this.#onOnline)
    this.#hide?.()
    this.#hide = undefined
  }

  readonly #onOnline = () => {
    for (const appearance of this.#appearances.values()) appearance.show()
  }

  /** Where several watch, and can take different things, nothing is said of it: each passes over what it cannot take. */
  #show(): void {
    this.#hide?.()
    const forms = new Set([...this.#attending].map(({ acceptance }) => JSON.stringify(feedAcceptanceForm(acceptance))))
    const [form] = forms.size === 1 ? [...this.#attending] : []
    const part: ServicePart = {
      identities: [],
      features: [NS.feeds],
      forms: [feedAcceptanceForm(form?.acceptance ?? {})],
    }
    this.#hide = this.#client.show(part)
  }
}
