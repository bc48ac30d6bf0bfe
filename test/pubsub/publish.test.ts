import test from 'ava'
import type { NodeConfig } from '../../src/pubsub/index.ts'
import { by, FRIEND, OWNER, PubsubScene, STRANGER } from '../helpers/pubsub.ts'

/** A node of OWNER's. */
function sceneWith(config: Partial<NodeConfig> = {}, init = {}): PubsubScene {
  const scene = new PubsubScene(init)
  scene.pubsub.create(by(OWNER), { node: 'news', config })
  return scene
}

test('subscribers hear of what is published, each once, and nobody else (XEP-0060 §7.1.2)', (t) => {
  const scene = sceneWith()
  scene.pubsub.subscribe(by(FRIEND), { node: 'news', jid: FRIEND })
  scene.pubsub.subscribe(by(STRANGER), { node: 'news', jid: `${STRANGER}/device` })
  scene.pubsub.create(by(OWNER), { node: 'other' })
  scene.pubsub.subscribe(by('else@denmark.lit'), { node: 'other', jid: 'else@denmark.lit' })
  t.deepEqual(scene.publish('news', 'a'), [FRIEND, `${STRANGER}/device`])
  scene.pubsub.unsubscribe(by(FRIEND), { node: 'news', jid: FRIEND })
  t.deepEqual(scene.publish('news', 'b'), [`${STRANGER}/device`])
})

test('what is published under an id that is there takes its place, and is the newest (XEP-0060 §7.1.2)', (t) => {
  const scene = sceneWith()
  for (const id of ['a', 'b', 'a']) scene.publish('news', id)
  const { items, count } = scene.pubsub.items(by(FRIEND), { node: 'news' })
  t.deepEqual([items.map(({ id }) => id), count], [['b', 'a'], 2])
})

test('an item without an id gets one that no other has (XEP-0060 §7.1.1)', (t) => {
  const scene = sceneWith()
  scene.publish('news', 'id-1')
  const { items } = scene.pubsub.publish(by(OWNER), { node: 'news', items: [{ payload: '<a/>' }] })
  t.deepEqual(
    items.map(({ id, publisher, publishedMs, payload }) => ({ id, publisher, publishedMs, payload })),
    [{ id: 'id-2', publisher: `${OWNER}/device`, publishedMs: 1_000_000, payload: '<a/>' }],
  )
})

test('publishing to what is not there fails, and creates it where that is wanted (XEP-0060 §7.1.4)', (t) => {
  const request = { node: 'new', items: [{ payload: '<a/>' }], options: { title: 'New' } }
  t.throws(() => new PubsubScene().pubsub.publish(by(OWNER), request), { code: 'ERR_ITEM_NOT_FOUND' })
  const { pubsub } = new PubsubScene({ autoCreate: true })
  t.true(pubsub.publish(by(OWNER), request).isCreated)
  t.is(pubsub.configOf(pubsub.node('new')).title, 'New')
  t.false(pubsub.publish(by(OWNER), request).isCreated)
})

const events: readonly [persistItems: boolean, deliverPayloads: boolean, none: string, empty: string, whole: string][] = [
  [true, true, 'ERR_PUBSUB_ITEM_REQUIRED', 'ERR_PUBSUB_PAYLOAD_REQUIRED', 'fine'],
  [true, false, 'ERR_PUBSUB_ITEM_REQUIRED', 'fine', 'fine'],
  [false, true, 'ERR_PUBSUB_ITEM_REQUIRED', 'ERR_PUBSUB_PAYLOAD_REQUIRED', 'fine'],
  [false, false, 'fine', 'ERR_PUBSUB_ITEM_FORBIDDEN', 'ERR_PUBSUB_ITEM_FORBIDDEN'],
]
for (const [persistItems, deliverPayloads, ...answers] of events) {
  test(`persist_items ${persistItems}, deliver_payloads ${deliverPayloads}: no item, one without payload, one with (XEP-0060 §4.3)`, (t) => {
    const { pubsub } = sceneWith({ persistItems, deliverPayloads })
    for (const [at, items] of [[], [{ id: 'a' }], [{ id: 'a', payload: '<a/>' }]].entries()) {
      const publish = () => pubsub.publish(by(OWNER), { node: 'news', items })
      if (answers[at] === 'fine') t.is(publish().items.length, items.length)
      else t.throws(publish, { code: answers[at] as string })
    }
  })
}

test('of several items all are published, or none (XEP-0060 §12.8)', (t) => {
  const scene = sceneWith({ maxItems: 2, maxPayloadBytes: 10 })
  const publish = (...payloads: string[]) =>
    scene.pubsub.publish(by(OWNER), { node: 'news', items: payloads.map((payload) => ({ payload })) })
  t.throws(() => publish('<a/>', '<b/>', '<c/>'), { code: 'ERR_PUBSUB_MAX_ITEMS' })
  t.throws(() => publish('<a/>', '<longer-than/>'), { code: 'ERR_PUBSUB_PAYLOAD_TOO_BIG' })
  t.is(scene.pubsub.items(by(OWNER), { node: 'news' }).count, 0)
  t.is(publish('<a/>', '<b/>').items.length, 2)
})
