import test, { type ExecutionContext } from 'ava'
import type { Resource } from '../../../src/component/feeds/availability.ts'
import { ConsumerAbilities } from '../../../src/component/feeds/consumer-abilities.ts'
import { softwareUri } from '../../../src/core/index.ts'
import { buildDiscoInfo, capabilitiesVersion, type DiscoInfo, feedAcceptanceForm, NS } from '../../../src/xep/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { type Script, scriptSession, stanzaError } from '../../helpers/scripted-session.ts'
import { settle } from '../../helpers/settle.ts'

const watcher: DiscoInfo = {
  identities: [{ category: 'client', type: 'bot' }],
  features: [NS.feeds],
  forms: [feedAcceptanceForm({ sizeBytesMax: 5000 })],
}
const person: DiscoInfo = { identities: [{ category: 'client', type: 'pc' }], features: [NS.receipts] }

async function scene(t: ExecutionContext, script: Script) {
  const clock = new FakeClock()
  const asked: string[] = []
  const { session } = await scriptSession(t, clock, 'feeds.example.org', (iq) => {
    asked.push(iq.to)
    return script(iq)
  })
  return { clock, session, asked, abilities: new ConsumerAbilities({ session, clock }) }
}

const resource = (jid: string, ver?: string, node = 'https://example.com/client'): Resource => ({
  ...{ jid, account: jid.slice(0, jid.indexOf('/')), priority: 0, sinceMs: 0 },
  capabilities: ver === undefined ? undefined : { node, ver },
})

test('whose presence tells the same hash is asked once for all, forms included (XEP-0115)', async (t) => {
  const { abilities, asked } = await scene(t, () => buildDiscoInfo(watcher))
  const ver = capabilitiesVersion(watcher)
  t.like(await abilities.of(resource('a@example.org/x', ver)), { acknowledges: 'by IQ', accepts: { sizeBytesMax: 5000 } })
  t.like(await abilities.of(resource('b@example.org/x', ver)), { acknowledges: 'by IQ', accepts: { sizeBytesMax: 5000 } })
  t.deepEqual(asked, ['a@example.org/x'])
})

test('an answer that has not the hash it claims to have is believed of its own device alone (XEP-0115 §5.4)', async (t) => {
  const ver = capabilitiesVersion(person)
  const { abilities, asked } = await scene(t, ({ to }) => buildDiscoInfo(to.startsWith('liar') ? watcher : person))
  const liar = resource('liar@example.org/x', ver)
  t.like(await abilities.of(liar), { acknowledges: 'by IQ' })
  t.like(await abilities.of(resource('a@example.org/x', ver)), { acknowledges: 'by receipt' })
  t.deepEqual(asked, ['liar@example.org/x', 'a@example.org/x'])
  await abilities.of(liar)
  t.is(asked.length, 2, 'what it said itself stays said until it tells of something else')
})

test('who says nothing of what it can is asked anew each time it shows up', async (t) => {
  const { abilities, asked } = await scene(t, () => buildDiscoInfo(person))
  const first = resource('a@example.org/x')
  await abilities.of(first)
  await abilities.of(first)
  await abilities.of(resource('a@example.org/x'))
  t.is(asked.length, 2)
})

test('a client that knows no service discovery is for people; where an account or a server is gone, nobody is there', async (t) => {
  const { abilities } = await scene(t, ({ to }) => {
    throw stanzaError(to.slice(0, to.indexOf('@')))
  })
  t.like(await abilities.of(resource('service-unavailable@example.org/x')), { reads: 'text', acknowledges: 'not' })
  t.like(await abilities.of(resource('feature-not-implemented@example.org/x')), { reads: 'text', acknowledges: 'not' })
  t.is(await abilities.of(resource('recipient-unavailable@example.org/x')), undefined)
  t.is(await abilities.of(resource('remote-server-not-found@example.org/x')), undefined)
})

test('who does not answer in time is for people, unless it is known to be a program', async (t) => {
  let isSilent = false
  const { abilities, clock } = await scene(t, () => (isSilent ? 'silence' : buildDiscoInfo(watcher)))
  await abilities.of(resource('a@example.org/x'))
  isSilent = true
  const late = async (one: Resource) => {
    const found = abilities.of(one)
    await settle()
    clock.advance(10_000)
    return found
  }
  t.like(await late(resource('b@example.org/x')), { reads: 'text' })
  t.like(await late(resource('a@example.org/x')), { reads: 'events', acknowledges: 'by IQ' }, 'it was one before')
  t.like(await late(resource('c@example.org/x', 'abc', softwareUri)), { reads: 'events', acknowledges: 'by IQ' }, 'it is one of ours')
  t.like(await late(resource('d@example.org/x', 'abc')), { reads: 'text' })
})

test('without a connection nobody can be asked', async (t) => {
  const { abilities, session } = await scene(t, () => buildDiscoInfo(person))
  await session.stop()
  await t.throwsAsync(abilities.of(resource('a@example.org/x')), { code: 'ERR_SESSION_CLOSED' })
})

test('a server is asked once an hour whether it heeds rules for what it cannot deliver (XEP-0079)', async (t) => {
  const { abilities, asked, clock } = await scene(t, ({ to }) => {
    if (to === 'gone.example.org') throw stanzaError('remote-server-not-found')
    return buildDiscoInfo({ identities: [], features: to === 'amp.example.org' ? [NS.amp] : [] })
  })
  t.true(await abilities.hasAmp('a@amp.example.org'))
  t.true(await abilities.hasAmp('b@amp.example.org'))
  t.false(await abilities.hasAmp('a@example.org'))
  t.false(await abilities.hasAmp('a@gone.example.org'))
  t.deepEqual(asked, ['amp.example.org', 'example.org', 'gone.example.org'])
  clock.advance(3_600_000)
  await abilities.hasAmp('a@amp.example.org')
  t.is(asked.length, 4)
})

test('a server that could not be asked is asked again after a minute; one that says that it tells nothing is not', async (t) => {
  let isAway = true
  const { abilities, asked, clock } = await scene(t, ({ to }) => {
    if (to === 'mute.example.org') throw stanzaError('service-unavailable')
    if (isAway) throw stanzaError('remote-server-timeout')
    return buildDiscoInfo({ identities: [], features: [NS.amp] })
  })
  t.false(await abilities.hasAmp('a@amp.example.org'))
  t.false(await abilities.hasAmp('a@mute.example.org'))
  isAway = false
  t.false(await abilities.hasAmp('a@amp.example.org'), 'nobody waits for it each time')
  clock.advance(60_000)
  t.true(await abilities.hasAmp('a@amp.example.org'))
  t.false(await abilities.hasAmp('a@mute.example.org'))
  t.deepEqual(asked, ['amp.example.org', 'mute.example.org', 'amp.example.org'])
})
