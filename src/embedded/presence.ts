import { BytestreamError, bareJid, formatJid, type Jid } from '../core/index.ts'
import {
  attribute,
  buildIq,
  buildPresence,
  buildRoster,
  type Element,
  type PresenceType,
  parsePresence,
  type RosterItem,
} from '../xep/index.ts'
import type { Account, ClientSession } from './client-session.ts'
import { type Bounce, badRequest, type Deliver, readdress } from './delivery.ts'
import type { EmbeddedLimits } from './limits.ts'
import { inbound, outbound, SUBSCRIPTION_TYPES, type Subscription, type SubscriptionType } from './subscription.ts'

const isSubscriptionType = (type: PresenceType): type is SubscriptionType => (SUBSCRIPTION_TYPES as readonly string[]).includes(type)

/**
 * Presence of the accounts: broadcast, directed, probes, subscriptions and the roster pushes they cause. Requests to
 * subscribe wait in memory for a client to come; of them only that they were made is kept. Not there:
 * pre-approval (RFC 6121 §3.4), and a component's unavailability when it disconnects.
 *
 * @see RFC 6121 §3, §4
 */
export class PresenceService {
  readonly #limits: EmbeddedLimits
  readonly #deliver: Deliver
  readonly #bounce: Bounce
  #pushes = 0

  constructor(limits: EmbeddedLimits, deliver: Deliver, bounce: Bounce) {
    this.#limits = limits
    this.#deliver = deliver
    this.#bounce = bounce
  }

  /** Presence a client sends; `from` is stamped, `to` prepared. */
  fromClient(session: ClientSession, stanza: Element, to: Jid | undefined): void {
    const presence = parsePresence(stanza)
    const { type, priority } = presence ?? { type: undefined, priority: 0 }
    if (type === undefined) {
      this.#bounce(stanza, badRequest)
    } else if (!to) {
      if (type === 'available') this.#broadcast(session, stanza, priority)
      else if (type === 'unavailable') this.leave(session, stanza)
      else this.#bounce(stanza, badRequest)
    } else if (isSubscriptionType(type)) {
      this.#subscribeOutbound(session, stanza, type, formatJid({ ...to, resource: '' }))
    } else if (type === 'available') {
      this.#direct(session, stanza, formatJid(to))
    } else {
      if (type === 'unavailable') session.directed.delete(formatJid(to))
      this.#deliver(stanza)
    }
  }

  /** Presence for an account, known or not, from anywhere. */
  toAccount(stanza: Element, account: Account | undefined, resource: string): void {
    const type = parsePresence(stanza)?.type
    const from = attribute(stanza, 'from') ?? ''
    if (type === undefined) {
      this.#bounce(stanza, badRequest)
    } else if (!account) {
      // RFC 6121 §4.3.2: whoever waits for an account that is not there hears so.
      if (type === 'probe' || type === 'subscribe') this.#answer(stanza, 'unsubscribed')
    } else if (isSubscriptionType(type)) {
      this.#subscribeInbound(account, stanza, type, bareJid(from))
    } else if (type === 'probe') {
      this.#probe(account, stanza, from)
    } else if (resource) {
      account.sessions.get(resource)?.send(stanza)
    } else {
      for (const session of available(account)) session.send(stanza) // RFC 6121 §8.5.2.1.2
    }
  }

  /** The session is no longer available, by its own presence or because it is gone (RFC 6121 §4.5). */
  leave(session: ClientSession, stanza = buildPresence({ type: 'unavailable' })): void {
    const { account, directed, isAvailable } = session
    session.presence = undefined
    const told = new Set(isAvailable ? account.roster.where(({ from }) => from) : [])
    for (const jid of directed) if (!told.has(bareJid(jid))) told.add(jid)
    directed.clear()
    if (isAvailable) for (const other of available(account)) other.send(readdress(stanza, session.jid, other.jid))
    for (const jid of told) this.#deliver(readdress(stanza, session.jid, jid))
  }

  /** Tells every interested client of an account what changed in its roster (RFC 6121 §2.1.6). */
  push(account: Account, item: RosterItem): void {
    for (const session of account.sessions.values()) {
      if (!session.isInterested) continue
      this.#pushes += 1
      session.send(buildIq({ type: 'set', id: `push-${this.#pushes}`, to: session.jid }, buildRoster([item])))
    }
  }

  /** A contact goes: what it and the account saw of each other ends (RFC 6121 §2.5.2). */
  forget(account: Account, jid: string): void {
    const { to, from, isAsking, isAsked } = account.roster.subscription(jid)
    const item = account.roster.remove(jid)
    if (item) this.push(account, item)
    if (to || isAsking) this.#deliver(buildPresence({ type: 'unsubscribe', from: account.jid, to: jid }))
    if (from || isAsked) this.#deliver(buildPresence({ type: 'unsubscribed', from: account.jid, to: jid }))
    if (from) this.#showAll(account, jid, 'unavailable')
  }

  #broadcast(session: ClientSession, stanza: Element, priority: number): void {
    const { account } = session
    const isInitial = !session.isAvailable
    session.presence = stanza
    session.priority = priority
    for (const other of available(account)) other.send(readdress(stanza, session.jid, other.jid))
    for (const jid of account.roster.where(({ from }) => from)) this.#deliver(readdress(stanza, session.jid, jid))
    if (!isInitial) return
    for (const other of available(account)) {
      if (other !== session && other.presence) session.send(readdress(other.presence, other.jid, session.jid))
    }
    for (const jid of account.roster.where(({ to }) => to)) this.#deliver(buildPresence({ type: 'probe', from: session.jid, to: jid }))
    for (const jid of account.roster.where(({ isAsked }) => isAsked))
      session.send(buildPresence({ type: 'subscribe', from: jid, to: account.jid }))
  }

  #direct(session: ClientSession, stanza: Element, to: string): void {
    const { directedPresencesMax } = this.#limits
    if (!session.directed.has(to) && session.directed.size >= directedPresencesMax) {
      const text = `directed presence goes to at most ${directedPresencesMax} addresses at a time`
      this.#bounce(stanza, { type: 'wait', condition: 'resource-constraint' }, text)
    } else {
      session.directed.add(to)
      this.#deliver(stanza)
    }
  }

  #probe(account: Account, stanza: Element, from: string): void {
    const isOwn = bareJid(from) === account.jid
    if (isOwn || account.roster.subscription(bareJid(from)).from) this.#showAll(account, from, 'available')
    else this.#answer(stanza, 'unsubscribed')
  }

  /** RFC 6121 §3.1.2, §3.1.5, §3.2.2, §3.3.2: what an account sends to a contact, as a whole. */
  #subscribeOutbound(session: ClientSession, stanza: Element, type: SubscriptionType, contact: string): void {
    const { account } = session
    const before = account.roster.subscription(contact)
    const after = outbound[type](before)
    if (contact === account.jid) this.#bounce(stanza, { type: 'cancel', condition: 'not-allowed' })
    if (!after || contact === account.jid) return
    const isListed = type === 'subscribe' || type === 'subscribed'
    if (!this.#remember(account, stanza, contact, after, isListed)) return
    this.#deliver(readdress(stanza, account.jid, contact))
    if (type === 'subscribed') this.#showAll(account, contact, 'available')
    if (type === 'unsubscribed' && before.from) this.#showAll(account, contact, 'unavailable')
  }

  /** RFC 6121 §3.1.3, §3.1.6, §3.2.3, §3.3.3: what reaches an account from a contact. */
  #subscribeInbound(account: Account, stanza: Element, type: SubscriptionType, contact: string): void {
    const before = account.roster.subscription(contact)
    const after = inbound[type](before)
    if (!after) {
      if (type === 'subscribe' && before.from) this.#answer(stanza, 'subscribed')
      return
    }
    if (!this.#remember(account, stanza, contact, after, false)) return
    for (const session of available(account)) session.send(readdress(stanza, contact, account.jid))
    if (type === 'unsubscribe' && before.from) this.#showAll(account, contact, 'unavailable')
  }

  /** @returns `false` where the roster is full, and the sender of the stanza was told */
  #remember(account: Account, stanza: Element, contact: string, after: Subscription, isListed: boolean): boolean {
    try {
      const item = account.roster.subscribe(contact, after, isListed)
      if (item) this.push(account, item)
      return true
    } catch (error) {
      if (!(error instanceof BytestreamError)) throw error
      this.#bounce(stanza, error.stanzaError, error.message)
      return false
    }
  }

  /** Shows every available resource of an account to `to`, or that it is gone. */
  #showAll(account: Account, to: string, as: 'available' | 'unavailable'): void {
    for (const { jid, presence } of available(account)) {
      const stanza = as === 'unavailable' ? buildPresence({ type: as }) : presence
      if (stanza) this.#deliver(readdress(stanza, jid, to))
    }
  }

  /** Answers for the account a stanza was meant for, or for none. */
  #answer(stanza: Element, type: 'subscribed' | 'unsubscribed'): void {
    const { from, to } = stanza.attrs
    this.#deliver(buildPresence({ type, from: bareJid(to), to: bareJid(from) }))
  }
}

/** The resources of an account that have sent initial presence. */
export function available(account: Account): ClientSession[] {
  return [...account.sessions.values()].filter((session) => session.isAvailable)
}
