import test from 'ava'
import { Availability, type Resource } from '../../../src/component/feeds/availability.ts'
import { MemoryPresence, type ResourceRecord } from '../../../src/pubsub/index.ts'

const capabilities = { node: 'https://example.com/client', ver: 'QgayPKawpkPSDYmwT/WM94uAlu0=' }

function scene(isSubscriber: (account: string) => boolean = () => true) {
  const store = new MemoryPresence()
  let nowMs = 1000
  const availability = new Availability({ store, isSubscriber, now: () => nowMs++ })
  const heard: string[] = []
  availability.on('available', ({ jid, priority }) => heard.push(`${jid} ${priority}`))
  availability.on('unavailable', ({ account, jid }) => heard.push(`${jid} of ${account} is gone`))
  const kept = (): readonly ResourceRecord[] => [...store.resources(1000)].flat()
  return { availability, heard, kept }
}

const jids = (resources: readonly Resource[]) => resources.map(({ jid }) => jid)

test('who shows up is there, until it is gone', (t) => {
  const { availability, heard, kept } = scene()
  availability.appeared('a@example.com/desk', { priority: 5, capabilities })
  availability.appeared('a@example.com/phone')
  const desk = { jid: 'a@example.com/desk', account: 'a@example.com', priority: 5, sinceMs: 1000, capabilities }
  const phone = { jid: 'a@example.com/phone', account: 'a@example.com', priority: 0, sinceMs: 1001, capabilities: undefined }
  t.deepEqual(availability.resourcesOf('a@example.com'), [desk, phone])
  t.deepEqual(kept(), [
    { jid: 'a@example.com/desk', account: 'a@example.com', priority: 5, sinceMs: 1000 },
    { jid: 'a@example.com/phone', account: 'a@example.com', priority: 0, sinceMs: 1001 },
  ])
  availability.vanished('a@example.com/desk')
  availability.vanished('a@example.com/desk')
  t.deepEqual([jids(availability.resourcesOf('a@example.com')), availability.size], [['a@example.com/phone'], 1])
  t.deepEqual(jids(kept() as Resource[]), ['a@example.com/phone'])
  t.deepEqual(heard, ['a@example.com/desk 5', 'a@example.com/phone 0', 'a@example.com/desk of a@example.com is gone'])
})

test('who shows up again is told of again, with what it said before where it says nothing', (t) => {
  const { availability, heard } = scene()
  availability.appeared('a@example.com/desk', { priority: 5, capabilities })
  availability.appeared('a@example.com/desk')
  availability.appeared('a@example.com/desk', { priority: -1 })
  const [desk] = availability.resourcesOf('a@example.com')
  t.like(desk, { priority: -1, sinceMs: 1000, capabilities })
  t.deepEqual(heard, ['a@example.com/desk 5', 'a@example.com/desk 5', 'a@example.com/desk -1'])
  t.is(availability.size, 1)
})

test('what has been said already is not written again', (t) => {
  const written: ResourceRecord[] = []
  const store = { putResource: (each: ResourceRecord) => void written.push(each), removeResource: () => {} }
  const availability = new Availability({ store, isSubscriber: () => true })
  for (let told = 0; told < 5; told++) availability.appeared('a@example.com/desk', { priority: 1 })
  t.is(written.length, 1)
})

test('a bare JID is no device; gone, it is all of them', (t) => {
  const { availability, heard } = scene()
  availability.appeared('a@example.com')
  t.is(availability.size, 0)
  availability.appeared('a@example.com/desk')
  availability.appeared('a@example.com/phone')
  availability.appeared('b@example.com/desk')
  availability.vanished('a@example.com')
  t.deepEqual(availability.resourcesOf('a@example.com'), [])
  t.deepEqual(jids(availability.resourcesOf('b@example.com')), ['b@example.com/desk'])
  t.is(heard.filter((line) => line.endsWith('is gone')).length, 2)
})

test('of who has subscribed to nothing, nothing is kept', (t) => {
  const { availability, heard, kept } = scene((account) => account === 'a@example.com')
  availability.appeared('mallory@example.com/x')
  availability.vanished('mallory@example.com/x')
  availability.appeared('a@example.com/desk')
  t.deepEqual([heard, kept().length, availability.size], [['a@example.com/desk 0'], 1, 1])
})

test('of an account with too many devices, those that have been there longest are forgotten', (t) => {
  const { availability, kept } = scene()
  for (let device = 0; device < 20; device++) availability.appeared(`a@example.com/${device}`)
  availability.appeared('b@example.com/desk')
  t.deepEqual(
    jids(availability.resourcesOf('a@example.com')),
    Array.from({ length: 16 }, (_, at) => `a@example.com/${at + 4}`),
  )
  t.deepEqual([availability.size, kept().length], [17, 17])
})

test('a flood from one account costs others nothing', (t) => {
  const { availability, kept } = scene()
  availability.appeared('b@example.com/desk')
  for (let device = 0; device < 1000; device++) availability.appeared(`a@example.com/${device}`)
  t.deepEqual(jids(availability.resourcesOf('b@example.com')), ['b@example.com/desk'])
  t.is(kept().length, 17)
})
