// Goal: what comes back counts for the subscription it was sent for, and for nobody else's.
// Method: a session whose server is the test; time stands still unless a test moves it.

import test, { type ExecutionContext } from 'ava'
import { type PubsubStore, pubsubMigrations, SqliteStore } from '../../../src/pubsub/index.ts'
import { openLine } from '../../helpers/component-line.ts'
import { by, FRIEND, OWNER, STRANGER } from '../../helpers/pubsub.ts'
import { SERVICE, TellingScene } from '../../helpers/pubsub-notifications.ts'
import { openStorage } from '../../helpers/storage.ts'

const MINUTE = 60_000
const GONE = "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"

async function open(t: ExecutionContext, subscribers: readonly string[] = [FRIEND, STRANGER], store?: PubsubStore) {
  const line = await openLine(t, SERVICE)
  const scene = new TellingScene(line.session, undefined, { ...(store && { store }), pubsub: { limits: { bounceMsMax: 60 * MINUTE } } })
  scene.node('news', subscribers)
  let published = 0
  /** Whom a publish reaches, with the ids of their notifications; the owner's own message comes last. */
  const publish = async (node = 'news') => {
    const before = scene.notifications.counts.sent
    published += 1
    scene.announce(node, `i${published}`)
    await new Promise(setImmediate)
    const reached = new Map<string, string>()
    for (let sent = before; sent < scene.notifications.counts.sent; sent++) {
      const { attrs } = await line.hear()
      reached.set(String(attrs['to']), String(attrs['id']))
    }
    return reached
  }
  const sendBack = (from: string, id = '', error = GONE) =>
    line.say(`<message type='error' from='${from}' to='${SERVICE}' id='${id}'>${error}</message>`)
  return { ...line, scene, publish, sendBack }
}

test('who sends a notification back is left alone, and tried again later (XEP-0060 §12.4)', async (t) => {
  const { scene, publish, sendBack } = await open(t)
  sendBack(FRIEND, (await publish()).get(FRIEND))
  t.is(scene.pubsub.bounces.size, 1)
  t.deepEqual([...(await publish()).keys()], [STRANGER])
  scene.pass(MINUTE)
  t.deepEqual([...(await publish()).keys()], [FRIEND, STRANGER])
})

test('an error counts from the very address the notification went to, and with its very id', async (t) => {
  const { scene, publish, sendBack } = await open(t, [FRIEND, `${STRANGER}/device`])
  const id = (await publish()).get(FRIEND)
  const wrong: readonly [from: string, id: string | undefined][] = [
    [STRANGER, id],
    [`${FRIEND}/device`, id],
    ['denmark.lit', id],
    [OWNER, id],
    [FRIEND, 'news'],
    [FRIEND, `${id?.slice(0, 4)}AAAA${id?.slice(8)}`],
    [FRIEND, ''],
  ]
  for (const [from, id] of wrong) sendBack(from, id)
  t.is(scene.pubsub.bounces.size, 0)
  sendBack(FRIEND, id)
  t.is(scene.pubsub.bounces.size, 1)
})

test('what is no error is none, whatever its id', async (t) => {
  const { scene, say, publish } = await open(t)
  const id = (await publish()).get(FRIEND)
  say(`<message from='${FRIEND}' to='${SERVICE}' id='${id}'>${GONE}</message>`)
  t.is(scene.pubsub.bounces.size, 0)
})

test('after the time for it the subscription ends, and is logged; others stay', async (t) => {
  const { scene, publish, sendBack } = await open(t)
  for (let tried = 0; tried < 7; tried++) {
    const id = (await publish()).get(FRIEND)
    if (id === undefined) break
    sendBack(FRIEND, id)
    scene.pass(MINUTE * 2 ** tried)
  }
  await new Promise(setImmediate) // It counts once it is committed.
  t.is(scene.notifications.counts.ended, 1)
  t.deepEqual(scene.pubsub.subscriptions(by(FRIEND), { node: 'news' }).found, [])
  t.is(scene.pubsub.subscriptions(by(STRANGER), { node: 'news' }).found.length, 1)
  t.deepEqual(
    scene.log.lines.map(({ level, from }) => [level, from]),
    [['info', FRIEND]],
  )
})

for (const [what, stanza] of [
  ['presence', `<presence from='${FRIEND}/device'/>`],
  ['a question', undefined],
] as const) {
  test(`${what} of a subscriber resumes what it is told`, async (t) => {
    const { scene, say, publish, sendBack } = await open(t)
    sendBack(FRIEND, (await publish()).get(FRIEND))
    if (stanza) say(stanza)
    else scene.pubsub.bounces.heard(`${FRIEND}/device`)
    t.deepEqual([...(await publish()).keys()], [FRIEND, STRANGER])
  })
}

test('that a subscriber leaves, or somebody else is there, resumes nothing', async (t) => {
  const { say, publish, sendBack } = await open(t)
  sendBack(FRIEND, (await publish()).get(FRIEND))
  say(`<presence type='unavailable' from='${FRIEND}/device'/>`)
  say(`<presence from='${STRANGER}/device'/>`)
  t.deepEqual([...(await publish()).keys()], [STRANGER])
})

test('of somebody who hears by way of a collection, its subscription to that is left alone (XEP-0248)', async (t) => {
  const { scene, publish, sendBack } = await open(t, [])
  scene.pubsub.create(by(OWNER), { node: 'all', kind: 'collection' })
  scene.pubsub.configure(by(OWNER), 'news', { collection: 'all' })
  scene.pubsub.subscribe(by(FRIEND), { node: 'all', jid: FRIEND })
  sendBack(FRIEND, (await publish()).get(FRIEND))
  t.is(scene.pubsub.bounces.size, 1)
  t.is((await publish()).size, 0)
})

test('who sends back what it is told of its subscription is told on', async (t) => {
  const { scene, hear, sendBack, publish } = await open(t, [FRIEND])
  scene.tell(scene.pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: FRIEND, affiliation: 'publisher' }]))
  sendBack(FRIEND, String((await hear()).attrs['id']))
  t.is(scene.pubsub.bounces.size, 0)
  t.is((await publish()).size, 1)
})

test('where its end cannot be kept, a subscription goes on, which is logged once, and ends the next time', async (t) => {
  const storage = await openStorage(t, undefined, pubsubMigrations)
  const clash = storage.change(
    "INSERT INTO node (id, name, kind, creator, created_ms, config, is_listed) SELECT id, name, '', '', 0, '', 0 FROM node",
  )
  const { scene, publish, sendBack } = await open(t, [FRIEND], new SqliteStore(storage))
  const id = (await publish()).get(FRIEND)
  sendBack(FRIEND, id)
  await scene.pubsub.committed()
  scene.pass(60 * MINUTE)
  for (const _ of ['a', 'b']) {
    t.throws(() => clash.run(), { code: 'ERR_STORAGE' })
    sendBack(FRIEND, id)
    await t.throwsAsync(scene.pubsub.committed(), { code: 'ERR_STORAGE' })
    t.is(scene.pubsub.subscriptions(by(FRIEND), { node: 'news' }).found.length, 1)
  }
  t.is(scene.notifications.counts.ended, 0)
  t.deepEqual(
    scene.log.lines.map(({ sentence }) => sentence),
    ['subscriptions whose notifications come back could not be ended'],
  )
  sendBack(FRIEND, id)
  await scene.pubsub.committed()
  t.is(scene.notifications.counts.ended, 1)
  t.deepEqual(scene.pubsub.subscriptions(by(FRIEND), { node: 'news' }).found, [])
})
