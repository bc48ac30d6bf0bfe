import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import {
  buildPubsubAnswer,
  NS,
  type PubsubAction,
  type PubsubAnswers,
  parsePubsubAnswer,
  rawXml,
  writeXml,
  xml,
} from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'
import { ENTRY, formText, inside, owner, pubsub } from '../helpers/pubsub-examples.ts'

/** Without what is not there, and with payloads as text. */
const plain = (answer: unknown): unknown =>
  JSON.parse(JSON.stringify(answer, (key, value) => (key === 'payload' && value ? writeXml(value) : value)))

const isExample = test.macro({
  exec<A extends PubsubAction>(t: import('ava').ExecutionContext, action: A, example: string, answer: PubsubAnswers[A]) {
    const built = buildPubsubAnswer(action, answer) ?? xml('nothing')
    means(t, built, example)
    t.deepEqual(plain(parsePubsubAnswer(action, sent(built))), plain(answer))
    means(t, buildPubsubAnswer(action, parsePubsubAnswer(action, inside(example))) ?? xml('nothing'), example)
  },
  title: (given) => `${given}: built as XEP-0060 shows it, and read`,
})

const node = 'princely_musings'
const jid = 'francisco@denmark.lit'
const subid = 'ba49252aaa4f5d320c24d3766f0bdcade78c78d3'
const payload = inside(ENTRY)

test(
  '§5.6 subscriptions',
  isExample,
  'get-subscriptions',
  pubsub(`<subscriptions>
    <subscription node='node1' jid='${jid}' subscription='subscribed'/>
    <subscription node='node5' jid='${jid}' subscription='unconfigured'/>
    <subscription node='node6' jid='${jid}' subscription='subscribed' subid='123-abc'/>
  </subscriptions>`),
  {
    subscriptions: [
      { node: 'node1', jid, state: 'subscribed' },
      { node: 'node5', jid, state: 'unconfigured' },
      { node: 'node6', jid, state: 'subscribed', subid: '123-abc' },
    ],
  },
)
test('§5.6 no subscriptions', isExample, 'get-subscriptions', pubsub('<subscriptions/>'), { subscriptions: [] })
test(
  '§5.7 affiliations',
  isExample,
  'get-affiliations',
  pubsub("<affiliations><affiliation node='node1' affiliation='owner'/><affiliation node='node5' affiliation='outcast'/></affiliations>"),
  {
    affiliations: [
      { node: 'node1', affiliation: 'owner' },
      { node: 'node5', affiliation: 'outcast' },
    ],
  },
)
test(
  '§6.1.2 subscribed',
  isExample,
  'subscribe',
  pubsub(`<subscription node='${node}' jid='${jid}' subid='${subid}' subscription='subscribed'/>`),
  { subscription: { node, jid, subid, state: 'subscribed' } },
)
test('§6.1.4 pending', isExample, 'subscribe', pubsub(`<subscription node='${node}' jid='${jid}' subscription='pending'/>`), {
  subscription: { node, jid, state: 'pending' },
})
test(
  '§6.1.5 to be configured first',
  isExample,
  'subscribe',
  pubsub(
    `<subscription node='${node}' jid='${jid}' subscription='unconfigured'><subscribe-options><required/></subscribe-options></subscription>`,
  ),
  { subscription: { node, jid, state: 'unconfigured', options: 'required' } },
)
test(
  '§6.1.5 may be configured',
  isExample,
  'subscribe',
  pubsub(`<subscription node='${node}' jid='${jid}' subscription='unconfigured'><subscribe-options/></subscription>`),
  { subscription: { node, jid, state: 'unconfigured', options: 'supported' } },
)
test(
  '§6.2.2 unsubscribed',
  isExample,
  'unsubscribe',
  pubsub(`<subscription node='${node}' jid='${jid}' subscription='none' subid='${subid}'/>`),
  {
    subscription: { node, jid, subid, state: 'none' },
  },
)

const shows =
  "<option label='Want to Chat'><value>chat</value></option><option label='Away'><value>away</value></option><value>chat</value>"
const optionsForm = formText(
  'form',
  'subscribe_options',
  `<field var='pubsub#deliver' type='boolean' label='Enable delivery?'><value>1</value></field>
   <field var='pubsub#show-values' type='list-multi' label='Select the presence types'>${shows}</field>`,
)
const options = {
  type: 'form' as const,
  formType: `${NS.pubsub}#subscribe_options`,
  instructions: [],
  fields: [
    { var: 'pubsub#deliver', type: 'boolean', label: 'Enable delivery?', values: ['1'], options: [], isRequired: false },
    {
      ...{ var: 'pubsub#show-values', type: 'list-multi', label: 'Select the presence types', values: ['chat'], isRequired: false },
      options: [
        { value: 'chat', label: 'Want to Chat' },
        { value: 'away', label: 'Away' },
      ],
    },
  ],
}
test('§6.3.3 options', isExample, 'get-options', pubsub(`<options node='${node}' jid='${jid}'>${optionsForm}</options>`), {
  node,
  jid,
  options,
})
test(
  '§6.3.7 subscribed with options',
  isExample,
  'subscribe',
  pubsub(`<subscription node='${node}' jid='${jid}' subid='${subid}' subscription='subscribed'/><options>${optionsForm}</options>`),
  { subscription: { node, jid, subid, state: 'subscribed' }, options },
)
test('§6.4.2 default options', isExample, 'get-default-options', pubsub(`<default node='${node}'>${optionsForm}</default>`), {
  node,
  options,
})
test(
  '§6.5.3 items',
  isExample,
  'get-items',
  pubsub(
    `<items node='${node}'><item id='368866411b877c30064a5f62b917cffe'>${ENTRY}</item><item id='3300659945416e274474e469a1f0154c'/></items>`,
  ),
  { node, items: [{ id: '368866411b877c30064a5f62b917cffe', payload }, { id: '3300659945416e274474e469a1f0154c' }] },
)
test(
  '§6.5.4 some of the items',
  isExample,
  'get-items',
  pubsub(`<items node='${node}'><item id='368866'/><item id='4e30f3'/></items>
    <set xmlns='${NS.resultSets}'><first index='0'>368866</first><last>4e30f3</last><count>19</count></set>`),
  { node, items: [{ id: '368866' }, { id: '4e30f3' }], page: { first: '368866', index: 0, last: '4e30f3', count: 19 } },
)
test('§6.5.9.12 no items', isExample, 'get-items', pubsub(`<items node='${node}'/>`), { node, items: [] })
test(
  '§7.1.2.3 items with their publisher',
  isExample,
  'get-items',
  pubsub(`<items node='${node}'><item id='ae89' publisher='hamlet@denmark.lit'/></items>`),
  {
    ...{ node, items: [{ id: 'ae89', publisher: 'hamlet@denmark.lit' }] },
  },
)
test('§7.1.2 published', isExample, 'publish', pubsub(`<publish node='${node}'/>`), { node, ids: [] })
test('§7.1.2 published under a new id', isExample, 'publish', pubsub(`<publish node='${node}'><item id='ae89'/></publish>`), {
  node,
  ids: ['ae89'],
})
test('§8.1.1 created', isExample, 'create', pubsub("<create node='25e3d37dabbab9541f7523321421edc5bfeb2dae'/>"), {
  node: '25e3d37dabbab9541f7523321421edc5bfeb2dae',
})
const configForm = formText(
  'form',
  'node_config',
  `<field var='pubsub#title' type='text-single' label='A friendly name for the node'/>
   <field var='pubsub#access_model' type='list-single'><option><value>open</value></option><option><value>roster</value></option><value>open</value></field>`,
)
const config = {
  type: 'form' as const,
  formType: `${NS.pubsub}#node_config`,
  instructions: [],
  fields: [
    { var: 'pubsub#title', type: 'text-single', label: 'A friendly name for the node', values: [], options: [], isRequired: false },
    {
      ...{ var: 'pubsub#access_model', type: 'list-single', values: ['open'], isRequired: false },
      options: [{ value: 'open' }, { value: 'roster' }],
    },
  ],
}
test('§8.2.2 a configuration', isExample, 'get-config', owner(`<configure node='${node}'>${configForm}</configure>`), { node, config })
test('§8.3.3 the default configuration', isExample, 'get-default-config', owner(`<default>${configForm}</default>`), { config })
test(
  '§8.8.1.2 who is subscribed',
  isExample,
  'get-node-subscriptions',
  owner(`<subscriptions node='${node}'><subscription jid='hamlet@denmark.lit' subscription='subscribed'/>
    <subscription jid='bernardo@denmark.lit' subscription='subscribed' subid='123-abc'/></subscriptions>`),
  {
    node,
    subscriptions: [
      { jid: 'hamlet@denmark.lit', state: 'subscribed' },
      { jid: 'bernardo@denmark.lit', state: 'subscribed', subid: '123-abc' },
    ],
  },
)
test(
  '§8.9.1.2 who is affiliated',
  isExample,
  'get-node-affiliations',
  owner(`<affiliations node='${node}'><affiliation jid='hamlet@denmark.lit' affiliation='owner'/>
    <affiliation jid='polonius@denmark.lit' affiliation='outcast'/></affiliations>`),
  {
    node,
    affiliations: [
      { jid: 'hamlet@denmark.lit', affiliation: 'owner' },
      { jid: 'polonius@denmark.lit', affiliation: 'outcast' },
    ],
  },
)

const SILENT = ['set-options', 'retract', 'set-config', 'delete', 'purge', 'set-node-subscriptions', 'set-node-affiliations'] as const
test('what is only done is answered without a payload, and anything else inside is passed over (XEP-0060 §6.3.6.1, §7.2.2, §8)', (t) => {
  for (const action of SILENT) {
    t.is(buildPubsubAnswer(action, {}), undefined)
    t.deepEqual(parsePubsubAnswer(action, undefined), {})
    t.deepEqual(parsePubsubAnswer(action, inside(pubsub('<novelty/>'))), {})
  }
})

test('services may answer some requests without a payload (XEP-0060 §6.2.2, §7.1.2, §8.1.1)', (t) => {
  t.deepEqual(parsePubsubAnswer('create', undefined), { node: undefined })
  t.is(buildPubsubAnswer('create', {}), undefined)
  t.deepEqual(parsePubsubAnswer('subscribe', undefined), { subscription: undefined, options: undefined })
  t.deepEqual(parsePubsubAnswer('publish', undefined), { node: '', ids: [] })
})

test('an answer that lacks what was asked for is none', (t) => {
  for (const action of ['get-items', 'get-config', 'get-subscriptions', 'get-affiliations', 'get-options'] as const) {
    t.throws(() => parsePubsubAnswer(action, undefined), { instanceOf: BytestreamError, code: 'ERR_BAD_REQUEST' })
  }
  t.throws(() => parsePubsubAnswer('get-config', inside(owner("<configure node='a'/>"))), { code: 'ERR_BAD_REQUEST' })
  // The wrong namespace is the wrong answer.
  t.throws(() => parsePubsubAnswer('get-config', inside(pubsub(`<configure node='a'>${configForm}</configure>`))), {
    code: 'ERR_BAD_REQUEST',
  })
})

test('entries without what they must have, and words nobody knows, are left out', (t) => {
  const subscriptions = inside(pubsub("<subscriptions><subscription node='a'/><subscription jid='b' subscription='king'/></subscriptions>"))
  t.deepEqual(plain(parsePubsubAnswer('get-subscriptions', subscriptions)), { subscriptions: [{ jid: 'b', state: 'none' }] })
  const affiliations = inside(
    pubsub("<affiliations><affiliation affiliation='owner'/><affiliation node='a' affiliation='king'/></affiliations>"),
  )
  t.deepEqual(plain(parsePubsubAnswer('get-affiliations', affiliations)), { affiliations: [] })
  const items = inside(pubsub("<items node='a'><item id=''/><item id='b'>text<c xmlns='d'/><e xmlns='f'/></item></items>"))
  t.deepEqual(plain(parsePubsubAnswer('get-items', items)), { node: 'a', items: [{}, { id: 'b', payload: '<c xmlns="d"/>' }] })
})

test('a payload that comes means the same without what was around it', (t) => {
  const read = parsePubsubAnswer(
    'get-items',
    inside(`<p:pubsub xmlns:p='${NS.pubsub}' xmlns='urn:d'><p:items node='a'><p:item><b><p:c/></b></p:item></p:items></p:pubsub>`),
  )
  t.is(read.items[0]?.payload && writeXml(read.items[0].payload), `<b xmlns="urn:d" xmlns:p="${NS.pubsub}"><p:c/></b>`)
  const unbound = inside(pubsub("<items node='a'><item id='b'><c:d/></item></items>"))
  t.deepEqual(plain(parsePubsubAnswer('get-items', unbound)), { node: 'a', items: [{ id: 'b' }] })
})

test('a payload that was written once goes into an answer as it is, unread', (t) => {
  const text = '<a xmlns="urn:a">&amp;&lt;<b c="&quot;"/></a>'
  const answer = buildPubsubAnswer('get-items', { node: 'n', items: [{ id: 'i', payload: rawXml(text) }] }) ?? xml('nothing')
  t.is(writeXml(answer), `<pubsub xmlns="${NS.pubsub}"><items node="n"><item id="i">${text}</item></items></pubsub>`)
  t.is(answer.toString(), writeXml(answer))
})

const ACTIONS: readonly PubsubAction[] = [
  ...(['create', 'subscribe', 'unsubscribe', 'get-options', 'get-default-options', 'get-subscriptions', 'get-affiliations'] as const),
  ...(['get-items', 'publish', 'get-config', 'get-default-config', 'get-node-subscriptions', 'get-node-affiliations'] as const),
  ...SILENT,
]
test('any element is an answer, or is refused with a code', (t) => {
  fc.assert(
    fc.property(elements, fc.constantFrom(...ACTIONS), (element, action) => {
      element.name = 'pubsub'
      element.attrs['xmlns'] = action.includes('config') || action.includes('node') ? NS.pubsubOwner : NS.pubsub
      try {
        parsePubsubAnswer(action, element)
      } catch (error) {
        t.true(error instanceof BytestreamError, String(error))
      }
    }),
    { numRuns: 1_000 },
  )
  t.pass()
})
