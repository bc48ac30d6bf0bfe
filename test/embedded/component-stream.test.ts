import { once } from 'node:events'
import test from 'ava'
import { attribute, handshakeDigest, NS } from '../../src/xep/index.ts'
import { DOMAIN, PROXY, SECRET, startServer } from '../helpers/embedded-server.ts'
import { clientHeader, componentHeader, loginComponent, RawStream } from '../helpers/raw-client.ts'

const handshake = (id: string | undefined, secret: string) => `<handshake>${handshakeDigest(id ?? '', secret)}</handshake>`

test('the dialogue of XEP-0114 §3: header, digest of stream id and secret, empty handshake', async (t) => {
  await using server = await startServer()
  const connected = once(server.server, 'componentConnected')
  const stream = await RawStream.open(server.component)
  stream.send(componentHeader(PROXY))
  const header = await stream.begun()
  t.is(attribute(header, 'from'), PROXY)
  t.is(attribute(header, 'xmlns'), NS.component)
  stream.send(handshake(attribute(header, 'id'), SECRET))
  t.is((await stream.next()).toString(), '<handshake/>')
  t.deepEqual(await connected, [{ jid: PROXY }])
})

const refusesHeader = test.macro({
  async exec(t, header: string, condition: string) {
    await using server = await startServer()
    const stream = await RawStream.open(server.component)
    stream.send(header)
    t.is(await stream.streamError(), condition)
    t.truthy(stream.header, 'the header comes before the error (RFC 6120 §4.9.1.2)')
  },
  title: (given, _header, condition) => `${given} is ${condition} (XEP-0114 §3)`,
})
test('an address that is not configured', refusesHeader, componentHeader('other.example.org'), 'host-unknown')
test("the server's own domain", refusesHeader, componentHeader(DOMAIN), 'host-unknown')
test('no address', refusesHeader, componentHeader(''), 'host-unknown')
test("a client's stream", refusesHeader, clientHeader(PROXY), 'invalid-namespace')

const refusesHandshake = test.macro({
  async exec(t, answer: (id: string | undefined) => string) {
    await using server = await startServer()
    const stream = await RawStream.open(server.component)
    stream.send(componentHeader(PROXY))
    stream.send(answer(attribute(await stream.begun(), 'id')))
    t.is(await stream.streamError(), 'not-authorized')
  },
  title: (given) => `${given} is not-authorized (XEP-0114 §3)`,
})
test('a wrong secret', refusesHandshake, (id) => handshake(id, 'wrong'))
test('the digest of another stream', refusesHandshake, () => handshake('another', SECRET))
test('an empty handshake', refusesHandshake, () => '<handshake/>')
test('a stanza before the handshake', refusesHandshake, () => `<message from='${PROXY}' to='romeo@${DOMAIN}'/>`)

test('a second connection of a component is refused with conflict, and the first one stays', async (t) => {
  await using server = await startServer()
  const proxy = await server.connectProxy()
  const second = await RawStream.open(server.component)
  second.send(componentHeader(PROXY))
  second.send(handshake(attribute(await second.begun(), 'id'), SECRET))
  t.is(await second.streamError(), 'conflict')
  t.deepEqual(await proxy.flush(DOMAIN), [])
})

test('a component that has gone may come back, and meanwhile is no item of the server (XEP-0030 §4)', async (t) => {
  await using server = await startServer({ components: [PROXY, 'b.example.org'].map((jid) => ({ jid, secret: SECRET })) })
  const romeo = await server.login('romeo')
  const items = async () => {
    romeo.send(`<iq type='get' id='i' to='${DOMAIN}'><query xmlns='${NS.discoItems}'/></iq>`)
    return (await romeo.next())
      .getChild('query')
      ?.getChildren('item')
      .map((item) => item.attrs['jid'])
  }
  t.deepEqual(await items(), [])
  const proxy = await server.connectProxy()
  await loginComponent(server.component, 'b.example.org', SECRET)
  t.deepEqual(await items(), [PROXY, 'b.example.org'])
  const gone = once(server.server, 'componentDisconnected')
  proxy.destroy()
  t.deepEqual(await gone, [{ jid: PROXY }])
  t.deepEqual(await items(), ['b.example.org'])
  await server.connectProxy()
  t.deepEqual(await items(), [PROXY, 'b.example.org'])
})

const endsStream = test.macro({
  async exec(t, stanza: string, condition: string) {
    await using server = await startServer()
    const proxy = await server.connectProxy()
    proxy.send(stanza)
    t.is(await proxy.streamError(), condition)
  },
  title: (given, _stanza, condition) => `${given} ends the stream with ${condition}`,
})
test('a stanza without from', endsStream, `<message to='romeo@${DOMAIN}'/>`, 'improper-addressing')
test('a stanza without to', endsStream, `<message from='${PROXY}'/>`, 'improper-addressing')
test("a stanza from the server's domain", endsStream, `<message from='${DOMAIN}' to='romeo@${DOMAIN}'/>`, 'invalid-from')
test('a stanza from a subdomain', endsStream, `<message from='a.${PROXY}' to='romeo@${DOMAIN}'/>`, 'invalid-from')
test('a stanza from what is no JID', endsStream, `<message from='@' to='romeo@${DOMAIN}'/>`, 'invalid-from')
test('an unknown stanza', endsStream, `<telegram from='${PROXY}' to='romeo@${DOMAIN}'/>`, 'unsupported-stanza-type')
test("a client's stanza", endsStream, `<message xmlns='${NS.client}' from='${PROXY}' to='romeo@${DOMAIN}'/>`, 'unsupported-stanza-type')
test('a prefix without a namespace', endsStream, `<message from='${PROXY}' to='romeo@${DOMAIN}'><a:b/></message>`, 'not-well-formed')

test('any address at its domain is a component’s own, prepared', async (t) => {
  await using server = await startServer()
  const proxy = await server.connectProxy()
  const romeo = await server.login('romeo', 'orchard')
  for (const from of [PROXY, `room@${PROXY}`, `Room@${PROXY}/Nick`, `${PROXY}/x`]) proxy.send(`<message from='${from}' to='${romeo.jid}'/>`)
  await proxy.flush(DOMAIN)
  t.deepEqual(
    (await romeo.flush(DOMAIN)).map((message) => message.attrs['from']),
    [PROXY, `room@${PROXY}`, `room@${PROXY}/Nick`, `${PROXY}/x`],
  )
})

test('a component hears of a JID that is none (RFC 6120 §8.3.3.8)', async (t) => {
  await using server = await startServer()
  const proxy = await server.connectProxy()
  proxy.send(`<message from='${PROXY}' to='@'/>`)
  t.regex((await proxy.next()).toString(), /type="modify"><jid-malformed/)
})

test('stanzas cross between the namespaces of clients and components, whatever way they are written', async (t) => {
  await using server = await startServer()
  const proxy = await server.connectProxy()
  const romeo = await server.login('romeo', 'orchard')
  romeo.send(
    `<message xmlns='${NS.client}' to='${PROXY}'><body xmlns='${NS.client}'>a &lt; b</body><x xmlns='urn:x'><message xmlns='${NS.client}'/></x></message>`,
  )
  const there = await proxy.next()
  t.is(there.getNS(), NS.component)
  t.is(there.getChild('body')?.getNS(), NS.component)
  t.is(there.getChild('x', 'urn:x')?.getChildElements()[0]?.getNS(), NS.client, 'what is quoted stays as it is')
  proxy.send(`<message xmlns='${NS.component}' from='${PROXY}' to='${romeo.jid}'><body>c</body></message>`)
  const back = await romeo.next()
  t.is(back.getNS(), NS.client)
  t.is(back.getChild('body')?.getNS(), NS.client)
})
