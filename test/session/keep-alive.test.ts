import { once } from 'node:events'
import test from 'ava'
import { systemClock } from '../../src/core/index.ts'
import { answerEntityQueries, clientConnector, componentConnector, Session, type SessionEvents } from '../../src/session/index.ts'
import { KeepAlive } from '../../src/session/keep-alive.ts'
import { buildPing } from '../../src/xep/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { type Meddling, meddle } from '../helpers/meddler.ts'
import { onEachServer } from '../helpers/server.ts'

/** A connection on which nothing moves unless the test moves it. */
function watch() {
  const clock = new FakeClock()
  const told: string[] = []
  const keepAlive = new KeepAlive(clock, {
    from: 'proxy.localhost',
    to: 'localhost',
    send: (ping) => told.push(ping.toString()),
    giveUp: (silenceMs) => told.push(`gives up after ${silenceMs}`),
  })
  return { clock, keepAlive, told }
}

const ping = (number: number) =>
  `<iq type="get" id="alive-${number}" from="proxy.localhost" to="localhost"><ping xmlns="urn:xmpp:ping"/></iq>`

test('XEP-0199 §4: after 30 s of silence it asks, every 10 s, and after 60 s gives up', (t) => {
  const { clock, told } = watch()
  clock.advance(29_999)
  t.deepEqual(told, [])
  clock.advance(1)
  t.deepEqual(told, [ping(1)])
  clock.advance(29_999)
  t.deepEqual(told, [ping(1), ping(2), ping(3)])
  clock.advance(1)
  t.deepEqual(told.slice(3), ['gives up after 60000'])
  t.is(clock.waiting, 0)
  clock.advance(600_000)
  t.is(told.length, 4, 'once')
})

test('whatever is heard counts as a sign of life, also between two pings', (t) => {
  const { clock, keepAlive, told } = watch()
  for (let seconds = 0; seconds < 600; seconds += 29) {
    clock.advance(29_000)
    keepAlive.heard()
  }
  t.deepEqual(told, [])
  clock.advance(59_000)
  t.is(told.length, 3)
  keepAlive.heard()
  clock.advance(59_999)
  t.false(told.some((line) => line.startsWith('gives up')))
  clock.advance(10_000)
  t.true(told.at(-1)?.startsWith('gives up'))
})

test('who stood still, as a machine that was suspended, asks before it gives up', (t) => {
  const { clock, keepAlive, told } = watch()
  clock.standStill(3_600_000)
  t.deepEqual(told, [ping(1)])
  clock.standStill(3_600_000)
  t.deepEqual(told, [ping(1), ping(2)], 'the answer to the first may wait to be read')
  keepAlive.heard()
  clock.advance(29_999)
  t.is(told.length, 2)
  clock.advance(30_001)
  t.deepEqual(told.slice(2), [ping(3), ping(4), ping(5), 'gives up after 60000'])
})

test('a connection that is over is watched no more', (t) => {
  const { clock, keepAlive, told } = watch()
  clock.advance(30_000)
  keepAlive[Symbol.dispose]()
  t.is(clock.waiting, 0)
  clock.advance(600_000)
  t.deepEqual(told, [ping(1)])
})

onEachServer('keep-alive', { accounts: ['romeo'], components: ['quiet.localhost'] }, (serverTest) => {
  for (const who of ['component', 'account'] as const) {
    serverTest(
      `the ${who} is pinged through silence, and a network that loses everything is noticed within a minute`,
      async (t, server) => {
        let isLost = false
        const answered = new Set<string>()
        const fromServer: Meddling = (octets) => {
          for (const [, id = ''] of String(octets).matchAll(/<iq(?=[^>]*type=.result)[^>]*id=.(alive-\d+)/g)) answered.add(id)
          return isLost ? [] : [octets]
        }
        const at = who === 'component' ? server.componentAt('quiet.localhost') : server.client
        const meddler = await meddle(t, at, { fromServer, fromClient: (octets) => (isLost ? [] : [octets]) })
        const clock = new FakeClock()
        const { host, port } = meddler
        const connect =
          who === 'component'
            ? componentConnector(clock, { jid: 'quiet.localhost', secret: server.secret, service: { host, port } })
            : clientConnector(clock, {
                jid: 'romeo@localhost',
                password: server.account('romeo').password,
                service: `xmpp://${host}:${port}`,
              })
        const session = new Session({ clock }, connect, { reconnect: 'always' })
        t.teardown(() => session.stop())
        answerEntityQueries(session.iqs, systemClock, { name: 'n', version: 'v' })
        await session.start()
        session.once('offline', ({ error }) => t.is(error.code, 'ERR_TIMEOUT', error.message))

        for (let times = 1; times <= 20; times++) {
          clock.advance(30_000)
          // Its answer comes behind the one to the ping.
          await session.request({ type: 'get', to: who === 'component' ? session.jid : server.domain, payload: buildPing() })
          t.is(answered.size, times)
        }
        isLost = true
        const offline = once(session, 'offline') as Promise<SessionEvents['offline']>
        clock.advance(59_999)
        t.true(session.isOnline)
        clock.advance(10_000)
        const [{ error, retryMs }] = await offline
        t.regex(error.message, /^the server .* has said nothing for 60 s$/)
        isLost = false
        const online = once(session, 'online')
        // A server that has yet to notice that the connection before is gone refuses this one, and it tries again.
        session.on('offline', (again) => void setImmediate(() => clock.advance(again.retryMs)))
        clock.advance(retryMs)
        await online
      },
    )
  }
})
