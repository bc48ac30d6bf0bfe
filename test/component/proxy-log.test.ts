import test, { type ExecutionContext } from 'ava'
import { BytestreamProxy, logProxy, type ProxyEvents } from '../../src/component/index.ts'
import { AccessList } from '../../src/policy/index.ts'
import { openLine, outcomeOf } from '../helpers/component-line.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { keepLines } from '../helpers/log-lines.ts'
import { openStreamhost } from '../helpers/streamhost.ts'

const FRIEND = 'requester@example.org/foo'
const STRANGER = 'requester@example.net/foo'
const query = (children: string) => `<query xmlns='http://jabber.org/protocol/bytestreams' sid='vxf9n471bn46'>${children}</query>`
const activation = query('<activate>target@example.org/bar</activate>')

async function openProxy(t: ExecutionContext) {
  const { streamhost } = await openStreamhost(t)
  const line = await openLine(t, 'proxy.example.org')
  const advertised = [{ jid: 'proxy.example.org', host: '192.0.2.1', port: 7777 }]
  const proxy = new BytestreamProxy({ session: line.session, streamhost, access: new AccessList(['example.org']) }, { advertised })
  const refused: ProxyEvents['activationRefused'][0][] = []
  proxy.on('activationRefused', (facts) => refused.push(facts))
  const clock = new FakeClock()
  const { logger, lines } = keepLines()
  logProxy(proxy, logger, clock)
  const ask = async (type: 'get' | 'set', from: string, payload: string) => outcomeOf(await line.ask({ type, from, payload }))
  return { ask, clock, lines, refused }
}

for (const [what, type, from, payload, outcome, code] of [
  ['ask for the address', 'get', STRANGER, query(''), /^auth forbidden$/, 'ERR_FORBIDDEN'],
  ['activate', 'set', STRANGER, activation, /^auth forbidden$/, 'ERR_FORBIDDEN'],
  ['activate without a target', 'set', FRIEND, query(''), /^modify bad-request/, 'ERR_BAD_REQUEST'],
  ['activate what nobody waits for', 'set', FRIEND, activation, /^cancel item-not-found/, 'ERR_BYTESTREAM_UNKNOWN'],
] as const) {
  test(`however often those who may not, or cannot, ${what}, it is a line a minute, and all of them at debug`, async (t) => {
    const { ask, clock, lines } = await openProxy(t)
    for (let time = 0; time < 50; time += 1) t.regex(await ask(type, from, payload), outcome)
    clock.advance(60_000)
    await ask(type, from, payload)
    t.is(lines.length, 51)
    t.true(lines.every((line) => line['from'] === from && line['code'] === code))
    t.deepEqual(
      lines.filter(({ level }) => level !== 'debug').map(({ level, suppressed }) => [level, suppressed]),
      [
        ['info', 0],
        ['info', 49],
      ],
    )
  })
}

test('what is refused before anything was looked for is told as such; what is answered is no refusal', async (t) => {
  const { ask, lines, refused } = await openProxy(t)
  await ask('set', STRANGER, activation)
  await ask('set', FRIEND, query('<activate>@</activate>'))
  await ask('set', FRIEND, activation)
  t.is(await ask('get', FRIEND, query('')), 'result')
  t.deepEqual(refused, [
    { from: STRANGER, code: 'ERR_FORBIDDEN' },
    { from: FRIEND, code: 'ERR_JID_MALFORMED' },
  ])
  t.deepEqual(lines.at(-1), { level: 'debug', sentence: 'told the address', from: FRIEND, code: undefined })
})
