// Goal: whatever is asked in whatever order, every answer, and everybody who is told, is as the clauses have it.
// Method: random sequences over few names, so that they meet, taken by the service and by a naive one, step by step; over each store.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { toBytestreamError } from '../../src/core/index.ts'
import type { Affiliation, Notice, PubsubStore } from '../../src/pubsub/index.ts'
import { MemoryStore, pubsubMigrations, SqliteStore } from '../../src/pubsub/index.ts'
import { Storage } from '../../src/storage/index.ts'
import { PubsubScene } from '../helpers/pubsub.ts'
import { NaivePubsub, type Step } from '../naive/pubsub.ts'

const accounts = ['o@x', 'p@x', 'q@x'] as const
const node = fc.constantFrom('a', 'b')
const account = fc.constantFrom(...accounts)
const jid = fc.constantFrom(...accounts, ...accounts.map((each) => `${each}/r`))
/** The owner of most, often enough that things come about. */
const who = fc.constantFrom('o@x/r', ...accounts.map((each) => `${each}/r`))
const id = fc.constantFrom('1', '2', '3', '4')
const affiliation = fc.constantFrom<Affiliation[]>('owner', 'publisher', 'publish-only', 'member', 'none', 'outcast')
const config = fc.record(
  {
    accessModel: fc.constantFrom('open' as const, 'authorize' as const, 'whitelist' as const),
    publishModel: fc.constantFrom('publishers' as const, 'subscribers' as const, 'open' as const),
    maxItems: fc.constantFrom(1, 2, 3),
    whenFull: fc.constantFrom('retract-oldest' as const, 'reject' as const),
  },
  { requiredKeys: [] },
)

/** Whoever asks mostly asks for himself. */
const self = fc.tuple(who, fc.constantFrom('', '/r')).map(([full, resource]) => ({ who: full, jid: `${full.slice(0, -2)}${resource}` }))
const asker = fc.oneof({ weight: 9, arbitrary: self }, { weight: 1, arbitrary: fc.record({ who, jid }) })

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ op: fc.constantFrom('create', 'create', 'delete', 'purge', 'items', 'items'), who, node }) as fc.Arbitrary<Step>,
  fc.record({ op: fc.constant('configure' as const), who, node, config }),
  fc.record({ op: fc.constant('affiliate' as const), who, node, account, affiliation }),
  fc
    .tuple(asker, node, fc.constantFrom(undefined, undefined, 2000, 5000))
    .map(([each, at, leaseMs]) => ({ op: 'subscribe' as const, ...each, node: at, leaseMs })),
  fc
    .tuple(asker, node, fc.constantFrom(undefined, undefined, '1', '2', '3'))
    .map(([each, at, subid]) => ({ op: 'unsubscribe' as const, ...each, node: at, subid })),
  fc.record({ op: fc.constant('decide' as const), who, node, jid, isAllowed: fc.boolean() }),
  fc.record({ op: fc.constant('set' as const), who, node, jid, state: fc.constantFrom('subscribed' as const, 'none' as const) }),
  fc.record({
    op: fc.constantFrom('publish' as const, 'publish' as const, 'retract' as const),
    who,
    node,
    ids: fc.array(id, { maxLength: 4 }),
  }),
  fc.record({ op: fc.constant('pass' as const), ms: fc.constantFrom(1000, 3000) }),
)

/** The same in the words of {@link NaivePubsub}. */
class Spoken {
  readonly #scene: PubsubScene

  constructor(store: PubsubStore) {
    this.#scene = new PubsubScene({ defaults: { maxItems: 3 } }, store)
    this.#scene.nowMs = 0
  }

  take(given: Step): string {
    try {
      return this.#take(given)
    } catch (error) {
      return toBytestreamError(error).code
    }
  }

  #take(given: Step): string {
    const { pubsub } = this.#scene
    const asker = { jid: 'who' in given ? given.who : '' }
    switch (given.op) {
      case 'pass':
        this.#scene.nowMs += given.ms
        return ['ok', ...this.#tell(pubsub.sweep().notices).sort()].join('; ')
      case 'create':
        return this.#say('ok', pubsub.create(asker, { node: given.node }))
      case 'delete':
        return this.#say('ok', pubsub.delete(asker, given.node))
      case 'purge':
        return this.#say('ok', pubsub.purge(asker, given.node))
      case 'items':
        return `items ${pubsub
          .items(asker, { node: given.node })
          .items.map((item) => item.id)
          .join()}`
      case 'configure':
        return this.#say('ok', pubsub.configure(asker, given.node, given.config))
      case 'affiliate': {
        const changed = pubsub.setNodeAffiliations(asker, given.node, [{ jid: given.account, affiliation: given.affiliation }])
        return this.#say(changed.refused[0] ? `refused: ${changed.refused[0].affiliation}` : 'ok', changed)
      }
      case 'subscribe': {
        const options = given.leaseMs === undefined ? undefined : { expiresMs: this.#scene.nowMs + given.leaseMs }
        const { subscription, notices } = pubsub.subscribe(asker, { node: given.node, jid: given.jid, options })
        return this.#say(`${subscription.state} ${subscription.subid}`, { notices })
      }
      case 'unsubscribe': {
        const { subscription, notices } = pubsub.unsubscribe(asker, given)
        return this.#say(`${subscription.state} ${subscription.subid}`, { notices })
      }
      case 'decide':
        return this.#say('ok', pubsub.decide(asker, given, given.isAllowed))
      case 'set': {
        const changed = pubsub.setNodeSubscriptions(asker, given.node, [given])
        return this.#say(changed.refused[0] ? `refused: ${changed.refused[0].state}` : 'ok', changed)
      }
      case 'publish': {
        const items = given.ids.map((each) => ({ id: each, payload: `<i${each}/>` }))
        const published = pubsub.publish(asker, { node: given.node, items })
        return this.#say(`ok ${published.items.map((item) => item.id).join()}`, published)
      }
      case 'retract':
        return this.#say('ok', pubsub.retract(asker, { node: given.node, itemIds: given.ids, notify: true }))
    }
  }

  #say(answer: string, { notices }: { readonly notices: readonly Notice[] }): string {
    return [answer, ...this.#tell(notices)].join('; ')
  }

  #tell(notices: readonly Notice[]): string[] {
    return notices.map((notice) => {
      const told = this.#scene.told(notice).join()
      if (notice.kind === 'deleted') this.#scene.pubsub.told(notice)
      return `${notice.kind}${notice.kind === 'subscription' ? ` ${notice.subscription.state}` : ''} > ${told}`
    })
  }
}

const folder = mkdtempSync(join(tmpdir(), 'streamhost-sequences-'))
test.after.always(() => rmSync(folder, { recursive: true }))
let databases = 0
const openDatabase = async () => {
  const storage = await Storage.open({ directory: join(folder, `${databases++}`), migrations: pubsubMigrations })
  return new SqliteStore(storage)
}

for (const [name, numRuns, length, open] of [
  ['in memory', 300, { maxLength: 60 }, () => Promise.resolve(new MemoryStore())],
  ['in a database', 8, { minLength: 150, maxLength: 300 }, openDatabase],
] as const) {
  test(`any sequence is answered as a naive service answers it, over a store ${name}`, async (t) => {
    const sequence = fc.asyncProperty(fc.array(step, { ...length, size: 'max' }), async (steps) => {
      const store = await open()
      const [service, naive] = [new Spoken(store), new NaivePubsub()]
      const start: readonly Step[] = ['a', 'b'].map((each) => ({ op: 'create', who: 'o@x/r', node: each }) as const)
      for (const each of [...start, ...steps]) t.is(service.take(each), naive.take(each), JSON.stringify(each))
      await store.close()
    })
    await fc.assert(sequence, { numRuns })
    t.pass()
  })
}
