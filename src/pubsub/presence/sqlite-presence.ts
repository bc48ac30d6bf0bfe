import type { Storage } from '../../storage/index.ts'
import type { ContactRecord, PresenceStore, ResourceRecord } from './presence-store.ts'
import type { Ours, Theirs } from './transitions.ts'

type ContactRow = readonly [node: number, account: string, theirs: Theirs, ours: Ours]
type ResourceRow = readonly [jid: string, account: string, priority: number, sinceMs: number]

/** Keeps it in the database of the subscriptions. */
export class SqlitePresence implements PresenceStore {
  readonly #read: ReturnType<typeof queriesOf>
  readonly #write: ReturnType<typeof changesOf>

  /** @param storage opened with `pubsubMigrations` */
  constructor(storage: Storage) {
    this.#read = queriesOf(storage)
    this.#write = changesOf(storage)
  }

  contact(nodeId: number, account: string): ContactRecord | undefined {
    const row = this.#read.contact.get(nodeId, account)
    return row && toContact(row)
  }

  putContact({ nodeId, account, theirs, ours }: ContactRecord): void {
    this.#write.putContact.run(nodeId, account, theirs, ours)
  }

  removeContact(nodeId: number, account: string): void {
    this.#write.removeContact.run(nodeId, account)
  }

  contactsAt(nodeId: number, limit: number): readonly ContactRecord[] {
    return this.#read.contactsAt.all(nodeId, limit).map(toContact)
  }

  *contacts(pageMax: number): Iterable<readonly ContactRecord[]> {
    let last: ContactRecord | undefined
    do {
      const page = this.#read.contacts.all(last?.nodeId ?? 0, last?.account ?? '', pageMax).map(toContact)
      if (page.length > 0) yield page
      last = page.at(-1)
    } while (last)
  }

  hasGranted(account: string): boolean {
    return this.#read.granted.get(account) !== undefined
  }

  countContacts(): number {
    return this.#read.countContacts.get()?.[0] ?? 0
  }

  putResource({ jid, account, priority, sinceMs }: ResourceRecord): void {
    this.#write.putResource.run(jid, account, priority, sinceMs)
  }

  removeResource(jid: string): void {
    this.#write.removeResource.run(jid)
  }

  *resources(pageMax: number): Iterable<readonly ResourceRecord[]> {
    let last: ResourceRecord | undefined
    do {
      const page = this.#read.resources.all(last?.jid ?? '', pageMax).map(toResource)
      if (page.length > 0) yield page
      last = page.at(-1)
    } while (last)
  }
}

const toResource = ([jid, account, priority, sinceMs]: ResourceRow): ResourceRecord => ({ jid, account, priority, sinceMs })
const toContact = ([nodeId, account, theirs, ours]: ContactRow): ContactRecord => ({ nodeId, account, theirs, ours })

/** Each finds what it wants by its key. */
export const presenceQueries = {
  contact: 'SELECT node, account, theirs, ours FROM contact WHERE node = ? AND account = ?',
  contactsAt: 'SELECT node, account, theirs, ours FROM contact WHERE node = ? LIMIT 0 + ?',
  contacts: 'SELECT node, account, theirs, ours FROM contact WHERE (node, account) > (?, ?) ORDER BY node, account LIMIT 0 + ?',
  granted: "SELECT 1 FROM contact WHERE account = ? AND ours = 'granted' LIMIT 1",
  countContacts: 'SELECT contacts FROM total WHERE id = 1',
  resources: 'SELECT jid, account, priority, since_ms FROM resource WHERE jid > ? ORDER BY jid LIMIT 0 + ?',
} as const

export const presenceChanges = {
  putContact: 'INSERT INTO contact VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET theirs = excluded.theirs, ours = excluded.ours',
  removeContact: 'DELETE FROM contact WHERE node = ? AND account = ?',
  putResource:
    'INSERT INTO resource VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET priority = excluded.priority, since_ms = excluded.since_ms',
  removeResource: 'DELETE FROM resource WHERE jid = ?',
} as const

const queriesOf = (storage: Storage) => ({
  contact: storage.query<ContactRow>(presenceQueries.contact),
  contactsAt: storage.query<ContactRow>(presenceQueries.contactsAt),
  contacts: storage.query<ContactRow>(presenceQueries.contacts),
  granted: storage.query<readonly [one: number]>(presenceQueries.granted),
  countContacts: storage.query<readonly [count: number]>(presenceQueries.countContacts),
  resources: storage.query<ResourceRow>(presenceQueries.resources),
})

const changesOf = (storage: Storage) => ({
  putContact: storage.change(presenceChanges.putContact),
  removeContact: storage.change(presenceChanges.removeContact),
  putResource: storage.change(presenceChanges.putResource),
  removeResource: storage.change(presenceChanges.removeResource),
})
