import test, { type ExecutionContext } from 'ava'
import { ResourceFinder } from '../../src/bytestreams/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { ServiceDiscovery } from '../../src/session/index.ts'
import { buildDiscoInfo, buildPresence, type Element, NS, type PresenceType } from '../../src/xep/index.ts'
import { announcing } from '../helpers/announcing.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { type Script, scriptSession, stanzaError } from '../helpers/scripted-session.ts'
import { settle } from '../helpers/settle.ts'
import { startNetwork } from '../helpers/xmpp-network.ts'

const features = [NS.si, NS.bytestreams]
const able = buildDiscoInfo({ identities: [], features: [...features, NS.ping] })
const unable = buildDiscoInfo({ identities: [], features: [NS.ping, NS.bytestreams] })

/** What is found is written here, so that a test can look without waiting. */
async function start(t: ExecutionContext, abilities: Readonly<Record<string, 'able' | 'unable' | 'silent' | 'gone'>>) {
  const clock = new FakeClock()
  const script: Script = ({ to }) => {
    const resource = to.split('/')[1] ?? ''
    if (abilities[resource] === 'silent') return 'silence'
    if (abilities[resource] === undefined || abilities[resource] === 'gone') throw stanzaError('service-unavailable')
    return abilities[resource] === 'able' ? able : unable
  }
  const scripted = await scriptSession(t, clock, 'romeo@example.org/orchard', script)
  const finder = new ResourceFinder(scripted.session, clock, announcing(scripted.session).announce)
  const presence = (from: string, priority = 0, type: PresenceType = 'available') =>
    scripted.receive(buildPresence({ type, from, to: 'romeo@example.org/orchard', priority }))
  return { ...scripted, clock, finder, presence }
}

const presencesOf = (sent: readonly Element[]) => sent.filter(({ name }) => name === 'presence').map((stanza) => String(stanza.attrs['to']))

test('a full JID is taken as it is, and nobody is asked', async (t) => {
  const { finder, sent } = await start(t, {})
  const found = await finder.find('juliet@example.org/balcony', { anyOf: [features] })
  t.deepEqual(found, { jid: 'juliet@example.org/balcony', features: undefined })
  t.is(sent.length, 0)
})

test('of the resources that are known and able, the one of the highest priority wins', async (t) => {
  const { finder, presence, sent } = await start(t, { phone: 'able', desk: 'able', tv: 'unable' })
  presence('juliet@example.org/phone', -1)
  presence('juliet@example.org/desk', 5)
  presence('juliet@example.org/tv', 100)
  presence('nurse@example.org/desk', 127)
  t.is((await finder.find('juliet@example.org', { anyOf: [features] })).jid, 'juliet@example.org/desk')
  t.deepEqual(presencesOf(sent), [], 'she is known: no presence is sent')
})

test('one set of features is enough, and all that were shown are told', async (t) => {
  const { finder, presence } = await start(t, { phone: 'able', tv: 'unable' })
  presence('juliet@example.org/phone', 1)
  presence('juliet@example.org/tv', 10)
  const found = await finder.find('juliet@example.org', { anyOf: [['urn:example:other'], features] })
  t.deepEqual(found, { jid: 'juliet@example.org/phone', features: [...features, NS.ping] })
})

test('whoever is gone can nothing', async (t) => {
  const { finder } = await start(t, { phone: 'able', desk: 'gone' })
  const { signal } = new AbortController()
  t.deepEqual(await finder.ask('juliet@example.org/phone', signal), [...features, NS.ping])
  t.deepEqual(await finder.ask('juliet@example.org/desk', signal), [])
})

test('the last priority a resource told is the one that counts', async (t) => {
  const { finder, presence } = await start(t, { phone: 'able', desk: 'able' })
  presence('juliet@example.org/phone', 10)
  presence('juliet@example.org/desk', 5)
  presence('juliet@example.org/phone', 1)
  t.is((await finder.find('juliet@example.org', { anyOf: [features] })).jid, 'juliet@example.org/desk')
})

test('two of the same priority: the one that came first', async (t) => {
  const { finder, presence } = await start(t, { phone: 'able', desk: 'able' })
  presence('juliet@example.org/phone')
  presence('juliet@example.org/desk')
  t.is((await finder.find('juliet@example.org', { anyOf: [features] })).jid, 'juliet@example.org/phone')
})

for (const type of ['unavailable', 'error'] as const) {
  test(`a resource whose presence is of type ${type} is known no more`, async (t) => {
    const { finder, presence } = await start(t, { phone: 'able', desk: 'able' })
    presence('juliet@example.org/phone', 10)
    presence('juliet@example.org/desk', 1)
    presence('juliet@example.org/phone', 0, type)
    t.is((await finder.find('juliet@example.org', { anyOf: [features] })).jid, 'juliet@example.org/desk')
  })
}

test('an account that was never met gets directed presence, and answers with its own', async (t) => {
  const { finder, presence, sent, clock } = await start(t, { phone: 'able' })
  const found = finder.find('juliet@example.org', { anyOf: [features] })
  await settle()
  t.deepEqual(presencesOf(sent), ['juliet@example.org'])
  presence('juliet@example.org/phone')
  await settle()
  clock.advance(300) // for others that might come before it
  t.is((await found).jid, 'juliet@example.org/phone')
  t.is(clock.waiting, 0)
})

test('the first to show up waits 300 ms for others, and the best of them wins', async (t) => {
  const { finder, presence, clock } = await start(t, { phone: 'able', desk: 'able' })
  const found = finder.find('juliet@example.org', { anyOf: [features] })
  await settle()
  presence('juliet@example.org/phone', 1)
  await settle()
  clock.advance(200)
  presence('juliet@example.org/desk', 2)
  await settle()
  clock.advance(100)
  t.is((await found).jid, 'juliet@example.org/desk')
})

test('of two that show up, the one that cannot is passed over', async (t) => {
  const { finder, presence, clock } = await start(t, { tv: 'unable', phone: 'able' })
  const found = finder.find('juliet@example.org', { anyOf: [features] })
  await settle()
  presence('juliet@example.org/tv', 10)
  await settle()
  clock.advance(300)
  await settle()
  presence('juliet@example.org/phone', -1)
  await settle()
  clock.advance(300)
  t.is((await found).jid, 'juliet@example.org/phone')
})

test('one that never answers is not waited for once another could', async (t) => {
  const { finder, presence, clock } = await start(t, { tv: 'silent', phone: 'able' })
  const found = finder.find('juliet@example.org', { anyOf: [features] })
  await settle()
  presence('juliet@example.org/tv', 5)
  await settle()
  clock.advance(1_000)
  presence('juliet@example.org/phone', 1)
  await settle()
  clock.advance(300)
  t.is((await found).jid, 'juliet@example.org/phone')
  await settle()
  t.is(clock.waiting, 0)
})

test('a known one that never answers holds up the greeting of others for 300 ms', async (t) => {
  const { finder, presence, clock, sent } = await start(t, { tv: 'silent', phone: 'able' })
  presence('juliet@example.org/tv', 5)
  const found = finder.find('juliet@example.org', { anyOf: [features] })
  await settle()
  clock.advance(299)
  t.deepEqual(presencesOf(sent), [])
  clock.advance(1)
  t.deepEqual(presencesOf(sent), ['juliet@example.org'])
  presence('juliet@example.org/phone')
  await settle()
  clock.advance(300)
  t.is((await found).jid, 'juliet@example.org/phone')
})

test('of two known ones the able one is taken at once when it comes first, else after 300 ms for the other', async (t) => {
  const { finder, presence, clock } = await start(t, { tv: 'silent', phone: 'able' })
  presence('juliet@example.org/phone', 1)
  presence('juliet@example.org/tv', 0)
  t.is((await finder.find('juliet@example.org', { anyOf: [features] })).jid, 'juliet@example.org/phone')
  presence('juliet@example.org/tv', 2)
  const found = finder.find('juliet@example.org', { anyOf: [features] })
  await settle()
  clock.advance(300)
  t.is((await found).jid, 'juliet@example.org/phone')
})

test('nobody for ten seconds is ERR_NO_RESOURCE, with what to look at', async (t) => {
  const { finder, clock } = await start(t, {})
  const found = finder.find('juliet@example.org', { anyOf: [features] })
  found.catch(() => {})
  await settle()
  clock.advance(9_999)
  await settle()
  clock.advance(1)
  await t.throwsAsync(found, { code: 'ERR_NO_RESOURCE', message: /no device of juliet@example\.org .* 10 s$/ })
  t.is(clock.waiting, 0)
})

test('only one that cannot is ERR_NO_RESOURCE as well', async (t) => {
  const { finder, presence, clock } = await start(t, { tv: 'unable' })
  const found = finder.find('juliet@example.org', { anyOf: [features] })
  found.catch(() => {})
  await settle()
  presence('juliet@example.org/tv')
  await settle()
  clock.advance(10_000)
  await t.throwsAsync(found, { code: 'ERR_NO_RESOURCE' })
})

test('an abort ends the search with its reason, and leaves no timer', async (t) => {
  const { finder, presence, clock } = await start(t, { phone: 'able' })
  const stopping = new AbortController()
  const found = finder.find('juliet@example.org', { anyOf: [features], signal: stopping.signal })
  await settle()
  presence('juliet@example.org/phone')
  await settle()
  stopping.abort()
  await t.throwsAsync(found, { code: 'ERR_ABORTED' })
  t.is(clock.waiting, 0)
})

test('our own other resources are found, ourselves never', async (t) => {
  const { finder, presence } = await start(t, { orchard: 'able', phone: 'able' })
  presence('romeo@example.org/orchard', 100)
  presence('romeo@example.org/phone', -1)
  t.is((await finder.find('romeo@example.org', { anyOf: [features] })).jid, 'romeo@example.org/phone')
})

test('a resource that has gone without a word is found out, and the search begins anew', async (t) => {
  const { finder, presence, clock, sent } = await start(t, { old: 'gone', fresh: 'able' })
  presence('juliet@example.org/old')
  const found = finder.find('juliet@example.org', { anyOf: [features] })
  await settle()
  t.deepEqual(presencesOf(sent), ['juliet@example.org'])
  presence('juliet@example.org/fresh')
  await settle()
  clock.advance(300)
  t.is((await found).jid, 'juliet@example.org/fresh')
})

test('thirty-two resources of one account are remembered, and no more', async (t) => {
  const { finder, presence, sent } = await start(t, {})
  for (let number = 0; number < 100; number++) presence(`juliet@example.org/${number}`)
  const stopping = new AbortController()
  const found = finder.find('juliet@example.org', { anyOf: [features], signal: stopping.signal })
  await settle()
  stopping.abort()
  await t.throwsAsync(found)
  t.is(sent.filter(({ name }) => name === 'iq').length, 32)
})

test('two accounts that never met find each other on the embedded server', async (t) => {
  const network = await startNetwork(t, ['romeo', 'juliet'])
  const [romeo, juliet] = [await network.logIn('romeo'), await network.logIn('juliet')]
  new ServiceDiscovery(juliet.iqs).add({ identities: [], features })
  juliet.send(buildPresence({ type: 'available' }))
  juliet.on('presence', ({ type, from }) => {
    if (type === 'available' && from === romeo.jid) juliet.send(buildPresence({ type: 'available', to: from }))
  })
  t.is(
    (await new ResourceFinder(romeo, systemClock, announcing(romeo).announce).find('juliet@localhost', { anyOf: [features] })).jid,
    juliet.jid,
  )
})
