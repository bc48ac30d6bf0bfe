// Goal: whoever may publish at a node hears who may have its items, unless he may not have them himself; nobody else does.
// Method: the rules without their XML, asked as they stand.

import test from 'ava'
import type { Contact } from '../../src/pubsub/index.ts'
import { by, FRIEND, OWNER, PubsubScene, STRANGER } from '../helpers/pubsub.ts'

const PUBLISHER = 'marcellus@denmark.lit'
const friends: readonly Contact[] = [{ subscription: 'from', groups: ['friends'] }]
const others = [{ jid: OWNER }, { jid: FRIEND, contacts: friends }, { jid: STRANGER }, { jid: PUBLISHER }]

/** Whom a publisher of a node hears of, by what the node is like. */
const heard = test.macro({
  exec(t, accessModel: 'open' | 'presence' | 'roster' | 'authorize' | 'whitelist', expected: readonly string[]) {
    const { pubsub } = new PubsubScene({ hasRosters: () => true })
    pubsub.create(by(OWNER), { node: 'news', config: { accessModel, rosterGroups: ['friends'] } })
    pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: PUBLISHER, affiliation: 'publisher' }])
    t.deepEqual(pubsub.readersAmong(by(PUBLISHER), 'news', others), expected)
    for (const { jid, contacts } of others) {
      const mayRetrieve = () => pubsub.items({ jid: `${jid}/device`, contacts }, { node: 'news' })
      if (expected.includes(jid)) t.notThrows(mayRetrieve, jid)
      else t.throws(mayRetrieve, undefined, jid)
    }
  },
  title: (_, accessModel) => `at a node of the access model ${accessModel} a publisher hears of those who may retrieve its items`,
})

test(heard, 'open', [OWNER, FRIEND, STRANGER, PUBLISHER])
test(heard, 'presence', [OWNER, FRIEND, PUBLISHER])
test(heard, 'roster', [OWNER, FRIEND, PUBLISHER])
test(heard, 'authorize', [OWNER, PUBLISHER])
test(heard, 'whitelist', [OWNER, PUBLISHER])

test('subscribers may have what needs approval, outcasts nothing, nor those who publish only', (t) => {
  const { pubsub } = new PubsubScene()
  pubsub.create(by(OWNER), { node: 'news', config: { accessModel: 'authorize' } })
  pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND })
  const readers = () => pubsub.readersAmong(by(OWNER), 'news', [{ jid: FRIEND }, { jid: STRANGER }])
  t.deepEqual(readers(), [])
  pubsub.setNodeSubscriptions(by(OWNER), 'news', [{ jid: FRIEND, state: 'subscribed' }])
  t.deepEqual(readers(), [FRIEND])
  pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: FRIEND, affiliation: 'outcast' }])
  t.deepEqual(readers(), [])
  pubsub.configure(by(OWNER), 'news', { accessModel: 'open' })
  t.deepEqual(readers(), [STRANGER])
  pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: STRANGER, affiliation: 'publish-only' }])
  t.deepEqual(readers(), [])
  t.deepEqual(pubsub.readersAmong(by(STRANGER), 'news', [{ jid: OWNER }]), [OWNER], 'who publishes only may ask')
})

test('who may not publish hears nothing, and nobody of a node that is not there', (t) => {
  const { pubsub } = new PubsubScene()
  pubsub.create(by(OWNER), { node: 'news', config: { publishModel: 'publishers' } })
  t.throws(() => pubsub.readersAmong(by(STRANGER), 'news', []), { code: 'ERR_FORBIDDEN' })
  pubsub.configure(by(OWNER), 'news', { publishModel: 'open' })
  t.deepEqual(pubsub.readersAmong(by(STRANGER), 'news', [{ jid: FRIEND }]), [FRIEND])
  t.throws(() => pubsub.readersAmong(by(OWNER), 'nowhere', []), { code: 'ERR_ITEM_NOT_FOUND' })
})

for (const accessModel of ['presence', 'roster', 'authorize', 'whitelist'] as const) {
  test(`${accessModel}: where everybody may publish, a stranger does not hear who may have the items, and learns nothing of rosters`, (t) => {
    const { pubsub } = new PubsubScene({ hasRosters: () => true })
    const config = { accessModel, rosterGroups: ['friends'], publishModel: 'open' } as const
    pubsub.create(by(OWNER), { node: 'news', config })
    const asked = (jid: string, contacts?: readonly Contact[]) => pubsub.readersAmong({ jid: `${jid}/device`, contacts }, 'news', others)
    t.notThrows(() => pubsub.publish(by(STRANGER), { node: 'news', items: [{ id: 'a', payload: '<a/>' }] }))
    t.throws(() => asked(STRANGER), { code: 'ERR_FORBIDDEN' })
    t.throws(() => asked(STRANGER, [{ subscription: 'none', groups: ['friends'] }]), { code: 'ERR_FORBIDDEN' })
    const isForContacts = accessModel === 'presence' || accessModel === 'roster'
    if (isForContacts) t.deepEqual(asked(FRIEND, friends), [OWNER, FRIEND], 'a contact may have them, and may know')
    for (const affiliation of ['publish-only', 'publisher', 'member', 'owner'] as const) {
      pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: STRANGER, affiliation }])
      t.true(asked(STRANGER).includes(OWNER), affiliation)
    }
  })
}
