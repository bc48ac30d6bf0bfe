import test from 'ava'
import {
  type Abilities,
  abilitiesOf,
  type Consumer,
  canTake,
  chooseConsumer,
  comparePreference,
  ownProgram,
  plainClient,
} from '../../../src/component/feeds/consumers.ts'
import { type Announcement, feedAcceptanceForm, NS } from '../../../src/xep/index.ts'

const picture: Announcement = {
  ...{ id: 'a', owner: 'ci@example.org/x', protocols: ['jingle', 'si'], state: 'available' },
  file: { name: 'a.png', sizeBytes: 1000, mediaType: 'image/png', hashes: [] },
}
const withFile = (file: Partial<Announcement['file']>): Announcement => ({ ...picture, file: { ...picture.file, ...file } })

const client = { category: 'client', type: 'pc' }

test('who knows our acknowledgements is a program that uses them; what it can take is in its form', (t) => {
  const accept = { mediaTypes: ['image/*'], sizeBytesMax: 5000, methods: undefined }
  t.deepEqual(abilitiesOf({ identities: [client], features: [NS.receipts, NS.feeds], forms: [feedAcceptanceForm(accept)] }), {
    ...{ reads: 'events', acknowledges: 'by IQ', accepts: accept },
  })
})

test('a client is for people; it acknowledges by receipts, if at all (XEP-0184 §6)', (t) => {
  t.like(abilitiesOf({ identities: [client], features: [NS.receipts] }), { reads: 'text', acknowledges: 'by receipt' })
  t.like(abilitiesOf({ identities: [client], features: [] }), { reads: 'text', acknowledges: 'not' })
  t.like(abilitiesOf({ identities: [], features: [] }), { reads: 'text', acknowledges: 'not' })
})

test('a bot reads events', (t) => {
  for (const [category, type] of [
    ['client', 'bot'],
    ['automation', 'translation'],
    ['component', 'generic'],
  ] as const) {
    t.like(abilitiesOf({ identities: [{ category, type }], features: [] }), { reads: 'events', acknowledges: 'not' })
  }
})

test('a device takes what is of its types, not too large, and sent in a way it knows', (t) => {
  for (const accepts of [
    {},
    { mediaTypes: ['text/plain', 'IMAGE/*'] },
    { mediaTypes: ['image/PNG'] },
    { mediaTypes: ['*/*'] },
    { sizeBytesMax: 1000 },
    { methods: ['si'] },
  ]) {
    t.true(canTake(accepts, picture), JSON.stringify(accepts))
  }
  for (const accepts of [{ mediaTypes: [] }, { mediaTypes: ['image/jpeg', 'imag/*'] }, { sizeBytesMax: 999 }, { methods: ['https'] }]) {
    t.false(canTake(accepts, picture), JSON.stringify(accepts))
  }
})

test('a type has parameters, or is missing: then it could be any; a size that is not told is no obstacle', (t) => {
  t.true(canTake({ mediaTypes: ['text/plain'] }, withFile({ mediaType: 'text/plain; charset=utf-8' })))
  t.false(canTake({ mediaTypes: ['text/*'] }, withFile({ mediaType: undefined })))
  t.true(canTake({ mediaTypes: ['application/octet-stream'] }, withFile({ mediaType: undefined })))
  t.true(canTake({ sizeBytesMax: 1 }, withFile({ sizeBytes: undefined })))
})

const consumer = (name: string, abilities: Abilities, rest: Partial<Consumer> = {}): Consumer => ({
  ...{ jid: `a@example.org/${name}`, priority: 0, sinceMs: 1000, abilities },
  ...rest,
})
const bot: Abilities = { ...plainClient, reads: 'events' }
const withReceipts: Abilities = { ...plainClient, acknowledges: 'by receipt' }

test('those that acknowledge come first, of these the highest priority, of these who came last', (t) => {
  const order = [
    consumer('watch', ownProgram, { priority: -5 }),
    consumer('phone', withReceipts, { priority: 9 }),
    consumer('new phone', withReceipts, { priority: 5, sinceMs: 2000 }),
    consumer('old phone', withReceipts, { priority: 5 }),
    consumer('desk', plainClient, { priority: 100 }),
    consumer('bot', bot, { priority: 127 }),
  ]
  t.deepEqual(order.toReversed().toSorted(comparePreference), order)
})

const handover = { announcement: picture, attempts: 0, handedTo: undefined }

test('one gets it, the first that can take it; nobody where none can', (t) => {
  const tiny = consumer('tiny', { ...ownProgram, accepts: { sizeBytesMax: 1 } })
  const desk = consumer('desk', plainClient)
  t.is(chooseConsumer([tiny, desk], handover), desk)
  t.is(chooseConsumer([tiny], handover), undefined)
  t.is(chooseConsumer([], handover), undefined)
  t.is(chooseConsumer([tiny], { ...handover, announcement: undefined }), tiny, 'what is no file fits everywhere')
})

test('who has it already gets it again, and after three times another, if there is one', (t) => {
  const [first, second] = [consumer('first', ownProgram), consumer('second', ownProgram)]
  const again = (attempts: number, crew = [first, second]) => chooseConsumer(crew, { ...handover, attempts, handedTo: second.jid })
  t.is(again(1), second)
  t.is(again(2), second)
  t.is(again(3), first)
  t.is(again(3, [second]), second)
  t.is(again(1, [first]), first, 'who is gone gets nothing')
})
