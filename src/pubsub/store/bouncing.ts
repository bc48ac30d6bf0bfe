import type { Bounce, BouncingSubscription, SubscriptionRecord } from '../records.ts'
import type { Range } from './section.ts'

/** Subscriptions of a `MemoryStore` whose notifications come back. */
export class Bouncing {
  /** By the id of the subscription. */
  readonly #all = new Map<number, BouncingSubscription>()

  set({ id, nodeId, jid }: SubscriptionRecord, bounce: Bounce | undefined): void {
    if (bounce) this.#all.set(id, { id, nodeId, jid, bounce })
    else this.#all.delete(id)
  }

  delete(id: number): void {
    this.#all.delete(id)
  }

  /** By id. */
  page({ after = 0, limit }: Range, isLive: (nodeId: number) => boolean): readonly BouncingSubscription[] {
    return [...this.#all.values()]
      .filter(({ id, nodeId }) => id > after && isLive(nodeId))
      .sort((one, other) => one.id - other.id)
      .slice(0, limit)
  }
}
