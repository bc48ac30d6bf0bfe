import test from 'ava'
import fc from 'fast-check'
import {
  buildStart,
  buildStarting,
  type PublishedProtocol,
  parseElement,
  parseStart,
  parseStarting,
  writeXml,
} from '../../src/xep/index.ts'
import { isReadOrRefused, means } from '../helpers/elements.ts'

for (const [protocol, xmlns, specification, id, sid] of [
  ['jingle', 'urn:xmpp:jinglepub:1', 'XEP-0358 examples 5 and 6', '9559976B-3FBF-4E7E-B457-2DAA225972BB', '851ba2'],
  ['si', 'http://jabber.org/protocol/sipub', 'XEP-0137 examples 7 and 8', 'publish-0123', 'session-87651234'],
] as const) {
  const start = `<start xmlns='${xmlns}' id='${id}'/>`
  const starting = `<starting xmlns='${xmlns}' sid='${sid}'/>`

  test(`asking, and beginning, are ${specification}`, (t) => {
    means(t, buildStart(protocol, id), start)
    means(t, buildStarting(protocol, sid), starting)
    t.deepEqual(parseStart(parseElement(start)), { protocol, id })
    t.deepEqual(parseStarting(parseElement(starting)), { protocol, sid })
  })

  test(`one is not the other: ${protocol}`, (t) => {
    t.is(parseStart(parseElement(starting)), undefined)
    t.is(parseStarting(parseElement(start)), undefined)
  })

  test(`asking for nothing, and beginning nothing, are refused: ${protocol}`, (t) => {
    const lacks = { code: 'ERR_BAD_REQUEST', message: /lacks its/ }
    t.throws(() => parseStart(parseElement(`<start xmlns='${xmlns}' id=''/>`)), lacks)
    t.throws(() => parseStart(parseElement(`<start xmlns='${xmlns}'>${id}</start>`)), lacks)
    t.throws(() => parseStarting(parseElement(`<starting xmlns='${xmlns}'/>`)), lacks)
    t.throws(() => parseStart(parseElement(`<start xmlns='${xmlns}' id='${'x'.repeat(4097)}'/>`)), {
      code: 'ERR_BAD_REQUEST',
      message: /4096/,
    })
  })
}

test('what is called so in another namespace is something else', (t) => {
  t.is(parseStart(parseElement("<start xmlns='urn:x' id='a'/>")), undefined)
  t.is(parseStarting(parseElement("<starting xmlns='urn:x' sid='a'/>")), undefined)
})

test('any id comes back as it was', (t) => {
  fc.assert(
    fc.property(fc.constantFrom<PublishedProtocol>('jingle', 'si'), fc.string({ minLength: 1, unit: 'grapheme' }), (protocol, id) => {
      t.deepEqual(parseStart(parseElement(writeXml(buildStart(protocol, id)))), { protocol, id })
      t.deepEqual(parseStarting(parseElement(writeXml(buildStarting(protocol, id)))), { protocol, sid: id })
    }),
  )
})

test('anything is read or refused', (t) => {
  isReadOrRefused(buildStart('jingle', 'a'), parseStart)
  isReadOrRefused(buildStarting('si', 'a'), parseStarting)
  t.pass()
})
