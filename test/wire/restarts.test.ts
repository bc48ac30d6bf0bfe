import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import ava, { type ExecutionContext } from 'ava'
import { computeDstAddr } from '../../src/socks5/index.ts'
import type { Element } from '../../src/xep/index.ts'
import { foreign } from '../helpers/foreign.ts'
import { PROXY } from '../helpers/prosody.ts'
import { startProxy } from '../helpers/proxy.ts'
import { login, type RawStream } from '../helpers/raw-client.ts'
import { connectToStreamhost } from '../helpers/raw-socks5.ts'
import { ejabberd, embeddedProcess, prosody, type ServerUnderTest } from '../helpers/server.ts'

// The XMPP server is killed, as `kill -9` does. Bytestreams need no XMPP: what runs goes on, what waits goes on waiting,
// and the component comes back by itself.

const TARGET = 'target@localhost/x'
const HALF_BYTES = 3 * 1024 * 1024
/** In time with a test, and not with people: `test/session/` holds the back-off itself. */
const session = { reconnect: 'always', backOff: { firstMs: 20, retryMsMax: 200 } } as const

const sha256 = (octets: Buffer) => createHash('sha256').update(octets).digest('hex')

/** Logs in; gone when the test is over. */
async function enter(t: ExecutionContext, server: ServerUnderTest): Promise<RawStream> {
  const stream = await login(server.client, server.account('requester'), 'x')
  t.teardown(() => stream.destroy())
  return stream
}

async function ask(requester: RawStream, type: 'get' | 'set', to: string, payload: string): Promise<Element> {
  requester.send(`<iq type='${type}' id='q' to='${to}'>${payload}</iq>`)
  return requester.next()
}

const activate = (sid: string) =>
  `<query xmlns='http://jabber.org/protocol/bytestreams' sid='${sid}'><activate>${TARGET}</activate></query>`

/** Reads and hashes until `bytes` octets are there. */
async function hashOf(socket: Socket, bytes: number): Promise<string> {
  const hash = createHash('sha256')
  let taken = 0
  while (taken < bytes) {
    const octets: Buffer | null = socket.read()
    if (octets) hash.update(octets)
    else if (socket.readableEnded || socket.destroyed) throw new Error(`the socket has ended after ${taken} octets`)
    else await once(socket, 'readable')
    taken += octets?.length ?? 0
  }
  return hash.digest('hex')
}

for (const kind of [embeddedProcess, prosody, ejabberd]) {
  const test = kind.needs.length === 0 ? ava : foreign(`restarts of ${kind.name}`, kind.needs)
  const start = () => kind.start({ accounts: ['requester'] })
  const sockets = async (t: ExecutionContext, at: { host: string; port: number }, sid: string, requester: RawStream) => {
    const dstAddr = computeDstAddr(sid, requester.jid, TARGET)
    return { dstAddr, pair: [await connectToStreamhost(t, at, dstAddr), await connectToStreamhost(t, at, dstAddr)] as const }
  }

  test(`a bytestream outlives its XMPP server, a pair waits for it, and the component comes back, on ${kind.name}`, async (t) => {
    await using server = await start()
    await using proxy = await startProxy(server, { jid: PROXY, session })
    const before = await enter(t, server)
    const running = await sockets(t, proxy.address, 'running', before)
    t.is((await ask(before, 'set', PROXY, activate('running'))).attrs['type'], 'result')
    const waiting = await sockets(t, proxy.address, 'waiting', before)
    const [there, back] = [randomBytes(2 * HALF_BYTES), randomBytes(2 * HALF_BYTES)]
    const [one, other] = running.pair
    const hashes = [hashOf(other, there.length), hashOf(one, back.length)]
    one.write(there.subarray(0, HALF_BYTES))
    other.write(back.subarray(0, HALF_BYTES))

    const lost = once(proxy.session, 'offline')
    const ended = before.rest()
    await server.kill()
    await lost
    await ended
    t.is(proxy.streamhost.waitingSockets(waiting.dstAddr), 2)
    one.end(there.subarray(HALF_BYTES))
    other.end(back.subarray(HALF_BYTES))
    t.deepEqual(await Promise.all(hashes), [sha256(there), sha256(back)])

    // With the server gone, sockets still find their place.
    const meanwhile = await sockets(t, proxy.address, 'meanwhile', before)
    t.is(proxy.streamhost.waitingSockets(meanwhile.dstAddr), 2)

    const online = once(proxy.session, 'online')
    await server.start()
    await online
    const after = await enter(t, server)
    const items = await ask(after, 'get', server.domain, `<query xmlns='http://jabber.org/protocol/disco#items'/>`)
    t.true(
      items
        .getChild('query')
        ?.getChildren('item')
        .some(({ attrs }) => attrs['jid'] === PROXY),
      `${items}`,
    )
    t.is(after.jid, before.jid)
    for (const { sid, pair } of [
      { sid: 'waiting', pair: waiting.pair },
      { sid: 'meanwhile', pair: meanwhile.pair },
    ]) {
      t.is((await ask(after, 'set', PROXY, activate(sid))).attrs['type'], 'result', sid)
      pair[0].end(sid)
      t.is(await hashOf(pair[1], sid.length), sha256(Buffer.from(sid)))
    }
  })

  test(`an activation whose answer dies with the server is not lost, on ${kind.name}`, async (t) => {
    await using server = await start()
    await using proxy = await startProxy(server, { jid: PROXY, session })
    const before = await enter(t, server)
    const { pair } = await sockets(t, proxy.address, 'halfway', before)
    const lost = once(proxy.session, 'offline')
    // The signal is sent before the component can write its answer.
    const dead = new Promise<void>((resolve) => proxy.proxy.once('activationAsked', () => void server.kill().then(resolve)))
    before.send(`<iq type='set' id='q' to='${PROXY}'>${activate('halfway')}</iq>`)
    await dead
    t.deepEqual(await before.rest(), [], 'the requester hears nothing')
    await lost
    pair[0].write('there')
    t.is(await hashOf(pair[1], 5), sha256(Buffer.from('there')))

    const online = once(proxy.session, 'online')
    await server.start()
    await online
    const after = await enter(t, server)
    t.is((await ask(after, 'set', PROXY, activate('halfway'))).attrs['type'], 'result', 'asked again, it is active already')
    pair[1].write('back')
    t.is(await hashOf(pair[0], 4), sha256(Buffer.from('back')))
  })
}
