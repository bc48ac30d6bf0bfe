// XEP-0060 §5: what anybody may find out about a service, its nodes, and himself.

import test from 'ava'
import { attribute, type Element, NS, parseDiscoInfo, parseDiscoItems, parsePage } from '../../../src/xep/index.ts'
import { field, outcome, PubsubBehindServer, SERVICE, type WirePubsub } from '../../helpers/pubsub-service.ts'

const inside = (answer: Element) => answer.getChildElements()[0] as Element
const info = async (client: WirePubsub, node: string) => {
  const answer = await client.ask('get', `<query xmlns='${NS.discoInfo}' node='${node}'/>`)
  return outcome(answer) === 'result' ? parseDiscoInfo(inside(answer)) : outcome(answer)
}
const items = async (client: WirePubsub, node = '', page = '') =>
  inside(
    await client.ask(
      'get',
      `<query xmlns='${NS.discoItems}'${node && ` node='${node}'`}>${page && `<set xmlns='${NS.resultSets}'>${page}</set>`}</query>`,
    ),
  )

test('§5.2: the nodes of the service, page by page, with their names for people', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  t.deepEqual(parseDiscoItems(await items(hamlet)), [])
  await hamlet.create('one', field('title', 'The first'))
  await hamlet.create('two')
  t.deepEqual(parseDiscoItems(await items(hamlet)), [
    { jid: SERVICE, node: 'one', name: 'The first' },
    { jid: SERVICE, node: 'two', name: undefined },
  ])
  const first = await items(hamlet, '', '<max>1</max>')
  t.deepEqual(
    parseDiscoItems(first).map(({ node }) => node),
    ['one'],
  )
  const one = parsePage(first)
  t.like(one, { index: 0, count: 2, first: one?.last })
  const second = await items(hamlet, '', `<max>1</max><after>${one?.last}</after>`)
  t.deepEqual(
    parseDiscoItems(second).map(({ node }) => node),
    ['two'],
  )
  t.is(String(await items(hamlet, '', '<max>1</max><before/>')), String(second), 'XEP-0059 §2.5: the last page')
  const two = parsePage(second)
  t.like(two, { index: 1, count: 2 })
  t.is(String(await items(hamlet, '', `<max>1</max><before>${two?.first}</before>`)), String(first), 'XEP-0059 §2.3: the one before')
  const empty = await items(hamlet, '', '<max>0</max>')
  t.deepEqual([parseDiscoItems(empty), parsePage(empty)], [[], { first: undefined, last: undefined, index: undefined, count: 2 }])
  const at = (page: string) =>
    hamlet.outcome(hamlet.ask('get', `<query xmlns='${NS.discoItems}'><set xmlns='${NS.resultSets}'>${page}</set></query>`))
  t.is(await at('<index>1</index>'), 'cancel feature-not-implemented unsupported rsm', 'XEP-0059 §2.6')
  t.is(await at('<after>nothing</after>'), 'cancel item-not-found', 'XEP-0059 §2.4')
})

test('§5.2, §5.4: a node that is not for everybody is listed for those it is for, and tells others its kind alone', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const [hamlet, francisco, horatio] = [await scene.enter('hamlet'), await scene.enter('francisco'), await scene.enter('horatio')]
  await hamlet.create('open')
  for (const node of ['closed', 'c']) {
    await hamlet.create(
      node,
      field('access_model', 'whitelist'),
      field('title', 'Secret'),
      field('node_type', node === 'c' ? 'collection' : 'leaf'),
    )
  }
  const member = (account: string, affiliation: string) =>
    hamlet.ownerSet(`<affiliations node='closed'><affiliation jid='${account}' affiliation='${affiliation}'/></affiliations>`)
  await member(francisco.account, 'member')
  await member(horatio.account, 'outcast')
  const listed = async (client: WirePubsub) => parseDiscoItems(await items(client)).map(({ node }) => node)
  t.deepEqual(await listed(hamlet), ['open', 'closed', 'c'])
  t.deepEqual(await listed(francisco), ['open', 'closed'])
  t.deepEqual(await listed(horatio), ['open'])
  const kindAlone = (type: string) => ({
    identities: [{ category: 'pubsub', type, name: undefined }],
    features: [NS.pubsub],
    forms: undefined,
  })
  t.like(await info(horatio, 'closed'), kindAlone('leaf'))
  t.like(await info(francisco, 'c'), kindAlone('collection'))
  for (const client of [hamlet, francisco]) {
    const known = await info(client, 'closed')
    t.deepEqual(typeof known === 'string' ? known : [known.identities[0]?.name, known.forms?.length], ['Secret', 1])
  }
  t.is(await francisco.outcome(francisco.ask('get', `<query xmlns='${NS.discoItems}' node='c'/>`)), 'cancel not-allowed closed-node')
})

test('XEP-0059: subscriptions and affiliations have pages from the end, too', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  for (const node of ['one', 'two', 'three']) {
    await hamlet.create(node)
    await hamlet.set(`<subscribe node='${node}' jid='${hamlet.account}'/>`)
  }
  const last = `<set xmlns='${NS.resultSets}'><max>1</max><before/></set>`
  const page = async (answer: Promise<Element>) => {
    const inner = (await answer).getChild('pubsub') as Element
    const [list] = inner.getChildElements() as [Element]
    const { index, count } = parsePage(inner) ?? {}
    return [list.getChildElements().map((each) => attribute(each, 'node') ?? attribute(each, 'jid')), index, count]
  }
  t.deepEqual(await page(hamlet.get(`<subscriptions/>${last}`)), [['three'], 2, 3])
  t.deepEqual(await page(hamlet.get(`<affiliations/>${last}`)), [['three'], 2, 3])
  t.deepEqual(await page(hamlet.ownerGet(`<subscriptions node='one'/>${last}`)), [[hamlet.account], 0, 1])
  t.deepEqual(await page(hamlet.ownerGet(`<affiliations node='one'/>${last}`)), [[hamlet.account], 0, 1])
})

test('§5.3, §5.4: a node is a leaf or a collection, and tells what everybody may know', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const stranger = await scene.enter('francisco')
  await hamlet.create('n', field('title', 'Musings'), field('description', 'Of a prince'))
  await hamlet.create('c', field('node_type', 'collection'))
  const leaf = await info(stranger, 'n')
  if (typeof leaf === 'string') return t.fail(leaf)
  t.deepEqual(leaf.identities, [{ category: 'pubsub', type: 'leaf', name: 'Musings' }])
  t.true(leaf.features.includes(NS.pubsub))
  const [form] = leaf.forms ?? []
  t.is(form?.formType, `${NS.pubsub}#meta-data`)
  const value = (name: string) => form?.fields.find((each) => each.var === `pubsub#${name}`)?.values
  t.deepEqual([value('title'), value('description'), value('creator')], [['Musings'], ['Of a prince'], [hamlet.account]])
  t.deepEqual([value('owner'), value('num_subscribers'), value('access_model')], [[hamlet.account], ['0'], ['open']])
  t.regex(value('creation_date')?.[0] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  const collection = await info(stranger, 'c')
  t.is(typeof collection === 'string' ? collection : collection.identities[0]?.type, 'collection')
  t.is(await info(stranger, 'nowhere'), 'cancel item-not-found')
})

test('§5.5: the items of a node, by their ids and without a node, for those who may retrieve them', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const stranger = await scene.enter('francisco')
  await hamlet.create('n')
  await hamlet.create('closed', field('access_model', 'whitelist'))
  await hamlet.create('fleeting', field('persist_items', '0'))
  for (const id of ['a', 'b']) await hamlet.publish('n', id)
  t.deepEqual(
    parseDiscoItems(await items(stranger, 'n')),
    ['a', 'b'].map((name) => ({ jid: SERVICE, name, node: undefined })),
  )
  t.deepEqual(parseDiscoItems(await items(stranger, 'fleeting')), [])
  t.is(outcome(await stranger.ask('get', `<query xmlns='${NS.discoItems}' node='closed'/>`)), 'cancel not-allowed closed-node')
  t.is(outcome(await hamlet.ask('get', `<query xmlns='${NS.discoItems}' node='closed'/>`)), 'result')
})

test('XEP-0248: the items of a collection are the nodes in it', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  await hamlet.create('c', field('node_type', 'collection'))
  await hamlet.create('n', field('collection', 'c'))
  await hamlet.create('outside')
  t.deepEqual(
    parseDiscoItems(await items(hamlet, 'c')).map(({ node }) => node),
    ['n'],
  )
})

const listed = async (client: WirePubsub, name: 'subscriptions' | 'affiliations', node?: string) => {
  const answer = await client.get(`<${name}${node === undefined ? '' : ` node='${node}'`}/>`)
  const list = answer.getChild('pubsub')?.getChild(name)
  const word = name === 'subscriptions' ? 'subscription' : 'affiliation'
  return list
    ?.getChildren(word)
    .map((each) => [attribute(each, 'node'), attribute(each, 'jid'), attribute(each, word)].filter(Boolean).join(' '))
}

test('§5.6: an account has its subscriptions, whichever JID of it; none is an empty list', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  t.deepEqual(await listed(francisco, 'subscriptions'), [])
  await hamlet.create('open')
  await hamlet.create('asking', field('access_model', 'authorize'))
  for (const [node, jid] of [
    ['open', francisco.account],
    ['open', francisco.jid],
    ['asking', francisco.account],
  ]) {
    t.is(outcome(await francisco.set(`<subscribe node='${node}' jid='${jid}'/>`)), 'result')
  }
  const ofOpen = [`open ${francisco.account} subscribed`, `open ${francisco.jid} subscribed`]
  t.deepEqual(await listed(francisco, 'subscriptions'), [...ofOpen, `asking ${francisco.account} pending`])
  t.deepEqual(await listed(francisco, 'subscriptions', 'open'), ofOpen)
  t.deepEqual(await listed(hamlet, 'subscriptions'), [])
  const subids = (await francisco.get('<subscriptions/>')).toString().match(/subid="[^"]+"/g) ?? []
  t.is(new Set(subids).size, 3)
})

test('§5.7: an account has its affiliations, at all nodes or at one', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  t.deepEqual(await listed(francisco, 'affiliations'), [])
  await hamlet.create('one')
  await hamlet.create('two')
  t.deepEqual(await listed(hamlet, 'affiliations'), ['one owner', 'two owner'])
  t.deepEqual(await listed(hamlet, 'affiliations', 'two'), ['two owner'])
  t.deepEqual(await listed(francisco, 'affiliations', 'two'), ['two none'])
  t.is(outcome(await hamlet.get("<affiliations node='nowhere'/>")), 'cancel item-not-found')
})
