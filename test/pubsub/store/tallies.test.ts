// Goal: what is counted of items and subscriptions is what is there, whatever came between.
// Method: by chance, turns of the event loop in which much is written, some of which fail, and processes one after the other.

import test, { type ExecutionContext } from 'ava'
import { pubsubMigrations, SqliteStore } from '../../../src/pubsub/index.ts'
import { Storage } from '../../../src/storage/index.ts'
import { chanceFrom } from '../../helpers/chance.ts'
import { seedOf } from '../../helpers/seed.ts'
import { newDirectory } from '../../helpers/storage.ts'

const TURNS = 200
const LEAF = { kind: 'leaf', parent: undefined, creator: 'a@x', createdMs: 1, isListed: true, config: {} } as const
const ITEM = { publisher: 'a@x/b', publishedMs: 2, expiresMs: undefined, payload: '<x/>', routingKey: undefined, isExpiryTold: false }

/** A store, what is there, and what it says of that. */
class Counted {
  readonly #directory: string
  readonly #chance: (below: number) => number
  #storage: Storage
  #store: SqliteStore
  #names = 0

  private constructor(directory: string, chance: (below: number) => number, storage: Storage) {
    this.#directory = directory
    this.#chance = chance
    this.#storage = storage
    this.#store = new SqliteStore(storage)
  }

  static async open(t: ExecutionContext, directory: string): Promise<Counted> {
    const counted = new Counted(directory, chanceFrom(seedOf(t)), await Storage.open({ directory, migrations: pubsubMigrations }))
    t.teardown(() => counted.#store.close())
    return counted
  }

  async reopen(): Promise<void> {
    await this.#store.close()
    this.#storage = await Storage.open({ directory: this.#directory, migrations: pubsubMigrations })
    this.#store = new SqliteStore(this.#storage)
  }

  /** Something that changes what there is. */
  write(): void {
    const [store, chance] = [this.#store, this.#chance]
    const nodes = store.listedNodes({ limit: 100 }).filter(({ kind }) => kind === 'leaf')
    const node = nodes[chance(nodes.length || 1)]
    const what = chance(100)
    if (!node || (what < 5 && nodes.length < 6)) {
      store.addNode({ ...LEAF, name: `node ${++this.#names}` })
      return
    }
    const { id: nodeId } = node
    const id = `${chance(8)}`
    // It remembers of a node how many subscriptions it has, once that was asked.
    if (chance(2) === 0) store.countSubscriptions(store.node(node.name)?.id as number)
    if (what < 45) store.putItem({ ...ITEM, nodeId, id })
    else if (what < 60) store.removeItem(nodeId, id)
    else if (what < 62) store.removeItems(nodeId)
    else if (what < 80) this.#subscribe(nodeId, `${id}@x`)
    else if (what < 93) for (const each of store.subscriptionsAt(nodeId, `${id}@x`)) store.removeSubscription(each)
    else if (what < 96) store.retireNode(nodeId)
    else store.sweepRetired(1 + chance(5), new Set())
  }

  #subscribe(nodeId: number, jid: string): void {
    const state = this.#chance(2) === 0 ? 'subscribed' : 'pending'
    this.#store.addSubscription({ nodeId, jid, account: jid, state, options: undefined, expiresMs: undefined })
  }

  /** A name that is taken: nothing of this turn is kept. */
  fail(t: ExecutionContext): void {
    const [first = this.#store.addNode({ ...LEAF, name: `node ${++this.#names}` })] = this.#store.listedNodes({ limit: 1 })
    t.throws(() => this.#store.addNode({ ...LEAF, name: first.name }), { code: 'ERR_STORAGE' })
    t.throws(() => this.#store.putItem({ ...ITEM, nodeId: first.id, id: 'late' }), { code: 'ERR_STORAGE' })
  }

  committed(): Promise<void> {
    return this.#store.committed()
  }

  /** Of each node, and of all: its items and its subscriptions. */
  told() {
    const store = this.#store
    const nodes = this.#ids().map((id) => [store.nodeById(id) ? store.countItems(id) : undefined, store.countSubscriptions(id)])
    return [...nodes, [store.countAllItems(), store.countAllSubscriptions()]]
  }

  there() {
    const rows = (table: string, where = '') => this.#storage.query<[number]>(`SELECT count(*) FROM ${table} ${where}`).get()?.[0]
    const nodes = this.#ids().map((id) => [
      this.#store.nodeById(id) ? rows('item', `WHERE node = ${id}`) : undefined,
      rows('subscription', `WHERE node = ${id}`),
    ])
    return [...nodes, [rows('item'), rows('subscription')]]
  }

  #ids(): readonly number[] {
    return this.#storage
      .query<[number]>('SELECT id FROM node ORDER BY id')
      .all()
      .map(([id]) => id)
  }
}

test('what is counted is what is there', async (t) => {
  const counted = await Counted.open(t, await newDirectory(t))
  t.deepEqual(counted.told(), counted.there())
  const chance = chanceFrom(1)
  for (let turn = 0; turn < TURNS; turn++) {
    for (let writes = chance(8); writes >= 0; writes--) counted.write()
    t.deepEqual(counted.told(), counted.there(), `before the end of turn ${turn}`)
    const isFailing = chance(6) === 0
    if (isFailing) {
      counted.fail(t)
      await t.throwsAsync(counted.committed(), { code: 'ERR_STORAGE' })
    } else await counted.committed()
    t.deepEqual(counted.told(), counted.there(), `behind turn ${turn}`)
    if (chance(15) === 0) await counted.reopen()
    t.deepEqual(counted.told(), counted.there(), `as turn ${turn + 1} begins`)
  }
})

test('what was not written is not counted', async (t) => {
  const storage = await Storage.open({ directory: await newDirectory(t), migrations: pubsubMigrations })
  const store = new SqliteStore(storage)
  const { id: nodeId } = store.addNode({ ...LEAF, name: 'news' })
  await store.settled()
  // An item of a node that is not there.
  t.throws(() => store.putItem({ ...ITEM, nodeId: nodeId + 1, id: 'a' }), { code: 'ERR_STORAGE' })
  t.deepEqual([store.countItems(nodeId + 1), store.countAllItems()], [0, 0])
  await t.throwsAsync(store.settled(), { code: 'ERR_STORAGE' })
  t.deepEqual([store.countItems(nodeId), store.countAllItems(), store.countAllSubscriptions()], [0, 0, 0])
  await store.close()
})
