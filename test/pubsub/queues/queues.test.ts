import test from 'ava'
import type { PubsubLimits, QueueEntry } from '../../../src/pubsub/index.ts'
import { by, FRIEND, OWNER, PubsubScene, STRANGER } from '../../helpers/pubsub.ts'

const HOUR = 3_600_000

function sceneWith(limits: Partial<PubsubLimits> = {}, accounts = [FRIEND]) {
  const scene = new PubsubScene({ limits })
  scene.pubsub.create(by(OWNER), { node: 'news', config: { notifyRetract: true } })
  for (const jid of accounts) scene.pubsub.subscribe({ jid }, { node: 'news', jid, options: { queue: true } })
  const { pubsub } = scene
  const next = (account = FRIEND, limit = 9) => pubsub.queues.next(account, { limit, nowMs: scene.nowMs })
  const ids = (account = FRIEND) => next(account).map(({ message }) => `${message.kind === 'retracted' ? '-' : ''}${message.itemId}`)
  const hand = (awaits: 'acknowledgement' | 'error' = 'acknowledgement') => {
    const [entry] = next()
    const handed = pubsub.queues.handed(entry as QueueEntry, { to: `${FRIEND}/device`, awaits, untilMs: scene.nowMs + 1000 })
    return (handed as QueueEntry).message.id
  }
  const letters = () => scene.store.queues.letters(1, { limit: 9 })
  return { scene, pubsub, queues: pubsub.queues, next, ids, hand, letters, store: scene.store.queues }
}

test('what is published waits for those with a queue, who are not told of it; the others are', (t) => {
  const { scene, ids, pubsub } = sceneWith()
  pubsub.subscribe({ jid: STRANGER }, { node: 'news', jid: STRANGER })
  const { notices } = pubsub.publish(by(OWNER), { node: 'news', items: [{ id: 'a', payload: '<a/>' }] })
  t.deepEqual(
    notices.map((notice) => [notice.kind, ...scene.told(notice)]),
    [
      ['published', STRANGER],
      ['queued', FRIEND],
    ],
  )
  scene.publish('news', 'b')
  t.deepEqual([ids(), ids(STRANGER)], [['a', 'b'], []])
  t.like(scene.store.queues.entry(FRIEND, 1)?.message, { node: 'news', publisher: `${OWNER}/device`, payload: '<a/>' })
})

test('that a node is purged, configured or deleted is told to those with a queue, too, and nothing waits any more', (t) => {
  const { scene, ids, pubsub } = sceneWith()
  pubsub.configure(by(OWNER), 'news', { notifyConfig: true })
  scene.publish('news', 'a')
  for (const { notices } of [pubsub.configure(by(OWNER), 'news', { title: 'x' }), pubsub.purge(by(OWNER), 'news')]) {
    t.deepEqual(
      notices.flatMap((notice) => scene.told(notice)),
      [FRIEND],
    )
  }
  t.deepEqual(ids(), [])
  scene.publish('news', 'b')
  t.deepEqual(ids(), ['b'])
  t.deepEqual(
    pubsub.delete(by(OWNER), 'news').notices.flatMap((notice) => scene.told(notice)),
    [FRIEND],
  )
  t.deepEqual(ids(), [])
  while (pubsub.sweep().more) {}
  t.deepEqual(pubsub.queues.counts, { messages: 0, entries: 0, letters: 0 })
})

test('what is acknowledged is gone, by its number or its item, once', (t) => {
  const { scene, queues, ids, hand } = sceneWith()
  for (const id of ['a', 'b', 'c']) scene.publish('news', id)
  const first = hand()
  t.deepEqual(ids(), ['b', 'c'])
  t.true(queues.acknowledge(FRIEND, { messageId: first }))
  t.false(queues.acknowledge(FRIEND, { messageId: first }))
  t.false(queues.acknowledge(FRIEND, { node: 'news', itemId: 'b' }), 'it was not handed over')
  hand()
  t.false(queues.acknowledge(STRANGER, { node: 'news', itemId: 'b' }))
  t.true(queues.acknowledge(FRIEND, { node: 'news', itemId: 'b' }))
  t.false(queues.acknowledge(FRIEND, { node: 'elsewhere', itemId: 'c' }))
  t.deepEqual(ids(), ['c'])
})

test('what is handed over is handed over once, until it has come to nothing', (t) => {
  const { scene, queues, next, hand } = sceneWith()
  scene.publish('news', 'a')
  const [entry] = next()
  hand()
  t.is(queues.handed(entry as QueueEntry, { to: `${FRIEND}/other`, awaits: 'error', untilMs: 0 }), undefined)
  t.is(queues.nextDueMs(), scene.nowMs + 1000)
})

test('what is not acknowledged in time is handed over again after growing pauses, and lets those behind it pass', (t) => {
  const { scene, queues, ids, hand, letters } = sceneWith({ queueFailuresMax: 3, queuePauseMs: 100, queuePauseMsMax: 150 })
  for (const id of ['a', 'b']) scene.publish('news', id)
  for (const pauseMs of [100, 150]) {
    hand()
    scene.pass(999)
    t.deepEqual(queues.settleHanded(scene.nowMs, 9), { accounts: [], unacknowledged: [], delivered: 0, dead: 0, more: false })
    scene.pass(1)
    t.is(queues.settleHanded(scene.nowMs, 9).dead, 0)
    t.deepEqual(ids(), ['b'])
    t.is(queues.nextDueMs(), scene.nowMs + pauseMs)
    scene.pass(pauseMs)
    t.deepEqual(queues.settleHanded(scene.nowMs, 9).accounts, [FRIEND])
    t.deepEqual(ids(), ['a', 'b'])
  }
  hand()
  scene.pass(1000)
  t.like(queues.settleHanded(scene.nowMs, 1), { accounts: [], delivered: 0, dead: 1, more: true })
  t.deepEqual(ids(), ['b'])
  t.like(letters()[0], { account: FRIEND, attempts: 3, reason: 'not-acknowledged', message: { itemId: 'a' } })
})

test('where only an error would be heard of, none in time is a delivery', (t) => {
  const { scene, queues, ids, hand } = sceneWith()
  scene.publish('news', 'a')
  hand('error')
  scene.pass(1000)
  t.deepEqual(queues.settleHanded(scene.nowMs, 9), { accounts: [], unacknowledged: [], delivered: 1, dead: 0, more: false })
  t.deepEqual([ids(), queues.counts.messages], [[], 0])
})

test('what comes back pauses, and is dead with what came back in the end', (t) => {
  const { scene, queues, hand, letters } = sceneWith({ queueFailuresMax: 2, queuePauseMs: 100 })
  scene.publish('news', 'a')
  const id = hand('error')
  t.is(queues.returned(FRIEND, id, { reason: 'resource-constraint' }), 'again')
  t.is(queues.returned(FRIEND, id, { reason: 'resource-constraint' }), 'gone', 'it was not handed over since')
  scene.pass(100)
  hand('error')
  t.is(queues.returned(FRIEND, id, { reason: 'not-acceptable' }), 'dead')
  t.is(letters()[0]?.reason, 'not-acceptable')
  t.is(queues.returned(FRIEND, id, { reason: 'not-acceptable' }), 'gone')
})

test('what was handed to somebody who has left is handed over at once, and that is no failure', (t) => {
  const { scene, queues, ids, hand, store } = sceneWith()
  for (const id of ['a', 'b', 'c']) scene.publish('news', id)
  const first = hand()
  hand()
  const third = hand('error')
  t.deepEqual(ids(), [])
  t.false(queues.released(FRIEND, { jid: `${FRIEND}/other` }))
  t.true(queues.released(FRIEND, { jid: `${FRIEND}/device`, messageId: third }))
  t.deepEqual(ids(), ['c'])
  hand('error')
  t.true(queues.released(FRIEND, { jid: `${FRIEND}/device` }))
  t.deepEqual(ids(), ['a', 'b'], 'what awaits nothing but an error may have arrived')
  t.like(store.entry(FRIEND, first), { attempts: 1, failures: 0, handedTo: undefined })
})

test('what is published of the same id waits in the place of what was, at the end', (t) => {
  const { scene, ids, next, hand } = sceneWith()
  for (const id of ['a', 'b']) scene.publish('news', id)
  hand()
  scene.publish('news', 'a')
  t.deepEqual(ids(), ['b', 'a'])
  t.is(next()[1]?.attempts, 0)
})

test('who has not been handed an item never hears of it once it is retracted; who has hears that it is gone', (t) => {
  const { scene, pubsub, ids, hand, queues } = sceneWith()
  for (const id of ['a', 'b', 'c']) scene.publish('news', id)
  queues.acknowledge(FRIEND, { messageId: hand() })
  hand()
  const { notices } = pubsub.retract(by(OWNER), { node: 'news', itemIds: ['a', 'b', 'c'] })
  t.deepEqual(ids(), ['-a', '-b'])
  t.deepEqual(
    notices.map(({ kind }) => kind),
    ['retracted', 'queued'],
  )
  t.deepEqual(scene.told(notices[0] as (typeof notices)[0]), [])
  pubsub.configure(by(OWNER), 'news', { notifyRetract: false })
  scene.publish('news', 'd')
  hand()
  t.deepEqual(pubsub.retract(by(OWNER), { node: 'news', itemIds: ['d'] }).notices, [])
  t.false(queues.acknowledge(FRIEND, { node: 'news', itemId: 'd' }))
})

test('an item ends when its publisher has said, and all who had heard of it are told', (t) => {
  const { scene, pubsub, ids, queues, hand } = sceneWith()
  pubsub.configure(by(OWNER), 'news', { notifyRetract: false })
  pubsub.subscribe({ jid: STRANGER }, { node: 'news', jid: STRANGER })
  const publish = (id: string, ms: number) =>
    pubsub.publish(by(OWNER), { node: 'news', items: [{ id, payload: '<a/>', expiresMs: scene.nowMs + ms }] })
  publish('a', HOUR)
  publish('b', HOUR)
  publish('c', 2 * HOUR)
  queues.acknowledge(FRIEND, { messageId: hand() })
  scene.pass(HOUR)
  t.deepEqual(ids(), ['c'])
  const told = pubsub.sweep().notices.map((notice) => [notice.kind, ...scene.told(notice)])
  t.deepEqual(told, [
    ['retracted', STRANGER],
    ['queued', FRIEND],
    ['retracted', STRANGER],
  ])
  t.deepEqual(ids(), ['c', '-a'])
})

test('what a node forgets by itself is told to nobody, and waits no longer either', (t) => {
  const { scene, pubsub, ids } = sceneWith()
  pubsub.configure(by(OWNER), 'news', { itemExpireMs: HOUR })
  pubsub.publish(by(OWNER), { node: 'news', items: [{ id: 'a', payload: '<a/>', expiresMs: scene.nowMs + 2 * HOUR }] })
  t.deepEqual(ids(), ['a'])
  scene.pass(HOUR)
  t.deepEqual(ids(), [])
  t.deepEqual(pubsub.sweep().notices, [])
  t.is(pubsub.queues.counts.entries, 0)
})

test('what waits is not bound to the items a node keeps, but to the time', (t) => {
  const { scene, pubsub, ids } = sceneWith({ queueMsMax: HOUR })
  pubsub.configure(by(OWNER), 'news', { maxItems: 1, notifyRetract: false })
  for (const id of ['a', 'b']) scene.publish('news', id)
  t.deepEqual(ids(), ['a', 'b'])
  scene.pass(HOUR)
  t.deepEqual(ids(), [])
})

test('of a queue that is full the oldest becomes a dead letter, of those the oldest goes', (t) => {
  const { scene, ids, letters } = sceneWith({ queueEntriesPerAccountMax: 2, queueBytesPerAccountMax: 10, deadLettersPerNodeMax: 2 })
  for (const id of ['a', 'b', 'c']) scene.publish('news', id)
  t.deepEqual(ids(), ['b', 'c'])
  t.like(letters()[0], { reason: 'queue-full', message: { itemId: 'a' } })
  scene.publish('news', 'longer')
  t.deepEqual(ids(), ['longer'], 'by octets')
  t.deepEqual(
    letters().map(({ message }) => message.itemId),
    ['b', 'c'],
  )
})

test('who unsubscribes, gives the queue up, or is kept from the node has nothing waiting any more, dead letters neither', (t) => {
  const ends: Readonly<Record<string, (scene: PubsubScene) => void>> = {
    unsubscribe: ({ pubsub }) => pubsub.unsubscribe({ jid: FRIEND }, { node: 'news', jid: FRIEND }),
    'no queue': ({ pubsub }) => pubsub.setOptions({ jid: FRIEND }, { node: 'news', jid: FRIEND }, { queue: false }),
    'no delivery': ({ pubsub }) => pubsub.setOptions({ jid: FRIEND }, { node: 'news', jid: FRIEND }, { deliver: false }),
    outcast: ({ pubsub }) => pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: FRIEND, affiliation: 'outcast' }]),
    'an owner says so': ({ pubsub }) => pubsub.setNodeSubscriptions(by(OWNER), 'news', [{ jid: FRIEND, state: 'none' }]),
    'a closed node': ({ pubsub }) => pubsub.configure(by(OWNER), 'news', { accessModel: 'whitelist' }),
  }
  for (const [how, end] of Object.entries(ends)) {
    const { scene, ids, hand, queues } = sceneWith({ queueFailuresMax: 1 })
    for (const id of ['a', 'b']) scene.publish('news', id)
    queues.returned(FRIEND, hand(), { reason: 'gone' })
    t.is(queues.counts.letters, 1)
    end(scene)
    t.deepEqual(ids(), [], how)
    t.deepEqual(queues.counts, { messages: 0, entries: 0, letters: 0 }, how)
    t.deepEqual(scene.publish('news', 'c'), how === 'no queue' ? [FRIEND] : [], how)
    t.deepEqual(ids(), [], how)
  }
})

test('a queue is one for an account, whatever JIDs of it are subscribed, and stays with the last', (t) => {
  const { scene, pubsub, ids } = sceneWith()
  const jid = `${FRIEND}/device`
  pubsub.subscribe({ jid }, { node: 'news', jid, options: { queue: true, keys: ['x'] } })
  scene.publish('news', 'a')
  t.deepEqual(ids(), ['a'])
  pubsub.unsubscribe({ jid }, { node: 'news', jid })
  t.deepEqual(ids(), ['a'])
  scene.publish('news', 'b')
  t.deepEqual(ids(), ['a', 'b'])
})

test('queues are for leaf nodes, and for so many accounts at one', (t) => {
  const { pubsub } = sceneWith({ queuesPerNodeMax: 1 })
  pubsub.create(by(OWNER), { node: 'all', kind: 'collection' })
  for (const options of [{ queue: true }, { keys: ['x'] }]) {
    t.throws(() => pubsub.subscribe(by(FRIEND), { node: 'all', jid: FRIEND, options }), { code: 'ERR_PUBSUB_INVALID_OPTIONS' })
  }
  const tooMany = { code: 'ERR_PUBSUB_TOO_MANY_SUBSCRIPTIONS' }
  t.throws(() => pubsub.subscribe(by(STRANGER), { node: 'news', jid: STRANGER, options: { queue: true } }), tooMany)
  pubsub.subscribe(by(STRANGER), { node: 'news', jid: STRANGER })
  t.throws(() => pubsub.setOptions(by(STRANGER), { node: 'news', jid: STRANGER }, { queue: true }), tooMany)
})

test('in memory what waits counts, and what there is no room for is not published', (t) => {
  const { pubsub, scene } = sceneWith()
  const before = pubsub.totals.bytes
  scene.publish('news', 'a')
  const each = pubsub.totals.bytes - before
  t.true(each > 1000)
  t.true(pubsub.queues.bytesFor(pubsub.node('news'), [{ payload: '<a/>' }]) > 500)
})

test('owners see whose queues there are, and how much waits; nobody else does', (t) => {
  const { scene, pubsub, queues, hand } = sceneWith({}, [FRIEND, STRANGER])
  scene.publish('news', 'a')
  scene.pass(10)
  scene.publish('news', 'b')
  hand()
  const oldestMs = scene.nowMs - 10
  const { found, count } = queues.waiting(by(OWNER), 'news')
  t.deepEqual(found, [
    { jid: FRIEND, account: FRIEND, waiting: 1, handed: 1, oldestMs },
    { jid: STRANGER, account: STRANGER, waiting: 2, handed: 0, oldestMs },
  ])
  t.is(count, 2)
  const last = queues.waiting(by(OWNER), 'news', { max: 1, before: '' })
  t.deepEqual([last.found[0]?.jid, last.count], [STRANGER, 2])
  t.deepEqual(queues.waiting(by(OWNER), 'news', { before: last.first, max: 1 }).found[0]?.jid, FRIEND)
  const forbidden = { code: 'ERR_FORBIDDEN' }
  t.throws(() => queues.waiting(by(FRIEND), 'news'), forbidden)
  t.throws(() => queues.deadLetters(by(FRIEND), 'news'), forbidden)
  t.throws(() => queues.redeliver(by(FRIEND), 'news', 1), forbidden)
  t.throws(() => queues.dropDead(by(FRIEND), 'news', 1), forbidden)
  t.is(pubsub.queues.counts.entries, 4)
})

test('owners have a dead letter delivered again, or drop it', (t) => {
  const { scene, queues, ids, hand, letters } = sceneWith({ queueFailuresMax: 1 })
  for (const id of ['a', 'b']) scene.publish('news', id)
  queues.returned(FRIEND, hand(), { reason: 'not-acceptable' })
  const [letter] = queues.deadLetters(by(OWNER), 'news').found
  t.like(letter, { account: FRIEND, reason: 'not-acceptable', attempts: 1, diedMs: scene.nowMs })
  const id = letter?.id as number
  t.deepEqual(queues.redeliver(by(OWNER), 'news', id).notices, [{ kind: 'queued', node: 'news', accounts: [FRIEND] }])
  t.deepEqual([ids(), letters()], [['a', 'b'], []])
  t.throws(() => queues.redeliver(by(OWNER), 'news', id), { code: 'ERR_ITEM_NOT_FOUND' })
  queues.returned(FRIEND, hand(), { reason: 'not-acceptable' })
  queues.dropDead(by(OWNER), 'news', letters()[0]?.id as number)
  t.deepEqual([ids(), letters()], [['b'], []])
})

test('a dead letter is not delivered again into a queue that is full: it stays one', (t) => {
  const { scene, queues, ids, letters } = sceneWith({ queueEntriesPerAccountMax: 2, queueBytesPerAccountMax: 8 })
  for (const id of ['a', 'b', 'c']) scene.publish('news', id)
  const [letter] = letters()
  const again = () => queues.redeliver(by(OWNER), 'news', letter?.id as number)
  t.throws(again, { code: 'ERR_LIMIT_WAITING' })
  t.deepEqual([ids(), letters().map(({ id }) => id)], [['b', 'c'], [letter?.id]])
  for (const { message } of queues.next(FRIEND, { limit: 1, nowMs: scene.nowMs })) queues.acknowledge(FRIEND, { messageId: message.id })
  again()
  t.deepEqual([ids(), letters()], [['a', 'c'], []])
})

test('what waits behind a message is found behind it', (t) => {
  const { scene, queues, next } = sceneWith()
  for (const id of ['a', 'b', 'c']) scene.publish('news', id)
  const after = next()[0]?.message.id
  const found = queues.next(FRIEND, { after, limit: 1, nowMs: scene.nowMs })
  t.deepEqual(
    found.map(({ message }) => message.itemId),
    ['b'],
  )
})

test('what is told of items goes by their keys, also to those without a queue; a collection tells who is not told', (t) => {
  const scene = new PubsubScene()
  const { pubsub } = scene
  pubsub.create(by(OWNER), { node: 'all', kind: 'collection' })
  pubsub.create(by(OWNER), { node: 'news', config: { collection: 'all', notifyRetract: true } })
  pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND, options: { keys: ['x.#'] } })
  pubsub.subscribe(by(STRANGER), { node: 'news', jid: STRANGER, options: { queue: true, keys: ['x.*'] } })
  pubsub.subscribe(by(FRIEND), { node: 'all', jid: FRIEND })
  pubsub.subscribe(by('other@x'), { node: 'news', jid: 'other@x' })
  const publish = (...keys: readonly (string | undefined)[]) => {
    const items = keys.map((routingKey, at) => ({ id: `${at}`, payload: '<a/>', routingKey }))
    return pubsub.publish(by(OWNER), { node: 'news', items }).notices.map((notice) => [notice.kind, ...scene.told(notice)])
  }
  for (const time of ['read from the store', 'remembered']) {
    t.deepEqual(
      publish('x.y'),
      [
        ['published', FRIEND, 'other@x'],
        ['queued', STRANGER],
      ],
      time,
    )
    t.deepEqual(publish('x'), [['published', FRIEND, 'other@x']], time)
    t.deepEqual(publish('z'), [['published', 'other@x', `${FRIEND} via all`]], time)
  }
  t.deepEqual(publish(undefined, 'x', 'x'), [
    ['published', 'other@x', `${FRIEND} via all`],
    ['published', FRIEND, 'other@x'],
  ])
  const { notices } = pubsub.retract(by(OWNER), { node: 'news', itemIds: ['0', '1'] })
  t.deepEqual(
    notices.map((notice) => scene.told(notice)),
    [
      ['other@x', `${FRIEND} via all`],
      [FRIEND, 'other@x'],
    ],
  )
  pubsub.unsubscribe(by(FRIEND), { node: 'news', jid: FRIEND })
  t.deepEqual(publish('x'), [['published', 'other@x', `${FRIEND} via all`]])
  t.throws(() => pubsub.publish(by(OWNER), { node: 'news', items: [{ payload: '<a/>', routingKey: '' }] }), { code: 'ERR_NOT_ACCEPTABLE' })
})

test('who comes to a node that sends its last item finds that in the queue, once', (t) => {
  const { scene, pubsub, ids } = sceneWith({}, [])
  pubsub.configure(by(OWNER), 'news', { sendLastPublishedItem: 'on_sub' })
  for (const id of ['a', 'b']) scene.publish('news', id)
  for (let time = 0; time < 2; time++) {
    const { notices } = pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND, options: { queue: true } })
    t.deepEqual(
      notices.map(({ kind }) => kind),
      time === 0 ? ['queued'] : [],
    )
    t.deepEqual(ids(), ['b'])
  }
})
