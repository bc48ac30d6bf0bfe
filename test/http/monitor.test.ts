// The service in this process, asked over HTTP how it is while it comes and goes.

import { EventEmitter, once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { loadSettings, serveOptions } from '../../src/config/index.ts'
import { type Logger, version } from '../../src/core/index.ts'
import { Service } from '../../src/service.ts'
import { PROXY, SECRET, startServer } from '../helpers/embedded-server.ts'
import { seriesValue } from '../helpers/exposition.ts'
import { get, notReady } from '../helpers/http.ts'
import { freePort } from '../helpers/prosody.ts'
import type { Address } from '../helpers/raw-client.ts'
import { dstAddrOf, joinBoth, type Port } from '../helpers/streamhost.ts'

const OFFLINE = 'the component is offline, and will try again'
const SINCE = String.raw`^the component is offline since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z: `

/** Settles when a sentence is logged. */
function listen(): { logger: Logger; logged(sentence: string): Promise<unknown> } {
  const sentences = new EventEmitter()
  const say = (facts: object, sentence: string) => void sentences.emit(sentence, facts)
  return { logger: { debug: say, info: say, warn: say, error: say }, logged: (sentence) => once(sentences, sentence) }
}

function build(t: ExecutionContext, component: Address, flags: Readonly<Record<string, unknown>> = {}) {
  const { logger, logged } = listen()
  const settings = loadSettings(serveOptions, {
    flags: { domain: PROXY, service: `xmpp://127.0.0.1:${component.port}`, listen: ['127.0.0.1:0'], http: ':0', ...flags },
    environment: {},
  })
  const service = new Service({ logger }, { settings, secret: SECRET })
  t.teardown(() => service.close({ drainMs: 0 }))
  return { service, logged }
}

const httpOf = ({ httpAddress }: Service) => httpAddress as Address

test('a service whose component is online, and that listens, is live and ready', async (t) => {
  await using server = await startServer()
  const { service } = build(t, server.component)
  await service.start()
  const live = await get(httpOf(service), '/healthz')
  t.like(live, { status: 200, contentType: 'application/json; charset=utf-8' })
  const { uptimeSeconds, ...rest } = JSON.parse(live.body)
  t.deepEqual(rest, { status: 'ok', version })
  t.true(uptimeSeconds >= 0 && uptimeSeconds < 600)
  t.deepEqual(await get(httpOf(service), '/readyz'), {
    status: 200,
    contentType: 'application/json; charset=utf-8',
    body: '{"status":"ready"}',
  })
})

test('its numbers are told in the format of Prometheus', async (t) => {
  await using server = await startServer()
  const { service, logged } = build(t, server.component)
  await service.start()
  const { status, contentType, body } = await get(httpOf(service), '/metrics')
  t.deepEqual([status, contentType], [200, 'text/plain; version=0.0.4; charset=utf-8'])
  t.is(seriesValue(body, 'streamhost_component_online'), 1)
  const offline = logged(OFFLINE)
  await server.server.close()
  await offline
  const { body: later } = await get(httpOf(service), '/metrics')
  t.is(seriesValue(later, 'streamhost_component_online'), 0)
})

test('without a host it is told on loopback only', async (t) => {
  await using server = await startServer()
  const { service } = build(t, server.component)
  await service.start()
  t.is(httpOf(service).host, '127.0.0.1')
})

test('without --http nothing is told', async (t) => {
  await using server = await startServer()
  const { service } = build(t, server.component, { http: undefined })
  await service.start()
  t.is(service.httpAddress, undefined)
})

test('while there is no server it is live and not ready, and says why, but not where; then it is ready by itself', async (t) => {
  const port = await freePort()
  const { service, logged } = build(t, { host: '127.0.0.1', port })
  const offline = logged(OFFLINE)
  const started = service.start()
  await offline
  const reasons = await notReady(httpOf(service))
  t.deepEqual(Object.keys(reasons), ['component-offline'])
  t.regex(reasons['component-offline'] ?? '', new RegExp(`${SINCE}no XMPP server answers \\(ERR_UNREACHABLE\\)$`))
  t.is((await get(httpOf(service), '/healthz')).status, 200)
  await using _ = await startServer({ componentListen: { host: '127.0.0.1', port } })
  await started
  t.deepEqual(await notReady(httpOf(service)), {})
})

test('it says since when the component is offline, however often it tries again', async (t) => {
  const { service, logged } = build(t, { host: '127.0.0.1', port: await freePort() })
  let offline = logged(OFFLINE)
  service.start().catch(() => {}) // Closed before it was online.
  await offline
  const first = await notReady(httpOf(service))
  offline = logged(OFFLINE)
  await offline
  t.deepEqual(await notReady(httpOf(service)), first)
})

test('a secret that is refused is a reason, as long as it can be asked', async (t) => {
  await using server = await startServer({ components: [{ jid: PROXY, secret: 'another' }] })
  const { service } = build(t, server.component)
  await t.throwsAsync(service.start(), { code: 'ERR_AUTHENTICATION' })
  t.regex((await notReady(httpOf(service)))['component-offline'] ?? '', /: the XMPP server refuses the secret \(ERR_AUTHENTICATION\)$/)
})

test('with the SOCKS5 ports closed it is not ready, although the component is online', async (t) => {
  await using server = await startServer()
  const { service } = build(t, server.component)
  await service.start()
  await service.streamhost.close()
  t.deepEqual(await notReady(httpOf(service)), { 'ports-closed': 'the SOCKS5 ports do not accept connections' })
})

test('from the beginning of its end it is not ready, and live until the last bytestream is over', async (t) => {
  await using server = await startServer()
  const { service } = build(t, server.component)
  await service.start()
  const at = httpOf(service)
  const [port] = service.streamhost.addresses as readonly [Port]
  const [one, other] = await joinBoth(t, port, dstAddrOf(1))
  service.streamhost.activate(dstAddrOf(1))
  const closed = service.close()
  const reasons = await notReady(at)
  t.is(reasons['stopping'], 'the service is stopping: it takes no new bytestreams; 1 may still finish')
  t.is((await get(at, '/healthz')).status, 200)
  one.end()
  other.end()
  await closed
  await t.throwsAsync(get(at, '/healthz'))
})
