import test, { type ExecutionContext } from 'ava'
import { MemoryStore, type PubsubStore, pubsubMigrations, SqliteStore } from '../../src/pubsub/index.ts'
import { Storage } from '../../src/storage/index.ts'
import { by, FRIEND, OWNER, PubsubScene, STRANGER } from '../helpers/pubsub.ts'
import { newDirectory } from '../helpers/storage.ts'

const KIB = 1024
const BYTES_MAX = 512 * KIB
const payload = `<x>${'x'.repeat(20 * KIB)}</x>`
const FULL = { code: 'ERR_STORAGE_FULL' }

const stores: Readonly<Record<string, (t: ExecutionContext) => Promise<PubsubStore>>> = {
  'in memory': () => Promise.resolve(new MemoryStore(BYTES_MAX)),
  'on disk': async (t) =>
    new SqliteStore(await Storage.open({ directory: await newDirectory(t), migrations: pubsubMigrations, bytesMax: BYTES_MAX })),
}

for (const [where, open] of Object.entries(stores)) {
  test(`${where}, what there is no room for is refused, and nothing that was kept is lost; what is deleted makes room`, async (t) => {
    const store = await open(t)
    t.teardown(() => store.close())
    const { pubsub } = new PubsubScene({}, store)
    const publish = async (id: string) => {
      pubsub.publish(by(OWNER), { node: 'n', items: [{ id, payload }] })
      await pubsub.settled()
    }
    const kept = () => pubsub.items(by(OWNER), { node: 'n' }).count
    for (const node of ['n', 'other']) pubsub.create(by(OWNER), { node, config: { maxItems: 'max' } })
    pubsub.subscribe(by(FRIEND), { node: 'n', jid: FRIEND })
    await pubsub.settled()

    let count = 0
    const fill = async () => {
      for (; count < 100; count++) await publish(`${count}`)
    }
    await t.throwsAsync(fill(), FULL)
    t.true(count > 10 && count < 26, `${count}`)
    await t.throwsAsync(publish('0'), FULL, 'also in the place of another')
    await pubsub.settled().catch(() => {})
    const full = [kept(), pubsub.totals.bytes]
    t.is(full[0], count)
    t.true(pubsub.totals.bytes <= BYTES_MAX && pubsub.totals.bytes > BYTES_MAX - 100 * KIB)
    t.deepEqual([store.item(pubsub.node('n').id, '0')?.payload, pubsub.totals.subscriptions], [payload, 1])

    pubsub.unsubscribe(by(FRIEND), { node: 'n', jid: FRIEND })
    pubsub.retract(by(OWNER), { node: 'n', itemIds: ['0', '1'] })
    await pubsub.settled()
    t.true(pubsub.totals.bytes < (full[1] as number))
    await publish('again')
    t.is(kept(), count - 1)
    pubsub.delete(by(OWNER), 'other', undefined)
    pubsub.purge(by(OWNER), 'n')
    await pubsub.settled()
    count = 0
    await t.throwsAsync(fill(), FULL)
    t.true(count > 10)
  })
}

test('in memory, where nothing is taken back, whoever comes when it is full changes nothing', (t) => {
  const store = new MemoryStore(20 * KIB)
  const { pubsub } = new PubsubScene({ autoCreate: true }, store)
  pubsub.create(by(OWNER), { node: 'n', config: { maxItems: 1 } })
  pubsub.publish(by(OWNER), { node: 'n', items: [{ id: 'a', payload: `<x>${'x'.repeat(17 * KIB)}</x>` }] })
  const before = store.bytes
  t.throws(() => pubsub.publish(by(OWNER), { node: 'n', items: [{ id: 'b', payload: '<b/>'.repeat(KIB) }] }), FULL)
  t.throws(() => pubsub.publish(by(OWNER), { node: 'new', items: [{ id: 'b', payload: '<b/>'.repeat(KIB) }] }), FULL)
  const long = 'x'.repeat(1000)
  const config = { contact: [long, `${long}y`] }
  t.throws(() => pubsub.create(by(OWNER), { node: 'm', config }), FULL)
  t.throws(() => pubsub.configure(by(OWNER), 'n', config), FULL)
  t.notThrows(() => pubsub.configure(by(OWNER), 'n', { title: '' }))
  const wanted = Array.from({ length: 3 }, (_, at) => ({ jid: `${at}${STRANGER}`, affiliation: 'member' as const }))
  const { refused } = pubsub.setNodeAffiliations(by(OWNER), 'n', wanted)
  t.true(refused.length > 0)
  const owners = wanted.map(({ jid }) => ({ jid, state: 'subscribed' as const }))
  t.is(pubsub.setNodeSubscriptions(by(OWNER), 'n', owners).refused.length, 3)
  t.throws(() => pubsub.subscribe(by(FRIEND), { node: 'n', jid: FRIEND }), FULL)
  t.is(pubsub.items(by(OWNER), { node: 'n' }).items[0]?.id, 'a')
  for (const { jid } of wanted) pubsub.setNodeAffiliations(by(OWNER), 'n', [{ jid, affiliation: 'none' }])
  t.is(store.bytes, before)
})

test('in memory, what is counted goes with what it was counted for', (t) => {
  const store = new MemoryStore()
  const { pubsub } = new PubsubScene({}, store)
  pubsub.create(by(OWNER), { node: 'n', config: { title: 'T' } })
  pubsub.setNodeAffiliations(by(OWNER), 'n', [{ jid: FRIEND, affiliation: 'member' }])
  pubsub.setNodeAffiliations(by(OWNER), 'n', [{ jid: FRIEND, affiliation: 'publisher' }])
  pubsub.subscribe(by(FRIEND), { node: 'n', jid: FRIEND })
  for (const id of ['a', 'b', 'a']) pubsub.publish(by(OWNER), { node: 'n', items: [{ id, payload }] })
  pubsub.configure(by(OWNER), 'n', { title: 'Longer' })
  t.true(store.bytes > 40 * KIB && store.bytes < 50 * KIB)
  pubsub.delete(by(OWNER), 'n', undefined)
  while (store.sweepRetired(100, new Set()) > 0) {}
  t.is(store.bytes, 0)
})
