import test from 'ava'
import fc from 'fast-check'
import { BytestreamError, type ErrorCode } from '../../src/core/index.ts'
import {
  buildPubsubRequest,
  type Element,
  type FormField,
  NS,
  type PubsubAction,
  type PubsubRequest,
  parseElement,
  parsePubsubRequest,
  rawXml,
  writeXml,
} from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'
import { ENTRY, formText, inside, owner, pubsub } from '../helpers/pubsub-examples.ts'

/** Without what is not there, and with payloads as text, as `deepEqual` and people compare them. */
const plain = (request: PubsubRequest): unknown =>
  JSON.parse(JSON.stringify(request, (key, value) => (key === 'payload' && value ? writeXml(value) : value)))

/** A request beside the XML of an example: built, and read, in either direction. */
const isExample = test.macro({
  exec(t, type: 'get' | 'set', example: string, request: PubsubRequest) {
    const built = buildPubsubRequest(request)
    t.is(built.type, type)
    means(t, built.payload, example)
    t.deepEqual(plain(parsePubsubRequest(type, sent(built.payload))), plain(request))
    // Read from the example itself, spaces and all, it is the same request: built again, it means the example.
    const read = parsePubsubRequest(type, inside(example))
    t.is(read.action, request.action)
    means(t, buildPubsubRequest(read).payload, example)
  },
  title: (given) => `${given}: built as XEP-0060 shows it, and read`,
})

const node = 'princely_musings'
const jid = 'francisco@denmark.lit'
const field = (name: string, ...values: string[]): FormField => ({ var: name, values, options: [], isRequired: false })
const valued = (name: string, ...values: string[]) =>
  `<field var='${name}'>${values.map((value) => `<value>${value}</value>`).join('')}</field>`

test('§5.6 all subscriptions', isExample, 'get', pubsub('<subscriptions/>'), { action: 'get-subscriptions' })
test('§5.6 those to a node', isExample, 'get', pubsub(`<subscriptions node='${node}'/>`), { action: 'get-subscriptions', node })
test('§5.7 all affiliations', isExample, 'get', pubsub('<affiliations/>'), { action: 'get-affiliations' })
test('§5.7 that with a node', isExample, 'get', pubsub("<affiliations node='node6'/>"), { action: 'get-affiliations', node: 'node6' })
test('§6.1.1 subscribing', isExample, 'set', pubsub(`<subscribe node='${node}' jid='${jid}'/>`), { action: 'subscribe', node, jid })
test('§6.2.1 unsubscribing', isExample, 'set', pubsub(`<unsubscribe node='${node}' jid='${jid}'/>`), { action: 'unsubscribe', node, jid })
test('§6.3.2 asking for options', isExample, 'get', pubsub(`<options node='${node}' jid='${jid}'/>`), { action: 'get-options', node, jid })

const OPTIONS =
  valued('pubsub#deliver', '1') +
  valued('pubsub#digest', '0') +
  valued('pubsub#include_body', 'false') +
  valued('pubsub#show-values', 'chat', 'online', 'away')
const options = {
  type: 'submit' as const,
  formType: `${NS.pubsub}#subscribe_options`,
  instructions: [],
  fields: [
    field('pubsub#deliver', '1'),
    field('pubsub#digest', '0'),
    field('pubsub#include_body', 'false'),
    field('pubsub#show-values', 'chat', 'online', 'away'),
  ],
}
const optionsForm = formText('submit', 'subscribe_options', OPTIONS)
test('§6.3.5 submitting options', isExample, 'set', pubsub(`<options node='${node}' jid='${jid}'>${optionsForm}</options>`), {
  ...{ action: 'set-options', node, jid, options },
})
test(
  '§6.3.7 subscribing with options',
  isExample,
  'set',
  pubsub(`<subscribe node='${node}' jid='${jid}'/><options>${optionsForm}</options>`),
  { action: 'subscribe', node, jid, options },
)
test('§12.20 options of one subscription of several', isExample, 'get', pubsub(`<options node='${node}' jid='${jid}' subid='991d'/>`), {
  ...{ action: 'get-options', node, jid, subid: '991d' },
})
test('§6.4.1 default options of a node', isExample, 'get', pubsub(`<default node='${node}'/>`), { action: 'get-default-options', node })
test('§6.4.1 default options of the service', isExample, 'get', pubsub('<default/>'), { action: 'get-default-options' })
test('§6.5.2 all items', isExample, 'get', pubsub(`<items node='${node}'/>`), { action: 'get-items', node, ids: [] })
test(
  '§6.5.6 items by their ids',
  isExample,
  'get',
  pubsub(`<items node='${node}'><item id='368866411b877c30064a5f62b917cffe'/><item id='4e30f35051b7b8b42abe083742187228'/></items>`),
  { action: 'get-items', node, ids: ['368866411b877c30064a5f62b917cffe', '4e30f35051b7b8b42abe083742187228'] },
)
test('§6.5.7 the most recent items', isExample, 'get', pubsub(`<items node='${node}' max_items='2'/>`), {
  ...{ action: 'get-items', node, ids: [], max: 2 },
})
test(
  '§6.5.4 a page of the items (XEP-0059)',
  isExample,
  'get',
  pubsub(`<items node='${node}'/><set xmlns='${NS.resultSets}'><max>10</max><after>368866</after></set>`),
  { action: 'get-items', node, ids: [], page: { max: 10, after: '368866' } },
)

const payload = inside(ENTRY)
test('§7.1.1 publishing with an id', isExample, 'set', pubsub(`<publish node='${node}'><item id='bnd81'>${ENTRY}</item></publish>`), {
  ...{ action: 'publish', node, items: [{ id: 'bnd81', payload }] },
})
test('§7.1.1 publishing without an id', isExample, 'set', pubsub(`<publish node='${node}'><item>${ENTRY}</item></publish>`), {
  ...{ action: 'publish', node, items: [{ payload }] },
})
test('§12.21 publishing without a payload', isExample, 'set', pubsub("<publish node='elsinore-doorbell'><item id='current'/></publish>"), {
  ...{ action: 'publish', node: 'elsinore-doorbell', items: [{ id: 'current' }] },
})
test('§4.3 publishing without an item', isExample, 'set', pubsub("<publish node='elsinore/doorbell'/>"), {
  ...{ action: 'publish', node: 'elsinore/doorbell', items: [] },
})
test(
  '§12.11 publishing several',
  isExample,
  'set',
  pubsub(`<publish node='${node}'><item id='a'>${ENTRY}</item><item id='b'/></publish>`),
  {
    ...{ action: 'publish', node, items: [{ id: 'a', payload }, { id: 'b' }] },
  },
)
test(
  '§7.1.5 publishing with options',
  isExample,
  'set',
  pubsub(
    `<publish node='${node}'><item id='ae89'>${ENTRY}</item></publish>
     <publish-options>${formText('submit', 'publish-options', valued('pubsub#access_model', 'presence'))}</publish-options>`,
  ),
  {
    ...{ action: 'publish', node, items: [{ id: 'ae89', payload }] },
    options: {
      type: 'submit',
      formType: `${NS.pubsub}#publish-options`,
      instructions: [],
      fields: [field('pubsub#access_model', 'presence')],
    },
  },
)
test('§7.2.1 retracting', isExample, 'set', pubsub(`<retract node='${node}'><item id='ae89'/></retract>`), {
  ...{ action: 'retract', node, ids: ['ae89'], isNotified: false },
})
test('§7.2.2.1 retracting, and telling', isExample, 'set', pubsub(`<retract node='${node}' notify='true'><item id='ae89'/></retract>`), {
  ...{ action: 'retract', node, ids: ['ae89'], isNotified: true },
})
test('§8.1.1 creating', isExample, 'set', pubsub(`<create node='${node}'/>`), { action: 'create', node })
test('§8.1.1 creating an instant node', isExample, 'set', pubsub('<create/>'), { action: 'create' })

const config = {
  type: 'submit' as const,
  formType: `${NS.pubsub}#node_config`,
  instructions: [],
  fields: [field('pubsub#access_model', 'roster'), field('pubsub#roster_groups_allowed', 'friends', 'servants')],
}
const configForm = formText(
  'submit',
  'node_config',
  valued('pubsub#access_model', 'roster') + valued('pubsub#roster_groups_allowed', 'friends', 'servants'),
)
test('§8.1.3 creating and configuring', isExample, 'set', pubsub(`<create node='${node}'/><configure>${configForm}</configure>`), {
  ...{ action: 'create', node, config },
})
test('§8.2.1 asking for a configuration', isExample, 'get', owner(`<configure node='${node}'/>`), { action: 'get-config', node })
test('§8.2.4 submitting one', isExample, 'set', owner(`<configure node='${node}'>${configForm}</configure>`), {
  ...{ action: 'set-config', node, config },
})
test('§8.2.4 cancelling', isExample, 'set', owner(`<configure node='${node}'><x xmlns='jabber:x:data' type='cancel'/></configure>`), {
  ...{ action: 'set-config', node, config: { type: 'cancel', instructions: [], fields: [] } },
})
test('§8.3.1 the default configuration', isExample, 'get', owner('<default/>'), { action: 'get-default-config', kind: 'leaf' })
test('§8.3.2 that of a collection', isExample, 'get', owner("<default type='collection'/>"), {
  ...{ action: 'get-default-config', kind: 'collection' },
})
test('§8.4.1 deleting', isExample, 'set', owner(`<delete node='${node}'/>`), { action: 'delete', node })
test(
  '§8.4.1 deleting with a redirection',
  isExample,
  'set',
  owner(`<delete node='${node}'><redirect uri='xmpp:hamlet@denmark.lit?;node=blog'/></delete>`),
  { action: 'delete', node, redirect: 'xmpp:hamlet@denmark.lit?;node=blog' },
)
test('§8.5.1 purging', isExample, 'set', owner(`<purge node='${node}'/>`), { action: 'purge', node })
test('§8.8.1.1 who is subscribed', isExample, 'get', owner(`<subscriptions node='${node}'/>`), { action: 'get-node-subscriptions', node })
test(
  '§8.8.2.4 changing subscriptions',
  isExample,
  'set',
  owner(
    `<subscriptions node='${node}'><subscription jid='polonius@denmark.lit' subscription='none'/>
     <subscription jid='bard@shakespeare.lit' subscription='subscribed'/></subscriptions>`,
  ),
  {
    ...{ action: 'set-node-subscriptions', node },
    subscriptions: [
      { jid: 'polonius@denmark.lit', state: 'none' },
      { jid: 'bard@shakespeare.lit', state: 'subscribed' },
    ],
  },
)
test('§8.9.1.1 who is affiliated', isExample, 'get', owner(`<affiliations node='${node}'/>`), { action: 'get-node-affiliations', node })
test(
  '§8.9.2.4 changing affiliations',
  isExample,
  'set',
  owner(
    `<affiliations node='${node}'><affiliation jid='hamlet@denmark.lit' affiliation='none'/>
     <affiliation jid='bard@shakespeare.lit' affiliation='publisher'/></affiliations>`,
  ),
  {
    ...{ action: 'set-node-affiliations', node },
    affiliations: [
      { jid: 'hamlet@denmark.lit', affiliation: 'none' },
      { jid: 'bard@shakespeare.lit', affiliation: 'publisher' },
    ],
  },
)

const reads = test.macro({
  exec(t, type: 'get' | 'set', text: string, request: object) {
    t.deepEqual(plain(parsePubsubRequest(type, inside(text))), request)
  },
  title: (given) => `${given}`,
})
test(
  'an entry that asks for no change changes nothing (XEP-0060 §8.8.2.1)',
  reads,
  'set',
  owner(`<subscriptions node='a'><subscription jid='b'/></subscriptions>`),
  {
    ...{ action: 'set-node-subscriptions', node: 'a', subscriptions: [] },
  },
)
test(
  'an affiliation that is not named is not changed (XEP-0060 §8.9.2.1)',
  reads,
  'set',
  owner(`<affiliations node='a'><affiliation jid='b'/></affiliations>`),
  {
    ...{ action: 'set-node-affiliations', node: 'a', affiliations: [] },
  },
)
test(
  'whose item it is, only the service says (XEP-0060 §7.1.2.3)',
  reads,
  'set',
  pubsub("<publish node='a'><item publisher='mallory@example.com'/></publish>"),
  {
    ...{ action: 'publish', node: 'a', items: [{}] },
  },
)
test(
  'what belongs to others is passed over',
  reads,
  'get',
  pubsub(`<x xmlns='urn:x'/><novelty/><items node='a'><y/></items><publish xmlns='urn:y'/>`),
  {
    ...{ action: 'get-items', node: 'a', ids: [] },
  },
)
test('an empty configuration is the default one (XEP-0060 §8.1.2)', reads, 'set', pubsub("<create node='a'/><configure/>"), {
  action: 'create',
  node: 'a',
})
test(
  'a form that does not say what it is means what is asked for',
  reads,
  'set',
  pubsub("<create/><configure><x xmlns='jabber:x:data' type='submit'/></configure>"),
  {
    ...{ action: 'create', config: { type: 'submit', instructions: [], fields: [] } },
  },
)
test('notify is a boolean of XML: 1', reads, 'set', pubsub("<retract node='a' notify='1'><item id='b'/></retract>"), {
  ...{ action: 'retract', node: 'a', ids: ['b'], isNotified: true },
})

const refuses = test.macro({
  exec(t, type: 'get' | 'set', text: string, code: ErrorCode) {
    const error = t.throws(() => parsePubsubRequest(type, inside(text)), { instanceOf: BytestreamError })
    t.is(error.code, code)
  },
  title: (given, _type, _text, code) => `${given}: ${code}`,
})
const form = (fields: string, name = 'node_config') => `<configure node='a'>${formText('submit', name, fields)}</configure>`
test('nothing', refuses, 'get', pubsub(''), 'ERR_BAD_REQUEST')
test('nothing that is known', refuses, 'get', pubsub('<novelty/>'), 'ERR_BAD_REQUEST')
test('another protocol', refuses, 'get', "<pubsub xmlns='constructor'><items node='a'/></pubsub>", 'ERR_BAD_REQUEST')
test('publishing with an IQ of type get', refuses, 'get', pubsub("<publish node='a'/>"), 'ERR_BAD_REQUEST')
test('fetching with an IQ of type set', refuses, 'set', pubsub("<items node='a'/>"), 'ERR_BAD_REQUEST')
test("an owner's request in the other namespace", refuses, 'set', pubsub("<purge node='a'/>"), 'ERR_BAD_REQUEST')
test(
  '§12.5, configuring in the wrong namespace as its example does',
  refuses,
  'set',
  pubsub(form(valued('pubsub#tempsub', 'true'))),
  'ERR_BAD_REQUEST',
)
test('two requests', refuses, 'set', pubsub("<create node='a'/><create node='b'/>"), 'ERR_BAD_REQUEST')
test('two that do not belong together', refuses, 'set', pubsub("<create node='a'/><options/>"), 'ERR_BAD_REQUEST')
test('two configurations', refuses, 'set', pubsub("<create node='a'/><configure/><configure/>"), 'ERR_BAD_REQUEST')
test('§8.1.3, a configuration before the node', refuses, 'set', pubsub("<configure/><create node='a'/>"), 'ERR_BAD_REQUEST')
test('§8.1.3, a configuration with a node of its own', refuses, 'set', pubsub("<create node='a'/><configure node='a'/>"), 'ERR_BAD_REQUEST')
test('§6.3.7, options before the subscription', refuses, 'set', pubsub("<options/><subscribe node='a' jid='b'/>"), 'ERR_BAD_REQUEST')
test(
  '§6.3.7, options with a JID of their own',
  refuses,
  'set',
  pubsub("<subscribe node='a' jid='b'/><options jid='b'/>"),
  'ERR_BAD_REQUEST',
)
test('§7.2.3.3, retracting from nowhere', refuses, 'set', pubsub("<retract><item id='a'/></retract>"), 'ERR_PUBSUB_NODEID_REQUIRED')
test('§7.2.3.4, retracting nothing', refuses, 'set', pubsub("<retract node='a'/>"), 'ERR_PUBSUB_ITEM_REQUIRED')
test(
  '§7.2.3.4, retracting an item without an id',
  refuses,
  'set',
  pubsub("<retract node='a'><item/></retract>"),
  'ERR_PUBSUB_ITEM_REQUIRED',
)
test('§8.2.3.3, configuring nothing', refuses, 'get', owner('<configure/>'), 'ERR_PUBSUB_NODEID_REQUIRED')
test('publishing to an empty name', refuses, 'set', pubsub("<publish node=''/>"), 'ERR_PUBSUB_NODEID_REQUIRED')
test('deleting nothing', refuses, 'set', owner('<delete/>'), 'ERR_PUBSUB_NODEID_REQUIRED')
test('subscribing to nothing', refuses, 'set', pubsub("<subscribe jid='a'/>"), 'ERR_PUBSUB_NODEID_REQUIRED')
test('§6.3.4.3, options of nobody', refuses, 'get', pubsub("<options node='a'/>"), 'ERR_PUBSUB_JID_REQUIRED')
test('subscribing nobody', refuses, 'set', pubsub("<subscribe node='a'/>"), 'ERR_PUBSUB_JID_REQUIRED')
test(
  'an affiliation of nobody',
  refuses,
  'set',
  owner("<affiliations node='a'><affiliation affiliation='owner'/></affiliations>"),
  'ERR_PUBSUB_JID_REQUIRED',
)
test(
  'an affiliation nobody knows',
  refuses,
  'set',
  owner("<affiliations node='a'><affiliation jid='b' affiliation='king'/></affiliations>"),
  'ERR_BAD_REQUEST',
)
test(
  '§8.9.2.4, two affiliations of one account',
  refuses,
  'set',
  owner("<affiliations node='a'><affiliation jid='b' affiliation='owner'/><affiliation jid='b' affiliation='none'/></affiliations>"),
  'ERR_BAD_REQUEST',
)
test(
  '§8.8.2.4, a subscription twice',
  refuses,
  'set',
  owner("<subscriptions node='a'><subscription jid='b' subid='c'/><subscription jid='b' subid='c'/></subscriptions>"),
  'ERR_BAD_REQUEST',
)
test(
  '§7.1.3.6, two payloads',
  refuses,
  'set',
  pubsub("<publish node='a'><item><b xmlns='c'/><d xmlns='c'/></item></publish>"),
  'ERR_PUBSUB_INVALID_PAYLOAD',
)
test('a payload that is text', refuses, 'set', pubsub("<publish node='a'><item>text</item></publish>"), 'ERR_PUBSUB_INVALID_PAYLOAD')
test(
  'a payload beside text',
  refuses,
  'set',
  pubsub("<publish node='a'><item>text<b xmlns='c'/></item></publish>"),
  'ERR_PUBSUB_INVALID_PAYLOAD',
)
test(
  'a payload whose prefix stands for nothing',
  refuses,
  'set',
  pubsub("<publish node='a'><item><b:c/></item></publish>"),
  'ERR_PUBSUB_INVALID_PAYLOAD',
)
for (const [what, payload] of [
  ['whose name has two prefixes', "<b:c:d xmlns:b='e'/>"],
  ['whose name ends with its prefix', "<b: xmlns:b='e'/>"],
  ['with an attribute of a prefix that stands for nothing', "<b xmlns='c' d:e='f'/>"],
  ['that has a prefix stand for nothing', "<b:c xmlns:b=''/>"],
  ['that declares what XML has for itself', "<b xmlns='c' xmlns:xmlns='d'/>"],
  ['with a prefix that only an element beside it declares', "<b xmlns='c'><d xmlns:e='f'/><e:g/></b>"],
] as const) {
  test(`a payload ${what}`, refuses, 'set', pubsub(`<publish node='a'><item>${payload}</item></publish>`), 'ERR_PUBSUB_INVALID_PAYLOAD')
}
const prefixes = (count: number) => Array.from({ length: count }, (_, at) => `xmlns:p${at}='urn:${at}'`).join(' ')
const uses = (count: number) => Array.from({ length: count }, (_, at) => `<p${at}:d/>`).join('')
for (const [where, around, own] of [
  ['inside', '', prefixes(65)],
  ['outside', prefixes(65), ''],
] as const) {
  const publish = (count: number) =>
    `<pubsub xmlns='${NS.pubsub}' ${around}><publish node='a'><item><b xmlns='c' ${own}>${uses(count)}</b></item></publish></pubsub>`
  test(`a payload with more prefixes than are looked at, declared ${where}`, refuses, 'set', publish(65), 'ERR_PUBSUB_INVALID_PAYLOAD')
}
test('a payload may have as many prefixes as are looked at', (t) => {
  const payload = `<b xmlns='c' ${prefixes(64)}>${uses(64)}</b>`
  t.is(parsePubsubRequest('set', inside(pubsub(`<publish node='a'><item>${payload}</item></publish>`))).action, 'publish')
})

test(
  'a payload without an end',
  refuses,
  'set',
  pubsub(`<publish node='a'><item>${'<b xmlns="c">'.repeat(65)}${'</b>'.repeat(65)}</item></publish>`),
  'ERR_PUBSUB_INVALID_PAYLOAD',
)
test('two items of one id', refuses, 'set', pubsub("<publish node='a'><item id='b'/><item id='b'/></publish>"), 'ERR_BAD_REQUEST')
test('too many items', refuses, 'set', pubsub(`<publish node='a'>${'<item/>'.repeat(1001)}</publish>`), 'ERR_BAD_REQUEST')
test('a name without an end', refuses, 'set', pubsub(`<create node='${'a'.repeat(4097)}'/>`), 'ERR_BAD_REQUEST')
test('an id without an end', refuses, 'set', pubsub(`<publish node='a'><item id='${'b'.repeat(4097)}'/></publish>`), 'ERR_BAD_REQUEST')
test('no items at most', refuses, 'get', pubsub("<items node='a' max_items='0'/>"), 'ERR_BAD_REQUEST')
test('fewer items than none', refuses, 'get', pubsub("<items node='a' max_items='-1'/>"), 'ERR_BAD_REQUEST')
test(
  'two pages',
  refuses,
  'get',
  pubsub(`<items node='a'/><set xmlns='${NS.resultSets}'/><set xmlns='${NS.resultSets}'/>`),
  'ERR_BAD_REQUEST',
)
test('notify that is no boolean', refuses, 'set', pubsub("<retract node='a' notify='yes'><item id='b'/></retract>"), 'ERR_BAD_REQUEST')
test('a redirection to nowhere', refuses, 'set', owner("<delete node='a'><redirect/></delete>"), 'ERR_BAD_REQUEST')
test('a configuration without a form', refuses, 'set', owner("<configure node='a'/>"), 'ERR_BAD_REQUEST')
test('a form of another kind', refuses, 'set', owner(form('', 'subscribe_options')), 'ERR_BAD_REQUEST')
test('a field that comes twice', refuses, 'set', owner(form(valued('pubsub#title', 'a') + valued('pubsub#title', 'b'))), 'ERR_BAD_REQUEST')
test('two forms', refuses, 'set', owner(`<configure node='a'>${configForm}${configForm}</configure>`), 'ERR_BAD_REQUEST')
test(
  'a form that asks',
  refuses,
  'set',
  owner(`<configure node='a'>${configForm.replace('submit', 'form')}</configure>`),
  'ERR_BAD_REQUEST',
)
test('a value without an end', refuses, 'set', owner(form(valued('pubsub#title', 'a'.repeat(4097)))), 'ERR_BAD_REQUEST')
test('values without an end', refuses, 'set', owner(form(valued('pubsub#title', ...Array<string>(1025).fill('a')))), 'ERR_BAD_REQUEST')
test(
  'fields without an end',
  refuses,
  'set',
  owner(form(Array.from({ length: 257 }, (_, at) => valued(`a${at}`, 'b')).join(''))),
  'ERR_BAD_REQUEST',
)
test(
  'a creation that is cancelled',
  refuses,
  'set',
  pubsub("<create/><configure><x xmlns='jabber:x:data' type='cancel'/></configure>"),
  'ERR_BAD_REQUEST',
)
test('§6.3.6.2, options that are no form', refuses, 'set', pubsub("<options node='a' jid='b'/>"), 'ERR_PUBSUB_INVALID_OPTIONS')
test(
  '§6.3.6.2, options of another kind',
  refuses,
  'set',
  pubsub(`<subscribe node='a' jid='b'/><options>${formText('submit', 'node_config', '')}</options>`),
  'ERR_PUBSUB_INVALID_OPTIONS',
)

test('a payload means the same without what was around it: namespaces it only inherits are declared in it', (t) => {
  const read = parsePubsubRequest(
    'set',
    inside(`<ps:pubsub xmlns:ps='${NS.pubsub}' xmlns:o='urn:outer' xmlns:u='urn:unused' xmlns='urn:default'>
      <ps:publish node='a'><ps:item><b o:c='d'><e:f xmlns:e='urn:own'><o:g/></e:f></b></ps:item></ps:publish></ps:pubsub>`),
  )
  t.true(read.action === 'publish')
  const text = writeXml((read as PubsubRequest & { action: 'publish' }).items[0]?.payload ?? rawXml(''))
  t.is(text, '<b o:c="d" xmlns="urn:default" xmlns:o="urn:outer"><e:f xmlns:e="urn:own"><o:g/></e:f></b>')
  means(t, parseElement(text), "<x:b xmlns:x='urn:default' xmlns:o='urn:outer' o:c='d'><e:f xmlns:e='urn:own'><o:g/></e:f></x:b>")
})

test('a payload in no namespace, or that of the stream, keeps it', (t) => {
  for (const [item, written] of [
    ["<b xmlns=''/>", '<b xmlns=""/>'],
    ['<b/>', `<b xmlns="${NS.pubsub}"/>`],
    ["<b xmlns='jabber:client'/>", '<b xmlns="jabber:client"/>'],
  ] as const) {
    const read = parsePubsubRequest('set', inside(pubsub(`<publish node='a'><item>${item}</item></publish>`)))
    t.is(writeXml((read as PubsubRequest & { action: 'publish' }).items[0]?.payload ?? rawXml('')), written)
  }
})

const text = fc.string({ minLength: 1, unit: 'grapheme', maxLength: 8 })
const maybe = fc.option(text, { nil: undefined })
const ids = (least: number) => fc.uniqueArray(text, { minLength: least, maxLength: 4 })
const submitted = (name: string) =>
  fc.record({
    type: fc.constant('submit' as const),
    formType: fc.constant(`${NS.pubsub}#${name}`),
    instructions: fc.constant([]),
    fields: fc.uniqueArray(
      fc.record({
        var: text.filter((name) => name !== 'FORM_TYPE'),
        values: fc.array(text, { maxLength: 3 }),
        options: fc.constant([]),
        isRequired: fc.constant(false),
      }),
      { selector: (one) => one.var, maxLength: 4 },
    ),
  })
const subscriber = { node: text, jid: text, subid: maybe }
const action = <A extends PubsubAction>(name: A) => fc.constant(name)
const requests = fc.oneof(
  fc.record({ action: action('create'), node: maybe, config: fc.option(submitted('node_config'), { nil: undefined }) }),
  fc.record({ action: action('subscribe'), node: text, jid: text, options: fc.option(submitted('subscribe_options'), { nil: undefined }) }),
  fc.record({ action: action('unsubscribe'), ...subscriber }),
  fc.record({ action: action('set-options'), ...subscriber, options: submitted('subscribe_options') }),
  fc.record({
    action: action('get-items'),
    node: text,
    subid: maybe,
    ids: ids(0),
    max: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
  }),
  fc.record({
    action: action('publish'),
    node: text,
    items: fc.uniqueArray(fc.record({ id: text }), { selector: ({ id }) => id, maxLength: 4 }),
  }),
  fc.record({ action: action('retract'), node: text, ids: ids(1), isNotified: fc.boolean() }),
  fc.record({ action: action('set-config'), node: text, config: submitted('node_config') }),
  fc.record({ action: action('delete'), node: text, redirect: maybe }),
  fc.record({
    action: action('set-node-affiliations'),
    node: text,
    affiliations: fc.uniqueArray(fc.record({ jid: text, affiliation: fc.constantFrom('owner', 'publish-only', 'none') }), {
      selector: ({ jid }) => jid,
    }),
  }),
) satisfies fc.Arbitrary<PubsubRequest>
const pages = fc.oneof(
  fc.record({ max: fc.nat(), after: text }),
  fc.record({ max: fc.nat(), before: fc.oneof(text, fc.constant('')) }),
  fc.record({ index: fc.nat() }),
  fc.constant(undefined),
)

test('what is built is read back as it was', (t) => {
  fc.assert(
    fc.property(requests, pages, (request, page) => {
      const asked = { ...request, page }
      const { type, payload } = buildPubsubRequest(asked)
      t.deepEqual(plain(parsePubsubRequest(type, sent(payload))), plain(asked))
    }),
    { numRuns: 300 },
  )
})

/** What a stanza that was tampered with may look like: anything of it left out, doubled, moved or called otherwise. */
function tamper(element: Element, random: () => number): void {
  const all: Element[] = []
  const visit = (one: Element): void => {
    all.push(one)
    one.getChildElements().forEach(visit)
  }
  visit(element)
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T
  const [one, other] = [pick(all), pick(all)]
  const attributes = Object.keys(one.attrs)
  const change = pick([
    () => delete one.attrs[pick([...attributes, 'xmlns'])],
    () => Object.assign(one.attrs, { [pick([...attributes, 'node', 'jid', 'id'])]: pick(['', 'a', '-1', 'x'.repeat(5000), 'form']) }),
    () => Object.assign(one, { name: pick([other.name, 'novelty', 'a:b']) }),
    () => one.append(parseElement(other.toString())),
    () => one.append('text'),
    () => one.children.splice(Math.floor(random() * (one.children.length + 1)), 1),
  ])
  change()
}

test('a request that was tampered with is another one, or is refused with a code', (t) => {
  const numbers = fc.array(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(requests, numbers, fc.integer({ min: 1, max: 4 }), (request, chosen, times) => {
      const { type, payload } = buildPubsubRequest(request)
      const element = sent(payload)
      let at = 0
      for (let time = 0; time < times; time++) tamper(element, () => chosen[at++ % chosen.length] as number)
      try {
        const read = parsePubsubRequest(type, element)
        // What passes is a request that can be sent.
        t.is(buildPubsubRequest(read).type, type)
      } catch (error) {
        t.true(error instanceof BytestreamError, String(error))
      }
    }),
    { numRuns: 1_000 },
  )
  t.pass()
})

test('any element is a request, or is refused with a code', (t) => {
  fc.assert(
    fc.property(elements, fc.constantFrom('get' as const, 'set' as const), (element, type) => {
      for (const xmlns of [NS.pubsub, NS.pubsubOwner]) {
        element.attrs['xmlns'] = xmlns
        try {
          parsePubsubRequest(type, element)
        } catch (error) {
          t.true(error instanceof BytestreamError, String(error))
          t.not((error as BytestreamError).code, 'ERR_INTERNAL')
        }
      }
    }),
    { numRuns: 1_000 },
  )
  t.pass()
})
