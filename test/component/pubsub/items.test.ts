// XEP-0060 §6.5, §7: items, published, told, retrieved and retracted.

import test from 'ava'
import { attribute, type Element, NS } from '../../../src/xep/index.ts'
import { formText } from '../../helpers/pubsub-examples.ts'
import { field, outcome, PAYLOAD, PubsubBehindServer, type WirePubsub } from '../../helpers/pubsub-service.ts'

const idsIn = (list: Element | undefined, name = 'item') => list?.getChildren(name).map((item) => attribute(item, 'id'))
const eventOf = (message: Element) => message.getChild('event', NS.pubsubEvent)?.getChild('items')
const itemsOf = async (client: WirePubsub, inside: string) => (await client.get(inside)).getChild('pubsub')?.getChild('items')

test('§7.1: what is published is told to each subscriber once, with its payload, and kept; its publisher is answered with the id', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n')
  await francisco.set(`<subscribe node='n' jid='${francisco.jid}'/>`)
  const answer = await hamlet.set(`<publish node='n'><item id='one'>${PAYLOAD}</item></publish>`)
  t.deepEqual(idsIn(answer.getChild('pubsub')?.getChild('publish')), ['one'])
  const message = await francisco.message()
  t.is(attribute(message, 'type'), 'headline')
  t.truthy(attribute(message, 'id'), '§12.4')
  t.deepEqual(idsIn(eventOf(message)), ['one'])
  t.truthy(eventOf(message)?.getChild('item')?.getChild('test', 'urn:example'), '§7.1.2.1')
  const made = idsIn((await hamlet.set(`<publish node='n'><item>${PAYLOAD}</item></publish>`)).getChild('pubsub')?.getChild('publish'))
  t.deepEqual(idsIn(eventOf(await francisco.message())), made, 'the service has made an id')
  t.deepEqual(idsIn(await itemsOf(francisco, "<items node='n'/>")), ['one', ...(made ?? [])])
  t.deepEqual(await francisco.messages(), [])
})

test('§7.1.2.2, §4.3: a node that only notifies delivers no payload, and a transient one of those takes no item', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  await hamlet.create('thin', field('deliver_payloads', '0'))
  await hamlet.create('bell', field('deliver_payloads', '0'), field('persist_items', '0'))
  for (const node of ['thin', 'bell']) await hamlet.set(`<subscribe node='${node}' jid='${hamlet.jid}'/>`)
  t.is(await hamlet.publish('thin', 'a'), 'result')
  const [item] = eventOf(await hamlet.message())?.getChildren('item') ?? []
  t.deepEqual([item && attribute(item, 'id'), item?.getChildElements().length], ['a', 0])
  t.is(await hamlet.publish('bell', 'a'), 'modify bad-request item-forbidden', '§7.1.3.7')
  t.is(outcome(await hamlet.set("<publish node='bell'/>")), 'result')
  t.deepEqual(eventOf(await hamlet.message())?.getChildElements(), [])
})

test('§7.1.3: what cannot be published is refused with its reason, and nobody is told', async (t) => {
  const scene = await PubsubBehindServer.start(t, { limits: { payloadBytesMax: 200 } })
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n', field('type', 'urn:example'))
  await hamlet.create('full', field('max_items', '1'), field('publish_node_full', 'reject'))
  await hamlet.create('c', field('node_type', 'collection'))
  await hamlet.set(`<subscribe node='n' jid='${hamlet.jid}'/>`)
  t.is(await francisco.publish('n', 'a'), 'auth forbidden', '§7.1.3.1')
  t.is(await hamlet.publish('c', 'a'), 'cancel feature-not-implemented unsupported publish', '§7.1.3.2')
  t.is(await hamlet.publish('nowhere', 'a'), 'cancel item-not-found', '§7.1.3.3')
  t.is(await hamlet.publish('full', 'a'), 'result')
  t.is(await hamlet.publish('full', 'b'), 'cancel conflict node-full', '§7.1.3.4')
  t.is(await hamlet.publish('full', 'a'), 'result', 'an item is published over itself')
  const item = (payload: string) => hamlet.outcome(hamlet.set(`<publish node='n'><item id='a'>${payload}</item></publish>`))
  t.is(await item(`<test xmlns='urn:example'>${'x'.repeat(200)}</test>`), 'modify not-acceptable payload-too-big', '§7.1.3.5')
  t.is(await item(`${PAYLOAD}${PAYLOAD}`), 'modify bad-request invalid-payload', '§7.1.3.6')
  t.is(await item("<test xmlns='urn:other'/>"), 'modify bad-request invalid-payload', '§7.1.3.6')
  t.is(await item(''), 'modify bad-request payload-required', '§7.1.3.7')
  t.is(outcome(await hamlet.set("<publish node='n'/>")), 'modify bad-request item-required', '§7.1.3.7')
  t.is(outcome(await hamlet.set('<publish/>')), 'modify bad-request nodeid-required')
  t.deepEqual(idsIn(await itemsOf(hamlet, "<items node='n'/>")), [])
  t.deepEqual(await hamlet.messages(), [])
})

test('§7.1.5: options are conditions, and unknown ones are not met', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  await hamlet.create('n')
  const publish = (...fields: string[]) =>
    hamlet.outcome(
      hamlet.set(
        `<publish node='n'><item>${PAYLOAD}</item></publish><publish-options>${formText('submit', 'publish-options', fields.join(''))}</publish-options>`,
      ),
    )
  t.is(await publish(field('access_model', 'open'), field('max_items', '20')), 'result')
  const unmet = 'cancel conflict precondition-not-met'
  t.is(await publish(field('access_model', 'presence')), unmet)
  t.is(await publish(field('no_such_thing', '1')), unmet)
  t.is(await publish(field('max_items', 'some')), unmet)
  t.is(await publish(field('collection', '')), 'result')
  t.is(await publish(field('collection', 'n')), unmet)
})

test('§7.2: items are retracted by whoever may, told if it is asked for, and all of them or none', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n')
  await hamlet.create('fleeting', field('persist_items', '0'))
  await francisco.set(`<subscribe node='n' jid='${francisco.jid}'/>`)
  for (const id of ['a', 'b', 'c']) await hamlet.publish('n', id)
  for (const _ of 'abc') await francisco.message()
  const retract = (client: WirePubsub, ids: string, attributes = "node='n'") =>
    client.outcome(client.set(`<retract ${attributes}>${[...ids].map((id) => `<item id='${id}'/>`).join('')}</retract>`))
  t.is(await retract(francisco, 'a'), 'auth forbidden', '§7.2.3.1')
  t.is(await retract(hamlet, 'a', "node='nowhere'"), 'cancel item-not-found', '§7.2.3.2')
  t.is(await retract(hamlet, 'ax'), 'cancel item-not-found', '§12.11')
  t.is(await retract(hamlet, 'a', ''), 'modify bad-request nodeid-required', '§7.2.3.3')
  t.is(outcome(await hamlet.set("<retract node='n'><item/></retract>")), 'modify bad-request item-required', '§7.2.3.4')
  t.is(await retract(hamlet, ''), 'modify bad-request item-required', '§7.2.3.4')
  t.is(await retract(hamlet, 'a', "node='fleeting'"), 'cancel feature-not-implemented unsupported persistent-items', '§7.2.3.5')
  t.deepEqual(idsIn(await itemsOf(hamlet, "<items node='n'/>")), ['a', 'b', 'c'])
  t.is(await retract(hamlet, 'a'), 'result')
  t.is(await retract(hamlet, 'b', "node='n' notify='true'"), 'result', '§7.2.2.1')
  t.deepEqual(idsIn(eventOf(await francisco.message()), 'retract'), ['b'])
  t.deepEqual(await francisco.messages(), [], 'the first was retracted without a word')
})

test('§6.5: items are retrieved all, by id, the newest, and page by page', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n')
  for (const id of ['a', 'b', 'c', 'd']) await hamlet.publish('n', id)
  const ids = async (inside: string) => (idsIn(await itemsOf(francisco, inside)) ?? []).join('')
  const page = (bounds: string) => `<items node='n'/><set xmlns='${NS.resultSets}'>${bounds}</set>`
  t.is(await ids("<items node='n'/>"), 'abcd', '§6.5.2')
  t.is(await ids("<items node='n'><item id='c'/><item id='a'/><item id='nothing'/></items>"), 'ca', '§6.5.6')
  t.is(await ids("<items node='n' max_items='2'/>"), 'cd', '§6.5.7')
  t.is(await ids("<items node='n'><item id='nothing'/></items>"), '', '§6.5.9.12')
  t.is(await ids(page('<max>2</max>')), 'ab')
  t.is(await ids(page('<max>2</max><after>b</after>')), 'cd')
  t.is(await ids(page('<max>2</max><before/>')), 'cd')
  t.is(await ids(page('<max>2</max><before>c</before>')), 'ab')
  t.is(await ids(page('<max>1</max><index>2</index>')), 'c')
  const set = (await francisco.get(page('<max>2</max><after>a</after>'))).getChild('pubsub')?.getChild('set', NS.resultSets)
  const first = set?.getChild('first', NS.resultSets)
  t.deepEqual(
    [first?.text(), first && attribute(first, 'index'), set?.getChildText('last'), set?.getChildText('count')],
    ['b', '1', 'c', '4'],
  )
  t.is(await francisco.outcome(francisco.get(page('<after>nothing</after>'))), 'cancel item-not-found', 'XEP-0059 §2.4')
})

test('§6.5.9: whoever may not retrieve items is told why', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('closed', field('access_model', 'whitelist'))
  await hamlet.create('asking', field('access_model', 'authorize'))
  await hamlet.create('fleeting', field('persist_items', '0'))
  await hamlet.create('c', field('node_type', 'collection'))
  await hamlet.create('open')
  const get = (node: string, attributes = '') => francisco.outcome(francisco.get(`<items node='${node}'${attributes}/>`))
  t.is(await get('closed'), 'cancel not-allowed closed-node', '§6.5.9.8')
  await francisco.set(`<subscribe node='asking' jid='${francisco.account}'/>`)
  t.is(await get('asking'), 'auth not-authorized not-subscribed', '§6.5.9.3: pending is not subscribed')
  t.is(await get('fleeting'), 'cancel feature-not-implemented unsupported persistent-items', '§6.5.9.4')
  t.is(await get('c'), 'cancel feature-not-implemented unsupported retrieve-items', '§6.5.9.5')
  t.is(await get('nowhere'), 'cancel item-not-found', '§6.5.9.11')
  await francisco.set(`<subscribe node='open' jid='${francisco.account}'/>`)
  t.is(await get('open', " subid='nonsense'"), 'modify not-acceptable invalid-subid', '§6.5.9.2')
  const again = formText('submit', 'subscribe_options', field('deliver', '0'))
  await francisco.set(`<subscribe node='open' jid='${francisco.account}'/><options>${again}</options>`)
  t.is(await get('open'), 'modify bad-request subid-required', '§6.5.9.1')
  await hamlet.ownerSet(`<affiliations node='open'><affiliation jid='${francisco.account}' affiliation='outcast'/></affiliations>`)
  t.is(await get('open'), 'auth forbidden', '§6.5.9.10')
})
