/** How one account and one contact stand to each other (RFC 6121 §2.1.2.5, §3, appendix A), seen from the account. */
export interface Subscription {
  /** The account sees the contact's presence. */
  readonly to: boolean
  /** The contact sees the account's presence. */
  readonly from: boolean
  /** The account has asked to see the contact's; no answer yet. */
  readonly isAsking: boolean
  /** The contact has asked to see the account's; no answer yet. */
  readonly isAsked: boolean
}

export const SUBSCRIPTION_TYPES = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'] as const

export type SubscriptionType = (typeof SUBSCRIPTION_TYPES)[number]

export const noSubscription: Subscription = { to: false, from: false, isAsking: false, isAsked: false }

/** What a step leads to; `undefined`: nothing changes, and the stanza goes no further. */
type Step = (before: Subscription) => Subscription | undefined

const grant = { from: true, isAsked: false }
const revoke = { from: false, isAsked: false }
const gain = { to: true, isAsking: false }
const lose = { to: false, isAsking: false }

/** The account sends (RFC 6121 appendix A.2). A second request is passed on: the first one may have been lost. */
export const outbound: Record<SubscriptionType, Step> = {
  subscribe: (before) => ({ ...before, isAsking: !before.to }),
  subscribed: (before) => (before.isAsked ? { ...before, ...grant } : undefined),
  unsubscribe: (before) => (before.to || before.isAsking ? { ...before, ...lose } : undefined),
  unsubscribed: (before) => (before.from || before.isAsked ? { ...before, ...revoke } : undefined),
}

/** The contact sends (RFC 6121 appendix A.3). */
export const inbound: Record<SubscriptionType, Step> = {
  subscribe: (before) => (before.from || before.isAsked ? undefined : { ...before, isAsked: true }),
  subscribed: (before) => (before.isAsking ? { ...before, ...gain } : undefined),
  unsubscribe: (before) => (before.from || before.isAsked ? { ...before, ...revoke } : undefined),
  unsubscribed: (before) => (before.to || before.isAsking ? { ...before, ...lose } : undefined),
}

/** The word the roster has for it (RFC 6121 §2.1.2.5). */
export function subscriptionName({ to, from }: Subscription): 'none' | 'to' | 'from' | 'both' {
  if (to) return from ? 'both' : 'to'
  return from ? 'from' : 'none'
}
