// Goal: what service discovery shows of publish-subscribe is there, and what is not there says so.
// Method: the features of XEP-0060 §10, each with a request that needs it.

import test from 'ava'
import { NS, parseDiscoInfo } from '../../../src/xep/index.ts'
import { formText } from '../../helpers/pubsub-examples.ts'
import { PubsubBehindServer, type WirePubsub } from '../../helpers/pubsub-service.ts'

const config = (fields: string) => formText('submit', 'node_config', fields)
const field = (name: string, ...values: string[]) =>
  `<field var='pubsub#${name}'>${values.map((value) => `<value>${value}</value>`).join('')}</field>`
const changed = (affiliation: string) =>
  `<affiliations node='n'><affiliation jid='bernardo@denmark.lit' affiliation='${affiliation}'/></affiliations>`
const PAYLOAD = "<test xmlns='urn:example'/>"

type Probe = (client: WirePubsub) => Promise<string>
const get =
  (inside: string): Probe =>
  (client) =>
    client.outcome(client.get(inside))
const set =
  (inside: string): Probe =>
  (client) =>
    client.outcome(client.set(inside))
const ownerGet =
  (inside: string): Probe =>
  (client) =>
    client.outcome(client.ownerGet(inside))
const ownerSet =
  (inside: string): Probe =>
  (client) =>
    client.outcome(client.ownerSet(inside))
const subscribe = (inside = '') => `<subscribe node='n' jid='hamlet@denmark.lit'/>${inside}`
const options = (fields: string) => `<options>${formText('submit', 'subscribe_options', fields)}</options>`

/** A request that needs the feature, of the owner of the node `n`, which has the item `i`. */
const probes: Readonly<Record<string, Probe>> = {
  'access-open': async (client) =>
    (await client.ownerGet('<default/>')).toString().match(/access_model.*?<value>(\w+)<\/value>(?=<\/field>)/)?.[1] ?? '',
  collections: set(`<create node='c'/><configure>${config(field('node_type', 'collection'))}</configure>`),
  'config-node': ownerGet("<configure node='n'/>"),
  'create-and-configure': set(`<create node='t'/><configure>${config(field('title', 'T'))}</configure>`),
  'create-nodes': set("<create node='new'/>"),
  'delete-items': set("<retract node='n'><item id='i'/></retract>"),
  'delete-nodes': ownerSet("<delete node='n'/>"),
  'get-pending': (client) =>
    client.outcome(client.ask('set', `<command xmlns='${NS.commands}' node='${NS.pubsub}#get-pending' action='execute'/>`)),
  'instant-nodes': set('<create/>'),
  'item-ids': async (client) =>
    String((await client.set(`<publish node='n'><item id='own'>${PAYLOAD}</item></publish>`)).toString().includes('id="own"')),
  'leased-subscription': set(subscribe(options(field('expire', '2040-02-28T11:59:59Z')))),
  'manage-subscriptions': ownerGet("<subscriptions node='n'/>"),
  'member-affiliation': ownerSet(changed('member')),
  'meta-data': async (client) =>
    String((await client.ask('get', `<query xmlns='${NS.discoInfo}' node='n'/>`)).toString().includes('#meta-data')),
  'modify-affiliations': ownerGet("<affiliations node='n'/>"),
  'multi-items': ownerSet(`<configure node='n'>${config(field('max_items', '7'))}</configure>`),
  'multi-subscribe': async (client) => `${await set(subscribe())(client)} ${await set(subscribe(options(field('deliver', '0'))))(client)}`,
  'outcast-affiliation': ownerSet(changed('outcast')),
  'persistent-items': ownerSet(`<configure node='n'>${config(field('persist_items', '1'))}</configure>`),
  publish: set(`<publish node='n'><item>${PAYLOAD}</item></publish>`),
  'publish-node-full': ownerSet(`<configure node='n'>${config(field('publish_node_full', 'reject'))}</configure>`),
  'publish-only-affiliation': ownerSet(changed('publish-only')),
  'publish-options': set(
    `<publish node='n'><item>${PAYLOAD}</item></publish><publish-options>${formText('submit', 'publish-options', field('access_model', 'open'))}</publish-options>`,
  ),
  'publisher-affiliation': ownerSet(changed('publisher')),
  'purge-nodes': ownerSet("<purge node='n'/>"),
  'retract-items': set("<retract node='n' notify='true'><item id='i'/></retract>"),
  'retrieve-affiliations': get('<affiliations/>'),
  'retrieve-default': ownerGet('<default/>'),
  'retrieve-default-sub': get("<default node='n'/>"),
  'retrieve-items': get("<items node='n'/>"),
  'retrieve-subscriptions': get('<subscriptions/>'),
  rsm: get(`<items node='n'/><set xmlns='${NS.resultSets}'><max>1</max></set>`),
  subscribe: set(subscribe()),
  'subscription-notifications': ownerSet(
    "<subscriptions node='n'><subscription jid='bernardo@denmark.lit' subscription='subscribed'/></subscriptions>",
  ),
  'subscription-options': async (client) => {
    await set(subscribe())(client)
    return get("<options node='n' jid='hamlet@denmark.lit'/>")(client)
  },
}
const answers: Readonly<Record<string, string>> = {
  'access-open': 'open',
  'item-ids': 'true',
  'meta-data': 'true',
  'multi-subscribe': 'result result',
}

/** What is not shown, and what comes of asking for it all the same. */
const missing: Readonly<Record<string, readonly [Probe, string]>> = {
  'auto-create': [set(`<publish node='nowhere'><item>${PAYLOAD}</item></publish>`), 'cancel item-not-found'],
  'access-presence': [
    ownerSet(`<configure node='n'>${config(field('access_model', 'presence'))}</configure>`),
    'modify not-acceptable unsupported-access-model',
  ],
  'access-roster': [
    ownerSet(`<configure node='n'>${config(field('access_model', 'roster'))}</configure>`),
    'modify not-acceptable unsupported-access-model',
  ],
  'last-published': [
    ownerSet(`<configure node='n'>${config(field('send_last_published_item', 'on_sub_and_presence'))}</configure>`),
    'modify not-acceptable',
  ],
  'presence-notifications': [
    ownerSet(`<configure node='n'>${config(field('presence_based_delivery', '1'))}</configure>`),
    'modify not-acceptable',
  ],
}

/** Of accounts, which a service is not (XEP-0060 §9); and the default access model, which is one. */
const ofAccounts = ['auto-subscribe', 'filtered-notifications', 'presence-subscribe', 'access-authorize', 'access-whitelist']

const PREFIX = `${NS.pubsub}#`

test('§5.1, §10: every feature that is shown has its request, which is answered; and there is no other', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const info = (await hamlet.ask('get', `<query xmlns='${NS.discoInfo}'/>`)).getChildElements()[0]
  if (!info) return t.fail()
  const { identities, features } = parseDiscoInfo(info)
  t.true(identities.some(({ category, type }) => category === 'pubsub' && type === 'service'))
  t.true(features.includes(NS.pubsub))
  const shown = features.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length))
  t.deepEqual(shown.sort(), Object.keys(probes).sort())
  t.deepEqual(
    shown.filter((name) => name in missing || ofAccounts.includes(name)),
    [],
  )
  for (const [name, probe] of Object.entries(probes)) {
    await hamlet.ownerSet("<delete node='n'/>")
    await hamlet.set("<create node='n'/>")
    await hamlet.set(`<publish node='n'><item id='i'>${PAYLOAD}</item></publish>`)
    t.is(await probe(hamlet), answers[name] ?? 'result', name)
  }
  await hamlet.set("<create node='n'/>")
  for (const [name, [probe, answer]] of Object.entries(missing)) t.is(await probe(hamlet), answer, name)
})
