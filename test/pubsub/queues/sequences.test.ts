// Goal: whatever is published, handed over, acknowledged and lost, in whatever order, everybody has what he should have waiting.
// Method: random sequences over few names, taken by the service and by naive queues, and looked at after each step; over each store.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { MemoryStore, type PubsubStore, pubsubMigrations, SqliteStore } from '../../../src/pubsub/index.ts'
import { Storage } from '../../../src/storage/index.ts'
import { by, OWNER, PubsubScene } from '../../helpers/pubsub.ts'
import { NaiveQueues, QUEUE_BOUNDS, type QueueStep } from '../../naive/queues.ts'

const accounts = ['p@x', 'q@x', 'r@x'] as const
const account = fc.constantFrom(...accounts)
const item = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')

const step: fc.Arbitrary<QueueStep> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('publish' as const),
      item,
      key: fc.constantFrom(undefined, 'x', 'x.y', 'z'),
      expiresInMs: fc.constantFrom(undefined, undefined, 700, 2500),
    }),
  },
  fc.record({ op: fc.constant('retract' as const), item }),
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('hand' as const),
      account,
      awaits: fc.constantFrom('acknowledgement' as const, 'error' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constantFrom('acknowledge', 'return', 'take', 'leave', 'redeliver'),
      account,
    }) as fc.Arbitrary<QueueStep>,
  },
  fc.record({ op: fc.constant('subscribe' as const), account, keys: fc.constantFrom<string[][]>([], ['x.#'], ['*', 'x.y']) }),
  fc.record({ op: fc.constant('unsubscribe' as const), account }),
  fc.record({ op: fc.constant('pass' as const), ms: fc.constantFrom(100, 200, 1000) }),
)

/** The same, by the words of the service. */
class Spoken {
  readonly #scene: PubsubScene
  #published = 0

  constructor(store: PubsubStore) {
    const { entriesMax, failuresMax, pauseMs, queueMs } = QUEUE_BOUNDS
    const ofQueues = { queueEntriesPerAccountMax: entriesMax, queueFailuresMax: failuresMax, queuePauseMs: pauseMs, queueMsMax: queueMs }
    this.#scene = new PubsubScene({ limits: ofQueues }, store)
    this.#scene.nowMs = 0
    this.#scene.pubsub.create(by(OWNER), { node: 'n', config: { notifyRetract: true, maxItems: 'max' } })
  }

  take(given: QueueStep): void {
    const { pubsub, nowMs } = this.#scene
    const { queues } = pubsub
    switch (given.op) {
      case 'pass':
        this.#scene.pass(given.ms)
        while (queues.settleHanded(this.#scene.nowMs, 2).more) {}
        while (pubsub.sweep().more) {}
        return
      case 'publish': {
        const expiresMs = given.expiresInMs === undefined ? undefined : nowMs + given.expiresInMs + ++this.#published
        pubsub.publish(by(OWNER), { node: 'n', items: [{ id: given.item, payload: '<a/>', routingKey: given.key, expiresMs }] })
        return
      }
      case 'retract':
        if (this.#scene.store.hasItem(1, given.item)) pubsub.retract(by(OWNER), { node: 'n', itemIds: [given.item] })
        return
      case 'subscribe':
        if (pubsub.subscriptions({ jid: given.account }, { node: 'n' }).found.length > 0) return
        pubsub.subscribe({ jid: given.account }, { node: 'n', jid: given.account, options: { queue: true, keys: given.keys } })
        return
      case 'unsubscribe':
        if (pubsub.subscriptions({ jid: given.account }, { node: 'n' }).found.length === 0) return
        pubsub.unsubscribe({ jid: given.account }, { node: 'n', jid: given.account })
        return
      default:
        this.#deliver(given)
    }
  }

  #deliver(
    given: Extract<
      QueueStep,
      { readonly account: string; readonly op: 'hand' | 'acknowledge' | 'return' | 'take' | 'leave' | 'redeliver' }
    >,
  ): void {
    const { pubsub, nowMs } = this.#scene
    const { queues } = pubsub
    const jid = `${given.account}/r`
    const [handed] = this.#scene.store.queues.entriesAt(given.account, jid)
    switch (given.op) {
      case 'hand': {
        const [next] = queues.next(given.account, { limit: 1, nowMs })
        if (next) queues.handed(next, { to: jid, awaits: given.awaits, untilMs: nowMs + QUEUE_BOUNDS.waitMs })
        return
      }
      case 'acknowledge':
        if (handed) queues.acknowledge(given.account, { messageId: handed.message.id })
        return
      case 'return':
        if (handed) queues.returned(given.account, handed.message.id, { reason: 'not-acceptable' })
        return
      case 'take': {
        const first = this.#scene.store.queues.oldest(given.account, 99).find(({ attempts }) => attempts > 0)
        if (first) queues.acknowledge(given.account, { node: 'n', itemId: first.message.itemId })
        return
      }
      case 'leave':
        queues.released(given.account, { jid })
        return
      case 'redeliver': {
        const own = queues.deadLetters(by(OWNER), 'n').found.filter((each) => each.account === given.account)
        const [letter] = own.sort((one, other) => one.message.id - other.message.id)
        const isFull = this.#scene.store.queues.sizeOf(given.account).entries >= QUEUE_BOUNDS.entriesMax
        if (letter && !isFull) queues.redeliver(by(OWNER), 'n', letter.id)
      }
    }
  }

  seen(): unknown {
    const { pubsub, nowMs } = this.#scene
    const ready = (each: string) =>
      pubsub.queues.next(each, { limit: 9, nowMs }).map(({ message }) => `${message.kind === 'retracted' ? '-' : ''}${message.itemId}`)
    const letters = pubsub.queues
      .deadLetters(by(OWNER), 'n')
      .found.map((letter) => `${letter.account} ${letter.message.itemId}`)
      .sort()
    return { queues: accounts.map(ready), letters }
  }

  /** Counted, and looked at. */
  counts(): unknown {
    const { store, pubsub } = this.#scene
    const entries = accounts.map((each) => store.queues.oldest(each, 99))
    const letters = store.queues.letters(1, { limit: 99 })
    const messages = new Set([...entries.flat(), ...letters].map(({ message }) => message.id)).size
    return [pubsub.queues.counts, { messages, entries: entries.flat().length, letters: letters.length }]
  }
}

const folder = mkdtempSync(join(tmpdir(), 'streamhost-queue-sequences-'))
test.after.always(() => rmSync(folder, { recursive: true }))
let databases = 0
const openDatabase = async () =>
  new SqliteStore(await Storage.open({ directory: join(folder, `${databases++}`), migrations: pubsubMigrations }))

for (const [name, numRuns, length, open] of [
  ['in memory', 300, { maxLength: 80 }, () => Promise.resolve(new MemoryStore())],
  ['in a database', 10, { minLength: 150, maxLength: 300 }, openDatabase],
] as const) {
  test(`after any sequence as much waits as in naive queues, over a store ${name}`, async (t) => {
    const sequence = fc.asyncProperty(fc.array(step, { ...length, size: 'max' }), async (steps) => {
      const store = await open()
      const [service, naive] = [new Spoken(store), new NaiveQueues()]
      const start = accounts.map((each, at): QueueStep => ({ op: 'subscribe', account: each, keys: at === 0 ? [] : ['x.#'] }))
      for (const each of [...start, ...steps]) {
        service.take(each)
        naive.take(each)
        t.deepEqual(service.seen(), naive.seen(accounts), JSON.stringify(each))
      }
      const [counted, looked] = service.counts() as [unknown, unknown]
      t.deepEqual(counted, looked)
      await store.close()
    })
    await fc.assert(sequence, { numRuns })
    t.pass()
  })
}
