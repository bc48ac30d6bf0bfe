import type { ContactRecord, PresenceStore, ResourceRecord } from './presence-store.ts'

/** Keeps it until the process ends. */
export class MemoryPresence implements PresenceStore {
  readonly #contacts = new Map<number, Map<string, ContactRecord>>()
  readonly #resources = new Map<string, ResourceRecord>()
  /** At how many feeds, by account. */
  readonly #granted = new Map<string, number>()
  #count = 0

  contact(nodeId: number, account: string): ContactRecord | undefined {
    return this.#contacts.get(nodeId)?.get(account)
  }

  putContact(contact: ContactRecord): void {
    const { nodeId, account } = contact
    this.removeContact(nodeId, account)
    const atNode = this.#contacts.get(nodeId) ?? new Map<string, ContactRecord>()
    this.#contacts.set(nodeId, atNode.set(account, contact))
    this.#count += 1
    if (contact.ours === 'granted') this.#granted.set(account, (this.#granted.get(account) ?? 0) + 1)
  }

  removeContact(nodeId: number, account: string): void {
    const atNode = this.#contacts.get(nodeId)
    const contact = atNode?.get(account)
    if (!atNode || !contact) return
    atNode.delete(account)
    if (atNode.size === 0) this.#contacts.delete(nodeId)
    this.#count -= 1
    if (contact.ours !== 'granted') return
    const left = (this.#granted.get(account) ?? 0) - 1
    if (left > 0) this.#granted.set(account, left)
    else this.#granted.delete(account)
  }

  contactsAt(nodeId: number, limit: number): readonly ContactRecord[] {
    for (const page of inPages(this.#contacts.get(nodeId)?.values() ?? [], limit)) return page
    return []
  }

  *contacts(pageMax: number): Iterable<readonly ContactRecord[]> {
    for (const atNode of this.#contacts.values()) yield* inPages(atNode.values(), pageMax)
  }

  hasGranted(account: string): boolean {
    return this.#granted.has(account)
  }

  countContacts(): number {
    return this.#count
  }

  putResource(resource: ResourceRecord): void {
    this.#resources.set(resource.jid, resource)
  }

  removeResource(jid: string): void {
    this.#resources.delete(jid)
  }

  resources(pageMax: number): Iterable<readonly ResourceRecord[]> {
    return inPages(this.#resources.values(), pageMax)
  }
}

function* inPages<T>(things: Iterable<T>, pageMax: number): Iterable<readonly T[]> {
  let page: T[] = []
  for (const thing of things) {
    page.push(thing)
    if (page.length < pageMax) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}
