import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { buildRoster, buildRosterRequest, NS, parseElement, parseRoster, parseRosterSet, type RosterItem } from '../../src/xep/index.ts'
import { elements, sent } from '../helpers/elements.ts'

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

test('a roster is asked for, and read, as RFC 6121 §2.1.3 and XEP-0356 §4.3 show it', (t) => {
  t.is(buildRosterRequest().toString(), `<query xmlns="${NS.roster}"/>`)
  const answer = `<query xmlns='${NS.roster}' ver='ver7'><item jid='nurse@example.com'/>
    <item jid='romeo@example.net' name='Romeo' subscription='both'><group>Friends</group><group>Friends</group></item>
    <item jid='mercutio@example.com' subscription='none' ask='subscribe'/></query>`
  t.deepEqual(parseRoster(parseElement(answer)), [
    { jid: 'nurse@example.com', name: undefined, groups: [], subscription: 'none', isAsking: false },
    { jid: 'romeo@example.net', name: 'Romeo', groups: ['Friends'], subscription: 'both', isAsking: false },
    { jid: 'mercutio@example.com', name: undefined, groups: [], subscription: 'none', isAsking: true },
  ])
})

test('a change of a roster says who goes (RFC 6121 §2.5.2), and what is no contact is left out', (t) => {
  const push = `<query xmlns='${NS.roster}'><item jid='nurse@example.com' subscription='remove'/><item subscription='both'/>
    <item jid='a@b' subscription='king'/><item xmlns='urn:x' jid='c@d'/></query>`
  t.deepEqual(
    parseRoster(parseElement(push)).map(({ jid, subscription }) => [jid, subscription]),
    [
      ['nurse@example.com', 'remove'],
      ['a@b', 'none'],
    ],
  )
})

test('what is built is read back as it was', (t) => {
  const text = fc.string({ minLength: 1, unit: 'grapheme' })
  const items = fc.array(
    fc.record({
      jid: text,
      name: fc.option(text, { nil: undefined }),
      groups: fc.uniqueArray(text),
      subscription: fc.constantFrom('none', 'to', 'from', 'both', 'remove'),
      isAsking: fc.boolean(),
    } satisfies { [K in keyof RosterItem]-?: fc.Arbitrary<RosterItem[K]> }),
  )
  fc.assert(fc.property(items, (roster) => void t.deepEqual(parseRoster(sent(buildRoster(roster))), roster)))
})

test('any element is read', (t) => {
  fc.assert(
    fc.property(elements, (element) => void parseRoster(element)),
    { numRuns: 300 },
  )
  t.pass()
})
