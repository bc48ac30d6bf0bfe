import test from 'ava'
import fc from 'fast-check'
import {
  buildMessage,
  buildReceipt,
  buildReceiptRequest,
  parseElement,
  parseReceipt,
  parseReceiptRequest,
  writeXml,
} from '../../src/xep/index.ts'
import { isReadOrRefused, means } from '../helpers/elements.ts'

const REQUEST = "<request xmlns='urn:xmpp:receipts'/>"
const RECEIVED = "<received xmlns='urn:xmpp:receipts' id='richard2-4.1.247'/>"
const message = (inside: string, id = "id='richard2-4.1.247'") => parseElement(`<message ${id}>${inside}</message>`)

test('a request and a receipt are XEP-0184 examples 3 and 4', (t) => {
  means(t, buildReceiptRequest(), REQUEST)
  means(t, buildReceipt('richard2-4.1.247'), RECEIVED)
  t.is(parseReceiptRequest(message(`<body>My lord, dispatch.</body>${REQUEST}`)), 'richard2-4.1.247')
  t.is(parseReceipt(message(RECEIVED, "id='bi29sg183b4v'")), 'richard2-4.1.247')
})

test('one is not the other, and other messages are neither', (t) => {
  for (const inside of ['', '<body>a</body>', "<request xmlns='urn:x'/><received xmlns='urn:x' id='a'/>"]) {
    t.is(parseReceiptRequest(message(inside)), undefined)
    t.is(parseReceipt(message(inside)), undefined)
  }
  t.is(parseReceipt(message(REQUEST)), undefined)
  t.is(parseReceiptRequest(message(RECEIVED)), undefined)
})

test('a receipt that asks for a receipt is not answered (XEP-0184 §5.4)', (t) => {
  t.is(parseReceiptRequest(message(REQUEST + RECEIVED)), undefined)
})

test('without an id there is nothing to acknowledge, and none is so long', (t) => {
  for (const id of ['', "id=''", `id='${'x'.repeat(4097)}'`]) {
    t.is(parseReceiptRequest(message(REQUEST, id)), undefined)
    t.is(parseReceipt(message(`<received xmlns='urn:xmpp:receipts' ${id}/>`)), undefined)
  }
})

test('any id comes back as it was', (t) => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (id) => {
      t.is(parseReceiptRequest(parseElement(writeXml(buildMessage({ id }, buildReceiptRequest())))), id)
      t.is(parseReceipt(parseElement(writeXml(buildMessage({}, buildReceipt(id))))), id)
    }),
  )
})

test('anything is read', (t) => {
  isReadOrRefused(message(REQUEST + RECEIVED), (element) => [parseReceipt(element), parseReceiptRequest(element)])
  t.pass()
})
