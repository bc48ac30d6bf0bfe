// Goal: what waits is handed to one who is there and can take it, in order, and to nobody twice who has it.
// Method: the service with its queues in memory; the server, the devices and the time are the test's.

import test from 'ava'
import { MemoryStore } from '../../../src/pubsub/index.ts'
import { parseDelivery } from '../../../src/xep/index.ts'
import { DeliveryScene, FEEDS, NODE, plain, watching, withReceipts } from '../../helpers/feed-deliveries.ts'

const WALL = 'wall7@example.org'
const PERSON = 'anna@example.org'
const OWNER = { jid: 'ci@example.org/builds' }

test('what was published while somebody was away comes in order when he is there, and he acknowledges it', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([WALL])
  await scene.publish(['a', 'b', 'c'])
  t.deepEqual(scene.told(), [], 'nobody is there')
  await scene.enter(`${WALL}/x`, watching())
  const messages = scene.messages()
  t.deepEqual(messages.map(parseDelivery), [1, 2, 3])
  t.is((await scene.acknowledge(`${WALL}/x`, [1, 2, 3]))?.attrs['type'], 'result')
  t.deepEqual(scene.pubsub.queues.counts, { messages: 0, entries: 0, letters: 0 })
  t.deepEqual(scene.deliveries.counts, { handed: 3, acknowledged: 3, returned: 0, dead: 0 })
  await scene.leave(`${WALL}/x`)
  await scene.enter(`${WALL}/x`, watching())
  t.deepEqual(scene.told(), [])
})

test('who is there is told at once', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([WALL, PERSON])
  await scene.enter(`${WALL}/x`, watching())
  await scene.enter(`${PERSON}/desk`, plain)
  await scene.publish(['a'])
  t.deepEqual([...scene.told()].sort(), [`${PERSON}/desk "a.iso (1000 B)"`, `${WALL}/x a`])
})

test('who has not acknowledged sixteen gets no more, until he does', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([WALL])
  await scene.enter(`${WALL}/x`, watching())
  await scene.publish(Array.from({ length: 20 }, (_, n) => `f${n}`))
  t.is(scene.messages().length, 16)
  await scene.acknowledge(`${WALL}/x`, [3])
  t.deepEqual(scene.told(), [`${WALL}/x f16`])
  await scene.acknowledge(`${WALL}/x`, [1, 2, 4, 5])
  t.deepEqual(scene.told(), [`${WALL}/x f17`, `${WALL}/x f18`, `${WALL}/x f19`])
})

test('what was replaced before it was acknowledged makes room for what comes, however often', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([WALL])
  await scene.enter(`${WALL}/x`, watching())
  for (let time = 0; time < 20; time++) await scene.publish(['a'])
  t.is(scene.messages().length, 20)
  await scene.publish(['b'])
  t.deepEqual(scene.told(), [`${WALL}/x b`])
})

for (const [how, end] of [
  ['purged', ({ pubsub }) => pubsub.purge(OWNER, NODE)],
  ['over, and not swept yet,', (scene) => scene.pass(40_000)],
  [
    'swept',
    async (scene) => {
      await scene.pass(40_000)
      while (scene.pubsub.sweep().more) {}
    },
  ],
] as const satisfies readonly (readonly [string, (scene: DeliveryScene) => unknown])[]) {
  test(`sixteen that are ${how} before they are acknowledged do not keep what waits behind them`, async (t) => {
    const scene = await DeliveryScene.open(t)
    scene.feed([WALL])
    scene.pubsub.configure(OWNER, NODE, { itemExpireMs: 90_000 })
    scene.feed([WALL], 'others')
    await scene.enter(`${WALL}/x`, watching())
    await scene.publish(Array.from({ length: 16 }, (_, n) => `f${n}`))
    await scene.publish(['last'], {}, 'others')
    await scene.pass(60_000)
    t.is(scene.messages().length, 16, 'however long it waits')
    await end(scene)
    await scene.pass(60_000)
    t.deepEqual(scene.told(), [`${WALL}/x last`])
  })
}

test('who acknowledges nothing gets everything once, and it is gone when no error has come back', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([PERSON])
  await scene.publish(Array.from({ length: 40 }, (_, n) => `f${n}`))
  await scene.enter(`${PERSON}/desk`, plain)
  t.is(scene.messages().length, 40)
  t.is(scene.pubsub.queues.counts.entries, 40, 'an error may come back')
  await scene.leave(`${PERSON}/desk`)
  await scene.enter(`${PERSON}/desk`, plain)
  t.deepEqual(scene.told(), [])
  await scene.pass(300_000)
  t.is(scene.pubsub.queues.counts.entries, 0)
  t.deepEqual(scene.told(), [])
})

test('what comes back waits until somebody is there again, and does not count as a failure', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([PERSON])
  await scene.enter(`${PERSON}/desk`, plain)
  await scene.publish(['a'])
  const [message] = scene.messages()
  if (!message) return t.fail('it was sent')
  await scene.sendBack(message)
  t.deepEqual(scene.availability.resourcesOf(PERSON), [], 'nobody is there')
  await scene.pass(600_000)
  t.deepEqual(scene.told(), [])
  await scene.enter(`${PERSON}/phone`, plain)
  const [again] = scene.messages()
  t.like(again?.attrs, { to: `${PERSON}/phone`, id: message.attrs['id'] }, 'under the same id, by which clients know it again')
  t.is(scene.deliveries.counts.returned, 1)
})

test('what comes back from somebody who is there is tried again after pauses, and is a dead letter in the end', async (t) => {
  const scene = await DeliveryScene.open(t, { limits: { queueFailuresMax: 3, queuePauseMs: 30_000 } })
  scene.feed([PERSON])
  await scene.enter(`${PERSON}/desk`, plain)
  await scene.publish(['a'])
  for (const pauseMs of [30_000, 60_000]) {
    const [message] = scene.messages()
    if (!message) return t.fail('it was sent')
    await scene.sendBack(message, 'not-acceptable', 'modify')
    await scene.pass(pauseMs - 10_000)
    t.deepEqual(scene.told(), [])
    await scene.pass(10_000)
  }
  const [last] = scene.messages()
  if (!last) return t.fail('it was sent')
  await scene.sendBack(last, 'not-acceptable', 'modify')
  t.deepEqual(scene.pubsub.queues.counts, { messages: 1, entries: 0, letters: 1 })
  t.is(scene.deliveries.counts.dead, 1)
  t.like(
    scene.log.lines.find(({ level }) => level === 'warn'),
    { letters: 1 },
  )
})

test('what is not acknowledged in time comes again, to whom it was, under the same number', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([WALL])
  await scene.enter(`${WALL}/x`, watching())
  await scene.publish(['a'])
  await scene.enter(`${WALL}/y`, watching(), 5)
  t.deepEqual(scene.messages().map(parseDelivery), [1])
  await scene.pass(320_000)
  t.deepEqual(scene.told(), [])
  await scene.pass(10_000)
  const [again] = scene.messages()
  t.is(again?.attrs['to'], `${WALL}/x`, 'it may be at work with it')
  t.is(again && parseDelivery(again), 1)
  await scene.acknowledge(`${WALL}/x`, [1])
  await scene.pass(3_600_000)
  t.deepEqual(scene.told(), [])
})

test('of two devices of an account one has a message, and the other gets it when that one is gone', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([WALL])
  await scene.enter(`${WALL}/x`, watching())
  await scene.enter(`${WALL}/y`, watching(), 5)
  await scene.publish(['a', 'b'])
  t.deepEqual(scene.told(), [`${WALL}/y a`, `${WALL}/y b`])
  await scene.acknowledge(`${WALL}/y`, [1])
  await scene.leave(`${WALL}/y`)
  t.deepEqual(scene.told(), [`${WALL}/x b`])
})

test('what one cannot take goes to another, and waits for one where there is none; what it can take goes on', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([WALL])
  await scene.enter(`${WALL}/x`, watching({ sizeBytesMax: 1000 }), 5)
  await scene.publish(['small'])
  await scene.publish(['large'], { sizeBytes: 1001 })
  await scene.publish(['small, too'])
  t.deepEqual(scene.told(), [`${WALL}/x small`, `${WALL}/x small, too`])
  await scene.enter(`${WALL}/y`, watching())
  t.deepEqual(scene.told(), [`${WALL}/y large`])
})

test('what nobody can take is read once, however much it is, and what comes goes on; full, the oldest of it goes', async (t) => {
  const store = new MemoryStore()
  const { ready } = store.queues
  let read = 0
  store.queues.ready = (...of) => {
    const found = ready.apply(store.queues, of)
    read += found.length
    return found
  }
  const scene = await DeliveryScene.open(t, { store, limits: { queueEntriesPerAccountMax: 100 } })
  scene.feed([WALL])
  await scene.enter(`${WALL}/x`, watching({ sizeBytesMax: 1000 }))
  const names = Array.from({ length: 100 }, (_, n) => `large ${n}`)
  await scene.publish(names, { sizeBytes: 1001 })
  while (read < 100) await scene.settle()
  await scene.settle()
  read = 0
  for (let n = 0; n < 10; n++) {
    await scene.publish([`small ${n}`])
    t.deepEqual(scene.told(), [`${WALL}/x small ${n}`])
  }
  t.true(read <= 20, `${read} were read`)
  const { found } = scene.pubsub.queues.deadLetters({ jid: 'ci@example.org' }, 'builds/nightly')
  t.is(found[0]?.message.itemId, 'large 0')
  await scene.enter(`${WALL}/y`, watching())
  t.is(scene.told()[0], `${WALL}/y large 10`, 'the rest waits for who can')
})

test('a message nobody can take stays until it expires', async (t) => {
  const scene = await DeliveryScene.open(t, { limits: { queueMsMax: 60_000 } })
  scene.feed([WALL])
  await scene.enter(`${WALL}/x`, watching({ mediaTypes: ['image/*'] }))
  await scene.publish(['a'], { mediaType: 'text/plain' })
  t.is(scene.pubsub.queues.counts.entries, 1)
  await scene.pass(60_000)
  scene.pubsub.sweep()
  t.is(scene.pubsub.queues.counts.entries, 0)
  t.deepEqual(scene.told(), [])
})

test('a receipt acknowledges (XEP-0184)', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([PERSON])
  await scene.enter(`${PERSON}/desk`, withReceipts)
  await scene.publish(['a'])
  const [message] = scene.messages()
  if (!message) return t.fail('it was sent')
  await scene.receipt(message)
  t.is(scene.pubsub.queues.counts.entries, 0)
  t.is(scene.deliveries.counts.acknowledged, 1)
})

test('who sends no receipt, and no error, is told once (XEP-0184 §4); others get what he had when he is gone before', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([PERSON])
  await scene.enter(`${PERSON}/desk`, withReceipts)
  await scene.publish(['a'])
  t.is(scene.messages().length, 1)
  await scene.pass(120_000)
  await scene.leave(`${PERSON}/desk`)
  await scene.enter(`${PERSON}/phone`, withReceipts)
  await scene.pass(3_600_000)
  t.deepEqual(scene.told(), [])
  t.is(scene.pubsub.queues.counts.entries, 0)

  await scene.publish(['b'])
  t.is(scene.messages()[0]?.attrs['to'], `${PERSON}/phone`)
  await scene.leave(`${PERSON}/phone`)
  await scene.enter(`${PERSON}/desk`, withReceipts)
  t.is(scene.messages()[0]?.attrs['to'], `${PERSON}/desk`)
})

test('nobody acknowledges, or gives back, what is in the queue of another', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([WALL])
  await scene.enter(`${WALL}/x`, watching())
  await scene.publish(['a'])
  const [message] = scene.messages()
  if (!message) return t.fail('it was sent')
  t.is((await scene.acknowledge('mallory@example.org/x', [1]))?.attrs['type'], 'result')
  const { id } = message.attrs as Record<string, string>
  const error = "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
  scene.receive(`<message type='error' from='mallory@example.org/x' to='${FEEDS}' id='${id}'>${error}</message>`)
  scene.receive(`<message from='mallory@example.org/x' to='${FEEDS}'><received xmlns='urn:xmpp:receipts' id='${id}'/></message>`)
  await scene.settle()
  t.is(scene.pubsub.queues.counts.entries, 1)
})

test('that something is withdrawn is told to those who had heard of it, and what waits goes', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([WALL, PERSON])
  await scene.enter(`${PERSON}/desk`, plain)
  await scene.publish(['a'])
  await scene.enter(`${PERSON}/desk`, plain)
  scene.messages()
  await scene.retract('a')
  t.deepEqual(scene.told(), [`${PERSON}/desk "a.iso is withdrawn from ${NODE}"`])
  await scene.enter(`${WALL}/x`, watching())
  t.deepEqual(scene.told(), [], 'he has never heard of it')
})

test('a server that heeds rules says what it cannot deliver (XEP-0079 §3.4.3)', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([PERSON])
  scene.devices.set('example.org', { identities: [], features: ['http://jabber.org/protocol/amp'] })
  await scene.enter(`${PERSON}/desk`, plain)
  await scene.publish(['a'])
  const [message] = scene.messages()
  t.truthy(message?.getChild('amp'))
  const rule = "<rule action='error' condition='deliver' value='stored'/>"
  const amp = `<amp xmlns='http://jabber.org/protocol/amp' status='error' to='${PERSON}/desk' from='${FEEDS}'>${rule}</amp>`
  const failed = `<failed-rules xmlns='http://jabber.org/protocol/amp#errors'>${rule}</failed-rules>`
  const error = `<error type='modify'><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>${failed}</error>`
  scene.receive(`<message type='error' from='example.org' to='${FEEDS}' id='${message?.attrs['id']}'>${amp}${error}</message>`)
  await scene.settle()
  await scene.enter(`${PERSON}/phone`, plain)
  t.is(scene.messages()[0]?.attrs['to'], `${PERSON}/phone`)
})
