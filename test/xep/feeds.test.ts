import test from 'ava'
import fc from 'fast-check'
import {
  buildAcknowledgement,
  buildDelivery,
  buildDiscoInfo,
  buildForm,
  buildMessage,
  feedAcceptanceForm,
  feedAcceptanceOf,
  NS,
  parseAcknowledgement,
  parseDelivery,
  parseDiscoInfo,
  parseElement,
} from '../../src/xep/index.ts'
import { isReadOrRefused, means, sent } from '../helpers/elements.ts'

test('what waited in a queue says under which number, and what did not says none', (t) => {
  const delivery = buildDelivery(4711)
  means(t, delivery, "<delivery xmlns='https://www.npmjs.com/package/streamhost#feeds' id='4711'/>")
  t.is(parseDelivery(sent(buildMessage({ to: 'wall7@example.org' }, delivery))), 4711)
  t.is(parseDelivery(buildMessage({ to: 'wall7@example.org' })), undefined)
  for (const id of ['', '0', '-1', '1.5', '0x10', '9'.repeat(16), '1e3']) {
    t.is(parseDelivery(parseElement(`<message><delivery xmlns='${NS.feeds}' id='${id}'/></message>`)), undefined, id)
  }
})

test('numbers that are acknowledged come back as they went, up to 256 at once', (t) => {
  means(
    t,
    buildAcknowledgement([4711, 4712]),
    "<ack xmlns='https://www.npmjs.com/package/streamhost#feeds'><message id='4711'/><message id='4712'/></ack>",
  )
  const numbers = fc.array(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { maxLength: 256 })
  fc.assert(fc.property(numbers, (ids) => t.deepEqual(parseAcknowledgement(sent(buildAcknowledgement(ids))), ids)))
  for (const ack of [buildAcknowledgement(Array(257).fill(1)), buildAcknowledgement([0])]) {
    t.throws(() => parseAcknowledgement(ack), { code: 'ERR_BAD_REQUEST' })
  }
})

test('an acknowledgement that was spoiled is read, or refused', (t) => {
  isReadOrRefused(buildAcknowledgement([1, 22, 333]), parseAcknowledgement)
  t.pass()
})

test('what somebody can take is a form of disco#info, and what he does not limit is not in it (XEP-0128)', (t) => {
  const acceptance = { mediaTypes: ['image/*', 'video/mp4'], sizeBytesMax: 10_485_760, methods: ['jingle'] }
  means(
    t,
    buildForm(feedAcceptanceForm(acceptance)),
    `<x xmlns='jabber:x:data' type='result'>
      <field var='FORM_TYPE' type='hidden'><value>https://www.npmjs.com/package/streamhost#feeds-accept</value></field>
      <field var='media-types' type='text-multi'><value>image/*</value><value>video/mp4</value></field>
      <field var='size-max' type='text-single'><value>10485760</value></field>
      <field var='methods' type='text-multi'><value>jingle</value></field>
    </x>`,
  )
  const told = (forms = [feedAcceptanceForm(acceptance)]) =>
    parseDiscoInfo(sent(buildDiscoInfo({ identities: [], features: [NS.feeds], forms })))
  t.deepEqual(feedAcceptanceOf(told()), acceptance)
  const all = { mediaTypes: undefined, sizeBytesMax: undefined, methods: undefined }
  t.deepEqual(feedAcceptanceOf(told([])), all)
  t.deepEqual(feedAcceptanceOf(told([feedAcceptanceForm({})])), all)
})
