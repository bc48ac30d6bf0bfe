import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import {
  buildAffiliationNotice,
  buildEvent,
  buildMessage,
  type Header,
  type NotificationFrame,
  NS,
  notificationParts,
  type PubsubEvent,
  parseAffiliationNotice,
  parseElement,
  parseEvent,
  parseNotification,
  rawXml,
  writeNotification,
  writeXml,
} from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'
import { ENTRY, formText, inside } from '../helpers/pubsub-examples.ts'

const plain = (event: unknown): unknown =>
  JSON.parse(JSON.stringify(event ?? null, (key, value) => (key === 'payload' && value ? writeXml(value) : value)))
const event = (text: string) => `<event xmlns='${NS.pubsubEvent}'>${text}</event>`

/** A notification of an example: written for its subscriber, and read. */
function isNotified(
  t: ExecutionContext,
  told: PubsubEvent,
  example: string,
  frame: Partial<NotificationFrame> = {},
  headers: readonly Header[] = [],
): void {
  const text = writeNotification(
    notificationParts(told, { from: 'pubsub.shakespeare.lit', ...frame }),
    'francisco@denmark.lit',
    'foo',
    headers,
  )
  const message = `<message from='pubsub.shakespeare.lit' to='francisco@denmark.lit' id='foo'>${example}</message>`
  means(t, parseElement(text), message)
  t.deepEqual(plain(parseNotification(parseElement(text))?.event), plain(told))
  const read = parseNotification(parseElement(message))
  t.truthy(read)
  if (read) means(t, buildEvent(read.event), example.replace(/<\/event>[\s\S]*/, '</event>'))
}

const node = 'princely_musings'
const id = 'ae890ac52d0df67ed7cfdf51b644e901'
const payload = inside(ENTRY)

test('a notification with its payload is XEP-0060 §7.1.2.1', (t) => {
  const told = { kind: 'items', node, items: [{ id, payload }], retracted: [] } as const
  isNotified(t, told, event(`<items node='${node}'><item id='${id}'>${ENTRY}</item></items>`))
})

test('one without is §7.1.2.2, one without an item §1.2', (t) => {
  isNotified(t, { kind: 'items', node, items: [{ id }], retracted: [] }, event(`<items node='${node}'><item id='${id}'/></items>`))
  isNotified(t, { kind: 'items', node: 'elsinore/doorbell', items: [], retracted: [] }, event("<items node='elsinore/doorbell'/>"))
})

test('one that names the publisher is §7.1.2.3', (t) => {
  const items = [{ id, publisher: 'hamlet@denmark.lit' }]
  isNotified(
    t,
    { kind: 'items', node, items, retracted: [] },
    event(`<items node='${node}'><item id='${id}' publisher='hamlet@denmark.lit'/></items>`),
  )
})

test('one that comes of two subscriptions is §7.1.2.4: the headers are last', (t) => {
  const headers = ['123-abc', '004-yyy'].map((value) => ({ name: 'SubID', value }))
  const text = `${event(`<items node='${node}'><item id='${id}'/></items>`)}
    <headers xmlns='http://jabber.org/protocol/shim'><header name='SubID'>123-abc</header><header name='SubID'>004-yyy</header></headers>`
  const told = { kind: 'items', node, items: [{ id }], retracted: [] } as const
  isNotified(t, told, text, {}, headers)
  const written = writeNotification(notificationParts(told, { from: 'a', delay: { stampMs: 0 } }), 'b', 'c', headers)
  t.regex(written, /<\/event><delay [^>]*\/><headers .*<\/headers><\/message>$/)
  t.deepEqual(parseNotification(parseElement(written))?.subids, ['123-abc', '004-yyy'])
})

test('one that comes by way of a collection says which (XEP-0248)', (t) => {
  const written = writeNotification(notificationParts({ kind: 'items', node, items: [{ id }], retracted: [] }, { from: 'a' }), 'b', 'c', [
    { name: 'Collection', value: 'blogs' },
  ])
  t.is(parseNotification(parseElement(written))?.collection, 'blogs')
})

test('the last item is §6.1.7: it comes with its time', (t) => {
  const told = { kind: 'items', node, items: [{ id, payload }], retracted: [] } as const
  const stampMs = Date.UTC(2003, 11, 13, 23, 58, 37)
  const delay = "<delay xmlns='urn:xmpp:delay' stamp='2003-12-13T23:58:37Z'/>"
  isNotified(t, told, `${event(`<items node='${node}'><item id='${id}'>${ENTRY}</item></items>`)}${delay}`, { delay: { stampMs } })
  const written = writeNotification(notificationParts(told, { from: 'a', delay: { stampMs } }), 'b', 'c')
  t.deepEqual(parseNotification(parseElement(written))?.delay, { stampMs, from: undefined })
})

test('a retracted item is §7.2.2.1', (t) => {
  isNotified(t, { kind: 'items', node, items: [], retracted: [id] }, event(`<items node='${node}'><retract id='${id}'/></items>`))
})

test('a configuration is §8.2.5.3, with and without its form', (t) => {
  isNotified(t, { kind: 'configuration', node }, event(`<configuration node='${node}'/>`))
  const fields = [{ var: 'pubsub#title', values: ['Princely Musings (Atom)'], options: [], isRequired: false }]
  const config = { type: 'result', formType: `${NS.pubsub}#node_config`, instructions: [], fields } as const
  const text = formText('result', 'node_config', "<field var='pubsub#title'><value>Princely Musings (Atom)</value></field>")
  isNotified(t, { kind: 'configuration', node, config }, event(`<configuration node='${node}'>${text}</configuration>`))
})

test('a deletion is §8.4.2, a purge §8.5.2', (t) => {
  const redirect = 'xmpp:hamlet@denmark.lit?;node=blog'
  isNotified(t, { kind: 'delete', node, redirect }, event(`<delete node='${node}'><redirect uri='${redirect}'/></delete>`))
  isNotified(t, { kind: 'delete', node }, event(`<delete node='${node}'/>`))
  isNotified(t, { kind: 'purge', node }, event(`<purge node='${node}'/>`))
})

test('what became of a subscription is §8.6, and its coming end §12.19', (t) => {
  const subscription = { node, jid: 'horatio@denmark.lit', state: 'subscribed' } as const
  isNotified(
    t,
    { kind: 'subscription', subscription },
    event(`<subscription node='${node}' jid='horatio@denmark.lit' subscription='subscribed'/>`),
  )
  isNotified(
    t,
    { kind: 'subscription', subscription: { ...subscription, subid: 'ba49', expiry: '2006-02-28T23:59:59Z' } },
    event(`<subscription expiry='2006-02-28T23:59:59Z' jid='horatio@denmark.lit' node='${node}' subid='ba49' subscription='subscribed'/>`),
  )
})

test('what became of a collection is told by the schema of events', (t) => {
  for (const change of ['associate', 'disassociate'] as const) {
    isNotified(
      t,
      { kind: 'collection', node: 'blogs', change, child: node },
      event(`<collection node='blogs'><${change} node='${node}'/></collection>`),
    )
  }
})

test('a headline is one, a normal message has no type (RFC 6121 §5.2.2)', (t) => {
  const written = (type: 'normal' | 'headline') =>
    writeNotification(notificationParts({ kind: 'purge', node: 'n' }, { from: 'a', type }), 'b', 'c')
  t.is(
    written('headline'),
    `<message from="a" type="headline" to="b" id="c"><event xmlns="${NS.pubsubEvent}"><purge node="n"/></event></message>`,
  )
  t.is(written('normal'), `<message from="a" to="b" id="c"><event xmlns="${NS.pubsubEvent}"><purge node="n"/></event></message>`)
})

test('an event is written once: what differs between two subscribers is their addresses and ids', (t) => {
  const parts = notificationParts(
    { kind: 'items', node, items: [{ id, payload: rawXml('<a xmlns="urn:a"/>') }], retracted: [] },
    { from: 'a' },
  )
  const [one, other] = [writeNotification(parts, 'b@example.com', '1'), writeNotification(parts, 'c@example.com', '2')]
  t.is(one.replace('b@example.com', 'c@example.com').replace('id="1"', 'id="2"'), other)
  t.true(one.includes('><a xmlns="urn:a"/></item>'))
})

test('what became of an affiliation is §8.9.4, with the element that its example misspells', (t) => {
  const notice = { node, jid: 'polonius@denmark.lit', affiliation: 'none' } as const
  const message = (name: string) =>
    `<message from='pubsub.shakespeare.lit' to='polonius@denmark.lit'>
      <pubsub xmlns='http://jabber.org/protocol/pubsub'>
        <affiliations node='princely_musings'><${name} jid='polonius@denmark.lit' affiliation='none'/></affiliations>
      </pubsub>
    </message>`
  means(
    t,
    buildMessage({ from: 'pubsub.shakespeare.lit', to: 'polonius@denmark.lit' }, buildAffiliationNotice(notice)),
    message('affiliation'),
  )
  t.deepEqual(parseAffiliationNotice(parseElement(message('affiliation'))), notice)
  t.is(parseAffiliationNotice(parseElement(message('affilation'))), undefined)
  t.is(parseAffiliationNotice(parseElement('<message/>')), undefined)
})

const odd = fc.string({ unit: fc.constantFrom('a', '"', "'", '<', '>', '&', '/', ' ', '\t', '\n', 'é', '\u{1f4a9}'), minLength: 1 })
test('any address, id and header comes back as it was, and opens nothing', (t) => {
  fc.assert(
    fc.property(odd, odd, odd, odd, (from, to, stanzaId, value) => {
      const text = writeNotification(notificationParts({ kind: 'purge', node: from }, { from }), to, stanzaId, [{ name: 'SubID', value }])
      const message = parseElement(text)
      t.deepEqual(message.attrs, { from, to, id: stanzaId })
      t.is(message.getChildElements().length, 2)
      t.deepEqual(parseNotification(message)?.subids, [value])
    }),
  )
})

const text = fc.string({ minLength: 1, unit: 'grapheme', maxLength: 8 })
const maybe = fc.option(text, { nil: undefined })
const events: fc.Arbitrary<PubsubEvent> = fc.oneof(
  fc.record({
    kind: fc.constant('items' as const),
    node: text,
    items: fc.array(fc.record({ id: maybe, publisher: maybe })),
    retracted: fc.array(text),
  }),
  fc.record({ kind: fc.constant('delete' as const), node: text, redirect: maybe }),
  fc.record({ kind: fc.constant('purge' as const), node: text }),
  fc.record({
    kind: fc.constant('collection' as const),
    node: text,
    change: fc.constantFrom('associate' as const, 'disassociate' as const),
    child: text,
  }),
  fc.record({
    kind: fc.constant('subscription' as const),
    subscription: fc.record({
      node: maybe,
      jid: text,
      state: fc.constantFrom('none' as const, 'pending' as const),
      subid: maybe,
      expiry: maybe,
    }),
  }),
)
test('what is built is read back as it was', (t) => {
  fc.assert(fc.property(events, (told) => t.deepEqual(plain(parseEvent(sent(buildEvent(told)))), plain(told))))
})

test('what tells nothing that is known is no notification', (t) => {
  t.is(parseNotification(parseElement('<message><body>hello</body></message>')), undefined)
  t.is(parseNotification(parseElement(`<message>${event('')}</message>`)), undefined)
  t.is(parseNotification(parseElement(`<message>${event('<novelty/>')}</message>`)), undefined)
  t.is(parseNotification(parseElement(`<message>${event("<x xmlns='urn:x'/>")}</message>`)), undefined)
  t.is(parseNotification(parseElement(`<message>${event("<collection node='a'/>")}</message>`)), undefined)
  t.is(parseNotification(parseElement(`<message>${event("<subscription node='a'/>")}</message>`)), undefined)
})

test('any element is an event, or none', (t) => {
  fc.assert(
    fc.property(elements, (element) => {
      element.attrs['xmlns'] = NS.pubsubEvent
      parseEvent(element)
      parseNotification(element)
    }),
    { numRuns: 1_000 },
  )
  t.pass()
})
