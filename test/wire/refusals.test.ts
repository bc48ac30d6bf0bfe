import type { ExecutionContext } from 'ava'
import { BytestreamTarget, ProxyFinder, requestBytestream } from '../../src/bytestreams/index.ts'
import { BytestreamError, StanzaError, silentLogger, systemClock } from '../../src/core/index.ts'
import { clientConnector, Session } from '../../src/session/index.ts'
import { attribute, type Element } from '../../src/xep/index.ts'
import { anywhere } from '../helpers/anywhere.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { login, loginComponent, type RawStream } from '../helpers/raw-client.ts'
import { listenRaw, readAll } from '../helpers/raw-socks5.ts'
import { onEachServer, type ServerUnderTest } from '../helpers/server.ts'
import { stanzaSays } from '../helpers/stanzas.ts'

// What our requester and our target make of every refusal XEP-0065 1.8.2 knows, and what they refuse themselves. The
// proxy is a component that speaks raw XML.

const SID = 'vxf9n471bn46'
const BYTESTREAMS = 'http://jabber.org/protocol/bytestreams'
/** Stands still: nobody is given up, however late a server passes on what was said. */
const clock = new FakeClock()

async function logIn(t: ExecutionContext, server: ServerUnderTest, local: string, resource: string): Promise<Session> {
  const { password, domain } = server.account(local)
  const service = `xmpp://${server.client.host}:${server.client.port}`
  const init = { jid: `${local}@${domain}/${resource}`, password, service }
  const session = new Session({ clock }, clientConnector(systemClock, init), { reconnect: 'never' })
  t.teardown(() => session.stop())
  await session.start()
  return session
}

async function enter(t: ExecutionContext, server: ServerUnderTest, local: string, resource: string): Promise<RawStream> {
  const stream = await login(server.client, server.account(local), resource)
  t.teardown(() => stream.destroy())
  return stream
}

const reply = ({ attrs: { from, to, id } }: Element, type: 'result' | 'error', payload: string) =>
  `<iq from='${to}' to='${from}' id='${id}' type='${type}'>${payload}</iq>`

const stanzaError = (type: string, condition: string) =>
  `<error type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`

/** Our requester opposite a proxy and a target in raw XML. */
async function setScene(t: ExecutionContext, server: ServerUnderTest, label: string) {
  const jid = `${label}.localhost`
  const proxy = await loginComponent(server.componentAt(jid), jid, server.secret)
  t.teardown(() => proxy.destroy())
  const session = await logIn(t, server, 'requester', label)
  const target = await enter(t, server, 'target', label)
  const proxies = new ProxyFinder(session, clock, silentLogger)
  const components = { session, proxies, clock, logger: silentLogger }
  const opened = requestBytestream(components, { to: target.jid, sid: SID, method: 'proxy', proxy: jid })
  return { jid, proxy, target, failed: t.throwsAsync(opened, { instanceOf: BytestreamError }) }
}

const addressRefusals = { forbidden: 'auth', 'not-allowed': 'cancel' } as const
const activationRefusals = {
  'item-not-found': 'cancel',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'internal-server-error': 'cancel',
} as const
const labelOf = (step: string, condition: string) => `${step}-${condition}`
const components = [
  ...Object.keys(addressRefusals).map((condition) => labelOf('address', condition)),
  ...Object.keys(activationRefusals).map((condition) => labelOf('activation', condition)),
  'empty',
].map((label) => `${label}.localhost`)

onEachServer('refusals', { accounts: ['requester', 'target'], components }, (test) => {
  for (const [condition, type] of Object.entries(addressRefusals)) {
    test(`§4: a proxy that answers ${condition} is not offered`, async (t, server) => {
      const { proxy, failed } = await setScene(t, server, labelOf('address', condition))
      proxy.send(reply(await proxy.next(), 'error', stanzaError(type, condition)))
      const error = await failed
      t.is(error instanceof StanzaError && error.condition, condition)
    })
  }

  test('§4: a proxy that tells no address is not offered', async (t, server) => {
    const { proxy, failed } = await setScene(t, server, 'empty')
    proxy.send(reply(await proxy.next(), 'result', `<query xmlns='${BYTESTREAMS}'/>`))
    t.is((await failed).code, 'ERR_NO_STREAMHOST')
  })

  for (const [condition, type] of Object.entries(activationRefusals)) {
    test(`§6.3.5: a proxy that answers the activation with ${condition} ends it, and its socket is let go`, async (t, server) => {
      const { jid, proxy, target, failed } = await setScene(t, server, labelOf('activation', condition))
      const { host, port, next } = await listenRaw(t)
      const address = `<streamhost jid='${jid}' host='${host}' port='${port}'/>`
      proxy.send(reply(await proxy.next(), 'result', `<query xmlns='${BYTESTREAMS}'>${address}</query>`))
      const used = `<query xmlns='${BYTESTREAMS}' sid='${SID}'><streamhost-used jid='${jid}'/></query>`
      target.send(reply(await target.next(), 'result', used))
      const { socket } = await next()
      const closed = new Promise((resolve) => socket.resume().once('close', resolve).once('end', resolve))
      proxy.send(reply(await proxy.next(), 'error', stanzaError(type, condition)))
      const error = await failed
      t.is(error instanceof StanzaError && error.condition, condition)
      await closed
    })
  }

  test('§8: our target does not accept an offer over UDP, and takes the one over TCP that follows', async (t, server) => {
    const session = await logIn(t, server, 'target', 'udp')
    const opened = new BytestreamTarget(session, clock, silentLogger, anywhere).expect({ from: 'requester@localhost/udp', sid: SID })
    const requester = await enter(t, server, 'requester', 'udp')
    const { host, port, next } = await listenRaw(t)
    const offer = (mode: string) => `
      <iq from='${requester.jid}' id='xi2d1973' to='${session.jid}' type='set'>
        <query xmlns='${BYTESTREAMS}' mode='${mode}' sid='${SID}'>
          <streamhost host='${host}' jid='${requester.jid}' port='${port}'/>
        </query>
      </iq>`
    requester.send(offer('udp'))
    stanzaSays(t, await requester.next(), `<iq id='xi2d1973' type='error'>${stanzaError('modify', 'not-acceptable')}</iq>`)
    requester.send(offer('tcp'))
    t.is(attribute(await requester.next(), 'type'), 'result')
    const { socket } = await next()
    socket.end('octets')
    const { stream } = await opened
    t.is(await readAll(stream as typeof socket), 'octets')
  })
})
