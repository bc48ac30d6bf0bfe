import type { ExecutionContext, TestFn } from 'ava'
import type { ContactRecord, PresenceStore } from '../../src/pubsub/index.ts'

const contact = (nodeId: number, account: string, more: Partial<ContactRecord> = {}): ContactRecord => ({
  nodeId,
  account,
  theirs: 'subscribed',
  ours: 'asked',
  ...more,
})

const resource = (jid: string, priority = 0) => ({ jid, account: jid.replace(/\/.*/, ''), priority, sinceMs: 1000 })

const all = <T>(pages: Iterable<readonly T[]>): readonly T[] => [...pages].flat()

/** What feeds rely on. A store is done when its test file is this one call. */
export function presenceStoreContract(test: TestFn, open: () => Promise<{ store: PresenceStore; close(): Promise<void> }>): void {
  const holds = (title: string, run: (t: ExecutionContext, store: PresenceStore) => void) =>
    test(title, async (t) => {
      const { store, close } = await open()
      run(t, store)
      await close()
    })

  holds('a contact is found by its node and its account, as it was put last', (t, store) => {
    store.putContact(contact(1, 'a@example.com', { theirs: 'pending', ours: 'none' }))
    store.putContact(contact(1, 'a@example.com'))
    store.putContact(contact(2, 'a@example.com', { ours: 'none' }))
    t.deepEqual(store.contact(1, 'a@example.com'), contact(1, 'a@example.com'))
    t.deepEqual(store.contact(2, 'a@example.com'), contact(2, 'a@example.com', { ours: 'none' }))
    t.is(store.contact(1, 'b@example.com'), undefined)
    t.is(store.contact(3, 'a@example.com'), undefined)
    t.is(store.countContacts(), 2)
  })

  holds('a contact that is taken away is gone, once', (t, store) => {
    store.putContact(contact(1, 'a@example.com'))
    store.removeContact(1, 'b@example.com')
    store.removeContact(2, 'a@example.com')
    t.is(store.countContacts(), 1)
    store.removeContact(1, 'a@example.com')
    store.removeContact(1, 'a@example.com')
    t.deepEqual([store.contact(1, 'a@example.com'), store.countContacts()], [undefined, 0])
  })

  holds('the contacts of a node are given until there are none left', (t, store) => {
    for (const local of ['a', 'b', 'c']) store.putContact(contact(1, `${local}@example.com`))
    store.putContact(contact(2, 'd@example.com'))
    const seen: string[] = []
    for (let some = store.contactsAt(1, 2); some.length > 0; some = store.contactsAt(1, 2)) {
      t.true(some.length <= 2)
      for (const { account } of some) {
        seen.push(account)
        store.removeContact(1, account)
      }
    }
    t.deepEqual(seen.sort(), ['a@example.com', 'b@example.com', 'c@example.com'])
    t.is(store.countContacts(), 1)
  })

  holds('all contacts come page by page, each once', (t, store) => {
    const put = [contact(1, 'b@example.com'), contact(1, 'é@example.com'), contact(2, 'a@example.com'), contact(2, 'b@example.com')]
    for (const each of put) store.putContact(each)
    for (const pageMax of [1, 2, 3, 9]) {
      const pages = [...store.contacts(pageMax)]
      t.true(pages.every(({ length }) => length > 0 && length <= pageMax))
      t.deepEqual(new Set(pages.flat().map(({ nodeId, account }) => `${nodeId} ${account}`)).size, put.length)
      t.is(pages.flat().length, put.length)
    }
  })

  holds('contacts may change while they are gone through', (t, store) => {
    for (const local of ['a', 'b', 'c', 'd']) store.putContact(contact(1, `${local}@example.com`))
    const seen: string[] = []
    for (const page of store.contacts(1)) {
      for (const { account } of page) {
        seen.push(account)
        store.removeContact(1, account)
      }
    }
    t.is(seen.length, 4)
    t.deepEqual(all(store.contacts(9)), [])
  })

  holds('an account has granted its presence while any feed has it', (t, store) => {
    t.false(store.hasGranted('a@example.com'))
    store.putContact(contact(1, 'a@example.com', { ours: 'granted' }))
    store.putContact(contact(2, 'a@example.com', { ours: 'granted' }))
    store.putContact(contact(2, 'a@example.com', { ours: 'granted' }))
    t.true(store.hasGranted('a@example.com'))
    store.putContact(contact(2, 'a@example.com', { ours: 'none' }))
    t.true(store.hasGranted('a@example.com'))
    store.removeContact(1, 'a@example.com')
    t.false(store.hasGranted('a@example.com'))
  })

  holds('resources are kept by their JID, as they were put last', (t, store) => {
    store.putResource(resource('a@example.com/desk'))
    store.putResource(resource('a@example.com/phone', -1))
    store.putResource(resource('a@example.com/desk', 5))
    store.putResource(resource('b@example.com/desk'))
    store.removeResource('b@example.com/desk')
    store.removeResource('c@example.com/desk')
    const found = [...all(store.resources(1))].sort((one, other) => (one.jid < other.jid ? -1 : 1))
    t.deepEqual(found, [resource('a@example.com/desk', 5), resource('a@example.com/phone', -1)])
  })
}
