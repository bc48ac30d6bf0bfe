import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import { BytestreamTarget, bytestreamsPart, ProxyFinder, requestBytestream } from '../../src/bytestreams/index.ts'
import { silentLogger, systemClock } from '../../src/core/index.ts'
import { clientConnector, ServiceDiscovery, Session } from '../../src/session/index.ts'
import { attribute, type Element } from '../../src/xep/index.ts'
import { anywhere } from '../helpers/anywhere.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { startProxy } from '../helpers/proxy.ts'
import { login, type RawStream } from '../helpers/raw-client.ts'
import { connectToStreamhost, listenRaw, readAll } from '../helpers/raw-socks5.ts'
import { onEachServer, type ServerUnderTest } from '../helpers/server.ts'
import { sameStanza, stanzaSays } from '../helpers/stanzas.ts'

// Our requester and our target, each opposite somebody who says what the examples of XEP-0065 1.8.2 say, word by word; the
// names are as in proxy.test.ts.

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')
const SID = 'vxf9n471bn46'
const NOWHERE = { host: '127.0.0.1', port: 1 }
/** Stands still: nobody is given up, however late a server passes on what was said. */
const clock = new FakeClock()

/** The one who speaks raw XML. */
async function enter(t: ExecutionContext, server: ServerUnderTest, local: string, resource: string): Promise<RawStream> {
  const stream = await login(server.client, server.account(local), resource)
  t.teardown(() => stream.destroy())
  return stream
}

/** One of ours. */
async function logIn(t: ExecutionContext, server: ServerUnderTest, local: string, resource: string): Promise<Session> {
  const { password, domain } = server.account(local)
  const service = `xmpp://${server.client.host}:${server.client.port}`
  const session = new Session({ clock }, clientConnector(systemClock, { jid: `${local}@${domain}/${resource}`, password, service }), {
    reconnect: 'never',
  })
  t.teardown(() => session.stop())
  await session.start()
  return session
}

const components = ['one.localhost', 'two.localhost']
const accounts = ['requester', 'target']

onEachServer('our target', { accounts, components }, (test) => {
  const offer = (from: string, to: string, streamhosts: string, attributes = '') => `
    <iq from='${from}' id='hu3vax16' to='${to}' type='set'>
      <query xmlns='http://jabber.org/protocol/bytestreams' sid='${SID}'${attributes}>${streamhosts}</query>
    </iq>`
  const error = (from: string, to: string, type: string, condition: string) => `
    <iq from='${from}' id='hu3vax16' to='${to}' type='error'>
      <error type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>
    </iq>`

  test('§3: it shows that it supports bytestreams', async (t, server) => {
    const target = await logIn(t, server, 'target', 'shows')
    new ServiceDiscovery(target.iqs).add(bytestreamsPart)
    const requester = await enter(t, server, 'requester', 'asks')
    requester.send(
      `<iq from='${requester.jid}' id='gr91cs53' to='${target.jid}' type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
    )
    stanzaSays(
      t,
      await requester.next(),
      `<iq from='${target.jid}' id='gr91cs53' to='${requester.jid}' type='result'>
         <query xmlns='http://jabber.org/protocol/disco#info'><feature var='http://jabber.org/protocol/bytestreams'/></query>
       </iq>`,
    )
  })

  test('§5.3.1: it refuses a bytestream it does not want, and one without a sid', async (t, server) => {
    const target = await logIn(t, server, 'target', 'refuses')
    new BytestreamTarget(target, clock, silentLogger, anywhere)
    const requester = await enter(t, server, 'requester', 'wants')
    const streamhost = `<streamhost jid='${requester.jid}' host='192.168.4.1' port='5086'/>`
    requester.send(offer(String(requester.jid), target.jid, streamhost))
    stanzaSays(t, await requester.next(), error(target.jid, String(requester.jid), 'modify', 'not-acceptable'))
    requester.send(offer(String(requester.jid), target.jid, streamhost).replace(/ sid='[^']*'/, ''))
    stanzaSays(t, await requester.next(), error(target.jid, String(requester.jid), 'modify', 'bad-request'))
  })

  test('§5.3.2: it says when it can reach none of the streamhosts', async (t, server) => {
    const target = await logIn(t, server, 'target', 'lost')
    const bytestreams = new BytestreamTarget(target, clock, silentLogger, anywhere)
    const requester = await enter(t, server, 'requester', 'unreachable')
    const stopping = new AbortController()
    const expected = bytestreams.expect({ from: String(requester.jid), sid: SID, signal: stopping.signal })
    requester.send(
      offer(String(requester.jid), target.jid, `<streamhost jid='${requester.jid}' host='${NOWHERE.host}' port='${NOWHERE.port}'/>`),
    )
    stanzaSays(t, await requester.next(), error(target.jid, String(requester.jid), 'cancel', 'item-not-found'))
    stopping.abort()
    await t.throwsAsync(expected, { code: 'ERR_ABORTED' })
  })

  test('§5: it connects to the requester itself, by SOCKS5, and says so', async (t, server) => {
    const target = await logIn(t, server, 'target', 'direct')
    const bytestreams = new BytestreamTarget(target, clock, silentLogger, anywhere)
    const requester = await enter(t, server, 'requester', 'streamhost')
    const streamhost = await listenRaw(t)
    const expected = bytestreams.expect({ from: String(requester.jid), sid: SID })
    requester.send(
      offer(String(requester.jid), target.jid, `<streamhost jid='${requester.jid}' host='${streamhost.host}' port='${streamhost.port}'/>`),
    )
    const { socket, dstAddr } = await streamhost.next()
    t.is(dstAddr, sha1(`${SID}${requester.jid}${target.jid}`))
    sameStanza(
      t,
      await requester.next(),
      `<iq from='${target.jid}' id='hu3vax16' to='${requester.jid}' type='result'>
         <query xmlns='http://jabber.org/protocol/bytestreams' sid='${SID}'><streamhost-used jid='${requester.jid}'/></query>
       </iq>`,
    )
    socket.end('there')
    const { method, stream } = await expected
    t.is(method, 'direct')
    t.is(await readAll(stream as Socket), 'there')
  })

  test('§6: it connects to a proxy, says so, and has what comes after the activation', async (t, server) => {
    const jid = 'one.localhost'
    await using proxy = await startProxy(server, { jid })
    const target = await logIn(t, server, 'target', 'bar')
    const bytestreams = new BytestreamTarget(target, clock, silentLogger, anywhere)
    const requester = await enter(t, server, 'requester', 'foo')
    const expected = bytestreams.expect({ from: String(requester.jid), sid: SID })
    const { host, port } = proxy.address
    // Unknown children, such as Psi's, are passed over.
    requester.send(
      offer(
        String(requester.jid),
        target.jid,
        `<streamhost host='${host}' jid='${jid}' port='${port}'><proxy xmlns='http://affinix.com/jabber/stream'/></streamhost>`,
        " mode='tcp'",
      ),
    )
    sameStanza(
      t,
      await requester.next(),
      `<iq from='${target.jid}' id='hu3vax16' to='${requester.jid}' type='result'>
         <query xmlns='http://jabber.org/protocol/bytestreams' sid='${SID}'><streamhost-used jid='${jid}'/></query>
       </iq>`,
    )
    const socket = await connectToStreamhost(t, proxy.address, sha1(`${SID}${requester.jid}${target.jid}`))
    requester.send(
      `<iq from='${requester.jid}' id='oqx6t1c9' to='${jid}' type='set'><query xmlns='http://jabber.org/protocol/bytestreams' sid='${SID}'><activate>${target.jid}</activate></query></iq>`,
    )
    sameStanza(t, await requester.next(), `<iq from='${jid}' id='oqx6t1c9' to='${requester.jid}' type='result'/>`)
    socket.end('there')
    const { method, stream } = await expected
    t.is(method, 'proxy')
    t.is(await readAll(stream as Socket), 'there')
    stream.end('and back')
    t.is(await readAll(socket), 'and back')
  })

  test('§7: in a room, it uses the DST.ADDR the requester has hashed', async (t, server) => {
    const jid = 'two.localhost'
    await using proxy = await startProxy(server, { jid })
    const target = await logIn(t, server, 'target', 'occupant')
    const bytestreams = new BytestreamTarget(target, clock, silentLogger, anywhere)
    const requester = await enter(t, server, 'requester', 'occupant')
    const expected = bytestreams.expect({ from: String(requester.jid), sid: 'yia72g3v49j7' })
    const dstAddr = sha1(`yia72g3v49j7${requester.jid}room@conference.localhost/Tget`)
    const { host, port } = proxy.address
    requester.send(
      `<iq from='${requester.jid}' id='npq71g53' to='${target.jid}' type='set'>
         <query xmlns='http://jabber.org/protocol/bytestreams' dstaddr='${dstAddr}' sid='yia72g3v49j7'><streamhost host='${host}' jid='${jid}' port='${port}'/></query>
       </iq>`,
    )
    t.is(attribute(await requester.next(), 'type'), 'result')
    t.is(proxy.streamhost.waitingSockets(dstAddr as never), 1)
    const socket = await connectToStreamhost(t, proxy.address, dstAddr)
    // The requester activates with the address it knows: the one in the room.
    requester.send(
      `<iq from='${requester.jid}' id='oqx6t1c9' to='${jid}' type='set'><query xmlns='http://jabber.org/protocol/bytestreams' sid='yia72g3v49j7'><activate>room@conference.localhost/Tget</activate></query></iq>`,
    )
    sameStanza(t, await requester.next(), `<iq from='${jid}' id='oqx6t1c9' to='${requester.jid}' type='result'/>`)
    socket.end('there')
    t.is(await readAll((await expected).stream as Socket), 'there')
  })
})

onEachServer('our requester', { accounts, components }, (test) => {
  const request = (session: Session, to: string, init: Partial<Parameters<typeof requestBytestream>[1]> = {}) => {
    const proxies = new ProxyFinder(session, clock, silentLogger)
    return requestBytestream({ session, proxies, clock, logger: silentLogger }, { to, sid: SID, ownHosts: [], ...init })
  }
  const reply = (iq: Element, content: string) =>
    `<iq from='${iq.attrs['to']}' id='${iq.attrs['id']}' to='${iq.attrs['from']}' ${content}</iq>`

  test('§5: it offers itself, and has the socket of the target that used it', async (t, server) => {
    const requester = await logIn(t, server, 'requester', 'direct')
    const target = await enter(t, server, 'target', 'direct')
    const opened = request(requester, String(target.jid), { method: 'direct', ownHosts: ['127.0.0.1'] })
    const iq = await target.next()
    const streamhost = iq.getChild('query')?.getChild('streamhost')
    stanzaSays(
      t,
      iq,
      `<iq from='${requester.jid}' id='${iq.attrs['id']}' to='${target.jid}' type='set'>
         <query xmlns='http://jabber.org/protocol/bytestreams' sid='${SID}'><streamhost jid='${requester.jid}' host='127.0.0.1' port='${streamhost?.attrs['port']}'/></query>
       </iq>`,
    )
    const at = { host: '127.0.0.1', port: Number(streamhost?.attrs['port']) }
    const socket = await connectToStreamhost(t, at, sha1(`${SID}${requester.jid}${target.jid}`))
    target.send(
      reply(
        iq,
        `type='result'><query xmlns='http://jabber.org/protocol/bytestreams' sid='${SID}'><streamhost-used jid='${requester.jid}'/></query>`,
      ),
    )
    const { stream, method } = await opened
    t.is(method, 'direct')
    stream.end('there')
    t.is(await readAll(socket), 'there')
  })

  test('§4, §6: it finds the proxy of its server, offers it, connects, and activates', async (t, server) => {
    const jid = 'one.localhost'
    await using proxy = await startProxy(server, { jid })
    const requester = await logIn(t, server, 'requester', 'mediated')
    const target = await enter(t, server, 'target', 'mediated')
    const steps: string[] = []
    const opened = request(requester, String(target.jid), { method: 'proxy', onStep: ({ step }) => steps.push(step) })
    const iq = await target.next()
    const { host, port } = proxy.address
    stanzaSays(
      t,
      iq,
      `<iq from='${requester.jid}' id='${iq.attrs['id']}' to='${target.jid}' type='set'>
         <query xmlns='http://jabber.org/protocol/bytestreams' sid='${SID}'><streamhost host='${host}' jid='${jid}' port='${port}'/></query>
       </iq>`,
    )
    const socket = await connectToStreamhost(t, proxy.address, sha1(`${SID}${requester.jid}${target.jid}`))
    target.send(
      reply(iq, `type='result'><query xmlns='http://jabber.org/protocol/bytestreams' sid='${SID}'><streamhost-used jid='${jid}'/></query>`),
    )
    const { stream, method } = await opened
    t.is(method, 'proxy')
    t.deepEqual(steps, ['offered', 'used', 'connected', 'activated'])
    stream.end('there')
    t.is(await readAll(socket), 'there')
    socket.end()
    await once(stream, 'end')
  })

  for (const [condition, type, code] of [
    ['not-acceptable', 'modify', 'ERR_NOT_ACCEPTABLE'],
    ['item-not-found', 'cancel', 'ERR_NO_STREAMHOST'],
    ['service-unavailable', 'cancel', 'ERR_STANZA'],
  ] as const) {
    test(`§5.3.1, §5.3.2: a target that answers ${condition} ends it`, async (t, server) => {
      const requester = await logIn(t, server, 'requester', `told-${condition}`)
      const target = await enter(t, server, 'target', `tells-${condition}`)
      const opened = t.throwsAsync(request(requester, String(target.jid), { method: 'direct', ownHosts: ['127.0.0.1'] }), { code })
      const iq = await target.next()
      target.send(reply(iq, `type='error'><error type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`))
      await opened
    })
  }
})
