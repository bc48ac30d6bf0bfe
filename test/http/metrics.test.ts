import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { BytestreamProxy } from '../../src/component/index.ts'
import { version } from '../../src/core/index.ts'
import { Health } from '../../src/http/health.ts'
import { Metrics } from '../../src/http/metrics.ts'
import { AccessList } from '../../src/policy/index.ts'
import { computeDstAddr } from '../../src/socks5/index.ts'
import type { StreamhostInit } from '../../src/streamhost/index.ts'
import { openLine } from '../helpers/component-line.ts'
import { type Family, readExposition, seriesValue } from '../helpers/exposition.ts'
import { connectPeer, until } from '../helpers/peer.ts'
import { dstAddrOf, join, joinBoth, openStreamhost } from '../helpers/streamhost.ts'

const dstAddr = dstAddrOf(1)

async function open(t: ExecutionContext, init: Partial<StreamhostInit> = {}) {
  const stage = await openStreamhost(t, init)
  const health = new Health(stage)
  const metrics = new Metrics({ streamhost: stage.streamhost, health })
  /** The values of these series, without the `streamhost_` in front. */
  const values = async (...series: string[]) => {
    const text = await metrics.text()
    return series.map((name) => seriesValue(text, `streamhost_${name}`))
  }
  return { ...stage, health, metrics, values }
}

/** What a practice of Prometheus's says against the name of a metric. */
function complaints({ name, type, help }: Family): string[] {
  const found: string[] = []
  const isPart = (word: string) => name.split('_').includes(word)
  if (!/^streamhost(_[a-z0-9]+)+$/.test(name)) found.push('words and underscores, behind the prefix')
  if (name.endsWith('_total') !== (type === 'counter')) found.push('_total is for counters, and all of them')
  if (/_(count|sum|bucket|info)$/.test(name) && name !== 'streamhost_info') found.push('an ending that means something else')
  if (['ms', 'milliseconds', 'kb', 'kib', 'minutes', 'hours', 'percent', 'octets'].some(isPart)) found.push('no base unit')
  if ([type, 'gauge', 'counter', 'histogram'].some(isPart)) found.push('its type in its name')
  if (!/[^.]$/.test(help)) found.push('no help')
  return found
}

test('what is told conforms to the format of Prometheus, and the names to its practices', async (t) => {
  const { metrics } = await open(t)
  t.is(metrics.contentType, 'text/plain; version=0.0.4; charset=utf-8')
  const families = [...readExposition(await metrics.text()).values()]
  const own = families.filter(({ name }) => !/^(process|nodejs)_/.test(name))
  t.true(own.length >= 20)
  t.deepEqual(
    own.flatMap((family) => complaints(family).map((complaint) => `${family.name}: ${complaint}`)),
    [],
  )
  t.deepEqual(complaints({ name: 'streamhost_wait_ms', type: 'counter', help: '', samples: [] }), [
    '_total is for counters, and all of them',
    'no base unit',
    'no help',
  ])
})

test('the process and the lag of its event loop are among it, once, however many services it has', async (t) => {
  const { metrics } = await open(t)
  const other = await open(t)
  for (const text of [await metrics.text(), await other.metrics.text()]) {
    const families = readExposition(text)
    for (const name of ['process_resident_memory_bytes', 'process_start_time_seconds', 'nodejs_eventloop_lag_p99_seconds'])
      t.is(families.get(name)?.samples.length, 1, name)
  }
})

test('version, engine and every limit are told', async (t) => {
  const limits = { openSocketsMax: 100, handshakeMsMax: 1_500, readAheadBytesMax: 65_536 }
  const { values, streamhost } = await open(t, { limits })
  const { engine, engineReason = '' } = streamhost
  t.deepEqual(
    await values(
      `info{version="${version}",engine="${engine}",engine_reason="${engineReason}"}`,
      ...['open_sockets_max', 'handshake_max_seconds', 'read_ahead_max_bytes', 'waiting_sockets_max', 'idle_max_seconds'],
    ),
    [1, 100, 1.5, 65_536, 8_192, 3_600],
  )
})

test('sockets are told of as they come, wait and go', async (t) => {
  const { values, ports, streamhost, clock } = await open(t)
  const sockets = () => values('open_sockets', 'half_open_sockets', 'waiting_sockets', 'sockets_accepted_total', 'sockets_admitted_total')
  t.deepEqual(await sockets(), [0, 0, 0, 0, 0])
  const silent = await connectPeer(t, ports[0])
  await until(() => streamhost.gauges().halfOpen === 1)
  t.deepEqual(await sockets(), [1, 1, 0, 1, 0])
  const one = await join(t, ports[0], dstAddr)
  t.deepEqual(await sockets(), [2, 1, 1, 2, 1])
  one.write('early')
  await until(() => streamhost.gauges().readAheadBytes === 5)
  t.deepEqual(await values('read_ahead_bytes'), [5])
  silent.socket.destroy()
  await until(() => streamhost.gauges().halfOpen === 0)
  clock.advance(120_000)
  await until(() => streamhost.gauges().openSockets === 0)
  t.deepEqual(await sockets(), [0, 0, 0, 2, 1])
  t.deepEqual(await values('read_ahead_bytes'), [0])
})

test('a bytestream moves the counters while it runs, and the histograms when it is over', async (t) => {
  const { values, ports, streamhost, clock } = await open(t)
  const running = () =>
    values(
      ...['active_bytestreams', 'bytestreams_activated_total', 'bytestreams_ended_total{end="end"}'],
      ...['relayed_bytes_total{direction="first_to_second"}', 'relayed_bytes_total{direction="second_to_first"}'],
    )
  t.deepEqual(await running(), [0, 0, 0, 0, 0])
  const one = await join(t, ports[0], dstAddr)
  clock.advance(200)
  const other = await join(t, ports[0], dstAddr)
  clock.advance(20)
  streamhost.activate(dstAddr)
  t.deepEqual(await values('setup_seconds_bucket{le="0.1"}', 'setup_seconds_bucket{le="0.25"}', 'setup_seconds_sum'), [0, 1, 0.22])
  one.write('there')
  await other.read(5)
  other.write('back')
  await one.read(4)
  t.deepEqual(await running(), [1, 1, 0, 5, 4])
  t.deepEqual(await values('bytestream_bytes_count', 'bytestream_seconds_count'), [0, 0])
  clock.advance(2_000)
  const closed = once(streamhost, 'closed')
  one.end()
  other.end()
  await closed
  t.deepEqual(await running(), [0, 1, 1, 5, 4])
  t.deepEqual(await values('bytestream_bytes_sum', 'bytestream_bytes_bucket{le="1024"}'), [9, 1])
  t.deepEqual(await values('bytestream_seconds_bucket{le="1"}', 'bytestream_seconds_bucket{le="5"}', 'bytestream_seconds_sum'), [0, 1, 2])
  const throughput = 'bytestream_throughput_bytes_per_second'
  t.deepEqual(await values(`${throughput}_sum`, `${throughput}_count`), [4.5, 1])
})

test('a bytestream without an octet has no throughput, and a reset is an end of its own', async (t) => {
  const { values, ports, streamhost, clock } = await open(t)
  const [one] = await joinBoth(t, ports[0], dstAddr)
  streamhost.activate(dstAddr)
  clock.advance(1_000)
  const closed = once(streamhost, 'closed')
  one.socket.resetAndDestroy()
  await closed
  t.deepEqual(await values('bytestreams_ended_total{end="reset"}', 'bytestreams_ended_total{end="end"}'), [1, 0])
  t.deepEqual(await values('bytestream_bytes_count', 'bytestream_throughput_bytes_per_second_count'), [1, 0])
})

test('refusals are counted by reason', async (t) => {
  const { values, ports, streamhost, clock } = await open(t)
  const reasons = ['ERR_SOCKS5_MALFORMED', 'ERR_PLACES_TAKEN', 'ERR_HANDSHAKE_TIMEOUT', 'ERR_TIMEOUT']
  const counts = () => values(...reasons.map((reason) => `refusals_total{reason="${reason}"}`))
  t.deepEqual(await counts(), [0, 0, 0, 0])
  const garbage = await connectPeer(t, ports[0])
  garbage.write('GET / HTTP/1.1\r\n\r\n')
  await until(() => streamhost.counters.refusals.ERR_SOCKS5_MALFORMED === 1)
  t.deepEqual(await counts(), [1, 0, 0, 0])
  await joinBoth(t, ports[0], dstAddr)
  await t.throwsAsync(join(t, ports[0], dstAddr), { message: /not let in/ })
  t.deepEqual(await counts(), [1, 1, 0, 0])
  await connectPeer(t, ports[0])
  await until(() => streamhost.gauges().halfOpen === 1)
  clock.advance(120_000)
  t.deepEqual(await counts(), [1, 1, 1, 2])
})

test('whether the component is online is told', async (t) => {
  const { values, health } = await open(t)
  const { session } = await openLine(t, 'proxy.example.org')
  t.deepEqual(await values('component_online'), [0])
  health.watch(session)
  session.emit('online', { jid: session.jid })
  t.deepEqual(await values('component_online'), [1])
  await session.stop()
  t.deepEqual(await values('component_online'), [0])
})

const REQUESTER = 'requester@example.org/foo'
const TARGET = 'target@example.org/bar'
const activate = (target: string, sid = "sid='vxf9n471bn46'") =>
  `<query xmlns='http://jabber.org/protocol/bytestreams' ${sid}><activate>${target}</activate></query>`

test('questions for the address, and activations, are counted by result (XEP-0065 §4, §6.3.5)', async (t) => {
  const { values, metrics, ports, streamhost } = await open(t)
  const { session, ask } = await openLine(t, 'proxy.example.org')
  const access = new AccessList(['example.org'])
  metrics.watch(
    new BytestreamProxy(
      { session, streamhost, access },
      { advertised: [{ jid: 'proxy.example.org', host: '127.0.0.1', port: ports[0].port }] },
    ),
  )
  const results = ['ok', 'ERR_FORBIDDEN', 'ERR_BAD_REQUEST', 'ERR_JID_MALFORMED', 'ERR_BYTESTREAM_UNKNOWN', 'ERR_PEER_MISSING']
  const activations = () => values(...results.map((result) => `activations_total{result="${result}"}`))
  t.deepEqual(await activations(), [0, 0, 0, 0, 0, 0])
  for (const from of [REQUESTER, REQUESTER, 'stranger@example.net/x'])
    await ask({ type: 'get', from, payload: "<query xmlns='http://jabber.org/protocol/bytestreams'/>" })
  t.deepEqual(await values('address_queries_total{result="ok"}', 'address_queries_total{result="ERR_FORBIDDEN"}'), [2, 1])
  await ask({ type: 'set', from: REQUESTER, payload: activate(TARGET) })
  await ask({ type: 'set', from: 'stranger@example.net/x', payload: activate(TARGET) })
  await ask({ type: 'set', from: REQUESTER, payload: activate(TARGET, '') })
  await ask({ type: 'set', from: REQUESTER, payload: activate('@') })
  const pair = computeDstAddr('vxf9n471bn46', REQUESTER, TARGET)
  await join(t, ports[0], pair)
  await ask({ type: 'set', from: REQUESTER, payload: activate(TARGET) })
  await join(t, ports[0], pair)
  await ask({ type: 'set', from: REQUESTER, payload: activate(TARGET) })
  t.deepEqual(await activations(), [1, 1, 1, 1, 1, 1])
  t.notRegex(await metrics.text(), /example|127\.0\.0\.1|vxf9n471bn46/, 'nobody is named')
})
