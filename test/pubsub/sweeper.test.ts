import test from 'ava'
import { MemoryStore, type Notice, Pubsub, startSweeping } from '../../src/pubsub/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { by, OWNER } from '../helpers/pubsub.ts'

function sweptScene() {
  const clock = new FakeClock()
  const store = new MemoryStore()
  const limits = { sweepMs: 1_000, sweepRowsMax: 2 }
  const pubsub = new Pubsub({ store, now: () => clock.now() }, { limits })
  pubsub.create(by(OWNER), { node: 'news', config: { itemExpireMs: 500 } })
  return { clock, store, pubsub }
}

/** Nothing fails here. */
const isFault = (error: unknown) => {
  throw error
}

test('what has expired is swept now and then, in steps, and told', (t) => {
  const { clock, store, pubsub } = sweptScene()
  for (const id of ['a', 'b', 'c', 'd', 'e']) pubsub.publish(by(OWNER), { node: 'news', items: [{ id, payload: '<a/>' }] })
  for (const [at, jid] of ['a@b', 'c@d', 'e@f'].entries())
    pubsub.subscribe({ jid }, { node: 'news', jid, options: { expiresMs: 500 + at } })
  const told: Notice[][] = []
  const stop = startSweeping({ pubsub, clock }, (notices) => told.push([...notices]), isFault)
  clock.advance(999)
  t.deepEqual([store.countItems(1), store.countSubscriptions(1)], [5, 3])
  clock.advance(1)
  t.deepEqual([store.countItems(1), store.countSubscriptions(1)], [0, 0])
  t.deepEqual(
    told.map((notices) => notices.map((notice) => ('to' in notice ? notice.to.join() : ''))),
    [['a@b', 'c@d'], ['e@f']],
  )
  stop()
  t.is(clock.waiting, 0)
})

test('what was left of nodes that were deleted goes at the next start', (t) => {
  const { clock, store, pubsub } = sweptScene()
  for (const jid of ['a@b', 'c@d', 'e@f']) pubsub.subscribe({ jid }, { node: 'news', jid })
  pubsub.delete(by(OWNER), 'news')
  const next = new Pubsub({ store, now: () => clock.now() })
  const stop = startSweeping({ pubsub: next, clock }, () => {}, isFault)
  clock.advance(0)
  t.is(store.countSubscriptionsOf('a@b'), 0)
  stop()
})

test('a step that fails is told, and the next one made', (t) => {
  const { clock, pubsub } = sweptScene()
  const failures: unknown[] = []
  pubsub.subscribe({ jid: 'a@b' }, { node: 'news', jid: 'a@b', options: { expiresMs: 500 } })
  const fault = new Error('full')
  let tells = 0
  const tell = () => {
    if (++tells === 1) throw fault
  }
  const stop = startSweeping({ pubsub, clock }, tell, (error) => failures.push(error))
  clock.advance(1_000)
  pubsub.subscribe({ jid: 'e@f' }, { node: 'news', jid: 'e@f', options: { expiresMs: 1_001 } })
  clock.advance(1_000)
  t.deepEqual([failures, tells], [[fault], 2])
  stop()
})
