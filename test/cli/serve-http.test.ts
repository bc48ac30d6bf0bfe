import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import test from 'ava'
import { startCli } from '../helpers/cli.ts'
import { outcomeOf } from '../helpers/component-line.ts'
import { readExposition, seriesValue } from '../helpers/exposition.ts'
import { foreign } from '../helpers/foreign.ts'
import { get, notReady } from '../helpers/http.ts'
import { PROXY, SECRET, startProsody } from '../helpers/prosody.ts'
import { type Address, login } from '../helpers/raw-client.ts'
import { connectToStreamhost, open, take } from '../helpers/raw-socks5.ts'
import { onServer, prosody as prosodyKind } from '../helpers/server.ts'

// `serve --http` as a process, behind servers that come and go.

const ONLINE = 'the component is online'
const OFFLINE = 'the component is offline, and will try again'

test('serve complains in one line about a port for HTTP that is taken, exit code 1', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as { port: number }
  const args = ['serve', '--domain', PROXY, '--listen', '127.0.0.1:0', '--http', String(port)]
  const { code, stdout, stderr } = await startCli(t, args, { STREAMHOST_SECRET: SECRET }).ended
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(stderr, new RegExp(`^streamhost: cannot listen on 127\\.0\\.0\\.1 port ${port} for HTTP: .*EADDRINUSE.*\n$`))
})

const onProsody = foreign('serve --http behind Prosody', ['prosody'])

onProsody(
  'a server that is killed makes serve not ready, with the reason, until the server is back; it is live all the time',
  async (t) => {
    await using prosody = await startProsody()
    const serve = startCli(
      t,
      ['serve', '--domain', PROXY, '--service', `xmpp://127.0.0.1:${prosody.componentPort}`, '--listen', '127.0.0.1:0', '--json'],
      { STREAMHOST_SECRET: SECRET, STREAMHOST_HTTP: '127.0.0.1:0' },
    )
    const { http } = (await serve.event('ready')) as { http: Address }
    await serve.logged(ONLINE)
    t.deepEqual(await notReady(http), {})
    await prosody.kill()
    await serve.logged(OFFLINE)
    t.regex(
      (await notReady(http))['component-offline'] ?? '',
      /^the component is offline since .*Z: (the connection to the XMPP server broke \(ERR_SESSION_CLOSED\)|no XMPP server answers \(ERR_UNREACHABLE\))$/,
    )
    t.is((await get(http, '/healthz')).status, 200)
    await prosody.start()
    await serve.logged(ONLINE)
    t.deepEqual(await notReady(http), {})
    serve.child.kill('SIGTERM')
    t.is((await serve.ended).code, 0)
  },
)

const SCRAPES = 100
const SIZE = 1024 * 1024

onServer(prosodyKind, 'serve --http with a transfer', { accounts: ['requester'], components: [PROXY] }, (onProsodyToo) => {
  onProsodyToo('what serve relays and refuses moves its numbers, also while it ends and however many ask', async (t, server) => {
    const { host, port } = server.componentAt(PROXY)
    const serve = startCli(
      t,
      ['serve', '--domain', PROXY, '--service', `xmpp://${host}:${port}`, '--listen', '127.0.0.1:0', '--http', ':0', '--json'],
      { STREAMHOST_SECRET: server.secret },
    )
    const { http, advertised } = (await serve.event('ready')) as { http: Address; advertised: readonly [Address] }
    const values = async (...series: string[]) => {
      const { body } = await get(http, '/metrics')
      return series.map((name) => seriesValue(body, `streamhost_${name}`))
    }

    const garbage = await open(t, advertised[0])
    garbage.write('GET / HTTP/1.1\r\n\r\n')
    await serve.logged('turned a socket away')
    t.deepEqual(await values('refusals_total{reason="ERR_SOCKS5_MALFORMED"}', 'component_online'), [1, 1])

    const requester = await login(server.client, server.account('requester'), 'metrics')
    t.teardown(() => requester.destroy())
    const activate = async () => {
      const payload = "<query xmlns='http://jabber.org/protocol/bytestreams' sid='metrics'><activate>target@localhost/x</activate></query>"
      requester.send(`<iq id='vxf9' to='${PROXY}' type='set'>${payload}</iq>`)
      return outcomeOf(await requester.next())
    }
    t.regex(await activate(), /^cancel item-not-found/)
    const dstAddr = createHash('sha1').update(`metrics${requester.jid}target@localhost/x`).digest('hex')
    const [one, other] = [await connectToStreamhost(t, advertised[0], dstAddr), await connectToStreamhost(t, advertised[0], dstAddr)]
    t.is(await activate(), 'result')
    t.deepEqual(await values('activations_total{result="ok"}', 'activations_total{result="ERR_BYTESTREAM_UNKNOWN"}'), [1, 1])
    t.deepEqual(await values('setup_seconds_count', 'active_bytestreams'), [1, 1])
    one.write(Buffer.alloc(SIZE))
    await take(other, SIZE)
    t.deepEqual(await values('relayed_bytes_total{direction="first_to_second"}', 'bytestream_bytes_count'), [SIZE, 0])

    const scrapes = await Promise.all(Array.from({ length: SCRAPES }, () => get(http, '/metrics')))
    for (const { status, body } of scrapes) {
      t.is(status, 200)
      t.true(readExposition(body).size > 20)
      t.is(seriesValue(body, 'streamhost_relayed_bytes_total{direction="first_to_second"}'), SIZE)
    }

    serve.child.kill('SIGTERM')
    await serve.logged('stopping: running bytestreams may finish')
    t.regex((await notReady(http))['stopping'] ?? '', /; 1 may still finish$/)
    t.is((await get(http, '/healthz')).status, 200)
    t.deepEqual(await values('active_bytestreams'), [1])
    one.end()
    other.end()
    t.is((await serve.ended).code, 0)
  })
})
