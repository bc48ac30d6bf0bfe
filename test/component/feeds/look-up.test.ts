// Goal: who was there before is there again once it says so, however late; who says nothing, or is not there, is forgotten.
// Method: a clock that stands still, and devices that are a script.

import test, { type ExecutionContext } from 'ava'
import { Availability } from '../../../src/component/feeds/availability.ts'
import { LookUp } from '../../../src/component/feeds/look-up.ts'
import { MemoryPresence } from '../../../src/pubsub/index.ts'
import { buildDiscoInfo, buildIqResult, type Element } from '../../../src/xep/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { scriptSession, stanzaError } from '../../helpers/scripted-session.ts'
import { settle } from '../../helpers/settle.ts'

const DEVICE = 'wall7@example.org/screen'
const ACCOUNT = 'wall7@example.org'

async function open(t: ExecutionContext, condition?: string) {
  const clock = new FakeClock()
  const store = new MemoryPresence()
  store.putResource({ jid: DEVICE, account: ACCOUNT, priority: 3, sinceMs: 0 })
  const asked: Element[] = []
  const script = await scriptSession(t, clock, 'feeds.example.org', ({ stanza }) => {
    asked.push(stanza)
    if (condition !== undefined) throw stanzaError(condition)
    return 'silence'
  })
  const { session } = script
  const availability = new Availability({ store, isSubscriber: () => true })
  const lookUp = new LookUp({ session, store, availability, clock })
  const there = () => availability.resourcesOf(ACCOUNT).map(({ jid, priority }) => `${jid} ${priority}`)
  const kept = () => [...store.resources(9)].flat().length
  const pass = async (ms: number) => {
    clock.advance(ms)
    await settle()
  }
  return { script, asked, clock, lookUp, there, kept, pass, availability }
}

test('a device that answers when it was given up is there again', async (t) => {
  const { script, asked, lookUp, there, pass } = await open(t)
  const done = lookUp.run(() => false)
  await settle()
  await pass(30_000)
  await done
  t.deepEqual(there(), [])
  script.receive(buildIqResult(asked[0] as Element, buildDiscoInfo({ identities: [], features: [] })))
  await settle()
  t.deepEqual(there(), [`${DEVICE} 3`])
})

test('a device that was given up is there again once it says anything', async (t) => {
  const { lookUp, there, kept, pass, clock } = await open(t)
  const done = lookUp.run(() => false)
  await settle()
  await pass(30_000)
  await done
  lookUp.heard('other@example.org/x')
  t.deepEqual(there(), [])
  lookUp.heard(DEVICE)
  t.deepEqual(there(), [`${DEVICE} 3`])
  await pass(600_000)
  t.deepEqual([there(), kept(), clock.waiting], [[`${DEVICE} 3`], 1, 0], 'also when it never answers')
})

test('a device that says nothing for ten minutes is forgotten, and one that is not there at once', async (t) => {
  const silent = await open(t)
  void silent.lookUp.run(() => false)
  await settle()
  await silent.pass(599_999)
  t.is(silent.kept(), 1)
  await silent.pass(1)
  t.deepEqual([silent.there(), silent.kept()], [[], 0])
  silent.lookUp.heard(DEVICE)
  t.deepEqual(silent.there(), [])
  const gone = await open(t, 'service-unavailable')
  await gone.lookUp.run(() => false)
  t.deepEqual([gone.there(), gone.kept(), gone.clock.waiting], [[], 0, 0])
})

test('a device that has shown itself meanwhile is not forgotten because it does not answer', async (t) => {
  const { lookUp, there, kept, pass, availability } = await open(t)
  void lookUp.run(() => false)
  await settle()
  availability.appeared(DEVICE, { priority: 5 })
  await pass(600_000)
  t.deepEqual([there(), kept()], [[`${DEVICE} 5`], 1])
})
