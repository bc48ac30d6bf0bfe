import { once } from 'node:events'
import { createServer } from 'node:net'
import test from 'ava'
import { BytestreamError, systemClock } from '../../src/core/index.ts'
import { EmbeddedServer, type EmbeddedServerInit } from '../../src/embedded/index.ts'
import { clientConnector, componentConnector, Session } from '../../src/session/index.ts'
import { buildDiscoInfoRequest, buildDiscoItemsRequest, NS, parseDiscoInfo, parseDiscoItems, xml } from '../../src/xep/index.ts'
import { accountOf, DOMAIN, PROXY, SECRET, startServer } from '../helpers/embedded-server.ts'
import { login } from '../helpers/raw-client.ts'

const listen = { host: '127.0.0.1', port: 0 }
const INIT: EmbeddedServerInit = { domain: DOMAIN, accounts: [], components: [], clientListen: listen, componentListen: listen }

const refuses = test.macro({
  exec(t, init: Partial<EmbeddedServerInit>, sentence: RegExp) {
    const error = t.throws(() => new EmbeddedServer({}, { ...INIT, ...init }), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_CONFIG')
    t.regex(error.message, sentence)
  },
  title: (given) => `a server is not built with ${given}`,
})
const romeo = { local: 'romeo', password: 'secret' }
test('a domain that is none', refuses, { domain: 'a b' }, /domain of the embedded server is "a b"/)
test('an account for a domain', refuses, { domain: 'romeo@example.org' }, /expected a domain/)
test('an account there twice', refuses, { accounts: [romeo, { ...romeo, local: 'Romeo' }] }, /"Romeo" is there twice/)
test('an account whose name cannot be', refuses, { accounts: [{ ...romeo, local: 'a@b' }] }, /"a@b" cannot be/)
test('an account with a resource', refuses, { accounts: [{ ...romeo, local: 'a/b' }] }, /"a\/b" cannot be/)
test('an account without a name', refuses, { accounts: [{ ...romeo, local: '' }] }, /"" cannot be/)
test('an account without a password', refuses, { accounts: [{ ...romeo, password: '' }] }, /password/)
test('a password that cannot be', refuses, { accounts: [{ ...romeo, password: 'secret\u0007' }] }, /^(?!.*secret).*password/)
test('a component at the domain of the server', refuses, { components: [{ jid: 'EXAMPLE.org', secret: 'x' }] }, /taken/)
test(
  'two components at one address',
  refuses,
  {
    components: [
      { jid: PROXY, secret: 'x' },
      { jid: PROXY, secret: 'y' },
    ],
  },
  /taken/,
)
test('a component without a secret', refuses, { components: [{ jid: PROXY, secret: '' }] }, /secret/)
test('an account for a component', refuses, { components: [{ jid: 'a@b', secret: 'x' }] }, /expected a domain/)

test('an occupied port is told, and the other one is free again', async (t) => {
  const occupied = createServer().listen(0, '127.0.0.1')
  await once(occupied, 'listening')
  const { port } = occupied.address() as { port: number }
  const server = new EmbeddedServer({}, { ...INIT, componentListen: { host: '127.0.0.1', port } })
  const error = await t.throwsAsync(server.listen(), { instanceOf: BytestreamError })
  t.is(error.code, 'ERR_LISTEN')
  t.regex(error.message, new RegExp(`127\\.0\\.0\\.1:${port}.*EADDRINUSE`))
  await t.throwsAsync(server.listen(), { instanceOf: TypeError })
  occupied.close()
})

test('* stands for every address of this machine', async (t) => {
  const accounts = [{ local: 'romeo', password: accountOf('romeo').password }]
  const server = new EmbeddedServer({}, { ...INIT, accounts, clientListen: { host: '*', port: 0 } })
  t.teardown(() => server.close())
  const { client } = await server.listen()
  await t.notThrowsAsync(login({ host: '127.0.0.1', port: client.port }, accountOf('romeo')))
})

test('a server that never listened can be closed', async (t) => {
  const server = new EmbeddedServer({}, INIT)
  await server.close()
  await t.throwsAsync(server.listen(), { instanceOf: TypeError })
})

test('our own sessions, of accounts and of a component, log in and talk through it', async (t) => {
  await using server = await startServer()
  const service = `xmpp://127.0.0.1:${server.client.port}`
  const open = (name: 'romeo' | 'juliet') =>
    new Session({}, clientConnector(systemClock, { jid: `${name}@${DOMAIN}/home`, password: accountOf(name).password, service }), {
      reconnect: 'never',
    })
  await using component = new Session({}, componentConnector(systemClock, { jid: PROXY, secret: SECRET, service: server.component }), {
    reconnect: 'never',
  })
  await using one = open('romeo')
  await using two = open('juliet')
  component.iqs.handle('get', NS.ping, 'ping', () => undefined)
  t.deepEqual(await Promise.all([component.start(), one.start(), two.start()]), [PROXY, `romeo@${DOMAIN}/home`, `juliet@${DOMAIN}/home`])

  const items = await one.request({ type: 'get', to: DOMAIN, payload: buildDiscoItemsRequest() })
  t.deepEqual(items && parseDiscoItems(items).map(({ jid }) => jid), [PROXY])
  const info = await one.request({ type: 'get', to: DOMAIN, payload: buildDiscoInfoRequest() })
  t.deepEqual(info && parseDiscoInfo(info).identities.map(({ category, type }) => `${category}/${type}`), ['server/im'])
  t.is(await one.request({ type: 'get', to: PROXY, payload: xml('ping', { xmlns: NS.ping }) }), undefined)

  const message = once(two, 'message')
  one.send(xml('message', { to: two.jid, type: 'chat' }, xml('body', {}, 'Wherefore art thou?')))
  const [, stanza] = await message
  t.is(stanza.getChildText('body'), 'Wherefore art thou?')
  t.is(stanza.attrs.from, one.jid)
})

test('a wrong password and a wrong secret are told as such', async (t) => {
  await using server = await startServer()
  const service = `xmpp://127.0.0.1:${server.client.port}`
  await using account = new Session({}, clientConnector(systemClock, { jid: `romeo@${DOMAIN}`, password: 'wrong', service }), {
    reconnect: 'never',
  })
  t.is((await t.throwsAsync(account.start(), { instanceOf: BytestreamError })).code, 'ERR_AUTHENTICATION')
  await using component = new Session({}, componentConnector(systemClock, { jid: PROXY, secret: 'wrong', service: server.component }), {
    reconnect: 'never',
  })
  t.is((await t.throwsAsync(component.start(), { instanceOf: BytestreamError })).code, 'ERR_AUTHENTICATION')
})
