import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import { BytestreamTarget, ProxyFinder, requestBytestream } from '../../src/bytestreams/index.ts'
import { silentLogger, systemClock } from '../../src/core/index.ts'
import { clientConnector, Session } from '../../src/session/index.ts'
import { attribute, type Element, xml } from '../../src/xep/index.ts'
import { anywhere } from '../helpers/anywhere.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { startProxy } from '../helpers/proxy.ts'
import { login, type RawStream } from '../helpers/raw-client.ts'
import { connectToStreamhost, readAll } from '../helpers/raw-socks5.ts'
import { ejabberd, onServer, prosody, type ServerTest, type ServerUnderTest } from '../helpers/server.ts'
import { stanzaSays } from '../helpers/stanzas.ts'

// XEP-0065 §7 in rooms of real servers (XEP-0045), which hide requester and target from each other: the examples of the
// specification with our proxy, our requester and our target, one at a time. The embedded server has no rooms.

const SID = 'yia72g3v49j7'
const PROXY = 'streamer.localhost'
const ROOMS = 'conference.localhost'
const MUC = 'http://jabber.org/protocol/muc'
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')
/** Stands still: nobody is given up, however late a server passes on what was said. */
const clock = new FakeClock()

/** Whether a presence says that the room has let us in (XEP-0045 §7.2.2: status 110). */
function isOwnPresence(stanza: Element): boolean {
  const statuses = stanza.getChild('x', `${MUC}#user`)?.getChildren('status') ?? []
  return stanza.name === 'presence' && statuses.some((status) => status.attrs['code'] === '110')
}

/** Enters a room in raw XML, and opens it if it is new (XEP-0045 §10.1.2). */
async function enterRaw(t: ExecutionContext, server: ServerUnderTest, local: string, occupant: string): Promise<RawStream> {
  const stream = await login(server.client, server.account(local))
  t.teardown(() => stream.destroy())
  stream.send(`<presence to='${occupant}'><x xmlns='${MUC}'/></presence>`)
  while (!isOwnPresence(await stream.next()));
  const [room] = occupant.split('/')
  stream.send(`<iq type='set' id='open' to='${room}'><query xmlns='${MUC}#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`)
  while (attribute(await stream.next(), 'id') !== 'open');
  return stream
}

/** Enters a room with a session of ours. */
async function enterOurs(t: ExecutionContext, server: ServerUnderTest, local: string, occupant: string): Promise<Session> {
  const { password, domain } = server.account(local)
  const service = `xmpp://${server.client.host}:${server.client.port}`
  const session = new Session({ clock }, clientConnector(systemClock, { jid: `${local}@${domain}`, password, service }), {
    reconnect: 'never',
  })
  t.teardown(() => session.stop())
  await session.start()
  const entered = new Promise<void>((resolve) => {
    session.on('presence', (_, stanza) => isOwnPresence(stanza) && resolve())
  })
  session.send(xml('presence', { to: occupant }, xml('x', { xmlns: MUC })))
  await entered
  return session
}

/** The next IQ that asks something; a room has more to say than that. */
async function nextIq(stream: RawStream): Promise<Element> {
  for (;;) {
    const stanza = await stream.next()
    if (stanza.name === 'iq') return stanza
  }
}

function declare(test: ServerTest): void {
  test('§7: an offer through a room, with our proxy', async (t, server) => {
    await using proxy = await startProxy(server, { jid: PROXY })
    const [target, requester] = [
      await enterRaw(t, server, 'target', `first@${ROOMS}/Tget`),
      await enterRaw(t, server, 'requester', `first@${ROOMS}/Rter`),
    ]
    const dstAddr = sha1(`${SID}${requester.jid}first@${ROOMS}/Tget`)
    const { host, port } = proxy.address
    const offer = (from: string, to: string) => `
      <iq from='${from}' id='npq71g53' to='${to}' type='set'>
        <query xmlns='http://jabber.org/protocol/bytestreams' dstaddr='${dstAddr}' sid='${SID}'>
          <streamhost host='${host}' jid='${PROXY}' port='${port}'/>
        </query>
      </iq>`
    requester.send(offer(requester.jid, `first@${ROOMS}/Tget`))
    const forwarded = await nextIq(target)
    // The id is for the room to choose.
    stanzaSays(t, forwarded, offer(`first@${ROOMS}/Rter`, target.jid).replace("id='npq71g53'", ''))

    const fromTarget = await connectToStreamhost(t, proxy.address, dstAddr)
    target.send(`
      <iq id='${attribute(forwarded, 'id')}' to='first@${ROOMS}/Rter' type='result'>
        <query xmlns='http://jabber.org/protocol/bytestreams' sid='${SID}'>
          <streamhost-used jid='${PROXY}'/>
        </query>
      </iq>`)
    stanzaSays(
      t,
      await nextIq(requester),
      `<iq from='first@${ROOMS}/Tget' id='npq71g53' type='result'>
         <query xmlns='http://jabber.org/protocol/bytestreams' sid='${SID}'>
           <streamhost-used jid='${PROXY}'/>
         </query>
       </iq>`,
    )
    const fromRequester = await connectToStreamhost(t, proxy.address, dstAddr)
    requester.send(`
      <iq id='oqx6t1c9' to='${PROXY}' type='set'>
        <query xmlns='http://jabber.org/protocol/bytestreams' sid='${SID}'>
          <activate>first@${ROOMS}/Tget</activate>
        </query>
      </iq>`)
    t.is(attribute(await nextIq(requester), 'type'), 'result')
    fromRequester.end('there')
    t.is(await readAll(fromTarget), 'there')
  })

  test('§7: our requester and our target, who never learn who the other is', async (t, server) => {
    await using proxy = await startProxy(server, { jid: 'second.localhost' })
    const room = `second@${ROOMS}`
    await enterRaw(t, server, 'owner', `${room}/Owner`)
    const [requester, target] = [
      await enterOurs(t, server, 'requester', `${room}/Rter`),
      await enterOurs(t, server, 'target', `${room}/Tget`),
    ]
    const expected = new BytestreamTarget(target, clock, silentLogger, anywhere).expect({ from: `${room}/Rter`, sid: SID })
    const proxies = new ProxyFinder(requester, clock, silentLogger)
    const sent = await requestBytestream(
      { session: requester, proxies, clock, logger: silentLogger },
      { to: `${room}/Tget`, sid: SID, method: 'proxy', proxy: proxy.jid },
    )
    t.is(sent.dstAddr, sha1(`${SID}${requester.jid}${room}/Tget`))
    sent.stream.end('there')
    const received = await expected
    t.is(received.peer, `${room}/Rter`)
    t.is(received.dstAddr, sent.dstAddr)
    t.is(await readAll(received.stream as Socket), 'there')
    received.stream.end('and back')
    t.is(await readAll(sent.stream as Socket), 'and back')
  })
}

const init = { accounts: ['owner', 'requester', 'target'], components: [PROXY, 'second.localhost'], rooms: ROOMS }
onServer(prosody, 'rooms', init, declare)
onServer(ejabberd, 'rooms', init, declare)
