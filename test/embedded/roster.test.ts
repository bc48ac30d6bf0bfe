import test from 'ava'
import { type Element, NS } from '../../src/xep/index.ts'
import { DOMAIN, PROXY, startServer } from '../helpers/embedded-server.ts'

const JULIET = `juliet@${DOMAIN}`
const GET = `<iq type='get' id='g'><query xmlns='${NS.roster}'/></iq>`
const set = (items: string, attributes = '') => `<iq type='set' id='s' ${attributes}><query xmlns='${NS.roster}'>${items}</query></iq>`
const itemsOf = (stanza: Element | undefined) => stanza?.getChild('query', NS.roster)?.getChildElements().join('')

test('a contact is added, changed and removed, and every interested client hears of it (RFC 6121 §2.3-§2.5)', async (t) => {
  await using server = await startServer()
  const one = await server.login('romeo', 'one')
  const two = await server.login('romeo', 'two')
  const deaf = await server.login('romeo', 'deaf')
  for (const stream of [one, two]) {
    stream.send(GET)
    t.is(itemsOf(await stream.next()), '')
  }
  one.send(
    set("<item jid='JULIET@example.org/x' name='Juliet' ask='subscribe' subscription='both'><group>A</group><group>B</group></item>"),
  )
  const added = `<item jid="${JULIET}" name="Juliet" subscription="none"><group>A</group><group>B</group></item>`
  const [push, result] = await one.flush(DOMAIN)
  t.is(itemsOf(push), added)
  t.is(push?.attrs['type'], 'set')
  t.is(result?.toString(), '<iq type="result" id="s" to="romeo@example.org/one"/>')
  t.is(itemsOf(await two.next()), added)

  two.send(set(`<item jid='${JULIET}'/>`))
  const changed = `<item jid="${JULIET}" subscription="none"/>`
  t.is(itemsOf(await one.next()), changed)
  deaf.send(GET)
  t.is(itemsOf(await deaf.next()), changed, 'it asked only now, and was told nothing before')

  one.send(set(`<item jid='${JULIET}' subscription='remove'/>`))
  t.is(itemsOf((await one.flush(DOMAIN))[0]), `<item jid="${JULIET}" subscription="remove"/>`)
  one.send(GET)
  t.is(itemsOf(await one.next()), '')
})

test('a contact that is removed neither sees nor is seen any more (RFC 6121 §2.5.2)', async (t) => {
  await using server = await startServer()
  const romeo = await server.login('romeo', 'orchard')
  const juliet = await server.login('juliet', 'balcony')
  for (const stream of [romeo, juliet]) stream.send(`${GET}<presence/>`)
  const exchange = [
    [romeo, 'subscribe', 'juliet'],
    [juliet, 'subscribed', 'romeo'],
    [juliet, 'subscribe', 'romeo'],
    [romeo, 'subscribed', 'juliet'],
  ] as const
  for (const [stream, type, to] of exchange) {
    stream.send(`<presence type='${type}' to='${to}@${DOMAIN}'/>`)
    await stream.flush(DOMAIN)
  }
  await juliet.flush(DOMAIN)
  romeo.send(set(`<item jid='${JULIET}' subscription='remove'/>`))
  await romeo.flush(DOMAIN)
  const told = (await juliet.flush(DOMAIN)).map((stanza) => itemsOf(stanza) ?? `${stanza.attrs['type']} from ${stanza.attrs['from']}`)
  t.deepEqual(told, [
    '<item jid="romeo@example.org" subscription="to"/>',
    'unsubscribe from romeo@example.org',
    '<item jid="romeo@example.org" subscription="none"/>',
    'unsubscribed from romeo@example.org',
    'unavailable from romeo@example.org/orchard',
  ])
})

const refuses = test.macro({
  async exec(t, stanza: string, condition: string) {
    await using server = await startServer({ limits: { rosterItemsMax: 2 } })
    const romeo = await server.login('romeo', 'orchard')
    romeo.send(stanza)
    const said = await romeo.flush(DOMAIN)
    t.is(said.filter((stanza) => stanza.toString().includes(`<${condition} `)).length, 1)
    romeo.send(GET)
    t.false(itemsOf(await romeo.next())?.includes('refused'))
  },
  title: (given, _stanza, condition) => `${given} is ${condition} (RFC 6121 §2.3.3, §2.5.3)`,
})
test('no item', refuses, set(''), 'bad-request')
test('two items', refuses, set("<item jid='refused@a'/><item jid='refused@b'/>"), 'bad-request')
test('an item without a JID', refuses, set("<item name='refused'/>"), 'bad-request')
test('a JID that is none', refuses, set("<item jid='refused@@'/>"), 'jid-malformed')
test('a group named twice', refuses, set("<item jid='refused@a'><group>A</group><group>A</group></item>"), 'bad-request')
test('an empty group', refuses, set("<item jid='refused@a'><group/></item>"), 'not-acceptable')
test('a name that is too long', refuses, set(`<item jid='refused@a' name='${'x'.repeat(1024)}'/>`), 'not-acceptable')
test(
  'groups without end',
  refuses,
  set(`<item jid='refused@a'>${Array.from({ length: 33 }, (_, i) => `<group>${i}</group>`).join('')}</item>`),
  'not-acceptable',
)
test(
  'one contact too many',
  refuses,
  `${set("<item jid='a@a'/>")}${set("<item jid='b@a'/>")}${set("<item jid='refused@a'/>")}`,
  'resource-constraint',
)
test(
  'subscribing to one too many',
  refuses,
  `${set("<item jid='a@a'/>")}${set("<item jid='b@a'/>")}<presence/><presence type='subscribe' to='refused@${DOMAIN}'/>`,
  'resource-constraint',
)
test('removing who is not there', refuses, set("<item jid='refused@a' subscription='remove'/>"), 'item-not-found')
test("somebody else's roster", refuses, set("<item jid='refused@a'/>", `to='${JULIET}'`), 'forbidden')
test('oneself for a contact', refuses, set(`<item jid='romeo@${DOMAIN}' name='refused'/>`), 'forbidden')

test('a full roster turns away who asks, and tells them (RFC 6121 §3.1.3)', async (t) => {
  await using server = await startServer({ limits: { rosterItemsMax: 2 } })
  const proxy = await server.connectProxy()
  const ask = (from: string, type = 'subscribe') => `<presence type='${type}' from='${from}@${PROXY}' to='${JULIET}'/>`
  proxy.send(ask('a') + ask('b') + ask('c'))
  const [answer, ...others] = await proxy.flush(DOMAIN)
  t.is(answer?.attrs['to'], `c@${PROXY}`)
  t.true(answer?.toString().includes('<resource-constraint '))
  t.deepEqual(others, [])
  proxy.send(ask('a', 'unsubscribe') + ask('c'))
  t.deepEqual(await proxy.flush(DOMAIN), [], 'who takes the request back leaves room')
})

test('the roster is there under the own bare JID too (RFC 6121 §2.1.3)', async (t) => {
  await using server = await startServer()
  const romeo = await server.login('romeo')
  romeo.send(`<iq type='get' id='g' to='romeo@${DOMAIN}'><query xmlns='${NS.roster}'/></iq>`)
  t.is((await romeo.next()).attrs['type'], 'result')
})
