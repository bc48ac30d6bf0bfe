import { createHash } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { attribute, type Element } from '../../src/xep/index.ts'
import { startProxy } from '../helpers/proxy.ts'
import { login, loginComponent, type RawStream } from '../helpers/raw-client.ts'
import { connectRequest, connectToStreamhost, open, readAll, take } from '../helpers/raw-socks5.ts'
import { onEachServer, type ServerUnderTest } from '../helpers/server.ts'
import { hex } from '../helpers/socks5.ts'
import { sameStanza, stanzaSays } from '../helpers/stanzas.ts'

// Our proxy, between a requester and a target that say what the examples of XEP-0065 1.8.2 say, word by word. Only the
// names differ: requester@example.com/foo and target@example.org/bar are requester@localhost/foo and
// target@localhost/bar, resources apart; streamer.example.com is a component below localhost.

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')

/** Logs in; gone when the test is over. */
async function enter(t: ExecutionContext, server: ServerUnderTest, local: string, resource: string): Promise<RawStream> {
  const stream = await login(server.client, server.account(local), resource)
  t.teardown(() => stream.destroy())
  t.is(stream.jid, `${local}@${server.domain}/${resource}`)
  return stream
}

const components = ['streamer', 'second', 'closed', 'nowhere', 'mediated', 'errors', 'again', 'udp', 'bare', 'own', 'gateway'].map(
  (label) => `${label}.localhost`,
)

onEachServer('our proxy', { accounts: ['requester', 'target', 'stranger'], components }, (test) => {
  test('§4: a requester finds the proxy and its address', async (t, server) => {
    const jid = 'streamer.localhost'
    await using proxy = await startProxy(server, { jid, advertise: (at) => [{ ...at, host: '24.24.24.1', port: 7625 }] })
    const requester = await enter(t, server, 'requester', 'finding')

    requester.send(`
      <iq from='${requester.jid}' id='pi2b15fv' to='localhost' type='get'>
        <query xmlns='http://jabber.org/protocol/disco#items'/>
      </iq>`)
    stanzaSays(
      t,
      await requester.next(),
      `<iq from='localhost' id='pi2b15fv' to='${requester.jid}' type='result'>
         <query xmlns='http://jabber.org/protocol/disco#items'>
           <item jid='streamer.localhost'/>
         </query>
       </iq>`,
    )

    requester.send(`
      <iq from='${requester.jid}' id='yx92b153' to='${proxy.jid}' type='get'>
        <query xmlns='http://jabber.org/protocol/disco#info'/>
      </iq>`)
    stanzaSays(
      t,
      await requester.next(),
      `<iq from='streamer.localhost' id='yx92b153' to='${requester.jid}' type='result'>
         <query xmlns='http://jabber.org/protocol/disco#info'>
           <identity category='proxy' type='bytestreams' name='File Transfer Relay'/>
           <feature var='http://jabber.org/protocol/bytestreams'/>
         </query>
       </iq>`,
    )

    requester.send(`
      <iq from='${requester.jid}' id='uj2c15z9' to='streamer.localhost' type='get'>
        <query xmlns='http://jabber.org/protocol/bytestreams'/>
      </iq>`)
    sameStanza(
      t,
      await requester.next(),
      `<iq from='streamer.localhost' id='uj2c15z9' to='${requester.jid}' type='result'>
         <query xmlns='http://jabber.org/protocol/bytestreams'>
           <streamhost host='24.24.24.1' jid='streamer.localhost' port='7625'/>
         </query>
       </iq>`,
    )
  })

  test('§4 before version 1.8: a requester that names a sid gets it back with the addresses, the preferred one first', async (t, server) => {
    const jid = 'second.localhost'
    const addresses = [
      { jid, host: '24.24.24.1', port: 7625 },
      { jid, host: '2001:db8::9:1', port: 7626 },
    ]
    await using proxy = await startProxy(server, { jid, advertise: () => addresses })
    const requester = await enter(t, server, 'requester', 'asking')
    requester.send(`
      <iq from='${requester.jid}' id='uj2c15z9' to='${proxy.jid}' type='get'>
        <query xmlns='http://jabber.org/protocol/bytestreams' sid='vxf9n471bn46'/>
      </iq>`)
    sameStanza(
      t,
      await requester.next(),
      `<iq from='${jid}' id='uj2c15z9' to='${requester.jid}' type='result'>
         <query xmlns='http://jabber.org/protocol/bytestreams' sid='vxf9n471bn46'>
           <streamhost host='24.24.24.1' jid='${jid}' port='7625'/>
           <streamhost host='2001:db8::9:1' jid='${jid}' port='7626'/>
         </query>
       </iq>`,
    )
  })

  test('§4, §6.3.5: whoever may not use the proxy is forbidden to, without a reason', async (t, server) => {
    await using proxy = await startProxy(server, { jid: 'closed.localhost', allow: ['requester@localhost'] })
    const stranger = await enter(t, server, 'stranger', 'foo')
    const forbidden = (id: string) =>
      `<iq from='closed.localhost' id='${id}' to='${stranger.jid}' type='error'>
         <error type='auth'>
           <forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
         </error>
       </iq>`
    stranger.send(`
      <iq from='${stranger.jid}' id='uj2c15z9' to='${proxy.jid}' type='get'>
        <query xmlns='http://jabber.org/protocol/bytestreams'/>
      </iq>`)
    sameStanza(t, await stranger.next(), forbidden('uj2c15z9'))
    stranger.send(`
      <iq from='${stranger.jid}' id='oqx6t1c9' to='${proxy.jid}' type='set'>
        <query xmlns='http://jabber.org/protocol/bytestreams' sid='vxf9n471bn46'>
          <activate>target@localhost/bar</activate>
        </query>
      </iq>`)
    sameStanza(t, await stranger.next(), forbidden('oqx6t1c9'))
  })

  test("§4, §6.3.5: a stranger's domain, though it ends in that of the proxy's own accounts, is forbidden to ask and to activate", async (t, server) => {
    await using proxy = await startProxy(server, { jid: 'own.localhost' })
    const gateway = await loginComponent(server.componentAt('gateway.localhost'), 'gateway.localhost', server.secret)
    t.teardown(() => gateway.destroy())
    const from = 'requester@gateway.localhost/foo'
    const dstAddr = sha1(`vxf9n471bn46${from}target@localhost/bar`)
    await connectToStreamhost(t, proxy.address, dstAddr)
    await connectToStreamhost(t, proxy.address, dstAddr)
    for (const [type, query] of [
      ['get', "<query xmlns='http://jabber.org/protocol/bytestreams'/>"],
      ['set', "<query xmlns='http://jabber.org/protocol/bytestreams' sid='vxf9n471bn46'><activate>target@localhost/bar</activate></query>"],
    ]) {
      gateway.send(`<iq from='${from}' id='uj2c15z9' to='${proxy.jid}' type='${type}'>${query}</iq>`)
      sameStanza(
        t,
        await gateway.next(),
        `<iq from='own.localhost' id='uj2c15z9' to='${from}' type='error'>
           <error type='auth'>
             <forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
           </error>
         </iq>`,
      )
    }
    t.is(proxy.streamhost.gauges().waiting, 2)
  })

  test('§4: a proxy without an address says that it is unable to act as a streamhost', async (t, server) => {
    await using proxy = await startProxy(server, { jid: 'nowhere.localhost', advertise: () => [] })
    const requester = await enter(t, server, 'requester', 'unable')
    requester.send(`
      <iq from='${requester.jid}' id='uj2c15z9' to='${proxy.jid}' type='get'>
        <query xmlns='http://jabber.org/protocol/bytestreams'/>
      </iq>`)
    // The example has from and to the wrong way round.
    stanzaSays(
      t,
      await requester.next(),
      `<iq from='${proxy.jid}' id='uj2c15z9' to='${requester.jid}' type='error'>
         <error type='cancel'>
           <not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
         </error>
       </iq>`,
    )
  })

  test('§6: a mediated connection, from the offer to the last octet', async (t, server) => {
    const jid = 'mediated.localhost'
    await using proxy = await startProxy(server, { jid })
    const requester = await enter(t, server, 'requester', 'foo')
    const target = await enter(t, server, 'target', 'bar')
    const { host, port } = proxy.address
    const offer = `
      <iq from='requester@localhost/foo' id='npq71g53' to='target@localhost/bar' type='set'>
        <query xmlns='http://jabber.org/protocol/bytestreams' sid='vxf9n471bn46'>
          <streamhost host='${host}' jid='${jid}' port='${port}'/>
        </query>
      </iq>`
    requester.send(offer)
    sameStanza(t, await target.next(), offer)

    const dstAddr = sha1('vxf9n471bn46requester@localhost/footarget@localhost/bar')
    const fromTarget = await connectToStreamhost(t, proxy.address, dstAddr)
    const used = `
      <iq from='target@localhost/bar' id='npq71g53' to='requester@localhost/foo' type='result'>
        <query xmlns='http://jabber.org/protocol/bytestreams' sid='vxf9n471bn46'>
          <streamhost-used jid='${jid}'/>
        </query>
      </iq>`
    target.send(used)
    sameStanza(t, await requester.next(), used)

    const fromRequester = await connectToStreamhost(t, proxy.address, dstAddr)
    requester.send(`
      <iq from='requester@localhost/foo' id='oqx6t1c9' to='${jid}' type='set'>
        <query xmlns='http://jabber.org/protocol/bytestreams' sid='vxf9n471bn46'>
          <activate>target@localhost/bar</activate>
        </query>
      </iq>`)
    sameStanza(t, await requester.next(), `<iq from='${jid}' id='oqx6t1c9' to='requester@localhost/foo' type='result'/>`)

    fromRequester.end('there')
    t.is(await readAll(fromTarget), 'there')
    fromTarget.end('and back')
    t.is(await readAll(fromRequester), 'and back')
  })

  test('§6.3.5: every error of an activation, and the waiting sockets survive them', async (t, server) => {
    const jid = 'errors.localhost'
    await using proxy = await startProxy(server, { jid })
    const requester = await enter(t, server, 'requester', 'errors')
    const other = await enter(t, server, 'requester', 'other')
    const activate = async (from: RawStream, query: string): Promise<Element> => {
      from.send(`<iq from='${from.jid}' id='oqx6t1c9' to='${jid}' type='set'>${query}</iq>`)
      return from.next()
    }
    const query = `
      <query xmlns='http://jabber.org/protocol/bytestreams' sid='vxf9n471bn46'>
        <activate>target@localhost/bar</activate>
      </query>`
    const refused = (to: RawStream, error: string) =>
      `<iq from='${jid}' id='oqx6t1c9' to='${to.jid}' type='error'>${error.replace('/>', " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>")}</iq>`
    const itemNotFound = `<error type='cancel'><item-not-found/></error>`

    stanzaSays(t, await activate(requester, query), refused(requester, itemNotFound))
    const dstAddr = sha1(`vxf9n471bn46${requester.jid}target@localhost/bar`)
    const fromTarget = await connectToStreamhost(t, proxy.address, dstAddr)
    const missing = await activate(requester, query)
    stanzaSays(t, missing, refused(requester, `<error type='cancel'><not-allowed/></error>`))
    t.regex(missing.getChild('error')?.getChildText('text') ?? '', new RegExp(`^1 of 2 sockets wait under DST.ADDR ${dstAddr}`))
    const fromRequester = await connectToStreamhost(t, proxy.address, dstAddr)

    // "if the 'from' address does not match that of the Requester's full JID", or "if the hashes do not match":
    // a proxy that knows nothing but hashes cannot tell the one from the other.
    stanzaSays(t, await activate(other, query), refused(other, itemNotFound))
    stanzaSays(t, await activate(requester, query.replace('/bar', '/baz')), refused(requester, itemNotFound))
    stanzaSays(t, await activate(requester, query.replace('vxf', 'xyz')), refused(requester, itemNotFound))

    const badRequest = `<error type='modify'><bad-request/></error>`
    stanzaSays(t, await activate(requester, query.replace(/sid='.*'/, '')), refused(requester, badRequest))
    stanzaSays(t, await activate(requester, query.replace(/<activate>.*<\/activate>/, '')), refused(requester, badRequest))
    stanzaSays(t, await activate(requester, query.replace(/(<activate>.*<\/activate>)/, '$1$1')), refused(requester, badRequest))
    stanzaSays(
      t,
      await activate(requester, query.replace('target@', '@')),
      refused(requester, `<error type='modify'><jid-malformed/></error>`),
    )

    t.is(attribute(await activate(requester, query), 'type'), 'result')
    fromRequester.end('still there')
    t.is(await readAll(fromTarget), 'still there')
  })

  test('§6.3.5: an activation that is repeated is confirmed again, for its requester only', async (t, server) => {
    const jid = 'again.localhost'
    await using proxy = await startProxy(server, { jid })
    const requester = await enter(t, server, 'requester', 'again')
    const stranger = await enter(t, server, 'stranger', 'again')
    const dstAddr = sha1(`vxf9n471bn46${requester.jid}target@localhost/bar`)
    await connectToStreamhost(t, proxy.address, dstAddr)
    await connectToStreamhost(t, proxy.address, dstAddr)
    const activate = (from: RawStream) =>
      from.send(`
        <iq from='${from.jid}' id='oqx6t1c9' to='${jid}' type='set'>
          <query xmlns='http://jabber.org/protocol/bytestreams' sid='vxf9n471bn46'>
            <activate>target@localhost/bar</activate>
          </query>
        </iq>`)
    activate(requester)
    activate(requester)
    const result = `<iq from='${jid}' id='oqx6t1c9' to='${requester.jid}' type='result'/>`
    sameStanza(t, await requester.next(), result)
    sameStanza(t, await requester.next(), result)
    activate(stranger)
    stanzaSays(
      t,
      await stranger.next(),
      `<iq type='error'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    )
  })

  test('§6.3.2: a requester and a target without resources are hashed as they are', async (t, server) => {
    const jid = 'bare.localhost'
    await using proxy = await startProxy(server, { jid })
    const requester = await enter(t, server, 'requester', 'bare')
    const dstAddr = sha1(`vxf9n471bn46${requester.jid}gateway.localhost`)
    const fromTarget = await connectToStreamhost(t, proxy.address, dstAddr)
    const fromRequester = await connectToStreamhost(t, proxy.address, dstAddr)
    requester.send(`
      <iq id='oqx6t1c9' to='${jid}/any' type='set'>
        <query xmlns='http://jabber.org/protocol/bytestreams' sid='vxf9n471bn46'>
          <activate>gateway.localhost</activate>
        </query>
      </iq>`)
    sameStanza(t, await requester.next(), `<iq from='${jid}/any' id='oqx6t1c9' to='${requester.jid}' type='result'/>`)
    fromTarget.end('octets')
    t.is(await readAll(fromRequester), 'octets')
  })

  test('§8: UDP is neither shown nor done', async (t, server) => {
    const jid = 'udp.localhost'
    await using proxy = await startProxy(server, { jid })
    const requester = await enter(t, server, 'requester', 'udp')
    requester.send(`
      <iq from='${requester.jid}' id='pys51v35' to='${jid}' type='get'>
        <query xmlns='http://jabber.org/protocol/disco#info'/>
      </iq>`)
    const info = await requester.next()
    t.false(info.toString().includes('bytestreams#udp'))

    const socket = await open(t, proxy.address)
    socket.write(hex('05 01 00'))
    t.deepEqual(await take(socket, 2), hex('05 00'))
    const associate = connectRequest(sha1('vxf9n471bn46'))
    associate[1] = 3
    socket.write(associate)
    t.is((await take(socket, 2))[1], 7, 'command not supported')
  })
})
