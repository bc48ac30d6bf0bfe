import test from 'ava'
import type { NodeConfig, PubsubLimits } from '../../src/pubsub/index.ts'
import { by, FRIEND, OWNER, PubsubScene, STRANGER } from '../helpers/pubsub.ts'

function sceneWith(config: Partial<NodeConfig> = {}, limits: Partial<PubsubLimits> = {}): PubsubScene {
  const scene = new PubsubScene({ limits, hasRosters: () => true })
  scene.pubsub.create(by(OWNER), { node: 'news', config })
  return scene
}
const own = (jid: string, subid?: string) => ({ node: 'news', jid, subid })

test('who subscribes is subscribed, with the JID he names (XEP-0060 §6.1.2)', (t) => {
  const { pubsub } = sceneWith()
  for (const jid of [FRIEND, `${FRIEND}/device`, `${FRIEND}/other`]) {
    t.like(pubsub.subscribe(by(FRIEND), own(jid)).subscription, { node: 'news', jid, state: 'subscribed', expiresMs: undefined })
  }
  t.deepEqual(
    pubsub.subscriptions(by(FRIEND)).found.map(({ jid }) => jid),
    [FRIEND, `${FRIEND}/device`, `${FRIEND}/other`],
  )
})

test('a JID is compared as it is prepared', (t) => {
  const { pubsub } = sceneWith()
  t.is(pubsub.subscribe({ jid: 'Horatio@Denmark.lit/X' }, own('HORATIO@denmark.lit')).subscription.jid, FRIEND)
  t.is(pubsub.subscribe(by(FRIEND), own(FRIEND)).subscription.subid, pubsub.subscriptions(by(FRIEND)).found[0]?.subid as string)
})

for (const jid of [
  STRANGER,
  `${STRANGER}/device`,
  'denmark.lit',
  'horatio@denmark.lit.example.com',
  `x${FRIEND}`,
  '@',
  '',
  'a b@c',
  '/x',
]) {
  test(`nobody subscribes "${jid}", who is somebody else or nobody (XEP-0060 §6.1.3.1, §6.2.3.3, §6.3.4.1)`, (t) => {
    const { pubsub } = sceneWith()
    pubsub.subscribe(by(STRANGER), own(STRANGER))
    t.throws(() => pubsub.subscribe(by(FRIEND), own(jid)), { code: 'ERR_PUBSUB_INVALID_JID' })
    const code = jid.includes('.') ? 'ERR_FORBIDDEN' : 'ERR_PUBSUB_INVALID_JID'
    t.throws(() => pubsub.unsubscribe(by(FRIEND), own(jid)), { code })
    t.throws(() => pubsub.options(by(FRIEND), own(jid)), { code })
    t.throws(() => pubsub.setOptions(by(FRIEND), own(jid), { deliver: false }), { code })
    t.is(pubsub.metadata('news').subscribers, 1)
  })
}

test('whoever is let in is subscribed, others hear why not (XEP-0060 §6.1.3)', (t) => {
  const contact = { subscription: 'from', groups: ['friends'] } as const
  for (const [config, contacts, code] of [
    [{ accessModel: 'whitelist' }, [], 'ERR_PUBSUB_CLOSED_NODE'],
    [{ accessModel: 'presence' }, [], 'ERR_PUBSUB_PRESENCE_REQUIRED'],
    [{ accessModel: 'presence' }, [contact], undefined],
    [{ accessModel: 'roster', rosterGroups: ['family'] }, [contact], 'ERR_PUBSUB_NOT_IN_GROUP'],
    [{ accessModel: 'roster', rosterGroups: ['friends'] }, [contact], undefined],
    [{ subscribe: false }, [], 'ERR_PUBSUB_UNSUPPORTED'],
  ] as const) {
    const { pubsub } = sceneWith(config)
    const subscribe = () => pubsub.subscribe({ ...by(FRIEND), contacts }, own(FRIEND))
    if (code) t.throws(subscribe, { code })
    else t.is(subscribe().subscription.state, 'subscribed')
    t.is(pubsub.metadata('news').subscribers, code ? 0 : 1)
  }
  t.throws(() => sceneWith().pubsub.subscribe(by(FRIEND), { node: 'x', jid: FRIEND }), { code: 'ERR_ITEM_NOT_FOUND' })
})

test('members of a list subscribe, outcasts and who only publishes do not, wherever (XEP-0060 §6.1.3.8)', (t) => {
  const { pubsub } = sceneWith({ accessModel: 'whitelist' })
  const set = (affiliation: 'member' | 'outcast' | 'publish-only' | 'none') =>
    pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: FRIEND, affiliation }])
  set('member')
  t.is(pubsub.subscribe(by(FRIEND), own(FRIEND)).subscription.state, 'subscribed')
  pubsub.configure(by(OWNER), 'news', { accessModel: 'open' })
  for (const affiliation of ['outcast', 'none', 'publish-only'] as const) {
    set(affiliation)
    if (affiliation !== 'none') t.throws(() => pubsub.subscribe(by(FRIEND), own(FRIEND)), { code: 'ERR_FORBIDDEN' })
  }
})

test('subscribing again gives what is there already (XEP-0060 §6.1.6)', (t) => {
  const { pubsub } = sceneWith()
  const { subscription } = pubsub.subscribe(by(FRIEND), own(FRIEND))
  t.deepEqual(pubsub.subscribe(by(FRIEND), own(FRIEND)).subscription, subscription)
  t.deepEqual(pubsub.subscribe(by(FRIEND), { ...own(FRIEND), options: { deliver: true } }).subscription, subscription)
  t.is(pubsub.metadata('news').subscribers, 1)
})

test('subscribing with other options is another subscription, which has an id of its own (XEP-0060 §6.1.6)', (t) => {
  const scene = sceneWith()
  const { pubsub } = scene
  const [first, second] = [undefined, { expiresMs: 2_000_000 }].map(
    (options) => pubsub.subscribe(by(FRIEND), { ...own(FRIEND), options }).subscription.subid,
  )
  t.not(first, second)
  t.deepEqual(scene.publish('news', 'a'), [`${FRIEND} #${first} #${second}`])

  t.throws(() => pubsub.unsubscribe(by(FRIEND), own(FRIEND)), { code: 'ERR_PUBSUB_SUBID_REQUIRED' })
  t.throws(() => pubsub.unsubscribe(by(FRIEND), own(FRIEND, 'zz')), { code: 'ERR_PUBSUB_INVALID_SUBID' })
  t.throws(() => pubsub.items(by(FRIEND), { node: 'news' }), { code: 'ERR_PUBSUB_SUBID_REQUIRED' })
  t.throws(() => pubsub.items(by(FRIEND), { node: 'news', subid: 'zz' }), { code: 'ERR_PUBSUB_INVALID_SUBID' })
  t.is(pubsub.items(by(FRIEND), { node: 'news', subid: second as string }).count, 1)
  t.throws(() => pubsub.options(by(FRIEND), own(FRIEND)), { code: 'ERR_PUBSUB_SUBID_REQUIRED' })

  t.like(pubsub.unsubscribe(by(FRIEND), own(FRIEND, first)).subscription, { jid: FRIEND, subid: first, state: 'none' })
  t.deepEqual(scene.publish('news', 'b'), [FRIEND])
  t.is(pubsub.unsubscribe(by(FRIEND), own(FRIEND)).subscription.subid, second as string)
  t.throws(() => pubsub.unsubscribe(by(FRIEND), own(FRIEND)), { code: 'ERR_PUBSUB_NOT_SUBSCRIBED' })
})

test('the id of the only subscription need not be told, and must be right when it is (XEP-0060 §6.2.3.5)', (t) => {
  const { pubsub } = sceneWith()
  const { subid } = pubsub.subscribe(by(FRIEND), own(FRIEND)).subscription
  t.throws(() => pubsub.unsubscribe(by(FRIEND), own(FRIEND, `${subid}0`)), { code: 'ERR_PUBSUB_INVALID_SUBID' })
  t.throws(() => pubsub.items(by(FRIEND), { node: 'news', subid: `${subid}0` }), { code: 'ERR_PUBSUB_INVALID_SUBID' })
  t.notThrows(() => pubsub.items(by(STRANGER), { node: 'news', subid: `${subid}0` }))
  t.notThrows(() => pubsub.unsubscribe(by(FRIEND), own(FRIEND, subid)))
})

test('a subscription of one JID of an account is not that of another', (t) => {
  const { pubsub } = sceneWith()
  pubsub.subscribe(by(FRIEND), own(`${FRIEND}/device`))
  t.throws(() => pubsub.unsubscribe(by(FRIEND), own(FRIEND)), { code: 'ERR_PUBSUB_NOT_SUBSCRIBED' })
  t.throws(() => pubsub.options(by(FRIEND), own(`${FRIEND}/Device`)), { code: 'ERR_PUBSUB_NOT_SUBSCRIBED' })
  t.notThrows(() => pubsub.unsubscribe({ jid: `${FRIEND}/elsewhere` }, own(`${FRIEND}/device`)))
})

test('options are read and set, what is not named stays (XEP-0060 §6.3)', (t) => {
  const scene = sceneWith()
  const { pubsub } = scene
  t.throws(() => pubsub.options(by(FRIEND), own(FRIEND)), { code: 'ERR_PUBSUB_NOT_SUBSCRIBED' })
  pubsub.subscribe(by(FRIEND), own(FRIEND))
  t.deepEqual(pubsub.options(by(FRIEND), own(FRIEND)).options, pubsub.defaultOptions)
  pubsub.setOptions(by(FRIEND), own(FRIEND), { deliver: false })
  t.deepEqual(scene.publish('news', 'a'), [])
  pubsub.setOptions(by(FRIEND), own(FRIEND), { expiresMs: 1_500_000 })
  t.like(pubsub.options(by(FRIEND), own(FRIEND)).options, { deliver: false, expiresMs: 1_500_000 })
  pubsub.setOptions(by(FRIEND), own(FRIEND), { deliver: true, expiresMs: null })
  t.deepEqual(pubsub.options(by(FRIEND), own(FRIEND)).options, pubsub.defaultOptions)
  t.deepEqual(scene.publish('news', 'b'), [FRIEND])
})

for (const options of [
  { digest: true },
  { includeBody: true },
  { type: 'nodes' },
  { expiresMs: 1_000_000 },
  { expiresMs: Number.NaN },
] as const) {
  test(`nobody gets ${JSON.stringify(options)} (XEP-0060 §6.3.6.2)`, (t) => {
    const { pubsub } = sceneWith()
    t.throws(() => pubsub.subscribe(by(FRIEND), { ...own(FRIEND), options }), { code: 'ERR_PUBSUB_INVALID_OPTIONS' })
    pubsub.subscribe(by(FRIEND), own(FRIEND))
    t.throws(() => pubsub.setOptions(by(FRIEND), own(FRIEND), { deliver: false, ...options }), { code: 'ERR_PUBSUB_INVALID_OPTIONS' })
    t.deepEqual(pubsub.options(by(FRIEND), own(FRIEND)).options, pubsub.defaultOptions)
  })
}

test('what would be refused when it is true can be had when it is false', (t) => {
  const { pubsub } = sceneWith()
  const options = { digest: false, includeBody: false, type: 'items', depth: 1 } as const
  t.deepEqual(pubsub.subscribe(by(FRIEND), { ...own(FRIEND), options }).options, pubsub.defaultOptions)
})

test('a lease ends, is renewed, and is cut to what a service allows (XEP-0060 §12.19)', (t) => {
  const scene = sceneWith({}, { leaseMsMax: 1_000 })
  const { pubsub } = scene
  const { options } = pubsub.subscribe(by(FRIEND), { ...own(FRIEND), options: { expiresMs: 9_000_000 } })
  t.is(options.expiresMs, 1_001_000)
  scene.nowMs = 1_000_999
  t.deepEqual(scene.publish('news', 'a'), [FRIEND])
  pubsub.setOptions(by(FRIEND), own(FRIEND), { expiresMs: 1_001_500 })
  scene.nowMs = 1_001_499
  t.deepEqual(scene.publish('news', 'b'), [FRIEND])
  scene.nowMs = 1_001_500
  t.deepEqual(scene.publish('news', 'c'), [])
  const { notices } = pubsub.sweep()
  t.like(notices, { length: 1, 0: { kind: 'subscription', to: [FRIEND], subscription: { state: 'none', jid: FRIEND } } })
  t.deepEqual(pubsub.subscriptions(by(FRIEND)).found, [])
})

test('a lease that is over counts no more, swept or not (XEP-0060 §12.19)', (t) => {
  const scene = sceneWith({ accessModel: 'authorize', publishModel: 'subscribers' }, { subscriptionsPerAccountAtNodeMax: 1 })
  const { pubsub } = scene
  pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: FRIEND, affiliation: 'member' }])
  const { subid } = pubsub.subscribe(by(FRIEND), { ...own(FRIEND), options: { expiresMs: 1_000_500 } }).subscription
  t.notThrows(() => scene.publish('news', 'a', FRIEND))
  scene.nowMs = 1_000_500
  t.throws(() => scene.publish('news', 'b', FRIEND), { code: 'ERR_FORBIDDEN' })
  t.throws(() => pubsub.unsubscribe(by(FRIEND), own(FRIEND)), { code: 'ERR_PUBSUB_NOT_SUBSCRIBED' })
  t.throws(() => pubsub.options(by(FRIEND), own(FRIEND)), { code: 'ERR_PUBSUB_NOT_SUBSCRIBED' })
  t.deepEqual(pubsub.subscriptions(by(FRIEND), { node: 'news' }).found, [])
  const { subscription, options } = pubsub.subscribe(by(FRIEND), own(FRIEND))
  t.not(subscription.subid, subid)
  t.is(options.expiresMs, undefined)
  pubsub.sweep()
  t.deepEqual(scene.publish('news', 'c'), [FRIEND])
})

test('who waits for an owner needs none once the node is open to him', (t) => {
  for (const open of [
    ({ pubsub }: PubsubScene) => pubsub.configure(by(OWNER), 'news', { accessModel: 'open' }),
    ({ pubsub }: PubsubScene) => pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: FRIEND, affiliation: 'member' }]),
  ]) {
    const scene = sceneWith({ accessModel: 'authorize' })
    const { subid } = scene.pubsub.subscribe(by(FRIEND), own(FRIEND)).subscription
    t.throws(() => scene.pubsub.subscribe(by(FRIEND), own(FRIEND)), { code: 'ERR_PUBSUB_PENDING' })
    open(scene)
    const { subscription, notices } = scene.pubsub.subscribe(by(FRIEND), own(FRIEND))
    t.like(subscription, { subid, state: 'subscribed' })
    t.like(notices, { length: 1, 0: { kind: 'subscription', to: [FRIEND] } })
    t.deepEqual(scene.publish('news', 'a'), [FRIEND])
  }
})

test('there are so many subscriptions, of an account, at a node, and in both (XEP-0060 §6.1.3.9)', (t) => {
  const limits = { subscriptionsPerAccountMax: 3, subscriptionsPerNodeMax: 4, subscriptionsPerAccountAtNodeMax: 2 }
  const { pubsub } = sceneWith({}, limits)
  for (const node of ['b', 'c']) pubsub.create(by(OWNER), { node })
  const subscribe = (node: string, jid: string) => pubsub.subscribe({ jid }, { node, jid })
  const code = 'ERR_PUBSUB_TOO_MANY_SUBSCRIPTIONS'
  subscribe('news', `${FRIEND}/1`)
  subscribe('news', `${FRIEND}/2`)
  t.throws(() => subscribe('news', `${FRIEND}/3`), { code })
  t.notThrows(() => subscribe('news', `${FRIEND}/2`))
  subscribe('b', FRIEND)
  t.throws(() => subscribe('c', FRIEND), { code })
  subscribe('news', STRANGER)
  subscribe('news', OWNER)
  t.throws(() => subscribe('news', 'else@denmark.lit'), { code })
  pubsub.unsubscribe(by(FRIEND), { node: 'news', jid: `${FRIEND}/1` })
  t.notThrows(() => subscribe('news', 'else@denmark.lit'))
  t.notThrows(() => subscribe('c', FRIEND))
})

test('where the node says so, a new subscriber gets what was published last (XEP-0060 §6.1.7)', (t) => {
  const scene = sceneWith({ sendLastPublishedItem: 'on_sub' })
  const { pubsub } = scene
  t.deepEqual(pubsub.subscribe(by(OWNER), own(OWNER)).notices, [])
  for (const id of ['a', 'b']) scene.publish('news', id)
  const { notices } = pubsub.subscribe(by(FRIEND), own(FRIEND))
  t.like(notices, { length: 1, 0: { kind: 'lastItem', to: [FRIEND], items: [{ id: 'b', payload: '<b/>' }] } })
  t.deepEqual(pubsub.subscribe(by(STRANGER), { ...own(STRANGER), options: { deliver: false } }).notices, [])
  pubsub.configure(by(OWNER), 'news', { sendLastPublishedItem: 'never' })
  t.deepEqual(pubsub.subscribe({ jid: 'else@denmark.lit' }, own('else@denmark.lit')).notices, [])
})

test('owners hear of subscribers that come and go, where the node says so (notify_sub)', (t) => {
  const { pubsub } = sceneWith({ notifySub: true })
  t.like(pubsub.subscribe(by(FRIEND), own(FRIEND)).notices, {
    length: 1,
    0: { to: [OWNER], subscription: { jid: FRIEND, state: 'subscribed' } },
  })
  t.like(pubsub.unsubscribe(by(FRIEND), own(FRIEND)).notices, {
    length: 1,
    0: { to: [OWNER], subscription: { jid: FRIEND, state: 'none' } },
  })
})

test('one whose notifications come back is subscribed no more, but for his other JIDs (XEP-0060 §12.4)', (t) => {
  const scene = sceneWith()
  for (const jid of [FRIEND, `${FRIEND}/device`]) scene.pubsub.subscribe(by(FRIEND), own(jid))
  scene.publish('news', 'a')
  scene.pubsub.endSubscriptions('news', `${FRIEND}/device`)
  scene.pubsub.endSubscriptions('nothing', FRIEND)
  t.deepEqual(scene.publish('news', 'b'), [FRIEND])
})
