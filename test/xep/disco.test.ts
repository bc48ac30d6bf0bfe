import test from 'ava'
import fc from 'fast-check'
import {
  buildDiscoInfo,
  buildDiscoInfoRequest,
  buildDiscoItems,
  buildDiscoItemsRequest,
  buildIq,
  buildIqResult,
  type DiscoInfo,
  type DiscoItem,
  parseDiscoInfo,
  parseDiscoItems,
  parseElement,
  parsePage,
  parsePageRequest,
  pubsubForms,
} from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'

test('the question for items is XEP-0065 example 1', (t) => {
  means(
    t,
    buildIq({ type: 'get', id: 'pi2b15fv', from: 'requester@example.com/foo', to: 'example.com' }, buildDiscoItemsRequest()),
    `<iq from='requester@example.com/foo' id='pi2b15fv' to='example.com' type='get'><query xmlns='${ITEMS}'/></iq>`,
  )
})

test('the items are XEP-0065 example 2', (t) => {
  const items = [
    { jid: 'chatrooms.example.com', name: 'Chatroom Service' },
    { jid: 'news.example.com', name: 'News Feeds' },
    { jid: 'streamer.example.com', name: 'File Transfer Relay' },
  ]
  const example = `<query xmlns='${ITEMS}'>
    <item jid='chatrooms.example.com' name='Chatroom Service'/>
    <item jid='news.example.com' name='News Feeds'/>
    <item jid='streamer.example.com' name='File Transfer Relay'/>
  </query>`
  means(t, buildDiscoItems(items), example)
  t.deepEqual(
    parseDiscoItems(parseElement(example)),
    items.map((item) => ({ ...item, node: undefined })),
  )
})

test('the question for information is XEP-0065 example 3 and XEP-0030 example 1', (t) => {
  means(t, buildDiscoInfoRequest(), `<query xmlns='${INFO}'/>`)
})

test('the information of a proxy is XEP-0065 example 4: identity and feature, since clients look for either', (t) => {
  const info: DiscoInfo = {
    identities: [{ category: 'proxy', type: 'bytestreams', name: 'File Transfer Relay' }],
    features: ['http://jabber.org/protocol/bytestreams'],
  }
  const request = buildIq(
    { type: 'get', id: 'yx92b153', from: 'requester@example.com/foo', to: 'streamer.example.com' },
    buildDiscoInfoRequest(),
  )
  const example = `<query xmlns='${INFO}'>
    <identity category='proxy'
              type='bytestreams'
              name='File Transfer Relay'/>
    <feature var='http://jabber.org/protocol/bytestreams'/>
  </query>`
  means(
    t,
    buildIqResult(request, buildDiscoInfo(info)),
    `<iq from='streamer.example.com' id='yx92b153' to='requester@example.com/foo' type='result'>${example}</iq>`,
  )
  t.deepEqual(parseDiscoInfo(parseElement(example)), info)
})

test('several identities and many features are XEP-0030 example 2', (t) => {
  const name = 'Play-Specific Chatrooms'
  const features = [
    INFO,
    ITEMS,
    'http://jabber.org/protocol/muc',
    'jabber:iq:register',
    'jabber:iq:search',
    'jabber:iq:time',
    'jabber:iq:version',
  ]
  const info: DiscoInfo = {
    identities: [
      { category: 'conference', type: 'text', name },
      { category: 'directory', type: 'chatroom', name },
    ],
    features,
  }
  const example = `<query xmlns='${INFO}'>
    <identity category='conference' type='text' name='Play-Specific Chatrooms'/>
    <identity category='directory' type='chatroom' name='Play-Specific Chatrooms'/>
    <feature var='http://jabber.org/protocol/disco#info'/>
    <feature var='http://jabber.org/protocol/disco#items'/>
    <feature var='http://jabber.org/protocol/muc'/>
    <feature var='jabber:iq:register'/>
    <feature var='jabber:iq:search'/>
    <feature var='jabber:iq:time'/>
    <feature var='jabber:iq:version'/>
  </query>`
  means(t, buildDiscoInfo(info), example)
  t.deepEqual(parseDiscoInfo(parseElement(example)), info)
})

test('an identity without a name is XEP-0030 example 6', (t) => {
  const example = `<query xmlns='${INFO}'><identity category='account' type='registered'/><feature var='${INFO}'/></query>`
  means(t, buildDiscoInfo({ identities: [{ category: 'account', type: 'registered' }], features: [INFO] }), example)
})

test('question and answer about a node are XEP-0030 examples 9 and 10', (t) => {
  const node = 'http://jabber.org/protocol/commands'
  means(t, buildDiscoInfoRequest(node), `<query xmlns='${INFO}' node='http://jabber.org/protocol/commands'/>`)
  means(
    t,
    buildDiscoInfo({ identities: [{ category: 'automation', type: 'command-list' }], features: [INFO] }, node),
    `<query xmlns='${INFO}' node='http://jabber.org/protocol/commands'>
      <identity category='automation' type='command-list'/>
      <feature var='http://jabber.org/protocol/disco#info'/>
    </query>`,
  )
})

test('no items are XEP-0030 example 13', (t) => {
  means(t, buildDiscoItems([]), `<query xmlns='${ITEMS}'/>`)
  t.deepEqual(parseDiscoItems(parseElement(`<query xmlns='${ITEMS}'/>`)), [])
})

test('items with a node are XEP-0030 example 17, the items of a node example 21', (t) => {
  const jid = 'catalog.shakespeare.lit'
  means(
    t,
    buildDiscoItems([{ jid, node: 'books', name: 'Books by and about Shakespeare' }]),
    `<query xmlns='${ITEMS}'><item jid='catalog.shakespeare.lit' node='books' name='Books by and about Shakespeare'/></query>`,
  )
  means(t, buildDiscoItemsRequest('music/D'), `<query xmlns='${ITEMS}' node='music/D'/>`)
  means(
    t,
    buildDiscoItems([{ jid, node: 'music/D/dowland-solace', name: 'John Dowland - A Pilgrimes Solace' }], 'music/D'),
    `<query xmlns='${ITEMS}' node='music/D'>
      <item jid='catalog.shakespeare.lit'
            node='music/D/dowland-solace'
            name='John Dowland - A Pilgrimes Solace'/>
    </query>`,
  )
})

test('a node with its meta-data is XEP-0060 §5.4', (t) => {
  const example = `<query xmlns='${INFO}' node='princely_musings'>
    <identity category='pubsub' type='leaf'/>
    <feature var='http://jabber.org/protocol/pubsub'/>
    <x xmlns='jabber:x:data' type='result'>
      <field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#meta-data</value></field>
      <field var='pubsub#creator' label='Node creator' type='jid-single'><value>hamlet@denmark.lit</value></field>
      <field var='pubsub#num_subscribers' label='Number of subscribers to this node' type='text-single'><value>1066</value></field>
    </x>
  </query>`
  const creator = { var: 'pubsub#creator', label: 'Node creator', type: 'jid-single', values: ['hamlet@denmark.lit'] }
  const count = { var: 'pubsub#num_subscribers', label: 'Number of subscribers to this node', type: 'text-single', values: ['1066'] }
  const info: DiscoInfo = {
    identities: [{ category: 'pubsub', type: 'leaf' }],
    features: ['http://jabber.org/protocol/pubsub'],
    forms: [{ type: 'result', formType: pubsubForms.metaData, fields: [creator, count] }],
  }
  means(t, buildDiscoInfo(info, 'princely_musings'), example)
  t.like(parseDiscoInfo(parseElement(example)), info)
})

test('items are asked for and answered page by page as XEP-0059 §3 shows it', (t) => {
  const asked = `<query xmlns='${ITEMS}'><set xmlns='http://jabber.org/protocol/rsm'><max>20</max><after>4da9</after></set></query>`
  means(t, buildDiscoItemsRequest(undefined, { max: 20, after: '4da9' }), asked)
  t.like(parsePageRequest(parseElement(asked)), { max: 20, after: '4da9' })
  const page = { first: 'acc3', index: 0, last: '4da9', count: 150 }
  const answer = `<query xmlns='${ITEMS}'><item jid='12@conference.jabber.org'/><item jid='council@conference.jabber.org'/>
    <set xmlns='http://jabber.org/protocol/rsm'><first index='0'>acc3</first><last>4da9</last><count>150</count></set></query>`
  means(t, buildDiscoItems([{ jid: '12@conference.jabber.org' }, { jid: 'council@conference.jabber.org' }], undefined, page), answer)
  t.deepEqual(parsePage(parseElement(answer)), page)
  t.is(parseDiscoItems(parseElement(answer)).length, 2)
})

const isReadAndBuilt = test.macro({
  exec(t, inside: string, xmlns: string, node?: string) {
    const example = `<query xmlns='${xmlns}'${node ? ` node='${node}'` : ''}>${inside}</query>`
    const read = parseElement(example)
    means(t, xmlns === INFO ? buildDiscoInfo(parseDiscoInfo(read), node) : buildDiscoItems(parseDiscoItems(read), node), example)
  },
  title: (given) => `what is read is built again: XEP-0030 example ${given}`,
})
test(
  '7',
  isReadAndBuilt,
  `<identity category='conference' name='A Dark Cave' type='text'/>
   <feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/muc'/>
   <feature var='muc_passwordprotected'/><feature var='muc_hidden'/><feature var='muc_temporary'/>
   <feature var='muc_open'/><feature var='muc_unmoderated'/><feature var='muc_nonanonymous'/>`,
  INFO,
)
test(
  '8',
  isReadAndBuilt,
  `<identity category='client' type='pc' name='Gabber'/>
   <feature var='http://jabber.org/protocol/disco#info'/><feature var='jabber:iq:time'/><feature var='jabber:iq:version'/>`,
  INFO,
)
test(
  '12',
  isReadAndBuilt,
  `<item jid='people.shakespeare.lit' name='Directory of Characters'/>
   <item jid='plays.shakespeare.lit' name='Play-Specific Chatrooms'/>
   <item jid='mim.shakespeare.lit' name='Gateway to Marlowe IM'/>
   <item jid='words.shakespeare.lit' name='Shakespearean Lexicon'/>
   <item jid='globe.shakespeare.lit' name='Calendar of Performances'/>
   <item jid='headlines.shakespeare.lit' name='Latest Shakespearean News'/>
   <item jid='catalog.shakespeare.lit' name='Buy Shakespeare Stuff!'/>
   <item jid='en2fr.shakespeare.lit' name='French Translation Service'/>`,
  ITEMS,
)
test('15', isReadAndBuilt, "<item jid='juliet@capulet.com/balcony'/><item jid='juliet@capulet.com/chamber'/>", ITEMS)
test(
  '19',
  isReadAndBuilt,
  ['A', 'B', 'C', 'D'].map((letter) => `<item jid='catalog.shakespeare.lit' node='music/${letter}'/>`).join('\n'),
  ITEMS,
  'music',
)
test(
  '23',
  isReadAndBuilt,
  `<item jid='pubsub.shakespeare.lit' name='Romeo&apos;s CD player' node='s623nms9s3bfh8js'/>
   <item jid='pubsub.montague.net' node='music/R/Romeo/iPod'/>
   <item jid='tunes.characters.lit' node='g8k4kds9sd89djf3'/>`,
  ITEMS,
  'http://jabber.org/protocol/tune',
)

test('only what an item has in the specification is shown of it', (t) => {
  const item = { jid: 'a@example.com', secret: 'b' }
  t.is(buildDiscoItems([item]).toString(), `<query xmlns="${ITEMS}"><item jid="a@example.com"/></query>`)
})

test('what lacks what it must have, or is of another namespace, is left out', (t) => {
  const info = parseElement(`<query xmlns='${INFO}'>
    <identity category='proxy'/><identity type='bytestreams'/><identity category='' type='x'/><feature/><feature var=''/>
    <feature xmlns='urn:x' var='not mine'/><x xmlns='jabber:x:data' type='result'/>
  </query>`)
  t.like(parseDiscoInfo(info), { identities: [], features: [] })
  t.deepEqual(
    parseDiscoItems(parseElement(`<query xmlns='${ITEMS}'><item name='a'/><item jid=''/><item xmlns='urn:x' jid='b'/></query>`)),
    [],
  )
})

const named = fc.string({ minLength: 1, unit: 'grapheme' })
const maybe = fc.option(named, { nil: undefined })

test('what is built is read back as it was', (t) => {
  const infos = fc.record({
    identities: fc.array(fc.record({ category: named, type: named, name: maybe })),
    features: fc.array(named),
  })
  const lists: fc.Arbitrary<DiscoItem[]> = fc.array(fc.record({ jid: named, name: maybe, node: maybe }))
  fc.assert(
    fc.property(infos, lists, maybe, (info, items, node) => {
      t.deepEqual(parseDiscoInfo(sent(buildDiscoInfo(info, node))), info)
      t.deepEqual(parseDiscoItems(sent(buildDiscoItems(items, node))), items)
    }),
  )
})

test('any element is read', (t) => {
  fc.assert(
    fc.property(elements, (element) => {
      parseDiscoInfo(element)
      parseDiscoItems(element)
    }),
    { numRuns: 500 },
  )
  t.pass()
})
