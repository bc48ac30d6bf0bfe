import type { ExecutionContext, TestFn } from 'ava'
import { type NodeRecord, nodeDefaults, type PubsubStore, type SubscriptionRecord } from '../../src/pubsub/index.ts'

const OWNER = 'hamlet@denmark.lit'

const leaf = (store: PubsubStore, name: string, more: Partial<NodeRecord> = {}): NodeRecord =>
  store.addNode({ name, kind: 'leaf', parent: undefined, creator: OWNER, createdMs: 1000, isListed: true, config: {}, ...more })

const subscribe = (store: PubsubStore, { id }: NodeRecord, jid: string, more: Partial<SubscriptionRecord> = {}): SubscriptionRecord =>
  store.addSubscription({
    nodeId: id,
    jid,
    account: jid.replace(/\/.*/, ''),
    state: 'subscribed',
    options: undefined,
    expiresMs: undefined,
    ...more,
  })

const put = (store: PubsubStore, { id }: NodeRecord, itemId: string, more: { payload?: string; expiresMs?: number } = {}) =>
  store.putItem({
    nodeId: id,
    id: itemId,
    publisher: `${OWNER}/elsinore`,
    publishedMs: 2000,
    expiresMs: more.expiresMs,
    isExpiryTold: false,
    routingKey: undefined,
    payload: more.payload,
  })

const names = (nodes: readonly NodeRecord[]) => nodes.map(({ name }) => name)
const ids = (things: readonly { readonly id: string | number }[]) => things.map(({ id }) => id)

/** What the rules of publish-subscribe rely on. A store is done when its test file is this one call. */
export function pubsubStoreContract(test: TestFn, open: () => Promise<PubsubStore>): void {
  const holds = (title: string, run: (t: ExecutionContext, store: PubsubStore) => Promise<void> | void) =>
    test(title, async (t) => {
      const store = await open()
      await run(t, store)
      await store.settled()
      await store.close()
    })

  nodesContract(holds)
  movedContract(holds)
  affiliationsContract(holds)
  subscriptionsContract(holds)
  bouncesContract(holds)
  itemsContract(holds)
  timeContract(holds)
}

type Holds = (title: string, run: (t: ExecutionContext, store: PubsubStore) => Promise<void> | void) => void

function nodesContract(holds: Holds): void {
  holds('a node is found by its name and by its id, as it was given', (t, store) => {
    const config = { ...nodeDefaults, title: 'Übermut 😀', contact: ['a@b', 'c@d'], maxItems: 'max' as const, itemExpireMs: 5000 }
    const node = leaf(store, 'princely_musings', { config })
    t.deepEqual(store.node('princely_musings'), node)
    t.deepEqual(store.nodeById(node.id), node)
    t.deepEqual(store.node('princely_musings')?.config, config)
    t.is(store.node('Princely_musings'), undefined)
    t.is(store.nodeById(node.id + 1), undefined)
  })

  holds('names are what they are: case, spaces, quotes, characters beyond ASCII', (t, store) => {
    const all = ['a', 'A', 'a b', "it's", 'x"y', 'é', 'e\u0301', '😀', 'null', '%', '_', 'http://jabber.org/protocol/tune']
    for (const name of all) leaf(store, name)
    for (const name of all) t.is(store.node(name)?.name, name)
    t.is(store.countNodes(), all.length)
  })

  holds('nodes come in the order of their creation, page by page', (t, store) => {
    const nodes = ['c', 'a', 'b', 'd'].map((name) => leaf(store, name))
    t.deepEqual(names(store.listedNodes({ limit: 2 })), ['c', 'a'])
    t.deepEqual(names(store.listedNodes({ after: nodes[1]?.id, limit: 5 })), ['b', 'd'])
    t.deepEqual(store.listedNodes({ after: nodes[3]?.id, limit: 5 }), [])
    store.retireNode(nodes[1]?.id as number)
    t.deepEqual(names(store.listedNodes({ after: nodes[0]?.id, limit: 1 })), ['b'])
  })

  holds('what not everybody finds is listed for those it is about, from either end, however that changes', (t, store) => {
    const all = ['a', 'b', 'c', 'd', 'e'].map((name, at) => leaf(store, name, { isListed: at % 2 === 0 })) as [NodeRecord, ...NodeRecord[]]
    const [a, b, c, d] = all as [NodeRecord, NodeRecord, NodeRecord, NodeRecord, NodeRecord]
    t.deepEqual(names(store.listedNodes({ limit: 9 })), ['a', 'c', 'e'])
    t.deepEqual(names(store.listedNodes({ limit: 2, fromEnd: true })), ['c', 'e'])
    t.deepEqual(names(store.listedNodes({ before: c.id, limit: 9, fromEnd: true })), ['a'])
    t.is(store.countListedNodes(), 3)
    store.setAffiliation(b.id, 'x@y', 'member')
    store.setAffiliation(c.id, 'x@y', 'publisher')
    store.setAffiliation(d.id, 'x@y', 'outcast')
    t.deepEqual(names(store.affiliatedNodes('x@y', { limit: 9 })), ['b', 'c'])
    t.deepEqual(names(store.affiliatedNodes('x@y', { limit: 1, fromEnd: true })), ['c'])
    t.deepEqual(names(store.affiliatedNodes('x@y', { after: b.id, limit: 9 })), ['c'])
    t.deepEqual(store.affiliatedNodes('other@y', { limit: 9 }), [])
    for (const jid of ['x@y', 'x@y/z']) subscribe(store, d, jid)
    subscribe(store, a, 'x@y')
    t.deepEqual(names(store.subscribedNodes('x@y', { limit: 9 })), ['a', 'd'])
    t.deepEqual(names(store.subscribedNodes('x@y', { before: d.id, limit: 9, fromEnd: true })), ['a'])

    store.replaceNode({ ...b, isListed: true })
    store.replaceNode({ ...c, isListed: false })
    store.replaceNode({ ...a, isListed: true, config: { title: 'new' } })
    t.deepEqual(names(store.listedNodes({ limit: 9 })), ['a', 'b', 'e'])
    store.replaceNode({ ...c, isListed: true })
    t.deepEqual(names(store.listedNodes({ after: a.id, limit: 2 })), ['b', 'c'])
    t.is(store.countListedNodes(), 4)
    store.retireNode(b.id)
    store.retireNode(d.id)
    t.deepEqual(names(store.listedNodes({ limit: 9 })), ['a', 'c', 'e'])
    t.deepEqual(names(store.affiliatedNodes('x@y', { limit: 9 })), ['c'])
    t.deepEqual(names(store.subscribedNodes('x@y', { limit: 9 })), ['a'])
    t.deepEqual([store.countListedNodes(), store.countNodes()], [3, 3])
  })

  holds('subscriptions and items are counted in all, with what is left of nodes until it is swept', (t, store) => {
    const totals = () => [store.countAllSubscriptions(), store.countAllItems()]
    t.deepEqual(totals(), [0, 0])
    const [one, two] = [leaf(store, 'one'), leaf(store, 'two')]
    const [first] = ['a@b', 'c@d'].map((jid) => subscribe(store, one, jid)) as [SubscriptionRecord]
    subscribe(store, two, 'a@b', { state: 'pending' })
    for (const id of ['a', 'b', 'a', 'c']) put(store, one, id)
    put(store, two, 'a')
    t.deepEqual(totals(), [3, 4])
    store.removeSubscription(first)
    store.removeSubscription(first)
    store.removeItem(one.id, 'b')
    store.removeItem(one.id, 'b')
    t.deepEqual(totals(), [2, 3])
    store.removeItems(one.id)
    t.deepEqual(totals(), [2, 1])
    store.retireNode(two.id)
    while (store.sweepRetired(100, new Set()) > 0) {}
    t.deepEqual(totals(), [1, 0])
  })

  holds('a node that is replaced keeps its place and its id', (t, store) => {
    const [first, second] = [leaf(store, 'one'), leaf(store, 'two')]
    store.replaceNode({ ...first, config: { title: 'new' } })
    t.deepEqual(store.node('one')?.config, { title: 'new' })
    t.deepEqual(ids(store.listedNodes({ limit: 9 })), [first.id, second.id])
  })

  holds('nodes are counted, in all, of a creator, in a collection', (t, store) => {
    const parent = leaf(store, 'parent', { kind: 'collection', creator: 'other@denmark.lit' })
    const child = leaf(store, 'child', { parent: parent.id })
    leaf(store, 'alone')
    t.is(store.countNodes(), 3)
    t.is(store.countNodesOf(OWNER), 2)
    t.is(store.countNodesOf('other@denmark.lit'), 1)
    t.is(store.countNodesOf('nobody@denmark.lit'), 0)
    t.is(store.countChildren(parent.id), 1)
    store.retireNode(child.id)
    t.deepEqual([store.countNodes(), store.countNodesOf(OWNER), store.countChildren(parent.id)], [2, 1, 0])
  })

  holds('the nodes of a collection follow them when they move', (t, store) => {
    const [one, two] = [leaf(store, 'one', { kind: 'collection' }), leaf(store, 'two', { kind: 'collection' })]
    const [a, b, c] = ['a', 'b', 'c'].map((name) => leaf(store, name, { parent: one.id })) as [NodeRecord, NodeRecord, NodeRecord]
    store.replaceNode({ ...b, parent: two.id })
    t.deepEqual(names(store.children(one.id, { limit: 9 })), ['a', 'c'])
    t.deepEqual(names(store.children(two.id, { limit: 9 })), ['b'])
    store.replaceNode({ ...b, parent: undefined })
    t.deepEqual(store.children(two.id, { limit: 9 }), [])
    t.deepEqual(names(store.children(one.id, { limit: 1 })), ['a'])
    t.deepEqual(names(store.children(one.id, { after: a.id, limit: 9 })), ['c'])
    t.is(store.nodeById(c.id)?.parent, one.id)
  })

  holds('a retired node is gone, and its name is free at once', (t, store) => {
    const node = leaf(store, 'news')
    store.setAffiliation(node.id, OWNER, 'owner')
    put(store, node, 'a')
    store.retireNode(node.id)
    t.is(store.node('news'), undefined)
    t.is(store.nodeById(node.id), undefined)
    t.is(store.affiliation(node.id, OWNER), 'none')
    t.deepEqual(store.affiliationsOf(OWNER, { limit: 9 }), [])
    t.is(store.item(node.id, 'a'), undefined)
    t.is(store.countItems(node.id), 0)
    const again = leaf(store, 'news')
    t.not(again.id, node.id)
    t.is(store.node('news')?.id, again.id)
  })

  holds('the subscriptions of a retired node are there to be told, until they are swept', (t, store) => {
    const [node, other] = [leaf(store, 'news'), leaf(store, 'other')]
    for (const at of [node, other]) for (const jid of ['a@b', 'c@d', 'e@f']) subscribe(store, at, jid)
    store.retireNode(node.id)
    t.deepEqual(
      store.subscriptions(node.id, { limit: 9 }).map(({ jid }) => jid),
      ['a@b', 'c@d', 'e@f'],
    )
    t.is(store.subscriptionsAt(node.id, 'a@b').length, 1)
    t.deepEqual(
      store.subscriptionsOf('a@b', { limit: 9 }).map(({ nodeId }) => nodeId),
      [other.id],
    )
    t.is(store.sweepRetired(100, new Set([node.id])), 0)
    t.is(store.sweepRetired(2, new Set()), 2)
    t.is(store.subscriptions(node.id, { limit: 9 }).length, 1)
    for (let swept = 1; swept > 0; ) swept = store.sweepRetired(2, new Set())
    t.deepEqual(store.subscriptions(node.id, { limit: 9 }), [])
    t.is(store.countSubscriptionsOf('a@b'), 1)
    t.is(store.countSubscriptions(other.id), 3)
  })
}

function movedContract(holds: Holds): void {
  const move = (store: PubsubStore, name: string, expiresMs: number, creator = OWNER) => {
    const moved = { name, uri: `xmpp:a@b?;node=${name}`, creator, expiresMs }
    store.putMoved(moved)
    return moved
  }

  holds('where a node has moved is found by its name, and the last word counts', (t, store) => {
    move(store, 'news', 10, 'other@denmark.lit')
    const moved = move(store, 'news', 20)
    t.deepEqual(store.moved('news'), moved)
    t.is(store.moved('News'), undefined)
    t.deepEqual([store.countMoved(), store.countMovedOf(OWNER), store.countMovedOf('other@denmark.lit')], [1, 1, 0])
    t.deepEqual(store.dueMoved(15, 9), [])
    store.removeMoved('news')
    store.removeMoved('news')
    t.is(store.moved('news'), undefined)
    t.deepEqual([store.countMoved(), store.countMovedOf(OWNER)], [0, 0])
  })

  holds('of nodes that have moved, in all or of one creator, those that are forgotten first come first', (t, store) => {
    for (const [name, expiresMs] of [
      ['c', 30],
      ['a', 10],
      ['d', 40],
    ] as const)
      move(store, name, expiresMs)
    move(store, 'b', 20, 'other@denmark.lit')
    t.deepEqual(
      store.dueMoved(30, 9).map(({ name }) => name),
      ['a', 'b', 'c'],
    )
    t.deepEqual(
      store.dueMoved(99, 2).map(({ name }) => name),
      ['a', 'b'],
    )
    t.deepEqual(
      store.dueMovedOf(OWNER, 2).map(({ name }) => name),
      ['a', 'c'],
    )
    t.deepEqual([store.countMoved(), store.countMovedOf(OWNER)], [4, 3])
  })
}

function affiliationsContract(holds: Holds): void {
  holds('an account without an affiliation has the affiliation none', (t, store) => {
    const node = leaf(store, 'news')
    t.is(store.affiliation(node.id, 'a@b'), 'none')
    store.setAffiliation(node.id, 'a@b', 'publisher')
    t.is(store.affiliation(node.id, 'a@b'), 'publisher')
    store.setAffiliation(node.id, 'a@b', 'outcast')
    t.is(store.affiliation(node.id, 'a@b'), 'outcast')
    t.is(store.countAffiliations(node.id), 1)
    store.setAffiliation(node.id, 'a@b', 'none')
    store.setAffiliation(node.id, 'c@d', 'none')
    t.is(store.affiliation(node.id, 'a@b'), 'none')
    t.is(store.countAffiliations(node.id), 0)
    t.deepEqual(store.affiliations(node.id, { limit: 9 }), [])
    t.deepEqual(store.affiliationsOf('a@b', { limit: 9 }), [])
  })

  holds('affiliations come by account, page by page, in the order of code points', (t, store) => {
    const node = leaf(store, 'news')
    for (const account of ['b@x', 'B@x', '\u{ff5e}@x', '\u{10400}@x', 'a@x']) store.setAffiliation(node.id, account, 'member')
    const accounts = (after?: string) => store.affiliations(node.id, { after, limit: 2 }).map(({ account }) => account)
    t.deepEqual(accounts(), ['B@x', 'a@x'])
    t.deepEqual(accounts('a@x'), ['b@x', '\u{ff5e}@x'])
    t.deepEqual(accounts('\u{ff5e}@x'), ['\u{10400}@x'])
    const from = (section: { after?: string; before?: string }) =>
      store.affiliations(node.id, { ...section, limit: 2, fromEnd: true }).map(({ account }) => account)
    t.deepEqual(from({}), ['\u{ff5e}@x', '\u{10400}@x'])
    t.deepEqual(from({ before: '\u{ff5e}@x' }), ['a@x', 'b@x'])
    t.deepEqual(from({ before: 'a@x' }), ['B@x'])
  })

  holds('owners are listed and counted', (t, store) => {
    const node = leaf(store, 'news')
    for (const account of ['c@x', 'a@x', 'b@x']) store.setAffiliation(node.id, account, 'owner')
    store.setAffiliation(node.id, 'd@x', 'publisher')
    t.deepEqual(store.owners(node.id, 2), ['a@x', 'b@x'])
    t.is(store.countOwners(node.id), 3)
    store.setAffiliation(node.id, 'a@x', 'member')
    t.deepEqual(store.owners(node.id, 9), ['b@x', 'c@x'])
    t.is(store.countOwners(node.id), 2)
  })

  holds('the affiliations of an account come by node, page by page', (t, store) => {
    const nodes = ['a', 'b', 'c'].map((name) => leaf(store, name))
    for (const node of [...nodes].reverse()) store.setAffiliation(node.id, 'x@y', 'member')
    store.setAffiliation(nodes[0]?.id as number, 'other@y', 'owner')
    const first = store.affiliationsOf('x@y', { limit: 2 })
    t.deepEqual(
      first.map(({ nodeId }) => nodeId),
      [nodes[0]?.id, nodes[1]?.id],
    )
    t.deepEqual(store.affiliationsOf('x@y', { after: nodes[1]?.id, limit: 2 }), [
      { nodeId: nodes[2]?.id as number, account: 'x@y', affiliation: 'member' },
    ])
    const from = (before?: number) => store.affiliationsOf('x@y', { before, limit: 2, fromEnd: true }).map(({ nodeId }) => nodeId)
    t.deepEqual(from(), [nodes[1]?.id, nodes[2]?.id])
    t.deepEqual(from(nodes[1]?.id), [nodes[0]?.id])
    t.deepEqual([store.countAffiliationsOf('x@y'), store.countAffiliationsOf('nobody@y')], [3, 0])
  })
}

function subscriptionsContract(holds: Holds): void {
  holds('a subscription is kept as it was given', (t, store) => {
    const node = leaf(store, 'news')
    const given = { options: { deliver: false, depth: 'all', type: 'items' } as const, expiresMs: 77, state: 'pending' as const }
    const subscription = subscribe(store, node, 'a@b/c', given)
    t.like(subscription, { ...given, jid: 'a@b/c', account: 'a@b', nodeId: node.id })
    t.deepEqual(store.subscriptionsAt(node.id, 'a@b'), [subscription])
    t.deepEqual(store.subscriptionsAt(node.id, 'a@b/c'), [])
    t.deepEqual(store.subscriptions(node.id, { limit: 9 }), [subscription])
    t.deepEqual(store.subscriptionsOf('a@b', { limit: 9 }), [subscription])
  })

  holds('an account has several subscriptions at a node, of one JID and of others', (t, store) => {
    const [node, other] = [leaf(store, 'news'), leaf(store, 'other')]
    const own = ['a@b', 'a@b', 'a@b/c'].map((jid) => subscribe(store, node, jid))
    const elsewhere = subscribe(store, other, 'a@b')
    subscribe(store, node, 'b@b')
    t.deepEqual(store.subscriptionsAt(node.id, 'a@b'), own)
    t.deepEqual(ids(store.subscriptionsOf('a@b', { limit: 9 })), ids([...own, elsewhere]))
    t.deepEqual(ids(store.subscriptionsOf('a@b', { after: own[1]?.id, limit: 1 })), ids(own.slice(2)))
    t.deepEqual(ids(store.subscriptionsOf('a@b', { limit: 2, fromEnd: true })), ids([own[2], elsewhere] as SubscriptionRecord[]))
    t.deepEqual(ids(store.subscriptionsOf('a@b', { before: own[1]?.id, limit: 2, fromEnd: true })), ids(own.slice(0, 1)))
    t.is(store.countSubscriptions(node.id), 4)
    t.is(store.countSubscriptionsOf('a@b'), 4)
    store.removeSubscription(own[1] as SubscriptionRecord)
    store.removeSubscription(own[1] as SubscriptionRecord)
    t.deepEqual(ids(store.subscriptionsAt(node.id, 'a@b')), [own[0]?.id, own[2]?.id])
    t.deepEqual([store.countSubscriptions(node.id), store.countSubscriptionsOf('a@b')], [3, 3])
  })

  holds('a subscription that is replaced keeps its place', (t, store) => {
    const node = leaf(store, 'news')
    const [first, second] = ['a@b', 'c@d'].map((jid) => subscribe(store, node, jid, { state: 'pending' })) as [
      SubscriptionRecord,
      SubscriptionRecord,
    ]
    const replaced = { ...first, state: 'subscribed' as const, options: { deliver: false }, expiresMs: 9 }
    store.replaceSubscription(replaced)
    t.deepEqual(store.subscriptions(node.id, { limit: 9 }), [replaced, second])
    t.deepEqual(store.subscriptionsAt(node.id, 'a@b'), [replaced])
    t.deepEqual(store.subscriptionsOf('a@b', { limit: 9 }), [replaced])
  })

  holds('those that are pending are listed and counted', (t, store) => {
    const node = leaf(store, 'news')
    const all = ['a@b', 'c@d', 'e@f'].map((jid) => subscribe(store, node, jid, { state: 'pending' }))
    subscribe(store, node, 'g@h')
    t.deepEqual(store.pending(node.id, { limit: 2 }), all.slice(0, 2))
    t.deepEqual(store.pending(node.id, { after: all[1]?.id, limit: 2 }), all.slice(2))
    store.replaceSubscription({ ...(all[0] as SubscriptionRecord), state: 'subscribed' })
    store.removeSubscription(all[1] as SubscriptionRecord)
    t.deepEqual(store.pending(node.id, { limit: 9 }), all.slice(2))
    t.is(store.countPending(node.id), 1)
  })

  holds('those that are not pending are listed from either end, however many are between them', (t, store) => {
    const node = leaf(store, 'news')
    const all = Array.from({ length: 9 }, (_, at) => subscribe(store, node, `s${at}@b`, { state: at % 4 === 0 ? 'subscribed' : 'pending' }))
    const [first, , , , middle, , , , last] = ids(all)
    t.deepEqual(ids(store.subscribed(node.id, { limit: 9 })), [first, middle, last])
    t.deepEqual(ids(store.subscribed(node.id, { limit: 2 })), [first, middle])
    t.deepEqual(ids(store.subscribed(node.id, { after: Number(first), limit: 1 })), [middle])
    t.deepEqual(ids(store.subscribed(node.id, { limit: 2, fromEnd: true })), [middle, last])
    t.deepEqual(ids(store.subscribed(node.id, { before: Number(last), limit: 1, fromEnd: true })), [middle])
    t.deepEqual(store.subscribed(node.id, { before: Number(first), limit: 9, fromEnd: true }), [])
  })

  holds('subscriptions come page by page, also while they come and go', (t, store) => {
    const node = leaf(store, 'news')
    const all = Array.from({ length: 100 }, (_, at) => subscribe(store, node, `s${at}@b`))
    const seen: number[] = []
    for (let after: number | undefined; ; ) {
      const page = store.subscriptions(node.id, { after, limit: 7 })
      if (page.length === 0) break
      seen.push(...ids(page).map(Number))
      after = page.at(-1)?.id
      if (seen.length === 49) for (const gone of all.slice(0, 60)) store.removeSubscription(gone)
      if (seen.length === 56) all.push(subscribe(store, node, 'late@b'))
    }
    t.deepEqual(seen, [...ids(all.slice(0, 49)), ...ids(all.slice(60))].map(Number))
    t.is(store.countSubscriptions(node.id), 41)
  })
}

function bouncesContract(holds: Holds): void {
  const bounce = { firstMs: 1_700_000_000_000, passing: 2, pauseMs: 60_000, untilMs: 1_700_000_060_000 }
  const bouncing = (store: PubsubStore, after?: number) =>
    store.bouncing({ after, limit: 9 }).map(({ nodeId, jid, bounce: { passing } }) => [nodeId, jid, passing])

  holds('what comes back of a subscription is kept with it, as it was given, until something else is', (t, store) => {
    const [one, two] = [leaf(store, 'one'), leaf(store, 'two')]
    t.deepEqual(store.bouncing({ limit: 9 }), [])
    const [first, second] = [subscribe(store, two, 'a@b/device'), subscribe(store, one, 'a@b')]
    store.setBounce(second, { ...bounce, passing: 1 })
    store.setBounce(first, bounce)
    t.deepEqual(store.bouncing({ limit: 1 }), [{ id: first.id, nodeId: two.id, jid: 'a@b/device', bounce }])
    t.deepEqual(bouncing(store, first.id), [[one.id, 'a@b', 1]])
    store.setBounce(second, { ...bounce, passing: 3 })
    store.setBounce(first, undefined)
    t.deepEqual(bouncing(store), [[one.id, 'a@b', 3]])
    t.deepEqual(store.subscriptionsAt(one.id, 'a@b'), [second], 'the subscription is what it was')
  })

  holds('it stays with a subscription that is replaced, goes with one that is taken away, and comes to none that is gone', (t, store) => {
    const node = leaf(store, 'news')
    const [one, two, three] = ['a@b', 'c@d', 'e@f'].map((jid) => subscribe(store, node, jid)) as [
      SubscriptionRecord,
      SubscriptionRecord,
      SubscriptionRecord,
    ]
    for (const each of [one, two]) store.setBounce(each, bounce)
    store.replaceSubscription({ ...one, options: { deliver: false } })
    store.removeSubscription(two)
    store.removeSubscription(three)
    store.setBounce(three, bounce)
    t.deepEqual(bouncing(store), [[node.id, 'a@b', 2]])
    store.retireNode(node.id)
    t.deepEqual(bouncing(store), [])
    while (store.sweepRetired(100, new Set()) > 0) {}
    t.deepEqual(bouncing(store), [])
  })
}

function itemsContract(holds: Holds): void {
  holds('an item is found by its id, as it was given', (t, store) => {
    const [node, other] = [leaf(store, 'news'), leaf(store, 'other')]
    const item = put(store, node, 'a', { payload: "<x xmlns='urn:x'>“é” 😀</x>", expiresMs: 9 })
    t.deepEqual(store.item(node.id, 'a'), item)
    t.is(store.item(other.id, 'a'), undefined)
    t.is(store.item(node.id, 'A'), undefined)
    t.is(put(store, node, 'b').payload, undefined)
    t.deepEqual([store.hasItem(node.id, 'a'), store.hasItem(node.id, 'A'), store.hasItem(other.id, 'a')], [true, false, false])
    store.removeItem(node.id, 'a')
    t.false(store.hasItem(node.id, 'a'))
  })

  holds('items come in the order of publication, of which one that is published again is the last (XEP-0060 §12.1)', (t, store) => {
    const node = leaf(store, 'news')
    const [a] = ['a', 'b', 'c'].map((id) => put(store, node, id))
    const again = put(store, node, 'a', { payload: '<new/>' })
    t.true(again.seq > (a?.seq as number))
    t.deepEqual(ids(store.items(node.id, { limit: 9 })), ['b', 'c', 'a'])
    t.deepEqual(store.oldestItemIds(node.id, 2), ['b', 'c'])
    t.is(store.item(node.id, 'a')?.payload, '<new/>')
    t.is(store.countItems(node.id), 3)
  })

  holds('a range of items is from either end, behind one, before one', (t, store) => {
    const node = leaf(store, 'news')
    const items = ['a', 'b', 'c', 'd', 'e'].map((id) => put(store, node, id))
    const seq = (at: number) => items[at]?.seq as number
    t.deepEqual(ids(store.items(node.id, { limit: 2 })), ['a', 'b'])
    t.deepEqual(ids(store.items(node.id, { limit: 2, fromEnd: true })), ['d', 'e'])
    t.deepEqual(ids(store.items(node.id, { after: seq(1), limit: 2 })), ['c', 'd'])
    t.deepEqual(ids(store.items(node.id, { before: seq(3), limit: 2, fromEnd: true })), ['b', 'c'])
    t.deepEqual(ids(store.items(node.id, { after: seq(0), before: seq(4), limit: 9 })), ['b', 'c', 'd'])
    t.deepEqual(ids(store.items(node.id, { after: seq(0), before: seq(4), limit: 2, fromEnd: true })), ['c', 'd'])
    t.deepEqual(store.items(node.id, { after: seq(4), limit: 2 }), [])
    t.deepEqual(store.items(node.id, { limit: 0 }), [])
  })

  holds('places of items are counted, whatever was taken from among them', (t, store) => {
    const node = leaf(store, 'news')
    for (let at = 0; at < 40; at++) put(store, node, `${at}`)
    for (let at = 0; at < 40; at += 3) store.removeItem(node.id, `${at}`)
    const left = store.items(node.id, { limit: 99 })
    t.is(left.length, 26)
    t.is(store.countItems(node.id), 26)
    for (const [index, item] of left.entries()) {
      t.is(store.countItemsBefore(node.id, item.seq), index)
      t.deepEqual(store.itemAt(node.id, index), item)
    }
    t.is(store.itemAt(node.id, 26), undefined)
  })

  holds('items are taken away one by one, and all at once', (t, store) => {
    const [node, other] = [leaf(store, 'news'), leaf(store, 'other')]
    for (const at of [node, other]) for (const id of ['a', 'b', 'c']) put(store, at, id)
    store.removeItem(node.id, 'b')
    store.removeItem(node.id, 'b')
    t.deepEqual(ids(store.items(node.id, { limit: 9 })), ['a', 'c'])
    store.removeItems(node.id)
    t.deepEqual(store.items(node.id, { limit: 9 }), [])
    t.is(store.countItems(node.id), 0)
    t.is(store.countItems(other.id), 3)
  })
}

function timeContract(holds: Holds): void {
  holds('what falls due is found, the earliest first, and nothing else', (t, store) => {
    const node = leaf(store, 'news')
    for (const [id, expiresMs] of [
      ['c', 30],
      ['a', 10],
      ['b', 20],
      ['d', 40],
    ] as const)
      put(store, node, id, { expiresMs })
    put(store, node, 'never')
    put(store, node, 'b')
    t.deepEqual(ids(store.dueItems(9, 9)), [])
    t.deepEqual(ids(store.dueItems(30, 9)), ['a', 'c'])
    t.deepEqual(ids(store.dueItems(99, 2)), ['a', 'c'])
    store.removeItem(node.id, 'a')
    t.deepEqual(ids(store.dueItems(99, 9)), ['c', 'd'])
    store.removeItems(node.id)
    t.deepEqual(store.dueItems(99, 9), [])
  })

  holds('a lease that was renewed falls due later', (t, store) => {
    const node = leaf(store, 'news')
    const first = subscribe(store, node, 'a@b', { expiresMs: 10 })
    const second = subscribe(store, node, 'c@d', { expiresMs: 20 })
    subscribe(store, node, 'e@f')
    store.replaceSubscription({ ...first, expiresMs: 30 })
    t.deepEqual(ids(store.dueSubscriptions(20, 9)), [second.id])
    store.removeSubscription(second)
    t.deepEqual(ids(store.dueSubscriptions(99, 9)), [first.id])
    store.replaceSubscription({ ...first, expiresMs: undefined })
    t.deepEqual(store.dueSubscriptions(99, 9), [])
  })

  holds('of a thousand dates, the due ones are found in their order', (t, store) => {
    const node = leaf(store, 'news')
    const dates = Array.from({ length: 1000 }, (_, at) => (at * 7919) % 1009)
    for (const [at, expiresMs] of dates.entries()) put(store, node, `${at}`, { expiresMs })
    for (let at = 0; at < 1000; at += 2) store.removeItem(node.id, `${at}`)
    const expected = dates.filter((date, at) => at % 2 === 1 && date <= 500).sort((one, other) => one - other)
    t.deepEqual(
      store.dueItems(500, 2000).map(({ expiresMs }) => expiresMs),
      expected,
    )
  })
}
