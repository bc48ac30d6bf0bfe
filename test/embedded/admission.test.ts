import { once } from 'node:events'
import test from 'ava'
import { accountOf, DOMAIN, PROXY, startServer } from '../helpers/embedded-server.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { componentHeader, loginUnbound, openClient, RawStream } from '../helpers/raw-client.ts'

const LOGIN_MS = 30_000

test('who does not log in in time is cut off with connection-timeout (RFC 6120 §4.9.3.4)', async (t) => {
  const clock = new FakeClock()
  await using server = await startServer({}, { clock })
  const unbound = await loginUnbound(server.client, accountOf('romeo'))
  const greeted = await openClient(server.client, DOMAIN)
  const component = await RawStream.open(server.component)
  component.send(componentHeader(PROXY))
  await component.begun()
  clock.advance(LOGIN_MS - 1)
  clock.advance(1)
  for (const stream of [unbound, greeted, component]) t.is(await stream.streamError(), 'connection-timeout')
})

test('who says nothing at all is told why too, behind a header (RFC 6120 §4.9.1.2)', async (t) => {
  const clock = new FakeClock()
  await using server = await startServer({}, { clock })
  const silent = await RawStream.open(server.client)
  await openClient(server.client, DOMAIN) // By now the server has taken in the one before.
  clock.advance(LOGIN_MS)
  t.is(await silent.streamError(), 'connection-timeout')
  t.is(silent.header?.attrs['from'], DOMAIN)
})

test('who has logged in has no deadline', async (t) => {
  const clock = new FakeClock()
  await using server = await startServer({}, { clock })
  const romeo = await server.login('romeo')
  const proxy = await server.connectProxy()
  t.is(clock.waiting, 0)
  clock.advance(10 * LOGIN_MS)
  t.deepEqual(await romeo.flush(DOMAIN), [])
  t.deepEqual(await proxy.flush(DOMAIN), [])
})

test('who does not take an error away is hung up on after a while', async (t) => {
  const clock = new FakeClock()
  await using server = await startServer({}, { clock })
  const stream = await openClient(server.client, DOMAIN)
  stream.stall()
  stream.send('<message/>')
  while (clock.waiting !== 2) await new Promise((resolve) => setImmediate(resolve)) // the login's, and that of the end
  clock.advance(LOGIN_MS)
  stream.resume()
  await stream.rest()
  t.pass()
})

test('the oldest connection that has not logged in gives way to a new one (at most two of one address)', async (t) => {
  await using server = await startServer({ limits: { unauthenticatedPerAddressMax: 2 } })
  const first = await openClient(server.client, DOMAIN)
  const second = await openClient(server.client, DOMAIN)
  const romeo = await server.login('romeo')
  t.is(await first.streamError(), 'resource-constraint')
  const fourth = await openClient(server.client, DOMAIN)
  const fifth = await openClient(server.client, DOMAIN)
  t.is(await second.streamError(), 'resource-constraint', 'who has logged in takes no place')
  t.deepEqual(await romeo.flush(DOMAIN), [], 'and is not touched')
  for (const stream of [fourth, fifth]) stream.destroy()
})

test('at the maximum the address with the most gives way', async (t) => {
  const listen = { host: '::', port: 0 }
  await using server = await startServer({ clientListen: listen, limits: { unauthenticatedMax: 3 } })
  const from = (host: string) => openClient({ host, port: server.client.port }, DOMAIN)
  const lone = await from('127.0.0.1')
  const first = await from('::1')
  const second = await from('::1')
  const third = await from('::1')
  t.is(await first.streamError(), 'resource-constraint')
  for (const stream of [lone, second, third]) {
    stream.send('</stream:stream>')
    t.deepEqual(await stream.rest(), [], 'the others are there still')
  }
})

test('a connection that ends, but is not let go, counts still, and gives way at once', async (t) => {
  await using server = await startServer({ limits: { unauthenticatedPerAddressMax: 1 } })
  const stalled = await openClient(server.client, DOMAIN)
  stalled.stall()
  stalled.send('<message/>')
  const next = await openClient(server.client, DOMAIN)
  stalled.resume()
  t.regex((await stalled.rest()).join(''), /not-authorized|resource-constraint/)
  next.destroy()
})

test('a connection that has gone leaves its place', async (t) => {
  await using server = await startServer({ limits: { unauthenticatedPerAddressMax: 1 } })
  for (let i = 0; i < 3; i++) {
    const stream = await openClient(server.client, DOMAIN)
    await stream.close()
  }
  const stays = await openClient(server.client, DOMAIN)
  stays.send('</stream:stream>')
  t.deepEqual(await stays.rest(), [])
})

test('a client that reads too slowly is cut off, and whoever saw it hears that it has gone', async (t) => {
  await using server = await startServer({ limits: { backlogBytesMax: 100_000 } })
  const juliet = await server.login('juliet', 'balcony')
  juliet.send(`<presence to='romeo@${DOMAIN}/orchard'/>`)
  await juliet.flush(DOMAIN)
  juliet.stall()
  const romeo = await server.login('romeo', 'orchard')
  const message = `<message to='${juliet.jid}'><body>${'x'.repeat(60_000)}</body></message>`
  let goodbye = ''
  for (let i = 0; i < 1000 && !goodbye; i++) {
    romeo.send(message)
    goodbye = (await romeo.flush(DOMAIN)).map(String).find((stanza) => stanza.includes('unavailable')) ?? ''
  }
  t.regex(goodbye, /^<presence|service-unavailable/)
  juliet.destroy()
})

test('closing the server tells everybody, and waits until all have gone (RFC 6120 §4.9.3.20)', async (t) => {
  const server = await startServer()
  const romeo = await server.login('romeo')
  const greeted = await openClient(server.client, DOMAIN)
  const proxy = await server.connectProxy()
  const disconnected = once(server.server, 'componentDisconnected')
  await Promise.all([server.server.close(), server.server.close()])
  for (const stream of [romeo, greeted, proxy]) t.is(await stream.streamError(), 'system-shutdown')
  await disconnected
  await t.throwsAsync(RawStream.open(server.client))
  await t.throwsAsync(RawStream.open(server.component))
})
