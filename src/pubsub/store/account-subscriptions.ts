import type { SubscriptionRecord } from '../records.ts'
import { Ordered } from './ordered.ts'

/** What each account has subscribed to, by id; most have one subscription. */
export class AccountSubscriptions {
  readonly #of = new Map<string, SubscriptionRecord | Ordered<SubscriptionRecord>>()

  add(subscription: SubscriptionRecord): void {
    const own = this.#of.get(subscription.account)
    if (own instanceof Ordered) own.add(subscription)
    else this.#of.set(subscription.account, own ? ordered([own, subscription]) : subscription)
  }

  /** Takes the place of the one of its id. */
  replace(subscription: SubscriptionRecord): void {
    const own = this.#of.get(subscription.account)
    if (own instanceof Ordered) own.replace(subscription)
    else this.#of.set(subscription.account, subscription)
  }

  remove(subscription: SubscriptionRecord): void {
    const own = this.#of.get(subscription.account)
    if (own instanceof Ordered) own.remove(subscription)
    if (!(own instanceof Ordered) || own.size === 0) this.#of.delete(subscription.account)
  }

  of(account: string): readonly SubscriptionRecord[] {
    const own = this.#of.get(account)
    return own instanceof Ordered ? own.page({ limit: Number.POSITIVE_INFINITY }) : own ? [own] : []
  }

  countOf(account: string): number {
    const own = this.#of.get(account)
    return own instanceof Ordered ? own.size : own ? 1 : 0
  }
}

function ordered(subscriptions: readonly SubscriptionRecord[]): Ordered<SubscriptionRecord> {
  const all = new Ordered<SubscriptionRecord>(({ id }) => id)
  for (const subscription of subscriptions) all.add(subscription)
  return all
}
