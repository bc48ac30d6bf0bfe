// Goal: what waits outlives the process, the connection and a disk that fails; who acknowledges gets it again, who cannot does not.
// Method: one service after the other with the same queues, in a directory or in memory.

import test from 'ava'
import { MemoryStore, type NodeRecord, pubsubMigrations, SqliteStore } from '../../../src/pubsub/index.ts'
import { parseDelivery } from '../../../src/xep/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { DeliveryScene, EPOCH_MS, NODE, plain, watching, withReceipts } from '../../helpers/feed-deliveries.ts'
import { newDirectory, openStorage } from '../../helpers/storage.ts'

const WALL = 'wall7@example.org'
const PERSON = 'anna@example.org'
const PHONE = 'bob@example.org'

test('the next process hands over again what was not acknowledged to those who acknowledge, and to nobody else', async (t) => {
  const directory = await newDirectory(t)
  const clock = new FakeClock()
  const first = await openStorage(t, directory, pubsubMigrations)
  const before = await DeliveryScene.open(t, { store: new SqliteStore(first), clock })
  before.feed([WALL, PERSON, PHONE])
  await before.enter(`${WALL}/x`, watching())
  await before.enter(`${PERSON}/desk`, plain)
  await before.enter(`${PHONE}/phone`, withReceipts)
  await before.publish(['a', 'b'])
  while (before.deliveries.counts.handed < 6) await before.settle()
  const [phoned] = before.messages().filter(({ attrs }) => attrs['to'] === `${PHONE}/phone`)
  await before.acknowledge(`${WALL}/x`, [1])
  before.deliveries[Symbol.dispose]()
  await before.session.stop()
  await first[Symbol.asyncDispose]()

  const second = await openStorage(t, directory, pubsubMigrations)
  const after = await DeliveryScene.open(t, { store: new SqliteStore(second), clock })
  await after.enter(`${PERSON}/desk`, plain)
  await after.enter(`${WALL}/y`, watching())
  await after.enter(`${PHONE}/phone`, withReceipts)
  while (after.deliveries.counts.handed < 3) await after.settle()
  const messages = after.messages()
  t.deepEqual(messages.map(({ attrs }) => attrs['to']).sort(), [`${PHONE}/phone`, `${PHONE}/phone`, `${WALL}/y`])
  t.is(messages.flatMap((message) => parseDelivery(message) ?? [])[0], 2)
  t.true(
    messages.some(({ attrs }) => attrs['id'] === phoned?.attrs['id']),
    'under the id it had',
  )
  await after.acknowledge(`${WALL}/y`, [2])
  await after.pass(2_000_000)
  t.deepEqual(after.told(), [])
  t.is(after.pubsub.queues.counts.entries, 0)
})

test('where something else fails as it is written that another process is no more, what that had handed over does not wait for its time', async (t) => {
  const directory = await newDirectory(t)
  const clock = new FakeClock()
  const first = await openStorage(t, directory, pubsubMigrations)
  const before = await DeliveryScene.open(t, { store: new SqliteStore(first), clock })
  before.feed([WALL])
  await before.enter(`${WALL}/x`, watching())
  await before.publish(['a'])
  while (before.deliveries.counts.handed < 1) await before.settle()
  before.deliveries[Symbol.dispose]()
  await before.session.stop()
  await first[Symbol.asyncDispose]()

  const store = new SqliteStore(await openStorage(t, directory, pubsubMigrations))
  const { replaceEntry } = store.queues
  store.queues.replaceEntry = (entry) => {
    store.queues.replaceEntry = replaceEntry
    const isReplaced = replaceEntry.call(store.queues, entry)
    const node = store.node(NODE) as NodeRecord
    t.throws(() => store.addNode(node), { code: 'ERR_STORAGE' }, 'there is one of that name')
    return isReplaced
  }
  const after = await DeliveryScene.open(t, { store, clock })
  await after.enter(`${WALL}/y`, watching())
  while (after.log.lines.every(({ level }) => level !== 'error')) await after.settle()
  t.deepEqual(after.told(), [])
  await after.pass(10_000)
  while (after.deliveries.counts.handed < 1) await after.settle()
  t.deepEqual(after.told(), [`${WALL}/y a`])
})

test('what could not be kept is not sent; it is tried again', async (t) => {
  let isFull = false
  const store = new MemoryStore()
  const { settled } = store
  store.settled = () => (isFull ? Promise.reject(new Error('the disk is full')) : settled.call(store))
  const scene = await DeliveryScene.open(t, { store })
  scene.feed([WALL])
  await scene.publish(['a'])
  isFull = true
  await scene.enter(`${WALL}/x`, watching())
  t.deepEqual(scene.told(), [])
  t.is(scene.log.lines.filter(({ level }) => level === 'error').length, 1)
  // A database takes back what it could not keep; what is in memory stays.
  scene.pubsub.queues.released(WALL, {})
  isFull = false
  await scene.pass(10_000)
  t.deepEqual(scene.told(), [`${WALL}/x a`])
})

test('when it cannot be read what is due next, that is tried again', async (t) => {
  const store = new MemoryStore()
  const { nextDueMs } = store.queues
  let isBroken = true
  store.queues.nextDueMs = () => {
    if (isBroken) throw new Error('the disk is gone')
    return nextDueMs.call(store.queues)
  }
  const scene = await DeliveryScene.open(t, { store })
  scene.feed([WALL])
  await scene.enter(`${WALL}/x`, watching())
  await scene.publish(['a'])
  t.is(scene.log.lines.filter(({ level }) => level === 'error').length, 1)
  isBroken = false
  await scene.pass(10_000)
  t.deepEqual(scene.told(), [`${WALL}/x a`])
  await scene.pass(630_000)
  t.deepEqual(scene.told(), [`${WALL}/x a`], 'as it was not acknowledged')
})

test('while there is no connection nothing is handed over', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([WALL])
  await scene.enter(`${WALL}/x`, watching())
  await scene.session.stop()
  await scene.publish(['a'])
  t.is(scene.pubsub.queues.next(WALL, { limit: 1, nowMs: EPOCH_MS + scene.clock.now() })[0]?.attempts, 0)
  t.deepEqual(scene.told(), [])
})

test('what was on its way when the connection broke goes again to those who acknowledge, and to nobody else', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([WALL, PERSON])
  await scene.enter(`${WALL}/x`, watching())
  await scene.enter(`${PERSON}/desk`, plain)
  scene.breakNext()
  await scene.publish(['a'])
  t.deepEqual(scene.told(), [`${WALL}/x a`])
  await scene.pass(640_000)
  t.deepEqual(scene.told(), [`${WALL}/x a`], 'as it is not acknowledged')
})

test('who has much does not keep others waiting', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([PERSON, WALL])
  scene.pubsub.create({ jid: 'ci@example.org/x' }, { node: 'own' })
  scene.pubsub.subscribe({ jid: `${PERSON}/x` }, { node: 'own', jid: PERSON, options: { queue: true } })
  await scene.publish(
    Array.from({ length: 100 }, (_, n) => `f${n}`),
    {},
    'own',
  )
  await scene.publish(['last'])
  scene.devices.set(`${WALL}/x`, watching()).set(`${PERSON}/desk`, plain)
  scene.availability.appeared(`${PERSON}/desk`)
  scene.availability.appeared(`${WALL}/x`)
  await scene.settle()
  const told = scene.told()
  t.is(told.length, 102)
  const at = told.indexOf(`${WALL}/x last`)
  t.true(at <= 32, `after a turn or two, not behind all: ${at}`)
})

test('at the end what can be handed over is, for so long', async (t) => {
  const scene = await DeliveryScene.open(t)
  scene.feed([PERSON])
  await scene.publish(Array.from({ length: 50 }, (_, n) => `f${n}`))
  scene.devices.set(`${PERSON}/desk`, plain)
  scene.availability.appeared(`${PERSON}/desk`)
  await scene.settle()
  await scene.deliveries.drain(1000)
  t.is(scene.messages().length, 50)
  scene.deliveries[Symbol.dispose]()
  await scene.publish(['late'])
  t.deepEqual(scene.told(), [])
})
