// XEP-0060 §5: what anybody may find out about a service, its nodes, and himself.

import test from 'ava'
import { attribute, type Element, NS, parseDiscoInfo, parseDiscoItems } from '../../../src/xep/index.ts'
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
  t.is(first.getChild('set', NS.resultSets)?.getChildText('last'), 'one')
  const second = await items(hamlet, '', '<max>1</max><after>one</after>')
  t.deepEqual(
    parseDiscoItems(second).map(({ node }) => node),
    ['two'],
  )
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
