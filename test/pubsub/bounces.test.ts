import test from 'ava'
import { bareJid } from '../../src/core/index.ts'
import { Bounces } from '../../src/pubsub/bounces.ts'
import { MemoryStore } from '../../src/pubsub/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const gone = { type: 'cancel', condition: 'item-not-found' } as const
const busy = { type: 'wait', condition: 'remote-server-timeout' } as const

const open = (clock: FakeClock, store: MemoryStore, bounceMsMax = 7 * DAY) =>
  new Bounces(
    { store, now: () => clock.now() },
    {
      bounceMsMax,
      onUnsaved: (error) => {
        throw error
      },
    },
  )

function scene(bounceMsMax = 7 * DAY) {
  const clock = new FakeClock()
  const bounces = open(clock, new MemoryStore(), bounceMsMax)
  return {
    clock,
    bounces,
    mayTell: (jid = 'a@b') => bounces.mayTell(1, jid),
    failed: (error: typeof gone | typeof busy = gone) => bounces.failed(1, 'a@b', error),
  }
}

for (const error of [gone, { type: 'modify', condition: 'gone' }, { type: 'cancel', condition: 'service-unavailable' }] as const) {
  test(`who is not there is left alone at once: ${error.type} ${error.condition} (XEP-0060 §12.4)`, (t) => {
    const { bounces, mayTell } = scene()
    t.true(mayTell())
    t.false(bounces.failed(1, 'a@b', error))
    t.false(mayTell())
    t.true(mayTell('c@d'), 'others are told')
    t.true(bounces.mayTell(2, 'a@b'), 'of other nodes, too, as nothing has come back of them')
  })
}

for (const [type, condition] of [
  ['wait', 'remote-server-timeout'],
  ['auth', 'registration-required'],
  ['cancel', 'not-acceptable'],
  ['modify', 'bad-request'],
] as const) {
  test(`what may pass is counted first: ${type} ${condition} (XEP-0060 §12.4)`, (t) => {
    const { bounces, mayTell } = scene()
    for (let error = 1; error <= 3; error++) {
      t.true(mayTell(), `before error ${error}`)
      bounces.failed(1, 'a@b', { type, condition })
    }
    t.false(mayTell())
  })
}

test('it is tried again after pauses that grow, up to six hours', (t) => {
  const { clock, mayTell, failed } = scene()
  const pauses: number[] = []
  for (let tried = 0; tried < 11; tried++) {
    failed()
    const before = clock.now()
    while (!mayTell()) clock.advance(MINUTE)
    pauses.push((clock.now() - before) / MINUTE)
  }
  t.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360])
})

test('what comes back during a pause was sent before it, and makes it no longer', (t) => {
  const { clock, mayTell, failed } = scene()
  for (let error = 0; error < 10; error++) failed()
  clock.advance(MINUTE)
  t.true(mayTell())
})

test('when nothing comes back of what it is told again, all is forgotten', (t) => {
  const { clock, bounces, mayTell, failed } = scene()
  for (let error = 0; error < 3; error++) {
    failed()
    clock.advance(10 * MINUTE)
    t.true(mayTell())
  }
  clock.advance(5 * MINUTE - 1)
  t.true(mayTell())
  t.is(bounces.size, 1)
  clock.advance(1)
  t.true(mayTell())
  t.is(bounces.size, 0)
  failed()
  clock.advance(MINUTE)
  t.true(mayTell(), 'and it begins with a short pause again')
})

test('nothing told, nothing forgotten: time alone proves nobody there', (t) => {
  const { clock, bounces, failed } = scene()
  failed()
  clock.advance(DAY)
  t.is(bounces.size, 1)
})

test('after the maximum of nothing but errors the subscription ends, not before', (t) => {
  const { clock, bounces, mayTell, failed } = scene(DAY)
  t.false(failed())
  clock.advance(DAY - 1)
  t.true(mayTell())
  t.false(failed())
  clock.advance(1)
  t.true(failed())
  t.true(failed(), 'until it has ended')
  bounces.ended(1, 'a@b')
  t.is(bounces.size, 0)
})

test('that something arrived in between begins the time anew', (t) => {
  const { clock, mayTell, failed } = scene(DAY)
  failed()
  clock.advance(DAY / 2)
  t.true(mayTell())
  clock.advance(DAY / 2)
  t.true(mayTell())
  t.false(failed())
})

for (const [from, isHeard] of [
  ['a@b', true],
  ['a@b/device', true],
  ['a@c', false],
] as const) {
  test(`${from} is there: a@b is told again ${isHeard}`, (t) => {
    const { bounces, mayTell, failed } = scene()
    failed()
    bounces.heard(from)
    t.is(mayTell(), isHeard)
  })
}

test('a device that is there says nothing of another one', (t) => {
  const { bounces } = scene()
  bounces.failed(1, 'a@b/one', gone)
  bounces.heard('a@b/two')
  t.false(bounces.mayTell(1, 'a@b/one'))
  bounces.heard('a@b')
  t.false(bounces.mayTell(1, 'a@b/one'))
  bounces.heard('a@b/one')
  t.true(bounces.mayTell(1, 'a@b/one'))
})

test('what is remembered is bounded: the first is told again', (t) => {
  const { bounces } = scene()
  for (let n = 0; n <= 100_000; n++) bounces.failed(1, `${n}@b`, gone)
  t.is(bounces.size, 100_000)
  t.true(bounces.mayTell(1, '0@b'))
  t.false(bounces.mayTell(1, '1@b'))
})

/** A node `1` at which these are subscribed, and what is left of that when the process ends. */
function keeping(...jids: readonly string[]) {
  const clock = new FakeClock()
  const store = new MemoryStore()
  const { id } = store.addNode({ name: 'news', kind: 'leaf', parent: undefined, creator: 'o@b', createdMs: 0, isListed: true, config: {} })
  const given = { nodeId: id, state: 'subscribed', options: undefined, expiresMs: undefined } as const
  const subscriptions = jids.map((jid) => store.addSubscription({ ...given, jid, account: bareJid(jid) }))
  return { clock, store, subscriptions, begin: () => open(clock, store) }
}

test('another process leaves alone who was left alone, as long as the first would have, and ends what it would have ended', (t) => {
  const { clock, begin } = keeping('a@b', 'c@d')
  begin().failed(1, 'a@b', gone)
  clock.advance(MINUTE - 1)
  const second = begin()
  t.false(second.mayTell(1, 'a@b'))
  t.true(second.mayTell(1, 'c@d'))
  t.deepEqual([second.size, second.suspended], [1, 1])
  clock.advance(1)
  t.true(second.mayTell(1, 'a@b'))
  second.failed(1, 'a@b', gone)
  clock.advance(2 * MINUTE - 1)
  t.false(begin().mayTell(1, 'a@b'), 'the second pause is twice as long')
  clock.advance(7 * DAY)
  t.true(begin().failed(1, 'a@b', gone), 'since the first error of all')
})

test('errors that may pass are counted on by another process', (t) => {
  const { begin } = keeping('a@b')
  for (let error = 1; error <= 3; error++) {
    t.true(begin().mayTell(1, 'a@b'), `before error ${error}`)
    begin().failed(1, 'a@b', busy)
  }
  t.false(begin().mayTell(1, 'a@b'))
})

test('who came back is told by another process, too; so is who was told something and sent nothing back', (t) => {
  const { clock, begin } = keeping('a@b', 'c@d')
  const first = begin()
  first.failed(1, 'a@b', gone)
  first.failed(1, 'c@d', gone)
  t.is(first.suspended, 2)
  first.heard('a@b/device')
  t.deepEqual([first.size, first.suspended], [1, 1])
  t.true(begin().mayTell(1, 'a@b'))
  t.false(begin().mayTell(1, 'c@d'))
  clock.advance(MINUTE)
  first.mayTell(1, 'c@d')
  clock.advance(5 * MINUTE)
  first.mayTell(1, 'c@d')
  t.deepEqual([first.suspended, begin().size], [0, 0])
})

test('of several subscriptions of a JID the last takes all of it along', (t) => {
  const { store, begin, subscriptions } = keeping('a@b', 'a@b', 'a@b/device')
  const bounces = begin()
  bounces.failed(1, 'a@b', gone)
  t.true(bounces.mayTell(1, 'a@b/device'))
  for (const [at, left] of [
    [0, 1],
    [2, 1],
    [1, 0],
  ] as const) {
    const subscription = subscriptions[at]
    if (!subscription) return t.fail()
    store.removeSubscription(subscription)
    bounces.ended(1, subscription.jid)
    t.is(bounces.size, left)
    t.is(begin().size, left)
  }
  t.is(bounces.suspended, 0)
})

test('with a node everything goes that came back of it', (t) => {
  const { bounces, failed } = scene()
  failed()
  bounces.failed(2, 'a@b', gone)
  bounces.nodeEnded(1)
  t.true(bounces.mayTell(1, 'a@b'))
  t.false(bounces.mayTell(2, 'a@b'))
  t.is(bounces.suspended, 1)
})

test('when the time of the machine is set back, nobody is left alone for longer than the longest pause', (t) => {
  const { clock, store, begin } = keeping('a@b')
  clock.advance(30 * DAY)
  begin().failed(1, 'a@b', gone)
  t.false(begin().mayTell(1, 'a@b'))
  t.true(open(new FakeClock(), store).mayTell(1, 'a@b'))
})

test('what cannot be kept is told, and holds until the process ends', (t) => {
  const { clock, store } = keeping('a@b')
  const full = new Error('the disk is full')
  const unsaved: unknown[] = []
  const failing = {
    bouncing: () => [],
    subscriptionsAt: store.subscriptionsAt.bind(store),
    setBounce: () => {
      throw full
    },
  }
  const bounces = new Bounces({ store: failing, now: () => clock.now() }, { bounceMsMax: DAY, onUnsaved: (error) => unsaved.push(error) })
  t.false(bounces.failed(1, 'a@b', gone))
  t.false(bounces.mayTell(1, 'a@b'))
  bounces.heard('a@b')
  t.true(bounces.mayTell(1, 'a@b'))
  t.deepEqual(unsaved, [full, full])
})
