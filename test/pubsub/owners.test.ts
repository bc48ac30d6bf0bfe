import test from 'ava'
import type { Affiliation, NodeConfig, Notice, PubsubLimits } from '../../src/pubsub/index.ts'
import { by, FRIEND, OWNER, PubsubScene, STRANGER } from '../helpers/pubsub.ts'

function sceneWith(config: Partial<NodeConfig> = {}, limits: Partial<PubsubLimits> = {}): PubsubScene {
  const scene = new PubsubScene({ limits })
  scene.pubsub.create(by(OWNER), { node: 'news', config })
  return scene
}
const make = ({ pubsub }: PubsubScene, jid: string, affiliation: Affiliation) =>
  pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid, affiliation }])
const subscribe = ({ pubsub }: PubsubScene, account: string) => pubsub.subscribe(by(account), { node: 'news', jid: account })
const affiliationsIn = ({ pubsub }: PubsubScene) =>
  Object.fromEntries(pubsub.nodeAffiliations(by(OWNER), 'news').found.map(({ account, affiliation }) => [account, affiliation]))
/** What notices say, and to whom. */
const said = (notices: readonly Notice[]) =>
  notices.map((notice) => {
    const what = 'subscription' in notice ? notice.subscription.state : 'affiliation' in notice ? notice.affiliation : ''
    return `${notice.kind} ${what} > ${'to' in notice ? notice.to.join() : '*'}`
  })

test('an owner gives affiliations, whom they are about hears it (XEP-0060 §8.9)', (t) => {
  const scene = sceneWith()
  t.deepEqual(said(make(scene, `${FRIEND}/device`, 'publisher').notices), [`affiliation publisher > ${FRIEND}`])
  t.deepEqual(make(scene, FRIEND, 'publisher').notices, [])
  make(scene, STRANGER, 'outcast')
  t.deepEqual(affiliationsIn(scene), { [OWNER]: 'owner', [FRIEND]: 'publisher', [STRANGER]: 'outcast' })
  make(scene, FRIEND, 'none')
  t.deepEqual(affiliationsIn(scene), { [OWNER]: 'owner', [STRANGER]: 'outcast' })
})

test('only owners see and change affiliations and subscriptions, and decide (XEP-0060 §8.8, §8.9)', (t) => {
  const scene = sceneWith({ accessModel: 'authorize' })
  const { pubsub } = scene
  make(scene, FRIEND, 'publisher')
  subscribe(scene, STRANGER)
  for (const asker of [by(FRIEND), by(STRANGER)]) {
    t.throws(() => pubsub.nodeAffiliations(asker, 'news'), { code: 'ERR_FORBIDDEN' })
    t.throws(() => pubsub.setNodeAffiliations(asker, 'news', []), { code: 'ERR_FORBIDDEN' })
    t.throws(() => pubsub.nodeSubscriptions(asker, 'news'), { code: 'ERR_FORBIDDEN' })
    t.throws(() => pubsub.setNodeSubscriptions(asker, 'news', []), { code: 'ERR_FORBIDDEN' })
    t.throws(() => pubsub.decide(asker, { node: 'news', jid: STRANGER }, true), { code: 'ERR_FORBIDDEN' })
    t.throws(() => pubsub.pending(asker, 'news'), { code: 'ERR_FORBIDDEN' })
    t.deepEqual(pubsub.nodesWithPending(asker).found, [])
  }
  t.throws(() => pubsub.setNodeAffiliations(by(OWNER), 'x', []), { code: 'ERR_ITEM_NOT_FOUND' })
  t.throws(() => pubsub.setNodeSubscriptions(by(OWNER), 'x', []), { code: 'ERR_ITEM_NOT_FOUND' })
})

test('the last owner stays one; the others are changed all the same (XEP-0060 §8.9.2.4)', (t) => {
  const scene = sceneWith()
  const { refused, notices } = scene.pubsub.setNodeAffiliations(by(OWNER), 'news', [
    { jid: OWNER, affiliation: 'none' },
    { jid: FRIEND, affiliation: 'publisher' },
  ])
  t.deepEqual(refused, [{ jid: OWNER, affiliation: 'owner' }])
  t.deepEqual(said(notices), [`affiliation publisher > ${FRIEND}`])
})

test('a node is handed over in one step', (t) => {
  const scene = sceneWith()
  const { refused } = scene.pubsub.setNodeAffiliations(by(OWNER), 'news', [
    { jid: OWNER, affiliation: 'none' },
    { jid: FRIEND, affiliation: 'owner' },
  ])
  t.deepEqual(refused, [])
  t.deepEqual(scene.pubsub.metadata('news').owners, [FRIEND])
  t.throws(() => scene.pubsub.delete(by(OWNER), 'news'), { code: 'ERR_FORBIDDEN' })
})

test('what is not in the chart of the specification is refused, and told as it is (XEP-0060 §4.1)', (t) => {
  const scene = sceneWith()
  make(scene, FRIEND, 'publisher')
  t.deepEqual(make(scene, FRIEND, 'member').refused, [{ jid: FRIEND, affiliation: 'publisher' }])
  make(scene, FRIEND, 'none')
  t.deepEqual(make(scene, FRIEND, 'member').refused, [])
})

const MALFORMED = ['@', 'a@b..c', 'a@', `${'a'.repeat(1024)}@b`, `a@${'b'.repeat(1024)}`]

test('what is for no JID is refused as it was named, and the others are changed (XEP-0060 §8.8.2.4, §8.9.2.4)', (t) => {
  for (const jid of MALFORMED) {
    const scene = sceneWith()
    const affiliations = [jid, FRIEND].map((each) => ({ jid: each, affiliation: 'member' as const }))
    const given = scene.pubsub.setNodeAffiliations(by(OWNER), 'news', affiliations)
    t.deepEqual(given.refused, [{ jid, affiliation: 'none' }], jid.slice(0, 9))
    t.deepEqual(said(given.notices), [`affiliation member > ${FRIEND}`])
    t.deepEqual(affiliationsIn(scene), { [OWNER]: 'owner', [FRIEND]: 'member' })

    const subscriptions = [jid, FRIEND].map((each) => ({ jid: each, state: 'subscribed' as const }))
    const set = scene.pubsub.setNodeSubscriptions(by(OWNER), 'news', subscriptions)
    t.deepEqual(set.refused, [{ jid, state: 'none' }], jid.slice(0, 9))
    t.deepEqual(said(set.notices), [`subscription subscribed > ${FRIEND}`])
    t.deepEqual(scene.publish('news', 'a'), [FRIEND])
  }
})

test('an account is named once (XEP-0060 §8.9.2.4)', (t) => {
  const scene = sceneWith()
  const twice = [FRIEND, `${FRIEND}/x`].map((jid) => ({ jid, affiliation: 'member' as const }))
  t.throws(() => scene.pubsub.setNodeAffiliations(by(OWNER), 'news', twice), { code: 'ERR_BAD_REQUEST' })
  t.deepEqual(affiliationsIn(scene), { [OWNER]: 'owner' })
})

test('there are so many affiliations, and so many changes at once', (t) => {
  const scene = sceneWith({}, { affiliationsPerNodeMax: 2, changesPerRequestMax: 2 })
  make(scene, FRIEND, 'member')
  t.deepEqual(make(scene, STRANGER, 'member').refused, [{ jid: STRANGER, affiliation: 'none' }])
  t.deepEqual(make(scene, FRIEND, 'outcast').refused, [])
  const three = ['a@b', 'c@d', 'e@f']
  const affiliations = three.map((jid) => ({ jid, affiliation: 'none' as const }))
  t.throws(() => scene.pubsub.setNodeAffiliations(by(OWNER), 'news', affiliations), { code: 'ERR_PUBSUB_LIMIT' })
  const subscriptions = three.map((jid) => ({ jid, state: 'none' as const }))
  t.throws(() => scene.pubsub.setNodeSubscriptions(by(OWNER), 'news', subscriptions), { code: 'ERR_PUBSUB_LIMIT' })
})

test('whoever may not be sent anything any more is subscribed no more, and hears it', (t) => {
  for (const [model, affiliation, ends] of [
    ['open', 'outcast', true],
    ['open', 'publish-only', true],
    ['open', 'member', false],
    ['whitelist', 'none', true],
  ] as const) {
    const scene = sceneWith({ accessModel: model })
    if (model === 'whitelist') make(scene, FRIEND, 'member')
    subscribe(scene, FRIEND)
    scene.pubsub.subscribe(by(FRIEND), { node: 'news', jid: `${FRIEND}/device` })
    const { notices } = make(scene, FRIEND, affiliation)
    const ended = [FRIEND, `${FRIEND}/device`].map((jid) => `subscription none > ${jid}`)
    t.deepEqual(said(notices), [`affiliation ${affiliation} > ${FRIEND}`, ...(ends ? ended : [])])
    t.deepEqual(scene.publish('news', 'a'), ends ? [] : [FRIEND, `${FRIEND}/device`])
  }
})

test('a node that is closed sends nothing any more to those who are not on its list', (t) => {
  const scene = sceneWith()
  subscribe(scene, FRIEND)
  subscribe(scene, STRANGER)
  t.deepEqual(scene.publish('news', 'a'), [FRIEND, STRANGER])
  make(scene, FRIEND, 'member')
  scene.pubsub.configure(by(OWNER), 'news', { accessModel: 'whitelist' })
  t.deepEqual(scene.publish('news', 'b'), [FRIEND])
  t.deepEqual(scene.publish('news', 'c'), [FRIEND])
})

test('an account sees its affiliations at all nodes, or at one (XEP-0060 §5.7)', (t) => {
  const scene = sceneWith()
  const { pubsub } = scene
  t.deepEqual(pubsub.affiliations(by(FRIEND)).found, [])
  pubsub.create(by(FRIEND), { node: 'own' })
  make(scene, FRIEND, 'outcast')
  t.deepEqual(pubsub.affiliations(by(FRIEND)).found, [
    { node: 'news', affiliation: 'outcast' },
    { node: 'own', affiliation: 'owner' },
  ])
  t.deepEqual(pubsub.affiliations(by(STRANGER), { node: 'news' }).found, [{ node: 'news', affiliation: 'none' }])
  t.throws(() => pubsub.affiliations(by(STRANGER), { node: 'x' }), { code: 'ERR_ITEM_NOT_FOUND' })
})

test('an account sees its subscriptions at all nodes, or at one (XEP-0060 §5.6)', (t) => {
  const scene = sceneWith()
  const { pubsub } = scene
  t.deepEqual(pubsub.subscriptions(by(FRIEND)).found, [])
  pubsub.create(by(OWNER), { node: 'other', config: { accessModel: 'authorize' } })
  subscribe(scene, FRIEND)
  pubsub.subscribe(by(FRIEND), { node: 'other', jid: `${FRIEND}/x` })
  const seen = (which = {}) => pubsub.subscriptions(by(FRIEND), which).found.map(({ node, jid, state }) => `${node} ${jid} ${state}`)
  t.deepEqual(seen(), [`news ${FRIEND} subscribed`, `other ${FRIEND}/x pending`])
  t.deepEqual(seen({ node: 'other' }), [`other ${FRIEND}/x pending`])
  t.throws(() => seen({ node: 'x' }), { code: 'ERR_ITEM_NOT_FOUND' })
})

test('owners are asked, and one of them decides (XEP-0060 §6.1.4, §8.6)', (t) => {
  for (const isAllowed of [true, false]) {
    const scene = sceneWith({ accessModel: 'authorize', notifySub: true })
    make(scene, 'second@denmark.lit', 'owner')
    const { subscription, notices } = subscribe(scene, FRIEND)
    t.is(subscription.state, 'pending')
    t.deepEqual(said(notices), [`approval pending > ${OWNER},second@denmark.lit`])
    t.throws(() => subscribe(scene, FRIEND), { code: 'ERR_PUBSUB_PENDING' })
    t.deepEqual(scene.publish('news', 'a'), [])

    const decide = () => scene.pubsub.decide(by('second@denmark.lit'), { node: 'news', jid: FRIEND, subid: subscription.subid }, isAllowed)
    const state = isAllowed ? 'subscribed' : 'none'
    t.deepEqual(said(decide().notices), [
      `subscription ${state} > ${FRIEND}`,
      ...(isAllowed ? [`subscription subscribed > ${OWNER},second@denmark.lit`] : []),
    ])
    t.deepEqual(scene.publish('news', 'b'), isAllowed ? [FRIEND] : [])
    if (isAllowed) t.deepEqual(decide().notices, [])
    else t.throws(decide, { code: 'ERR_PUBSUB_NOT_SUBSCRIBED' })
  }
})

test('an owner finds those who wait, node by node (XEP-0060 §8.7)', (t) => {
  const scene = sceneWith({ accessModel: 'authorize' }, { pageMax: 2 })
  const { pubsub } = scene
  for (const node of ['a', 'b', 'c']) pubsub.create(by(OWNER), { node, config: { accessModel: 'authorize' } })
  for (const account of ['x@y', 'y@y', 'z@y']) pubsub.subscribe({ jid: account }, { node: 'b', jid: account })
  const first = pubsub.nodesWithPending(by(OWNER))
  t.deepEqual(first.found, [])
  t.deepEqual(pubsub.nodesWithPending(by(OWNER), first.next), { found: ['b'], next: 4 })
  t.deepEqual(pubsub.nodesWithPending(by(OWNER), 4), { found: [], next: undefined })
  const page = pubsub.pending(by(OWNER), 'b')
  t.deepEqual(
    page.found.map(({ node, jid, state }) => [node, jid, state]),
    [
      ['b', 'x@y', 'pending'],
      ['b', 'y@y', 'pending'],
    ],
  )
  t.is(pubsub.pending(by(OWNER), 'b', page.next).found.length, 1)
})

test('who is made owner or publisher waits no longer, who is made an outcast neither (XEP-0060 §8.7.4)', (t) => {
  for (const [affiliation, state] of [
    ['publisher', 'subscribed'],
    ['owner', 'subscribed'],
    ['outcast', 'none'],
    ['member', undefined],
  ] as const) {
    const scene = sceneWith({ accessModel: 'authorize' })
    subscribe(scene, FRIEND)
    const told = said(make(scene, FRIEND, affiliation).notices)
    t.deepEqual(told, [`affiliation ${affiliation} > ${FRIEND}`, ...(state ? [`subscription ${state} > ${FRIEND}`] : [])])
  }
})

test('an owner sees who is subscribed, without those who wait (XEP-0060 §8.8.1.2)', (t) => {
  const scene = sceneWith({ accessModel: 'authorize' }, { pageMax: 2 })
  const { pubsub } = scene
  for (const account of [FRIEND, OWNER, STRANGER]) subscribe(scene, account)
  pubsub.decide(by(OWNER), { node: 'news', jid: STRANGER }, true)
  const first = pubsub.nodeSubscriptions(by(OWNER), 'news')
  t.deepEqual([first.found.map(({ jid }) => jid), first.count], [[OWNER, STRANGER], 2])
  t.deepEqual(
    pubsub.nodeSubscriptions(by(OWNER), 'news', { max: 1, after: first.first }).found.map(({ jid }) => jid),
    [STRANGER],
  )
})

test('an owner changes subscriptions, whom they are about hears it (XEP-0060 §8.8.2)', (t) => {
  const scene = sceneWith({ accessModel: 'authorize' })
  const { pubsub } = scene
  const set = (jid: string, state: 'subscribed' | 'none' | 'pending', subid?: string) =>
    pubsub.setNodeSubscriptions(by(OWNER), 'news', [{ jid, state, subid }])
  const { subid } = subscribe(scene, FRIEND).subscription
  t.deepEqual(said(set(FRIEND, 'subscribed').notices), [`subscription subscribed > ${FRIEND}`])
  t.deepEqual(set(FRIEND, 'subscribed'), { notices: [], refused: [] })
  t.deepEqual(said(set(STRANGER, 'subscribed').notices), [`subscription subscribed > ${STRANGER}`])
  t.deepEqual(scene.publish('news', 'a'), [FRIEND, STRANGER])
  t.deepEqual(set(FRIEND, 'pending').refused, [{ jid: FRIEND, state: 'subscribed', subid: undefined }])
  t.deepEqual(set(FRIEND, 'subscribed', 'zz').refused, [{ jid: FRIEND, state: 'none', subid: 'zz' }])
  t.deepEqual(said(set(FRIEND, 'none', subid).notices), [`subscription none > ${FRIEND}`])
  t.deepEqual(set(FRIEND, 'none'), { notices: [], refused: [] })
  t.deepEqual(scene.publish('news', 'b'), [STRANGER])
})

test('an owner subscribes nobody who is banned, not on the list, or one too many; the others are changed (XEP-0060 §8.8.2.4)', (t) => {
  const scene = sceneWith({ accessModel: 'whitelist' }, { subscriptionsPerNodeMax: 1 })
  make(scene, 'outcast@x', 'outcast')
  for (const account of ['member@x', 'more@x']) make(scene, account, 'member')
  const changes = ['outcast@x', 'stranger@x', 'member@x', 'more@x'].map((jid) => ({ jid, state: 'subscribed' as const }))
  const { refused, notices } = scene.pubsub.setNodeSubscriptions(by(OWNER), 'news', changes)
  t.deepEqual(
    refused.map(({ jid, state }) => `${jid} ${state}`),
    ['outcast@x none', 'stranger@x none', 'more@x none'],
  )
  t.deepEqual(said(notices), ['subscription subscribed > member@x'])
})

test('owners do not fill the room somebody has for subscriptions: the other half is his own', (t) => {
  const scene = sceneWith({}, { subscriptionsPerAccountMax: 4 })
  const { pubsub } = scene
  const set = (...resources: string[]) =>
    pubsub.setNodeSubscriptions(
      by(OWNER),
      'news',
      resources.map((resource) => ({ jid: `${FRIEND}/${resource}`, state: 'subscribed' as const })),
    ).refused
  t.deepEqual(
    set('a', 'b', 'c').map(({ jid }) => jid),
    [`${FRIEND}/c`],
  )
  for (const resource of ['c', 'd']) pubsub.subscribe(by(FRIEND), { node: 'news', jid: `${FRIEND}/${resource}` })
  t.is(pubsub.subscriptions(by(FRIEND)).found.length, 4)
})
