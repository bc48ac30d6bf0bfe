// Goal: the rules of nodes that are for contacts: whose roster is asked, and what follows from what is in it.

import test from 'ava'
import type { Broadcast, Contact, NodeConfig, NodeRecord } from '../../src/pubsub/index.ts'
import { by, FRIEND, OWNER, PubsubScene, STRANGER } from '../helpers/pubsub.ts'

const friends: readonly Contact[] = [{ subscription: 'from', groups: ['friends'] }]
const contactsOf = (account: string) => (account === FRIEND ? friends : [])

function sceneWith(config: Partial<NodeConfig> = {}) {
  const scene = new PubsubScene({ hasRosters: () => true })
  const { pubsub } = scene
  pubsub.create(by(OWNER), { node: 'news', config })
  for (const jid of [FRIEND, STRANGER]) {
    if (config.subscribe !== false) pubsub.subscribe({ ...by(jid), contacts: friends }, { node: 'news', jid })
  }
  return { scene, pubsub }
}

const told = ({ pubsub }: PubsubScene, notice: Broadcast, isKnown = true) =>
  [...pubsub.audience(notice, isKnown ? contactsOf : undefined)].flat().map((each) => (typeof each === 'string' ? each : each.jid))

for (const accessModel of ['presence', 'roster'] as const) {
  const config = { accessModel, rosterGroups: ['friends'] }

  test(`${accessModel}: rosters are asked about those only whose affiliation leaves it open`, (t) => {
    const { pubsub } = sceneWith(config)
    for (const affiliation of ['member', 'publisher', 'publish-only', 'outcast', 'none'] as const) {
      pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: STRANGER, affiliation: 'none' }])
      pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: STRANGER, affiliation }])
      const now = pubsub.nodeAffiliations(by(OWNER), 'news').found.find(({ account }) => account === STRANGER)?.affiliation ?? 'none'
      t.deepEqual(pubsub.rostersFor(by(STRANGER), 'news'), now === 'none' ? [OWNER] : [], now)
    }
    t.deepEqual(pubsub.rostersFor(by(OWNER), 'news'), [])
  })

  test(`${accessModel}: of several owners, five are asked`, (t) => {
    const { pubsub } = sceneWith(config)
    for (let at = 0; at < 9; at++) pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: `o${at}@x`, affiliation: 'owner' }])
    t.is(pubsub.rostersFor(by(STRANGER), 'news').length, 5)
  })

  test(`${accessModel}: contacts, and those whose affiliation lets them in, are told all that happens; everybody of the end`, (t) => {
    const { scene, pubsub } = sceneWith(config)
    const node = pubsub.node('news')
    const items = [
      {
        nodeId: node.id,
        seq: 1,
        id: 'a',
        publisher: OWNER,
        publishedMs: 0,
        expiresMs: undefined,
        payload: '<a/>',
        routingKey: undefined,
        isExpiryTold: false,
      },
    ]
    const notices: readonly Broadcast[] = [
      { kind: 'published', node, items, routingKey: undefined },
      { kind: 'retracted', node, itemIds: ['a'], routingKey: undefined },
      { kind: 'purged', node },
      { kind: 'configured', node },
    ]
    for (const notice of notices) {
      for (const time of ['read from the store', 'remembered']) {
        t.deepEqual(pubsub.rostersToTell(notice), [OWNER])
        t.deepEqual(told(scene, notice), [FRIEND], `${notice.kind} ${time}`)
        t.deepEqual(told(scene, notice, false), [], 'nothing is known of anybody')
      }
    }
    pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: STRANGER, affiliation: 'member' }])
    t.deepEqual(told(scene, { kind: 'purged', node }), [FRIEND, STRANGER])
    pubsub.setNodeAffiliations(by(OWNER), 'news', [{ jid: STRANGER, affiliation: 'none' }])
    const [deleted] = pubsub.delete(by(OWNER), 'news').notices as [Broadcast]
    t.deepEqual(pubsub.rostersToTell(deleted), [])
    t.deepEqual(told(scene, deleted), [FRIEND, STRANGER])
  })

  test(`${accessModel}: what a collection passes on is for those who may see the node it comes from (XEP-0248)`, (t) => {
    const { scene, pubsub } = sceneWith({ ...config, subscribe: false })
    pubsub.create(by(OWNER), { node: 'all', kind: 'collection' })
    for (const jid of [FRIEND, STRANGER]) {
      const options = { type: 'items', depth: 'all' } as const
      pubsub.subscribe(by(jid), { node: 'all', jid, options })
    }
    pubsub.configure(by(OWNER), 'news', { collection: 'all' })
    const { notices } = pubsub.publish(by(OWNER), { node: 'news', items: [{ id: 'a', payload: '<a/>' }] })
    t.deepEqual(told(scene, notices[0] as Broadcast), [FRIEND])
  })

  test(`${accessModel}: a collection tells its contacts which nodes come into it, and go`, (t) => {
    const scene = new PubsubScene({ hasRosters: () => true })
    const { pubsub } = scene
    pubsub.create(by(OWNER), { node: 'all', kind: 'collection', config })
    for (const jid of [FRIEND, STRANGER]) {
      pubsub.subscribe({ ...by(jid), contacts: friends }, { node: 'all', jid, options: { type: 'nodes' } })
    }
    const node: NodeRecord = pubsub.node('all')
    for (const kind of ['associated', 'disassociated'] as const) {
      t.deepEqual(pubsub.rostersToTell({ kind, node, child: 'news' }), [OWNER])
      t.deepEqual(told(scene, { kind, node, child: 'news' }), [FRIEND])
    }
  })

  test(`${accessModel}: a subscriber who has lost access neither publishes nor retracts as one`, (t) => {
    const { pubsub } = sceneWith({ ...config, publishModel: 'subscribers' })
    const publish = (contacts: readonly Contact[], id: string) =>
      pubsub.publish({ ...by(FRIEND), contacts }, { node: 'news', items: [{ id, payload: '<a/>' }] })
    publish(friends, 'a')
    t.throws(() => publish([], 'b'), { code: 'ERR_FORBIDDEN' })
    t.throws(() => pubsub.retract(by(FRIEND), { node: 'news', itemIds: ['a'] }), { code: 'ERR_FORBIDDEN' })
    t.notThrows(() => pubsub.retract({ ...by(FRIEND), contacts: friends }, { node: 'news', itemIds: ['a'] }))
  })
}

test('a node for everybody asks no roster, whoever it is', (t) => {
  const { pubsub } = sceneWith()
  t.deepEqual(pubsub.rostersFor(by(STRANGER), 'news'), [])
  t.deepEqual(pubsub.rostersToTell({ kind: 'purged', node: pubsub.node('news') }), [])
})

test('a node stays what it is when rosters cannot be asked any more, and no other becomes so', (t) => {
  let hasRosters = true
  const { pubsub } = new PubsubScene({ hasRosters: () => hasRosters })
  for (const node of ['news', 'open']) pubsub.create(by(OWNER), { node })
  pubsub.configure(by(OWNER), 'news', { accessModel: 'presence' })
  hasRosters = false
  pubsub.configure(by(OWNER), 'news', { accessModel: 'presence', title: 'Still there' })
  t.like(pubsub.configuration(by(OWNER), 'news').config, { accessModel: 'presence', title: 'Still there' })
  t.throws(() => pubsub.configure(by(OWNER), 'news', { accessModel: 'roster' }), { code: 'ERR_PUBSUB_ACCESS_MODEL' })
  t.throws(() => pubsub.configure(by(OWNER), 'open', { accessModel: 'presence' }), { code: 'ERR_PUBSUB_ACCESS_MODEL' })
})
