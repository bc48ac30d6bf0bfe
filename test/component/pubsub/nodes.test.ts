// XEP-0060 §8.1-§8.5: nodes, created, configured, deleted and purged.

import test from 'ava'
import { attribute, NS, parseStanzaError } from '../../../src/xep/index.ts'
import { formText } from '../../helpers/pubsub-examples.ts'
import { field, outcome, PAYLOAD, PubsubBehindServer, type WirePubsub } from '../../helpers/pubsub-service.ts'

const configure = (client: WirePubsub, node: string, ...fields: string[]) =>
  client.outcome(client.ownerSet(`<configure node='${node}'>${formText('submit', 'node_config', fields.join(''))}</configure>`))
const valueIn = (form: string, name: string) =>
  new RegExp(`var="pubsub#${name}".*?</field>`).exec(form)?.[0].match(/<value>([^<]*)<\/value><\/field>/)?.[1]

test('§8.1: nodes are created by whoever may, once, by name or without', async (t) => {
  const scene = await PubsubBehindServer.start(t, { mayCreate: (account) => account.startsWith('hamlet') })
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  t.is(await francisco.create('n'), 'auth forbidden')
  t.is(await hamlet.create('n'), 'result')
  t.is(await hamlet.create('n'), 'cancel conflict')
  const instant = (await hamlet.set('<create/>')).getChild('pubsub')?.getChild('create')
  t.truthy(instant && attribute(instant, 'node'))
  t.is(await hamlet.create('m', field('access_model', 'nonsense')), 'modify not-acceptable unsupported-access-model', '§8.1.2')
  t.is(
    await hamlet.create('m', field('access_model', 'presence')),
    'modify not-acceptable unsupported-access-model',
    'no server has granted rosters',
  )
  const form = formText('submit', 'node_config', '')
  t.is(outcome(await hamlet.set(`<create node='m'/><configure node='m'>${form}</configure>`)), 'modify bad-request', '§8.1.3')
  t.is(outcome(await hamlet.set(`<configure>${form}</configure><create node='m'/>`)), 'modify bad-request', '§8.1.3')
  t.is(await hamlet.create('m', field('x-no_such_thing', '1')), 'result', 'XEP-0004 §3.2: unknown fields are passed over')
})

test('§8.2: an owner gets the configuration, changes a part of it, or nothing', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n', field('title', 'Musings'))
  const form = async () => String((await hamlet.ownerGet("<configure node='n'/>")).getChild('pubsub'))
  t.deepEqual([valueIn(await form(), 'title'), valueIn(await form(), 'max_items')], ['Musings', '20'])
  t.is(await configure(hamlet, 'n', field('max_items', '3'), field('notify_retract', 'true')), 'result')
  const changed = await form()
  t.deepEqual(
    ['title', 'max_items', 'notify_retract'].map((name) => valueIn(changed, name)),
    ['Musings', '3', '1'],
  )
  t.is(outcome(await hamlet.ownerSet(`<configure node='n'><x xmlns='${NS.dataForms}' type='cancel'/></configure>`)), 'result', '§8.2.4')
  t.is(await form(), changed)
  t.is(await configure(hamlet, 'n', field('max_items', 'many')), 'modify not-acceptable', '§8.2.5.2')
  t.is(await configure(hamlet, 'n', field('node_type', 'collection')), 'modify not-acceptable')
  t.is(await configure(hamlet, 'n', field('title', 'a') + field('title', 'b')), 'modify bad-request', 'a field that comes twice')
  t.is(await configure(francisco, 'n', field('title', 'Mine')), 'auth forbidden', '§8.2.3.2')
  t.is(outcome(await francisco.ownerGet("<configure node='n'/>")), 'auth forbidden', '§8.2.3.2')
  t.is(outcome(await hamlet.ownerGet('<configure/>')), 'modify bad-request nodeid-required', '§8.2.3.3')
  t.is(outcome(await hamlet.ownerGet("<configure node='nowhere'/>")), 'cancel item-not-found', '§8.2.3.5')
  t.is(await form(), changed)
})

test('§8.2.5.3: subscribers hear of another configuration, and see it where the node delivers payloads', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n', field('notify_config', '1'))
  await francisco.set(`<subscribe node='n' jid='${francisco.jid}'/>`)
  const heard = async () => (await francisco.message()).getChild('event', NS.pubsubEvent)?.getChild('configuration')
  await configure(hamlet, 'n', field('title', 'Seen'))
  const whole = await heard()
  t.is(whole && attribute(whole, 'node'), 'n')
  t.is(valueIn(String(whole?.getChild('x', NS.dataForms)), 'title'), 'Seen')
  await configure(hamlet, 'n', field('deliver_payloads', '0'))
  t.deepEqual((await heard())?.getChildElements(), [])
  await configure(hamlet, 'n', field('notify_config', '0'))
  t.deepEqual(await francisco.messages(), [])
})

test('§8.3: the defaults of leaves and collections', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const leaf = (await hamlet.ownerGet('<default/>')).toString()
  t.deepEqual([valueIn(leaf, 'node_type'), valueIn(leaf, 'access_model'), valueIn(leaf, 'children_max')], ['leaf', 'open', undefined])
  const collection = (await hamlet.ownerGet("<default type='collection'/>")).toString()
  t.deepEqual(
    [valueIn(collection, 'node_type'), valueIn(collection, 'max_items'), valueIn(collection, 'children_max')],
    ['collection', undefined, 'max'],
  )
})

test('§8.4: an owner deletes a node, and every subscriber hears of it, also one that waits, with where to go', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n', field('access_model', 'authorize'))
  await francisco.set(`<subscribe node='n' jid='${francisco.jid}'/>`)
  t.is(outcome(await francisco.ownerSet("<delete node='n'/>")), 'auth forbidden', '§8.4.3.1')
  t.is(outcome(await hamlet.ownerSet("<delete node='nowhere'/>")), 'cancel item-not-found', '§8.4.3.2')
  t.is(outcome(await hamlet.ownerSet("<delete node='n'><redirect uri='xmpp:example.org?;node=m'/></delete>")), 'result')
  const deleted = (await francisco.message()).getChild('event', NS.pubsubEvent)?.getChild('delete')
  t.deepEqual([deleted && attribute(deleted, 'node'), deleted?.getChild('redirect')?.attrs['uri']], ['n', 'xmpp:example.org?;node=m'])
  t.is(await hamlet.create('n'), 'result', 'the name is free')
  t.regex((await hamlet.get("<items node='n'/>")).toString(), /<items node="n"\/>/)
})

test('§6.1.3.11, §8.4.1: whoever asks for a node that has moved is told where to, whatever is asked, until there is another of that name', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  const uri = 'xmpp:pubsub.example.org?;node=blog&amp;x'
  const move = (redirect: string) => hamlet.outcome(hamlet.ownerSet(`<delete node='n'>${redirect}</delete>`))
  await hamlet.create('n')
  t.is(await move(`<redirect uri='${'x'.repeat(1025)}'/>`), 'modify not-acceptable', 'longer than it may be')
  t.is(await move('<redirect/>'), 'modify bad-request', 'to nowhere')
  t.is(outcome(await hamlet.get("<items node='n'/>")), 'result', 'still there')
  t.is(await move(`<redirect uri='${uri}'/>`), 'result')
  const asked = [
    () => francisco.set(`<subscribe node='n' jid='${francisco.jid}'/>`),
    () => francisco.set(`<unsubscribe node='n' jid='${francisco.jid}'/>`),
    () => francisco.get(`<options node='n' jid='${francisco.jid}'/>`),
    () => francisco.get("<items node='n'/>"),
    () => francisco.get("<affiliations node='n'/>"),
    () => francisco.set("<retract node='n'><item id='a'/></retract>"),
    () => francisco.set(`<publish node='n'><item id='a'>${PAYLOAD}</item></publish>`),
    () => francisco.ask('get', `<query xmlns='${NS.discoInfo}' node='n'/>`),
    () => francisco.ask('get', `<query xmlns='${NS.discoItems}' node='n'/>`),
    () => hamlet.ownerGet("<configure node='n'/>"),
    () => hamlet.ownerGet("<subscriptions node='n'/>"),
    () => hamlet.ownerSet("<purge node='n'/>"),
    () => hamlet.ownerSet("<delete node='n'/>"),
  ]
  for (const ask of asked) {
    const { stanzaError } = parseStanzaError(await ask())
    t.deepEqual([stanzaError.type, stanzaError.condition, stanzaError.uri], ['modify', 'gone', uri.replace('&amp;', '&')], String(ask))
  }
  t.is(await francisco.create('n'), 'result', 'the name is free')
  t.is(outcome(await hamlet.get("<items node='n'/>")), 'result')
  await francisco.ownerSet("<delete node='n'/>")
  t.is(outcome(await hamlet.get("<items node='n'/>")), 'cancel item-not-found', 'and what was said of it forgotten')
})

test('§8.5: an owner purges a node, and subscribers get one notification, however many items there were', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n', field('notify_retract', '1'))
  await hamlet.create('fleeting', field('persist_items', '0'))
  for (const id of ['a', 'b', 'c']) await hamlet.publish('n', id)
  await francisco.set(`<subscribe node='n' jid='${francisco.jid}'/>`)
  const purge = (client: WirePubsub, node: string) => client.outcome(client.ownerSet(`<purge node='${node}'/>`))
  t.is(await purge(francisco, 'n'), 'auth forbidden', '§8.5.3.2')
  t.is(await purge(hamlet, 'fleeting'), 'cancel feature-not-implemented unsupported persistent-items', '§8.5.3.3')
  t.is(await purge(hamlet, 'nowhere'), 'cancel item-not-found', '§8.5.3.4')
  t.is(await purge(hamlet, 'n'), 'result')
  t.truthy((await francisco.message()).getChild('event', NS.pubsubEvent)?.getChild('purge'))
  t.deepEqual(await francisco.messages(), [])
  t.regex((await hamlet.get("<items node='n'/>")).toString(), /<items node="n"\/>/)
})

test('a list of accounts that may put nodes into a collection has them, however they are written, and nothing else', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  const whitelist = (...jids: string[]) =>
    [
      field('node_type', 'collection'),
      field('children_association_policy', 'whitelist'),
      field('children_association_whitelist', ...jids),
    ].join('')
  t.is(await hamlet.create('wrong', whitelist('@nobody@')), 'modify not-acceptable')
  t.is(await hamlet.create('c', whitelist('Francisco@Denmark.lit/barracks')), 'result')
  t.is(await francisco.create('n', field('collection', 'c')), 'result')
})
