import test from 'ava'
import { DeliveryForms, type Telling } from '../../../src/component/feeds/delivery-forms.ts'
import { deliveryId } from '../../../src/component/feeds/delivery-ids.ts'
import type { QueuedMessage } from '../../../src/pubsub/index.ts'
import {
  type Announcement,
  announcementBody,
  buildAnnouncement,
  buildTextEntry,
  NS,
  parseElement,
  writeXml,
} from '../../../src/xep/index.ts'
import { means } from '../../helpers/elements.ts'

const SERVICE = 'feeds.example.org'
const FEED = 'builds\\2fnightly@feeds.example.org'
const publishedMs = Date.UTC(2026, 10, 22, 5)
const announcement: Announcement = {
  ...{ id: '9559976B', owner: 'ci@example.org/builds', protocols: ['jingle', 'si'], state: 'available' },
  file: { name: 'image.iso', sizeBytes: 1_200_000_000, mediaType: 'application/x-iso9660-image', hashes: [] },
}
const payload = writeXml(buildAnnouncement(announcement))
const message: QueuedMessage = {
  ...{ id: 412, node: 'builds/nightly', nodeId: 1, kind: 'published', itemId: '9559976B', publisher: 'ci@example.org/builds' },
  ...{ publishedMs, expiresMs: publishedMs + 86_400_000, routingKey: undefined, payload },
}
const id = deliveryId(SERVICE, message)

const TO = 'wall7@example.org/x'
const plain: Telling = { reads: 'text', acknowledges: 'not', isLate: false, hasAmp: false }
const forms = () => new DeliveryForms({ jid: SERVICE, addressOf: () => FEED })
const write = (telling: Partial<Telling> = {}, changes: Partial<QueuedMessage> = {}) =>
  parseElement(
    forms()
      .of({ ...message, ...changes })
      .write(TO, { ...plain, ...telling }),
  )

test('a program gets an event of the service, with the number to acknowledge; nobody is to store it on the way', (t) => {
  means(
    t,
    write({ reads: 'events', acknowledges: 'by IQ' }),
    `<message from='${SERVICE}' to='${TO}' id='${id}'>
      <event xmlns='${NS.pubsubEvent}'><items node='builds/nightly'><item id='9559976B'>${payload}</item></items></event>
      <delivery xmlns='${NS.feeds}' id='412'/>
      <no-store xmlns='urn:xmpp:hints'/>
    </message>`,
  )
})

test('people get a chat message of the feed they have in their roster: text, and the file as XEP-0447 shares it', (t) => {
  const body = announcementBody(announcement)
  t.regex(body, /image\.iso[\s\S]*xmpp:ci@example\.org\/builds\?jingle;id=9559976B/)
  means(
    t,
    write(),
    `<message from='${FEED}' to='${TO}' type='chat' id='${id}'>
      <body>${body}</body>
      <fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:sfs:0'><body/></fallback>
      ${payload}
      <store xmlns='urn:xmpp:hints'/>
    </message>`,
  )
})

test('a receipt is asked for where there are receipts (XEP-0184), and what is late says when it was published (XEP-0203)', (t) => {
  const late = write({ acknowledges: 'by receipt', isLate: true })
  t.truthy(late.getChild('request', NS.receipts))
  t.is(late.getChild('delay', NS.delay)?.attrs['stamp'], '2026-11-22T05:00:00Z')
  t.deepEqual([write().getChild('request', NS.receipts), write().getChild('delay', NS.delay)], [undefined, undefined])
})

test('servers that heed rules are to drop what has expired, and to send back what they would store (XEP-0079)', (t) => {
  const amp = write({ hasAmp: true }).getChild('amp', NS.amp)
  means(
    t,
    amp ?? parseElement('<none/>'),
    `<amp xmlns='http://jabber.org/protocol/amp'>
      <rule condition='expire-at' action='drop' value='2026-11-23T05:00:00Z'/>
      <rule condition='deliver' action='error' value='stored'/>
    </amp>`,
  )
  t.is(write().getChild('amp', NS.amp), undefined)
})

test('that something is withdrawn is an event for programs, and a sentence for people', (t) => {
  const gone = { kind: 'retracted', id: 413 } as const
  const event = write({ reads: 'events' }, { ...gone, payload: undefined }).getChild('event', NS.pubsubEvent)
  means(
    t,
    event ?? parseElement('<none/>'),
    `<event xmlns='${NS.pubsubEvent}'><items node='builds/nightly'><retract id='9559976B'/></items></event>`,
  )
  t.is(write({}, gone).getChildText('body'), 'image.iso is withdrawn from builds/nightly')
  t.is(write({}, { ...gone, payload: undefined }).getChildText('body'), '9559976B is withdrawn from builds/nightly')
  t.is(write({}, gone).getChild('file-sharing', NS.fileSharing), undefined)
})

test('what announces no file is told by its title, or that there is something', (t) => {
  const entry = writeXml(buildTextEntry({ id: 'urn:uuid:1', text: 'It is done', author: 'ci@example.org', updatedMs: 0 }))
  t.is(write({}, { payload: entry }).getChildText('body'), 'It is done')
  for (const other of [undefined, '<build xmlns="urn:example"/>', `<file-sharing xmlns="${NS.fileSharing}"/>`]) {
    t.is(write({}, { payload: other }).getChildText('body'), 'builds/nightly has something new: 9559976B')
  }
})

test('one message has one form for all, and another message another', (t) => {
  const kept = forms()
  t.is(kept.of(message), kept.of({ ...message }))
  t.not(kept.of(message), kept.of({ ...message, id: 413 }))
  t.is(kept.of(message).write('a@example.org/x', plain).replace('a@example.org/x', TO), kept.of(message).write(TO, plain))
})
