import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import {
  buildApproval,
  buildApprovalRequest,
  buildMessage,
  parseApproval,
  parseApprovalRequest,
  parseElement,
  parseForm,
} from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'
import { formText } from '../helpers/pubsub-examples.ts'

const subscription = { node: 'princely_musings', jid: 'horatio@denmark.lit', subid: '123-abc' }
const FIELDS = `<field var='pubsub#subid'><value>123-abc</value></field><field var='pubsub#node'><value>princely_musings</value></field>
  <field var='pubsub#subscriber_jid'><value>horatio@denmark.lit</value></field>`
const message = (form: string) =>
  parseElement(`<message from='hamlet@denmark.lit/elsinore' to='pubsub.shakespeare.lit' id='approve1'>${form}</message>`)
const decision = (fields: string) => message(formText('submit', 'subscribe_authorization', fields))
const allow = (value: string) => `<field var='pubsub#allow'><value>${value}</value></field>`

test('what an owner is asked is XEP-0060 §8.6', (t) => {
  const example = `<message to='hamlet@denmark.lit' from='pubsub.shakespeare.lit' id='approve1'>
    <x xmlns='jabber:x:data' type='form'>
      <title>PubSub subscriber request</title>
      <instructions>To approve this entity&apos;s subscription request, click the OK button. To deny the request, click the cancel button.</instructions>
      <field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#subscribe_authorization</value></field>
      <field var='pubsub#subid' type='hidden'><value>123-abc</value></field>
      <field var='pubsub#node' type='text-single' label='Node ID'><value>princely_musings</value></field>
      <field var='pubsub#subscriber_jid' type='jid-single' label='Subscriber Address'><value>horatio@denmark.lit</value></field>
      <field var='pubsub#allow' type='boolean' label='Allow this JID to subscribe to this pubsub node?'><value>false</value></field>
    </x>
  </message>`
  const envelope = { to: 'hamlet@denmark.lit', from: 'pubsub.shakespeare.lit', id: 'approve1' }
  means(t, buildMessage(envelope, buildApprovalRequest(subscription)), example)
  t.deepEqual(parseApprovalRequest(parseElement(example)), subscription)
})

for (const isAllowed of [true, false]) {
  test(`what an owner decides is §8.6: ${isAllowed}`, (t) => {
    const form = formText('submit', 'subscribe_authorization', FIELDS + allow(String(isAllowed)))
    // The example gives the FORM_TYPE its type and nothing else, as we do.
    means(t, buildApproval({ ...subscription, isAllowed }), form)
    t.deepEqual(parseApproval(message(form)), { ...subscription, isAllowed })
  })
}

test('a boolean is one of XML: 1 and 0', (t) => {
  t.true(parseApproval(decision(FIELDS + allow('1')))?.isAllowed)
  t.false(parseApproval(decision(FIELDS + allow('0')))?.isAllowed)
})

test('who cancels has not decided (§8.6)', (t) => {
  t.is(parseApproval(message(formText('cancel', 'subscribe_authorization', ''))), undefined)
})

test('another message is no decision, and asks nothing', (t) => {
  for (const form of [
    '',
    '<body>hello</body>',
    formText('submit', 'node_config', FIELDS + allow('1')),
    "<x xmlns='jabber:x:data' type='submit'/>",
  ]) {
    t.is(parseApproval(message(form)), undefined)
    t.is(parseApprovalRequest(message(form)), undefined)
  }
  t.is(parseApprovalRequest(message(formText('form', 'subscribe_authorization', ''))), undefined)
  t.is(parseApprovalRequest(decision(FIELDS)), undefined)
})

for (const [what, fields] of [
  ['neither allows nor denies', FIELDS],
  ['is no boolean', FIELDS + allow('yes')],
  ['names no node', `<field var='pubsub#subscriber_jid'><value>a</value></field>${allow('1')}`],
  ['names nobody', `<field var='pubsub#node'><value>a</value></field>${allow('1')}`],
  ['says both', FIELDS + allow('1') + allow('0')],
] as const) {
  test(`a decision that ${what} is a bad request`, (t) => {
    t.throws(() => parseApproval(decision(fields)), { instanceOf: BytestreamError, code: 'ERR_BAD_REQUEST' })
  })
}

const text = fc.string({ minLength: 1, unit: 'grapheme' })
test('what is built is read back as it was', (t) => {
  const subscriptions = fc.record({ node: text, jid: text, subid: fc.option(text, { nil: undefined }) })
  fc.assert(
    fc.property(subscriptions, fc.boolean(), (one, isAllowed) => {
      t.deepEqual(parseApprovalRequest(sent(buildMessage({}, buildApprovalRequest(one)))), one)
      t.deepEqual(parseApproval(sent(buildMessage({}, buildApproval({ ...one, isAllowed })))), { ...one, isAllowed })
    }),
  )
})

test('a question that is sent back as it was allows nothing', (t) => {
  const form = parseForm(sent(buildApprovalRequest(subscription)))
  t.deepEqual(form.fields.find((field) => field.var === 'pubsub#allow')?.values, ['false'])
})

test('any element is a decision, none, or refused with a code', (t) => {
  fc.assert(
    fc.property(elements, (element) => {
      parseApprovalRequest(element)
      try {
        parseApproval(element)
      } catch (error) {
        t.true(error instanceof BytestreamError, String(error))
      }
    }),
    { numRuns: 500 },
  )
  t.pass()
})
