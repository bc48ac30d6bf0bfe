import type { ContactState } from './transitions.ts'

/** An account that has a feed in its roster, or had until just now. */
export interface ContactRecord extends ContactState {
  readonly nodeId: number
  /** A bare JID. */
  readonly account: string
}

/** A device that has shown that it is there. */
export interface ResourceRecord {
  /** Full. */
  readonly jid: string
  /** The bare JID of that. */
  readonly account: string
  /** RFC 6121 §4.7.2.3. */
  readonly priority: number
  /** When it was first heard of, in milliseconds since 1970. */
  readonly sinceMs: number
}

/**
 * Keeps who has which feed in its roster, and who is there. As a `PubsubStore` it is synchronous, and what one turn of the event loop
 * writes is kept together: with the subscriptions of the same turn, where both are kept in one place.
 */
export interface PresenceStore {
  contact(nodeId: number, account: string): ContactRecord | undefined
  /** Takes the place of what was known of that contact. */
  putContact(contact: ContactRecord): void
  removeContact(nodeId: number, account: string): void
  /** Some of one node: there are none left once none is given. */
  contactsAt(nodeId: number, limit: number): readonly ContactRecord[]
  /** All of them, page by page; of what changes meanwhile, as it was or as it is. */
  contacts(pageMax: number): Iterable<readonly ContactRecord[]>
  /** Whether an account has granted its presence to any feed. */
  hasGranted(account: string): boolean
  countContacts(): number

  /** Takes the place of what was known of that JID. */
  putResource(resource: ResourceRecord): void
  removeResource(jid: string): void
  /** All of them, page by page; of what changes meanwhile, as it was or as it is. */
  resources(pageMax: number): Iterable<readonly ResourceRecord[]>
}
