import type { NodeRecord, SubscriptionRecord } from '../records.ts'
import type { ContactRecord, PresenceStore } from './presence-store.ts'
import { type Happening, stranger, type Transition, transition, type Word } from './transitions.ts'

/** What a contact is to be told, once what has been written is committed. */
export interface ContactWords {
  /** The name of the feed. */
  readonly node: string
  readonly account: string
  readonly say: readonly Word[]
}

/** A contact, and the name of the feed it has in its roster. */
export interface FeedContact extends ContactRecord {
  readonly node: string
}

export interface ContactsComponents {
  /** Borrowed. */
  readonly store: PresenceStore
  /** The node of an id, and what an account has subscribed at it. */
  readonly pubsub: {
    nodeById(id: number): Pick<NodeRecord, 'name'> | undefined
    subscriptionsAt(nodeId: number, account: string): readonly Pick<SubscriptionRecord, 'jid'>[]
  }
}

/** Hears what becomes of contacts by what is done by other ways than presence. */
export interface ContactsWatch {
  words(words: ContactWords): void
  /** The node of that id is gone; its contacts are still there. */
  gone(node: Pick<NodeRecord, 'id' | 'name'>): void
}

/**
 * Who has which feed in its roster. A contact's subscription is that of its bare JID at the node: whoever lets that in, or ends it, does so
 * with the contact.
 */
export class Contacts {
  readonly #components: ContactsComponents
  #watch: ContactsWatch = { words: () => {}, gone: () => {} }

  constructor(components: ContactsComponents) {
    this.#components = components
  }

  /** One at a time. */
  watch(watch: ContactsWatch): void {
    this.#watch = watch
  }

  get count(): number {
    return this.#components.store.countContacts()
  }

  contact(nodeId: number, account: string): ContactRecord | undefined {
    return this.#components.store.contact(nodeId, account)
  }

  /** All of them, page by page, with the name of their feed; those of nodes that are gone are forgotten on the way. */
  *all(pageMax: number): Iterable<readonly FeedContact[]> {
    const { store, pubsub } = this.#components
    for (const page of store.contacts(pageMax)) {
      yield page.flatMap((contact): FeedContact[] => {
        const node = pubsub.nodeById(contact.nodeId)?.name
        if (node === undefined) store.removeContact(contact.nodeId, contact.account)
        return node === undefined ? [] : [{ ...contact, node }]
      })
    }
  }

  /** Something has happened to a contact. @returns what comes of it; what it says and does is for the caller */
  take(nodeId: number, account: string, happening: Happening): Transition {
    const { store } = this.#components
    const before = store.contact(nodeId, account) ?? stranger
    const step = transition(before, happening)
    const { theirs, ours } = step.to
    if (theirs === 'none' && ours === 'none') {
      if (before !== stranger) store.removeContact(nodeId, account)
    } else if (theirs !== before.theirs || ours !== before.ours) store.putContact({ nodeId, account, theirs, ours })
    return step
  }

  /** A subscription that was pending counts from now on. */
  approved({ nodeId, jid, account }: SubscriptionRecord): void {
    if (jid === account) this.#decided(nodeId, account, 'letIn')
  }

  /** A subscription is gone. Others of the same JID may be left. */
  ended({ nodeId, jid, account }: Pick<SubscriptionRecord, 'nodeId' | 'jid' | 'account'>): void {
    if (jid !== account) return
    if (this.#components.pubsub.subscriptionsAt(nodeId, account).some((each) => each.jid === jid)) return
    this.#decided(nodeId, account, 'ended')
  }

  /** All subscriptions of that node are over. Its contacts are told, and go, one by one. */
  nodeEnded(node: Pick<NodeRecord, 'id' | 'name'>): void {
    if (this.#components.store.contactsAt(node.id, 1).length > 0) this.#watch.gone(node)
  }

  /** Some contacts of a node that is gone, who go with it. @returns none when there are none left */
  leave({ id, name }: Pick<NodeRecord, 'id' | 'name'>, limit: number): readonly ContactWords[] {
    const left = this.#components.store.contactsAt(id, limit)
    return left.map(({ account }) => ({ node: name, account, say: this.take(id, account, 'ended').say }))
  }

  #decided(nodeId: number, account: string, happening: 'letIn' | 'ended'): void {
    if (!this.contact(nodeId, account)) return
    const node = this.#components.pubsub.nodeById(nodeId)
    const { say } = this.take(nodeId, account, happening)
    if (node && say.length > 0) this.#watch.words({ node: node.name, account, say })
  }
}
