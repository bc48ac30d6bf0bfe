import test from 'ava'
import { BytestreamError } from '../../src/core/index.ts'
import { buildRoster, NS, parseElement, parseRosterSet } from '../../src/xep/index.ts'

test('a roster, as RFC 6121 §2.1.4 shows it', (t) => {
  const roster = buildRoster([
    { jid: 'romeo@example.net', name: 'Romeo', groups: ['Friends', 'a & b'], subscription: 'both' },
    { jid: 'mercutio@example.com', groups: [], subscription: 'none', isAsking: true },
    { jid: 'benvolio@example.net', groups: [], subscription: 'remove', isAsking: false },
  ])
  t.is(
    roster.toString(),
    `<query xmlns="${NS.roster}"><item jid="romeo@example.net" name="Romeo" subscription="both"><group>Friends</group><group>a &amp; b</group></item>` +
      '<item jid="mercutio@example.com" subscription="none" ask="subscribe"/><item jid="benvolio@example.net" subscription="remove"/></query>',
  )
})

const parses = test.macro({
  exec: (t, item: string, expected: object) =>
    t.deepEqual(parseRosterSet(parseElement(`<query xmlns='${NS.roster}'>${item}</query>`)), expected as never),
  title: (given) => `a roster set with ${given} (RFC 6121 §2.3)`,
})
test('a name and groups', parses, "<item jid='a@b' name='A'><group>x</group></item>", {
  jid: 'a@b',
  name: 'A',
  groups: ['x'],
  subscription: 'none',
})
test('nothing but a JID', parses, "<item jid='a@b'/>", { jid: 'a@b', name: undefined, groups: [], subscription: 'none' })
test('a subscription that is not for clients to say', parses, "<item jid='a@b' subscription='both'/>", {
  jid: 'a@b',
  name: undefined,
  groups: [],
  subscription: 'none',
})
test('a contact to remove', parses, "<item jid='a@b' subscription='remove'/>", {
  jid: 'a@b',
  name: undefined,
  groups: [],
  subscription: 'remove',
})

for (const items of ['', '<item/>', "<item jid='a@b'/><item jid='c@d'/>", "<item jid='a@b'><group>x</group><group>x</group></item>"]) {
  test(`a roster set with ${items || 'nothing'} is refused (RFC 6121 §2.3.3)`, (t) => {
    const error = t.throws(() => parseRosterSet(parseElement(`<query xmlns='${NS.roster}'>${items}</query>`)), {
      instanceOf: BytestreamError,
    })
    t.is(error.code, 'ERR_BAD_REQUEST')
  })
}
