import test from 'ava'
import fc from 'fast-check'
import { buildPrivileges, type Privileges, parseElement, parsePrivileges } from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'

const none: Privileges = { roster: 'none', hasRosterPushes: false, message: 'none', presence: 'none' }
const message = (perms: string, xmlns = 'urn:xmpp:privilege:2') =>
  parseElement(`<message from='capulet.net' to='pubub.capulet.lit' id='12345'><privilege xmlns='${xmlns}'>${perms}</privilege></message>`)

const grants = test.macro({
  exec(t, perms: string, privileges: Partial<Privileges>) {
    t.deepEqual(parsePrivileges(message(perms)), { ...none, ...privileges })
  },
  title: (given) => `${given} (XEP-0356)`,
})
test('§4.2: rosters', grants, "<perm access='roster' type='both' push='true'/>", { roster: 'both', hasRosterPushes: true })
test('§5.2: rosters and messages', grants, "<perm access='roster' type='both' push='true'/><perm access='message' type='outgoing'/>", {
  ...{ roster: 'both', hasRosterPushes: true, message: 'outgoing' },
})
test(
  '§7.5: all, with what we do not use',
  grants,
  `<perm access='roster' type='both' push='true'/><perm access='message' type='none'/>
   <perm access='iq'><namespace ns='http://jabber.org/protocol/pubsub' type='set'/></perm><perm access='presence' type='roster'/>`,
  { roster: 'both', hasRosterPushes: true, presence: 'roster' },
)
test('§4.2: who may read rosters hears of changes, unless told otherwise', grants, "<perm access='roster' type='get'/>", {
  ...{ roster: 'get', hasRosterPushes: true },
})
test('§4.1: without that', grants, "<perm access='roster' type='get' push='false'/>", { roster: 'get' })
test('§4.1: who may only change rosters hears of nothing', grants, "<perm access='roster' type='set' push='true'/>", { roster: 'set' })
test('a type nobody knows grants nothing', grants, "<perm access='roster' type='all'/><perm access='message'/>", {})
test('a permission nobody knows grants nothing', grants, "<perm access='everything' type='both'/><perm/>", {})

test('what is granted is built as §5.2 shows it, and none is not named', (t) => {
  const built = buildPrivileges({ roster: 'both', hasRosterPushes: true, message: 'outgoing', presence: 'none' })
  const example = "<perm access='roster' type='both' push='true'/><perm access='message' type='outgoing'/>"
  means(t, built, `<privilege xmlns='urn:xmpp:privilege:2'>${example}</privilege>`)
})

test('servers that know the first version only are understood', (t) => {
  t.deepEqual(parsePrivileges(message("<perm access='roster' type='get'/>", 'urn:xmpp:privilege:1')), {
    ...{ ...none, roster: 'get', hasRosterPushes: true },
  })
})

test('another message grants nothing', (t) => {
  t.is(parsePrivileges(parseElement("<message><body>privilege</body><privilege xmlns='urn:x'/></message>")), undefined)
})

test('what is built is read back as it was', (t) => {
  const privileges = fc
    .record({
      roster: fc.constantFrom('none', 'get', 'set', 'both'),
      hasRosterPushes: fc.boolean(),
      message: fc.constantFrom('none', 'outgoing'),
      presence: fc.constantFrom('none', 'managed_entity', 'roster'),
    } satisfies { [K in keyof Privileges]: fc.Arbitrary<Privileges[K]> })
    .map((one) => ({ ...one, hasRosterPushes: one.hasRosterPushes && (one.roster === 'get' || one.roster === 'both') }))
  fc.assert(
    fc.property(privileges, (granted) => {
      const around = parseElement('<message/>')
      around.append(buildPrivileges(granted))
      t.deepEqual(parsePrivileges(sent(around)), granted)
    }),
  )
})

test('any element is read', (t) => {
  fc.assert(
    fc.property(elements, (element) => {
      element.name = 'privilege'
      element.attrs['xmlns'] = 'urn:xmpp:privilege:2'
      const around = parseElement('<message/>')
      around.append(element)
      t.truthy(parsePrivileges(around))
    }),
    { numRuns: 300 },
  )
})
