import test from 'ava'
import fc from 'fast-check'
import {
  buildDelay,
  buildHeaders,
  formatDateTime,
  parseDateTime,
  parseDelay,
  parseElement,
  parseHeaders,
  xml,
} from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'

const CAPULET = Date.UTC(2002, 8, 10, 23, 8, 25)

test('a delay is XEP-0203 §4 shows it', (t) => {
  const example = "<delay xmlns='urn:xmpp:delay' from='capulet.com' stamp='2002-09-10T23:08:25Z'/>"
  means(t, buildDelay({ stampMs: CAPULET, from: 'capulet.com' }), example)
  t.deepEqual(parseDelay(parseElement(`<message>${example}</message>`)), { stampMs: CAPULET, from: 'capulet.com' })
})

test('headers are as XEP-0131 shows them, in their order', (t) => {
  const example =
    "<headers xmlns='http://jabber.org/protocol/shim'><header name='Created'>2004-09-21T03:01:52Z</header><header name='Collection'>a</header></headers>"
  const headers = [
    { name: 'Created', value: '2004-09-21T03:01:52Z' },
    { name: 'Collection', value: 'a' },
  ]
  means(t, buildHeaders(headers), example)
  t.deepEqual(parseHeaders(parseElement(`<message>${example}</message>`)), headers)
  t.deepEqual(
    parseHeaders(parseElement("<message><headers xmlns='http://jabber.org/protocol/shim'><header>a</header></headers></message>")),
    [],
  )
  t.deepEqual(parseHeaders(parseElement('<message/>')), [])
})

for (const [text, ms] of [
  ['1969-07-21T02:56:15Z', Date.UTC(1969, 6, 21, 2, 56, 15)],
  ['1969-07-20T21:56:15-05:00', Date.UTC(1969, 6, 21, 2, 56, 15)],
  ['2002-09-10T23:08:25.123Z', CAPULET + 123],
  ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
] as const) {
  test(`${text} is a dateTime of XEP-0082 §3.2`, (t) => {
    t.is(parseDateTime(text), ms)
  })
}

for (const text of [
  ...['', 'presence', '2006-02-28', '2006-02-28T11:59:59', '2006-02-28 11:59:59Z', '20060228T11:59:59', '+002006-02-28T11:59:59Z'],
  ...['2006-02-30T00:00:00Z', '2023-02-29T00:00:00Z', '2006-13-01T00:00:00Z', '2006-02-28T25:00:00Z', '2006-02-28T11:59:59Z\n', '0'],
]) {
  test(`${JSON.stringify(text)} is no dateTime`, (t) => {
    t.is(parseDateTime(text), undefined)
    t.is(parseDelay(sent(xml('message', {}, xml('delay', { xmlns: 'urn:xmpp:delay', stamp: text })))), undefined)
  })
}

test('any second comes back as it was', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), (seconds) => {
      t.is(parseDateTime(formatDateTime(seconds * 1000)), seconds * 1000)
    }),
  )
})

test('any element is read', (t) => {
  fc.assert(
    fc.property(elements, (element) => {
      parseDelay(element)
      parseHeaders(element)
    }),
    { numRuns: 300 },
  )
  t.pass()
})
