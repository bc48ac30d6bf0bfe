import test from 'ava'
import { attribute, type Element, NS } from '../../src/xep/index.ts'
import { DOMAIN, PROXY, startServer } from '../helpers/embedded-server.ts'
import type { RawStream } from '../helpers/raw-client.ts'

const presence = (priority?: number) => (priority === undefined ? '<presence/>' : `<presence><priority>${priority}</priority></presence>`)

/** What a stanza is about, in one word: an error's condition and type, or its name. */
function gist(stanza: Element): string {
  const error = stanza.getChild('error')
  return error ? `${attribute(error, 'type')} ${error.getChildElements()[0]?.name}` : stanza.name
}

/** Messages and IQs that reached a stream, by id, in the order they came. */
async function received(stream: RawStream): Promise<(string | undefined)[]> {
  const stanzas = await stream.flush(DOMAIN)
  return stanzas.filter(({ name }) => name !== 'presence').map((stanza) => attribute(stanza, 'id'))
}

const routesMessage = test.macro({
  async exec(t, to: string, type: string, expected: readonly string[], answer: string | undefined) {
    await using server = await startServer()
    const nurse = await server.login('nurse')
    const resources: Record<string, RawStream> = {}
    for (const [resource, said] of Object.entries({
      high: presence(5),
      also: presence(5),
      low: presence(1),
      hidden: presence(-1),
      mute: '',
    })) {
      const stream = await server.login('romeo', resource)
      if (said) stream.send(said)
      resources[resource] = stream
    }
    for (const stream of Object.values(resources)) await stream.flush(DOMAIN)

    nurse.send(`<message id='m' to='romeo@${DOMAIN}${to}' ${type && `type='${type}'`}><body>x</body></message>`)
    const answers = await nurse.flush(DOMAIN)
    const reached: string[] = []
    for (const [resource, stream] of Object.entries(resources)) if ((await received(stream)).includes('m')) reached.push(resource)
    t.deepEqual(reached, expected)
    t.deepEqual(answers.map(gist), answer ? [answer] : [])
  },
  title: (given) => `a message ${given} (RFC 6121 §8.5)`,
})
const UNAVAILABLE = 'cancel service-unavailable'
test('to a bare JID reaches the resources of the highest priority', routesMessage, '', '', ['high', 'also'], undefined)
test('of type chat to a bare JID does so too', routesMessage, '', 'chat', ['high', 'also'], undefined)
test('of an unknown type counts as normal', routesMessage, '', 'shout', ['high', 'also'], undefined)
test(
  'of type headline to a bare JID reaches all with a priority of 0 or more',
  routesMessage,
  '',
  'headline',
  ['high', 'also', 'low'],
  undefined,
)
test('of type groupchat to a bare JID reaches nobody', routesMessage, '', 'groupchat', [], UNAVAILABLE)
test('of type error to a bare JID is dropped', routesMessage, '', 'error', [], undefined)
test('to a full JID reaches that resource', routesMessage, '/low', '', ['low'], undefined)
test('to a full JID reaches it even with a negative priority', routesMessage, '/hidden', 'chat', ['hidden'], undefined)
test('to a full JID reaches it even if it never sent presence', routesMessage, '/mute', 'groupchat', ['mute'], undefined)
test('of type chat to a resource that is gone is meant for the account', routesMessage, '/gone', 'chat', ['high', 'also'], undefined)
test('to a resource that is gone comes back', routesMessage, '/gone', '', [], UNAVAILABLE)
test('of type groupchat to a resource that is gone comes back', routesMessage, '/gone', 'groupchat', [], UNAVAILABLE)
test('of type headline to a resource that is gone is dropped', routesMessage, '/gone', 'headline', [], undefined)
test('of type error to a resource that is gone is dropped', routesMessage, '/gone', 'error', [], undefined)

test('a message to an account with nobody there comes back; a headline does not (RFC 6121 §8.5.2.2)', async (t) => {
  await using server = await startServer()
  const romeo = await server.login('romeo')
  const juliet = await server.login('juliet')
  juliet.send(presence(-1))
  await juliet.flush(DOMAIN)
  romeo.send(
    `<message id='1' to='juliet@${DOMAIN}'/><message id='2' type='headline' to='juliet@${DOMAIN}'/><message id='3' to='nurse@${DOMAIN}'/>`,
  )
  t.deepEqual(await received(romeo), ['1', '3'])
})

test('a message without to is for the own account (RFC 6120 §10.3.1)', async (t) => {
  await using server = await startServer()
  const romeo = await server.login('romeo')
  romeo.send(presence())
  romeo.send("<message id='m'/>")
  t.true((await received(romeo)).includes('m'))
})

const bounces = test.macro({
  async exec(t, stanza: string, expected: string | undefined) {
    await using server = await startServer()
    const romeo = await server.login('romeo', 'orchard')
    romeo.send(stanza)
    const answers = await romeo.flush(DOMAIN)
    t.deepEqual(answers.map(gist), expected ? [expected] : [])
    for (const answer of answers) {
      t.is(answer.attrs['to'], romeo.jid)
      t.is(answer.attrs['from'], /to='([^']*)'/.exec(stanza)?.[1]?.toLowerCase(), 'it comes from whom the stanza was for')
      t.is(answer.attrs['id'], /id='([^']*)'/.exec(stanza)?.[1])
    }
  },
  title: (given, _stanza, expected) => `${given} ${expected ? `is ${expected}` : 'is not answered'} (RFC 6120 §8.3)`,
})
const PING = `<ping xmlns='${NS.ping}'/>`
const get = (to: string, payload = PING) => `<iq type='get' id='1' to='${to}'>${payload}</iq>`
test('an IQ to an unknown domain', bounces, get('example.net'), 'cancel remote-server-not-found')
test('a message to an unknown domain', bounces, "<message id='1' to='a@example.net'/>", 'cancel remote-server-not-found')
test('presence to an unknown domain', bounces, "<presence id='1' to='a@example.net'/>", 'cancel remote-server-not-found')
test('unavailable presence to an unknown domain', bounces, "<presence type='unavailable' to='a@example.net'/>", undefined)
test('a subdomain of the server', bounces, get(`other.${DOMAIN}`), 'cancel remote-server-not-found')
test('a component that is not connected', bounces, get(PROXY), 'wait remote-server-timeout')
test('a JID at such a component', bounces, get(`a@${PROXY}/b`), 'wait remote-server-timeout')
test('a JID that is none', bounces, get('a@b@c'), 'modify jid-malformed')
test('an empty JID', bounces, "<message id='1' to=''/>", 'modify jid-malformed')
test('a JID that is too long', bounces, get(`${'a'.repeat(1024)}@${DOMAIN}`), 'modify jid-malformed')
test('an error to a JID that is none', bounces, "<message type='error' id='1' to='@'/>", undefined)
test('a result to an unknown domain', bounces, "<iq type='result' id='1' to='example.net'/>", undefined)
test('an error to an unknown domain', bounces, "<iq type='error' id='1' to='example.net'/>", undefined)
test('a result for the server', bounces, `<iq type='result' id='1' to='${DOMAIN}'/>`, undefined)
test('a result for nobody', bounces, "<iq type='result' id='1'/>", undefined)
test('an IQ to a resource that is not there', bounces, get(`juliet@${DOMAIN}/x`), UNAVAILABLE)
test('an IQ to an account that is not there', bounces, get(`tybalt@${DOMAIN}`), UNAVAILABLE)
test('a message to an account that is not there', bounces, `<message id='1' to='tybalt@${DOMAIN}'/>`, UNAVAILABLE)
test('presence to an account that is not there', bounces, `<presence to='tybalt@${DOMAIN}'/>`, undefined)
test('a message to the server', bounces, `<message id='1' to='${DOMAIN}'/>`, UNAVAILABLE)
test('an IQ to a resource of the server', bounces, get(`${DOMAIN}/x`), UNAVAILABLE)
test('presence to the server', bounces, `<presence to='${DOMAIN}'/>`, undefined)
test('presence of an unknown type', bounces, `<presence type='lonely' id='1' to='juliet@${DOMAIN}'/>`, 'modify bad-request')
test('an unknown question to the server', bounces, get(DOMAIN, "<query xmlns='urn:x'/>"), UNAVAILABLE)
test('an unknown question to an account', bounces, get(`juliet@${DOMAIN}`, "<query xmlns='urn:x'/>"), UNAVAILABLE)
test('an unknown question to nobody', bounces, "<iq type='get' id='1'><query xmlns='urn:x'/></iq>", UNAVAILABLE)
test('a node of the server', bounces, get(DOMAIN, `<query xmlns='${NS.discoInfo}' node='x'/>`), 'cancel item-not-found')
test('items of a node', bounces, get(DOMAIN, `<query xmlns='${NS.discoItems}' node='x'/>`), 'cancel item-not-found')
test('a vCard', bounces, get(`juliet@${DOMAIN}`, "<vCard xmlns='vcard-temp'/>"), 'cancel item-not-found')
test('an IQ without a child', bounces, get(DOMAIN, ''), 'modify bad-request')
test('an IQ with two children', bounces, get(`juliet@${DOMAIN}/x`, PING + PING), 'modify bad-request')
test('an IQ without an id', bounces, `<iq type='get' to='${DOMAIN}'>${PING}</iq>`, 'modify bad-request')
test('an IQ without a type', bounces, `<iq id='1' to='${DOMAIN}'>${PING}</iq>`, 'modify bad-request')
test('an IQ of an unknown type', bounces, `<iq type='ask' id='1' to='${DOMAIN}'>${PING}</iq>`, 'modify bad-request')
test('a result with two children', bounces, `<iq type='result' id='1' to='${DOMAIN}'><a/><b/></iq>`, undefined)

const answers = test.macro({
  async exec(t, stanza: string, expected: RegExp) {
    await using server = await startServer()
    const romeo = await server.login('romeo', 'orchard')
    romeo.send(stanza)
    t.regex((await romeo.next()).toString(), expected)
  },
  title: (given) => `${given} is answered`,
})
test(
  'disco#info of the server (XEP-0030 §3)',
  answers,
  get(DOMAIN, `<query xmlns='${NS.discoInfo}'/>`),
  /type="result".*<identity category="server" type="im" name="[^"]+"\/>.*<feature var="urn:xmpp:ping"\/>/,
)
test(
  'disco#info of an account (XEP-0030 §3)',
  answers,
  get(`juliet@${DOMAIN}`, `<query xmlns='${NS.discoInfo}'/>`),
  /from="juliet@example.org".*<identity category="account" type="registered"\/>/,
)
test(
  'disco#items of an account (XEP-0030 §4)',
  answers,
  get(`juliet@${DOMAIN}`, `<query xmlns='${NS.discoItems}'/>`),
  /<query xmlns="[^"]+#items"\/><\/iq>$/,
)
test(
  'a ping of the server (XEP-0199 §4.2)',
  answers,
  get(DOMAIN),
  /^<iq type="result" id="1" from="example.org" to="romeo@example.org\/orchard"\/>$/,
)
test(
  'a ping of nobody (XEP-0199 §4.2)',
  answers,
  `<iq type='get' id='1'>${PING}</iq>`,
  /^<iq type="result" id="1" to="romeo@example.org\/orchard"\/>$/,
)
test('the version of the server (XEP-0092)', answers, get(DOMAIN, `<query xmlns='${NS.version}'/>`), /<name>.+<\/name><version>\d/)
test('the time of the server (XEP-0202)', answers, get(DOMAIN, `<time xmlns='${NS.time}'/>`), /<utc>20/)
test('the uptime of the server (XEP-0012 §5)', answers, get(DOMAIN, `<query xmlns='${NS.activity}'/>`), /seconds="\d+"/)
test('the session of old clients', answers, `<iq type='set' id='1'><session xmlns='${NS.session}'/></iq>`, /^<iq type="result"/)
test(
  'the session of old clients, asked of the server',
  answers,
  `<iq type='set' id='1' to='${DOMAIN}'><session xmlns='${NS.session}'/></iq>`,
  /^<iq type="result"/,
)

test('an IQ and its answer travel between two resources, to their prepared addresses', async (t) => {
  await using server = await startServer()
  const romeo = await server.login('romeo', 'orchard')
  const juliet = await server.login('juliet', 'balcony')
  romeo.send(`<iq type='get' id='q' to='JULIET@Example.org./balcony'>${PING}</iq>`)
  const question = await juliet.next()
  t.like(question.attrs, { from: romeo.jid, to: juliet.jid, id: 'q' })
  juliet.send(`<iq type='result' id='q' to='${romeo.jid}'/>`)
  t.is((await romeo.next()).toString(), `<iq type="result" id="q" to="${romeo.jid}" from="${juliet.jid}"/>`)
})

test('a component and a client talk to each other', async (t) => {
  await using server = await startServer()
  const romeo = await server.login('romeo', 'orchard')
  const proxy = await server.connectProxy()
  romeo.send(get(PROXY))
  t.like((await proxy.next()).attrs, { from: romeo.jid, to: PROXY, type: 'get' })
  proxy.send(`<iq type='result' id='1' from='${PROXY}' to='${romeo.jid}'/>`)
  t.like((await romeo.next()).attrs, { from: PROXY, type: 'result' })
  proxy.send(`<iq type='get' id='2' from='${PROXY}' to='romeo@${DOMAIN}'><query xmlns='${NS.roster}'/></iq>`)
  t.is(gist(await proxy.next()), 'auth forbidden')
  proxy.send(`<message id='3' from='${PROXY}' to='juliet@${DOMAIN}'/>`)
  t.is(gist(await proxy.next()), UNAVAILABLE)
})

test('what a header declares goes along with the stanza that uses it (RFC 6120 §4.8.5)', async (t) => {
  await using server = await startServer()
  const romeo = await server.login('romeo', 'orchard')
  const juliet = await server.login('juliet', 'balcony')
  romeo.send(`<message to='${juliet.jid}'><stream:x stream:y='z'/></message>`)
  const [child] = (await juliet.next()).getChildElements()
  t.is(child?.getNS(), NS.stream)
})

test('the owner of the server sees every stanza before it is routed, with its sender and receiver', async (t) => {
  await using server = await startServer()
  const seen: string[] = []
  server.server.on('stanza', ({ from, to, element }) => seen.push(`${from} ${element.name} ${to}`))
  const bound: string[] = []
  server.server.on('bound', ({ jid }) => bound.push(jid))
  const romeo = await server.login('romeo', 'orchard')
  romeo.send(`${presence()}${get('PROXY.example.org')}<message to='@'/>`)
  await romeo.flush(DOMAIN)
  t.deepEqual(bound, [romeo.jid])
  t.deepEqual(seen, [`${romeo.jid} presence `, `${romeo.jid} iq ${PROXY}`, `${romeo.jid} iq ${DOMAIN}`])
})
