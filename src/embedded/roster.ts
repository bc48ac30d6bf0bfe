import { BytestreamError } from '../core/index.ts'
import type { RosterItem } from '../xep/index.ts'
import { noSubscription, type Subscription, subscriptionName } from './subscription.ts'

/** RFC 6121 §2.3.3 leaves the bounds to the server. */
const NAME_BYTES_MAX = 1023
const GROUPS_MAX = 32

interface Contact {
  readonly name: string | undefined
  readonly groups: readonly string[]
  readonly subscription: Subscription
  /** Whether the account has it in its roster; otherwise the contact only asked. */
  readonly isListed: boolean
}

const stranger: Contact = { name: undefined, groups: [], subscription: noSubscription, isListed: false }

/** The contacts of one account, by bare JID, for as long as the server runs. */
export class Roster {
  readonly #itemsMax: number
  readonly #contacts = new Map<string, Contact>()

  constructor(itemsMax: number) {
    this.#itemsMax = itemsMax
  }

  /** What the account's clients see. */
  get items(): RosterItem[] {
    return [...this.#contacts].filter(([, { isListed }]) => isListed).map(([jid, contact]) => toItem(jid, contact))
  }

  subscription(jid: string): Subscription {
    return this.#contacts.get(jid)?.subscription ?? noSubscription
  }

  /** The contacts of whom `predicate` holds. */
  where(predicate: (subscription: Subscription) => boolean): string[] {
    return [...this.#contacts].filter(([, { subscription }]) => predicate(subscription)).map(([jid]) => jid)
  }

  /**
   * Adds a contact, or changes its name and groups.
   *
   * @returns the item to push
   * @throws BytestreamError `ERR_NOT_ACCEPTABLE` for a name or group that is too long, empty, or one too many;
   *   `ERR_LIMIT_ACCOUNT` when the roster is full
   * @see RFC 6121 §2.3, §2.4
   */
  set({ jid, name, groups }: Pick<RosterItem, 'jid' | 'name' | 'groups'>): RosterItem {
    const isSound = (text: string) => Buffer.byteLength(text) <= NAME_BYTES_MAX
    if (!isSound(name ?? '') || groups.length > GROUPS_MAX || !groups.every((group) => group && isSound(group))) {
      throw new BytestreamError(
        'ERR_NOT_ACCEPTABLE',
        `a contact has at most ${GROUPS_MAX} groups; names have at most ${NAME_BYTES_MAX} octets, those of groups at least one`,
      )
    }
    return this.#store(jid, { ...(this.#contacts.get(jid) ?? stranger), name, groups, isListed: true })
  }

  /**
   * @param isListed whether a contact that is new gets into the roster by this (RFC 6121 §3.1.2, §3.1.3)
   * @returns the item to push, or `undefined` where the clients see no change
   * @throws BytestreamError `ERR_LIMIT_ACCOUNT` when the roster is full
   */
  subscribe(jid: string, subscription: Subscription, isListed: boolean): RosterItem | undefined {
    const contact = this.#contacts.get(jid) ?? stranger
    const item = this.#store(jid, { ...contact, subscription, isListed: contact.isListed || isListed })
    const { to, from, isAsked } = subscription
    if (!contact.isListed && !isListed && !to && !from && !isAsked) this.#contacts.delete(jid)
    const before = toItem(jid, contact)
    const isSame = item.subscription === before.subscription && item.isAsking === before.isAsking
    return (contact.isListed && !isSame) || (isListed && !contact.isListed) ? item : undefined
  }

  /** @returns the item to push, or `undefined` when it is not there */
  remove(jid: string): RosterItem | undefined {
    const contact = this.#contacts.get(jid)
    this.#contacts.delete(jid)
    return contact?.isListed ? { jid, groups: [], subscription: 'remove' } : undefined
  }

  #store(jid: string, contact: Contact): RosterItem {
    if (!this.#contacts.has(jid) && this.#contacts.size >= this.#itemsMax) {
      throw new BytestreamError('ERR_LIMIT_ACCOUNT', `the roster is full: ${this.#itemsMax} contacts, those who only asked included`)
    }
    this.#contacts.set(jid, contact)
    return toItem(jid, contact)
  }
}

function toItem(jid: string, { name, groups, subscription }: Contact): RosterItem {
  return { jid, name, groups, subscription: subscriptionName(subscription), isAsking: subscription.isAsking }
}
