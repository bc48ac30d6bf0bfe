import test, { type ExecutionContext } from 'ava'
import { ProxyFinder } from '../../../src/bytestreams/index.ts'
import { silentLogger, systemClock } from '../../../src/core/index.ts'
import { buildAddresses, buildDiscoInfo, buildDiscoItems, type DiscoItem, NS } from '../../../src/xep/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { type Script, scriptSession, stanzaError } from '../../helpers/scripted-session.ts'
import { settle } from '../../helpers/settle.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

const proxyInfo = buildDiscoInfo({ identities: [{ category: 'proxy', type: 'bytestreams' }], features: [NS.bytestreams] })
const roomInfo = buildDiscoInfo({ identities: [{ category: 'conference', type: 'text' }], features: [] })
const at = (jid: string, host = '192.0.2.1') => ({ jid, host, port: 7777 })

/** A server with `items`, each of which answers as `entities` says. */
async function find(t: ExecutionContext, items: readonly DiscoItem[], entities: Script = answerAsProxy) {
  const clock = new FakeClock()
  const { session, sent } = await scriptSession(t, clock, 'romeo@example.org/orchard', (iq) =>
    iq.payload.getNS() === NS.discoItems && iq.to === 'example.org' ? buildDiscoItems(items) : entities(iq),
  )
  return { clock, sent, finder: new ProxyFinder(session, clock, silentLogger) }
}

const answerAsProxy: Script = ({ to, payload }) => (payload.getNS() === NS.discoInfo ? proxyInfo : buildAddresses([at(to)]))

test("the proxies among the items of the account's server are found, in the order of the items", async (t) => {
  const { finder } = await find(t, [{ jid: 'b.example.org' }, { jid: 'rooms.example.org' }, { jid: 'a.example.org' }], (iq) =>
    iq.to === 'rooms.example.org' ? roomInfo : answerAsProxy(iq),
  )
  t.deepEqual(await finder.find(), [
    { jid: 'b.example.org', streamhosts: [at('b.example.org')] },
    { jid: 'a.example.org', streamhosts: [at('a.example.org')] },
  ])
})

test('what is found is remembered for five minutes, and asked once by however many', async (t) => {
  const { finder, clock, sent } = await find(t, [{ jid: 'a.example.org' }])
  const [first, second] = await Promise.all([finder.find(), finder.find()])
  t.is(first, second)
  t.is(sent.length, 3)
  clock.advance(5 * 60_000 - 1)
  t.is(await finder.find(), first)
  t.is(sent.length, 3)
  clock.advance(1)
  t.deepEqual(await finder.find(), first)
  t.is(sent.length, 6)
})

test('forgetting makes the next look a new one', async (t) => {
  const { finder, sent } = await find(t, [{ jid: 'a.example.org' }])
  await finder.find()
  finder.forget()
  await finder.find()
  t.is(sent.length, 6)
})

test('that there is none is not remembered: a proxy may come', async (t) => {
  const items: DiscoItem[] = []
  const { finder } = await find(t, items)
  t.deepEqual(await finder.find(), [])
  items.push({ jid: 'a.example.org' })
  t.is((await finder.find()).length, 1)
})

test('an item with a node is no service of its own, and is not asked', async (t) => {
  const { finder, sent } = await find(t, [{ jid: 'pubsub.example.org', node: 'news' }, { jid: 'a.example.org' }])
  t.is((await finder.find()).length, 1)
  t.false(sent.some((stanza) => stanza.attrs['to'] === 'pubsub.example.org'))
})

test('an item that never answers takes five seconds at most, and hides no other', async (t) => {
  const { finder, clock } = await find(t, [{ jid: 'hangs.example.org' }, { jid: 'a.example.org' }], (iq) =>
    iq.to === 'hangs.example.org' ? 'silence' : answerAsProxy(iq),
  )
  let found: readonly unknown[] | undefined
  void finder.find().then((proxies) => {
    found = proxies
  })
  await settle()
  clock.advance(4_999)
  await settle()
  t.is(found, undefined)
  clock.advance(1)
  await settle()
  t.is(found?.length, 1)
  t.is(clock.waiting, 0)
})

test('an item that tells what it is and then never its address takes ten seconds at most', async (t) => {
  const { finder, clock } = await find(t, [{ jid: 'hangs.example.org' }], ({ payload }) =>
    payload.getNS() === NS.discoInfo ? proxyInfo : 'silence',
  )
  const found = finder.find()
  await settle()
  clock.advance(5_000)
  t.deepEqual(await found, [])
})

test('a server that never answers has no proxies, five seconds later', async (t) => {
  const clock = new FakeClock()
  const { session } = await scriptSession(t, clock, 'romeo@example.org/orchard', () => 'silence')
  const found = new ProxyFinder(session, clock, silentLogger).find()
  await settle()
  clock.advance(5_000)
  t.deepEqual(await found, [])
})

const skipped = test.macro({
  async exec(t, entities: Script) {
    const { finder } = await find(t, [{ jid: 'odd.example.org' }, { jid: 'a.example.org' }], (iq) =>
      iq.to === 'odd.example.org' ? entities(iq) : answerAsProxy(iq),
    )
    t.deepEqual(
      (await finder.find()).map(({ jid }) => jid),
      ['a.example.org'],
    )
  },
  title: (given = '') => `a proxy that ${given} is left out`,
})
test('lets others in only (forbidden)', skipped, ({ payload }) => {
  if (payload.getNS() === NS.discoInfo) return proxyInfo
  throw stanzaError('forbidden', { type: 'auth' })
})
test('refuses to say what it is', skipped, () => {
  throw stanzaError('service-unavailable')
})
test('has no streamhost', skipped, ({ payload }) => (payload.getNS() === NS.discoInfo ? proxyInfo : buildAddresses([])))
test('answers with nothing', skipped, () => undefined)

test('of two hundred items only the first fifty are asked', async (t) => {
  const items = Array.from({ length: 200 }, (_, index) => ({ jid: `${index}.example.org` }))
  const { finder } = await find(t, items)
  t.is((await finder.find()).length, 50)
})

test('one proxy by name is asked for its address without a look at what it is', async (t) => {
  const { finder, sent } = await find(t, [])
  t.deepEqual(await finder.ask('far.example.net'), { jid: 'far.example.net', streamhosts: [at('far.example.net')] })
  t.is(sent.length, 1)
})

test('our own proxy is found, on the embedded server', async (t) => {
  const network = await startNetwork(t, ['romeo'])
  const { streamhosts } = await network.startProxy()
  const finder = new ProxyFinder(await network.logIn('romeo'), systemClock, silentLogger)
  t.deepEqual(await finder.find(), [{ jid: 'proxy.localhost', streamhosts }])
})
