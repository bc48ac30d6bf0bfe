import test from 'ava'
import { attribute, NS } from '../../src/xep/index.ts'
import { accountOf, DOMAIN, startServer } from '../helpers/embedded-server.ts'
import { auth, authenticate, clientHeader, loginUnbound, openClient, RawStream } from '../helpers/raw-client.ts'

const bind = (resource: string, attributes = "type='set' id='b'") =>
  `<iq ${attributes}><bind xmlns='${NS.bind}'><resource>${resource}</resource></bind></iq>`

test('a stream is answered with a header and features (RFC 6120 §4.3, §4.7)', async (t) => {
  await using server = await startServer()
  const stream = await RawStream.open(server.client)
  stream.send(clientHeader(DOMAIN, "version='1.0' from='Romeo@example.org/x'"))
  const features = await stream.next()
  t.is(
    features.toString(),
    `<stream:features><mechanisms xmlns="${NS.sasl}"><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms></stream:features>`,
  )
  const { id, ...attributes } = stream.header?.attrs ?? {}
  t.regex(String(id), /^[\w-]{16,}$/)
  t.deepEqual(attributes, {
    xmlns: NS.client,
    'xmlns:stream': NS.stream,
    from: DOMAIN,
    to: 'romeo@example.org',
    version: '1.0',
    'xml:lang': 'en',
  })
})

test('two streams have different ids (RFC 6120 §4.7.3)', async (t) => {
  await using server = await startServer()
  const [one, other] = await Promise.all([openClient(server.client, DOMAIN), openClient(server.client, DOMAIN)])
  t.not(one.header?.attrs['id'], other.header?.attrs['id'])
})

const refusesHeader = test.macro({
  async exec(t, header: string, condition: string) {
    await using server = await startServer()
    const stream = await RawStream.open(server.client)
    stream.send(header)
    t.is(await stream.streamError(), condition)
    t.is(stream.header && attribute(stream.header, 'from'), DOMAIN, 'the header comes before the error (RFC 6120 §4.9.1.2)')
  },
  title: (given, _header, condition) => `${given} is ${condition} (RFC 6120 §4.9.3)`,
})
const header = (attributes: string) => `<stream:stream ${attributes}>`
test('another domain', refusesHeader, clientHeader('example.net'), 'host-unknown')
test('an account for a domain', refusesHeader, clientHeader('romeo@example.org'), 'host-unknown')
test('a component for a domain', refusesHeader, clientHeader('proxy.example.org'), 'host-unknown')
test('what is no JID for a domain', refusesHeader, clientHeader('@'), 'host-unknown')
test('no domain', refusesHeader, header(`xmlns='${NS.client}' xmlns:stream='${NS.stream}' version='1.0'`), 'improper-addressing')
test('no version', refusesHeader, clientHeader(DOMAIN, ''), 'unsupported-version')
test('a version before the first', refusesHeader, clientHeader(DOMAIN, "version='0.9'"), 'unsupported-version')
test(
  "a component's namespace",
  refusesHeader,
  header(`xmlns='${NS.component}' xmlns:stream='${NS.stream}' to='${DOMAIN}' version='1.0'`),
  'invalid-namespace',
)
test(
  'another stream namespace',
  refusesHeader,
  header(`xmlns='${NS.client}' xmlns:stream='urn:x' to='${DOMAIN}' version='1.0'`),
  'invalid-namespace',
)
test('no stream namespace', refusesHeader, `<stream xmlns='${NS.client}' to='${DOMAIN}' version='1.0'>`, 'invalid-namespace')
test('HTTP', refusesHeader, 'GET / HTTP/1.1\r\n\r\n', 'bad-format')
test('a document type', refusesHeader, '<!DOCTYPE x [<!ENTITY a "b">]>', 'restricted-xml')
test('a header that is too long', refusesHeader, `<stream:stream x='${'x'.repeat(70_000)}`, 'policy-violation')

const refusesBeforeLogin = test.macro({
  async exec(t, element: string) {
    await using server = await startServer()
    const stream = await openClient(server.client, DOMAIN)
    stream.send(element)
    t.is(await stream.streamError(), 'not-authorized')
  },
  title: (given) => `${given} before the login is not-authorized (RFC 6120 §4.9.3.12)`,
})
test('a message', refusesBeforeLogin, "<message to='romeo@example.org'/>")
test('resource binding', refusesBeforeLogin, bind('x'))
test('a login of the old kind', refusesBeforeLogin, "<iq type='get' id='1'><query xmlns='jabber:iq:auth'/></iq>")
test('an unknown element', refusesBeforeLogin, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")

test('after three failures the stream ends with policy-violation (RFC 6120 §6.4.5)', async (t) => {
  await using server = await startServer()
  const stream = await openClient(server.client, DOMAIN)
  for (let i = 0; i < 3; i++) stream.send(auth('PLAIN', '\0romeo\0wrong'))
  const names = (await stream.rest()).map((element) => element.getChildElements()[0]?.name)
  t.deepEqual(names, ['not-authorized', 'not-authorized', 'not-authorized', 'policy-violation'])
})

test('a failure leaves room for another attempt (RFC 6120 §6.4.5)', async (t) => {
  await using server = await startServer()
  const stream = await openClient(server.client, DOMAIN)
  stream.send(auth('PLAIN', '\0romeo\0wrong'))
  t.is((await stream.next()).name, 'failure')
  stream.send(auth('PLAIN', '\0romeo\0call me but love'))
  t.is((await stream.next()).name, 'success')
})

test('behind the login, binding is offered, and the session of old clients (RFC 6120 §7.4)', async (t) => {
  await using server = await startServer()
  const stream = await authenticate(server.client, accountOf('romeo'))
  stream.restart(clientHeader(DOMAIN))
  t.is(
    (await stream.next()).toString(),
    `<stream:features><bind xmlns="${NS.bind}"/><session xmlns="${NS.session}"><optional/></session></stream:features>`,
  )
})

test('the stream behind a login needs its own domain', async (t) => {
  await using server = await startServer()
  const stream = await authenticate(server.client, accountOf('romeo'))
  stream.restart(clientHeader('example.net'))
  t.is(await stream.streamError(), 'host-unknown')
})

const refusesBeforeBinding = test.macro({
  async exec(t, element: string) {
    await using server = await startServer()
    const stream = await loginUnbound(server.client, accountOf('romeo'))
    stream.send(element)
    t.is(await stream.streamError(), 'not-authorized')
  },
  title: (given) => `${given} before a resource is bound is not-authorized (RFC 6120 §7.1)`,
})
test('presence', refusesBeforeBinding, '<presence/>')
test('another IQ', refusesBeforeBinding, "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>")
test('binding as a question', refusesBeforeBinding, bind('x', "type='get' id='1'"))
test('a second login in place of binding', refusesBeforeBinding, auth('PLAIN', '\0juliet\0r0m30myr0m30'))

test('a client gets the resource it wants, prepared (RFC 6120 §7.7)', async (t) => {
  await using server = await startServer()
  t.is((await server.login('romeo', 'Ⅸ a/b@c')).jid, 'romeo@example.org/IX a/b@c')
})

test('a client that wants none gets one nobody can guess (RFC 6120 §7.6)', async (t) => {
  await using server = await startServer()
  const [one, other] = await Promise.all([server.login('romeo'), server.login('romeo')])
  t.regex(one.jid, /^romeo@example\.org\/[\w-]{16}$/)
  t.not(one.jid, other.jid)
})

for (const [given, element] of [
  ['a resource that cannot be', bind('\u0007'.replace('\u0007', '&#xe000;'))],
  ['a resource that is too long', bind('x'.repeat(1024))],
  ['no id', bind('x', "type='set'")],
] as const) {
  test(`binding with ${given} is a bad-request, and the client may try again (RFC 6120 §7.7.2.1)`, async (t) => {
    await using server = await startServer()
    const stream = await loginUnbound(server.client, accountOf('romeo'))
    stream.send(element)
    t.regex((await stream.next()).toString(), /type="error".*<bad-request/)
    stream.send(bind('x'))
    t.regex((await stream.next()).toString(), /<jid>romeo@example\.org\/x<\/jid>/)
  })
}

test('one resource too many is a resource-constraint; another in its place is not (RFC 6120 §7.6.2.1)', async (t) => {
  await using server = await startServer({ limits: { resourcesPerAccountMax: 2 } })
  await server.login('romeo', 'one')
  await server.login('romeo', 'two')
  const stream = await loginUnbound(server.client, accountOf('romeo'))
  stream.send(bind('three'))
  t.regex((await stream.next()).toString(), /type="wait"><resource-constraint/)
  stream.send(bind('two'))
  t.regex((await stream.next()).toString(), /<jid>romeo@example\.org\/two<\/jid>/)
  t.truthy(await server.login('juliet', 'three'))
})

test('the newer of two connections with one resource stays, the older ends with conflict (RFC 6120 §7.7.2.2)', async (t) => {
  await using server = await startServer()
  const older = await server.login('romeo', 'orchard')
  const other = await server.login('romeo', 'other')
  const newer = await server.login('romeo', 'orchard')
  t.is(await older.streamError(), 'conflict')
  newer.send("<message to='romeo@example.org/orchard' id='m'/>")
  t.is((await newer.next()).attrs['id'], 'm')
  t.deepEqual(await other.flush(DOMAIN), [])
})

test('binding again is refused by nobody who serves it (RFC 6120 §7.1)', async (t) => {
  await using server = await startServer()
  const romeo = await server.login('romeo', 'orchard')
  romeo.send(bind('other'))
  t.regex((await romeo.next()).toString(), /type="error" id="b".*<service-unavailable/)
})

const endsStream = test.macro({
  async exec(t, stanza: string, condition: string) {
    await using server = await startServer()
    const romeo = await server.login('romeo', 'orchard')
    const juliet = await server.login('juliet', 'balcony')
    romeo.send(stanza)
    t.is(await romeo.streamError(), condition)
    t.deepEqual(await juliet.flush(DOMAIN), [], 'nothing was passed on')
  },
  title: (given, _stanza, condition) => `${given} ends the stream with ${condition} (RFC 6120 §4.9.3)`,
})
const TO = "to='juliet@example.org/balcony'"
test("a from that is somebody else's", endsStream, `<message ${TO} from='nurse@example.org'/>`, 'invalid-from')
test('a from with another resource', endsStream, `<message ${TO} from='romeo@example.org/elsewhere'/>`, 'invalid-from')
test('a from that is no JID', endsStream, `<message ${TO} from='@'/>`, 'invalid-from')
test('an unknown stanza', endsStream, `<telegram ${TO}/>`, 'unsupported-stanza-type')
test('a stanza of another namespace', endsStream, `<message xmlns='jabber:server' ${TO}/>`, 'unsupported-stanza-type')
test('a stanza with a prefix', endsStream, `<c:message xmlns:c='${NS.client}' ${TO}/>`, 'unsupported-stanza-type')
test('a second login', endsStream, auth('PLAIN', '\0romeo\0call me but love'), 'unsupported-stanza-type')
test('a prefix without a namespace', endsStream, `<message ${TO}><x:y/></message>`, 'not-well-formed')
test('tags that do not match', endsStream, `<message ${TO}><a></b></message>`, 'not-well-formed')
test('an unknown entity', endsStream, `<message ${TO}>&nbsp;</message>`, 'not-well-formed')
test('a character XML does not have', endsStream, `<message ${TO}>\ufffe</message>`, 'not-well-formed')
test('a comment', endsStream, `<message ${TO}><!-- x --></message>`, 'restricted-xml')
test('a stanza that is too big', endsStream, `<message ${TO}><body>${'x'.repeat(66_000)}`, 'policy-violation')
test('a stanza that is too deep', endsStream, `<message ${TO}>${'<a>'.repeat(65)}`, 'policy-violation')

for (const from of ['romeo@example.org', 'Romeo@Example.org/orchard']) {
  test(`a client may say who it is: ${from} (RFC 6120 §8.1.2.1)`, async (t) => {
    await using server = await startServer()
    const romeo = await server.login('romeo', 'orchard')
    const juliet = await server.login('juliet', 'balcony')
    romeo.send(`<message ${TO} from='${from}'/>`)
    t.is((await juliet.next()).attrs['from'], 'romeo@example.org/orchard')
  })
}

test('a client that closes its stream has it closed (RFC 6120 §4.4)', async (t) => {
  await using server = await startServer()
  const romeo = await server.login('romeo')
  await romeo.close()
  t.pass()
})

test('a client that ends with a stream error is not argued with (RFC 6120 §4.9.1.1)', async (t) => {
  await using server = await startServer()
  const romeo = await server.login('romeo')
  romeo.send(`<stream:error><not-well-formed xmlns='${NS.streams}'/></stream:error>`)
  t.deepEqual(await romeo.rest(), [])
})

test('a client that hangs up is gone', async (t) => {
  await using server = await startServer()
  const juliet = await server.login('juliet', 'balcony')
  juliet.send("<presence/><presence to='romeo@example.org'/>")
  const romeo = await server.login('romeo', 'orchard')
  romeo.send('<presence/>')
  await romeo.flush(DOMAIN)
  juliet.send("<presence to='romeo@example.org'/>")
  t.is((await romeo.next()).attrs['from'], juliet.jid)
  juliet.destroy()
  t.is((await romeo.next()).toString(), '<presence type="unavailable" from="juliet@example.org/balcony" to="romeo@example.org"/>')
  romeo.send("<iq type='get' id='1' to='juliet@example.org/balcony'><ping xmlns='urn:xmpp:ping'/></iq>")
  t.regex((await romeo.next()).toString(), /<service-unavailable/)
})
