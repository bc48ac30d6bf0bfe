import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import {
  type BytestreamOffer,
  buildActivate,
  buildAddresses,
  buildAddressRequest,
  buildBytestreamOffer,
  buildIq,
  buildIqResult,
  buildStreamhostUsed,
  parseActivate,
  parseBytestreamOffer,
  parseElement,
  parseStreamhosts,
  parseStreamhostUsed,
  type StreamhostAddress,
} from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'

const XMLNS = 'http://jabber.org/protocol/bytestreams'
const requester = 'requester@example.com/foo'
const target = 'target@example.org/bar'
const proxy: StreamhostAddress = { jid: 'streamer.example.com', host: '24.24.24.1', port: 7625 }
const sid = 'vxf9n471bn46'

test('the question for an address is XEP-0065 example 5', (t) => {
  means(
    t,
    buildIq({ type: 'get', id: 'uj2c15z9', from: requester, to: proxy.jid }, buildAddressRequest()),
    `<iq from='requester@example.com/foo' id='uj2c15z9' to='streamer.example.com' type='get'>
       <query xmlns='${XMLNS}'/>
     </iq>`,
  )
})

test('the answer is XEP-0065 example 6', (t) => {
  const request = buildIq({ type: 'get', id: 'uj2c15z9', from: requester, to: proxy.jid }, buildAddressRequest())
  means(
    t,
    buildIqResult(request, buildAddresses([proxy])),
    `<iq from='streamer.example.com' id='uj2c15z9' to='requester@example.com/foo' type='result'>
       <query xmlns='${XMLNS}'>
         <streamhost
             host='24.24.24.1'
             jid='streamer.example.com'
             port='7625'/>
       </query>
     </iq>`,
  )
})

test('the answer repeats the sid that requesters before version 1.8 send', (t) => {
  means(
    t,
    buildAddresses([proxy], sid),
    `<query xmlns='${XMLNS}' sid='${sid}'><streamhost host='24.24.24.1' jid='streamer.example.com' port='7625'/></query>`,
  )
})

test('the offer of a direct connection is XEP-0065 example 9', (t) => {
  means(
    t,
    buildIq(
      { type: 'set', id: 'hu3vax16', from: requester, to: target },
      buildBytestreamOffer({ sid, streamhosts: [{ jid: requester, host: '192.168.4.1', port: 5086 }] }),
    ),
    `<iq from='requester@example.com/foo' id='hu3vax16' to='target@example.org/bar' type='set'>
       <query xmlns='${XMLNS}'
              sid='vxf9n471bn46'>
         <streamhost
             jid='requester@example.com/foo'
             host='192.168.4.1'
             port='5086'/>
       </query>
     </iq>`,
  )
})

test('the notice of the streamhost used is XEP-0065 example 14, or 18 for a proxy', (t) => {
  const request = parseElement(`<iq from='${requester}' id='hu3vax16' to='${target}' type='set'/>`)
  means(
    t,
    buildIqResult(request, buildStreamhostUsed(sid, requester)),
    `<iq from='target@example.org/bar' id='hu3vax16' to='requester@example.com/foo' type='result'>
       <query xmlns='${XMLNS}' sid='vxf9n471bn46'>
         <streamhost-used jid='requester@example.com/foo'/>
       </query>
     </iq>`,
  )
  means(
    t,
    buildStreamhostUsed(sid, proxy.jid),
    `<query xmlns='${XMLNS}' sid='vxf9n471bn46'><streamhost-used jid='streamer.example.com'/></query>`,
  )
})

test('the offer of a proxy is XEP-0065 example 15', (t) => {
  means(
    t,
    buildIq({ type: 'set', id: 'npq71g53', from: requester, to: target }, buildBytestreamOffer({ sid, streamhosts: [proxy] })),
    `<iq from='requester@example.com/foo' id='npq71g53' to='target@example.org/bar' type='set'>
       <query xmlns='${XMLNS}' sid='vxf9n471bn46'>
         <streamhost host='24.24.24.1' jid='streamer.example.com' port='7625'/>
       </query>
     </iq>`,
  )
})

test('the request for activation and its result are XEP-0065 examples 21 and 22', (t) => {
  const request = buildIq({ type: 'set', id: 'oqx6t1c9', from: requester, to: proxy.jid }, buildActivate({ sid, targetJid: target }))
  means(
    t,
    request,
    `<iq from='requester@example.com/foo' id='oqx6t1c9' to='streamer.example.com' type='set'>
       <query xmlns='${XMLNS}' sid='vxf9n471bn46'>
         <activate>target@example.org/bar</activate>
       </query>
     </iq>`,
  )
  means(t, buildIqResult(request), `<iq from='streamer.example.com' id='oqx6t1c9' to='requester@example.com/foo' type='result'/>`)
})

const offerInRoom = `<query xmlns='${XMLNS}'
       dstaddr='416781edf1ae50bad01cb8509ba35b43952bc345'
       sid='yia72g3v49j7'>
  <streamhost host='24.24.24.1' jid='streamer.example.com' port='7625'/>
</query>`

test('the offer through a room is XEP-0065 example 23, and is read so as example 24', (t) => {
  const offer: BytestreamOffer = { sid: 'yia72g3v49j7', streamhosts: [proxy], dstAddr: '416781edf1ae50bad01cb8509ba35b43952bc345' }
  means(t, buildBytestreamOffer(offer), offerInRoom)
  t.deepEqual(parseBytestreamOffer(parseElement(offerInRoom)), { ...offer, mode: 'tcp' } as Required<BytestreamOffer>)
})

test('the mode of an offer is tcp where it does not say (XEP-0065 §5.3.1)', (t) => {
  const offer = (mode: string) => parseElement(`<query xmlns='${XMLNS}' sid='a' ${mode}><streamhost jid='b' host='c' port='1'/></query>`)
  t.is(parseBytestreamOffer(offer('')).mode, 'tcp')
  t.is(parseBytestreamOffer(offer("mode='udp'")).mode, 'udp')
  means(t, buildBytestreamOffer({ sid: 'a', streamhosts: [], mode: 'udp' }), `<query xmlns='${XMLNS}' sid='a' mode='udp'/>`)
})

const addresses: fc.Arbitrary<StreamhostAddress> = fc.record({
  jid: fc.string({ minLength: 1, unit: 'grapheme' }),
  host: fc.string({ minLength: 1, unit: 'grapheme' }),
  port: fc.integer({ min: 1, max: 65535 }),
})

test('what is built is read back as it was', (t) => {
  const offers = fc.record({
    sid: fc.string({ minLength: 1, unit: 'grapheme' }),
    streamhosts: fc.array(addresses, { minLength: 1, maxLength: 4 }),
    dstAddr: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
    mode: fc.constantFrom('tcp' as const, 'udp' as const),
  })
  fc.assert(
    fc.property(offers, (offer) => {
      t.deepEqual(parseBytestreamOffer(sent(buildBytestreamOffer(offer))), offer)
      t.deepEqual(parseStreamhosts(sent(buildAddresses(offer.streamhosts, offer.sid))), offer.streamhosts)
      const [{ jid }] = offer.streamhosts as [StreamhostAddress]
      t.is(parseStreamhostUsed(sent(buildStreamhostUsed(offer.sid, jid))), jid)
      t.deepEqual(parseActivate(sent(buildActivate({ sid: offer.sid, targetJid: jid }))), { sid: offer.sid, targetJid: jid })
    }),
  )
})

const reads = test.macro({
  exec(t, streamhost: string, expected: StreamhostAddress[]) {
    t.deepEqual(parseStreamhosts(parseElement(`<query xmlns='${XMLNS}'>${streamhost}</query>`)), expected)
  },
  title: (given) => `a streamhost ${given}`,
})
const at = (port: number) => [{ jid: 'a', host: 'b', port }]
test('without a port listens on 1080 (XEP-0065 §9.2)', reads, "<streamhost jid='a' host='b'/>", at(1080))
test(
  'with children of others is read without them (Psi)',
  reads,
  "<streamhost jid='a' host='b' port='1'><proxy xmlns='http://affinix.com/jabber/stream'/></streamhost>",
  at(1),
)
test('with the highest port is read', reads, "<streamhost jid='a' host='b' port='65535'/>", at(65535))
test('with a port beyond is left out', reads, "<streamhost jid='a' host='b' port='65536'/>", [])
test('with port 0 is left out', reads, "<streamhost jid='a' host='b' port='0'/>", [])
test('with a port that is empty is left out', reads, "<streamhost jid='a' host='b' port=''/>", [])
test('with a port that is not decimal is left out', reads, "<streamhost jid='a' host='b' port='0x50'/>", [])
test('with a port in scientific notation is left out', reads, "<streamhost jid='a' host='b' port='1e3'/>", [])
test('with a negative port is left out', reads, "<streamhost jid='a' host='b' port='-1'/>", [])
test('without a JID is left out', reads, "<streamhost host='b' port='1'/>", [])
test('without a host is left out, as zeroconf ones are', reads, "<streamhost jid='a' zeroconf='_jabber.bytestreams'/>", [])
test('of another namespace is left out', reads, "<streamhost xmlns='urn:x' jid='a' host='b' port='1'/>", [])
test('that is usable stands among others that are not', reads, "<streamhost/><other/><streamhost jid='a' host='b' port='7'/>", at(7))

const refuses = test.macro({
  exec(t, parse: (query: ReturnType<typeof parseElement>) => unknown, query: string, words: RegExp) {
    const error = t.throws(() => parse(parseElement(`<query xmlns='${XMLNS}' ${query}</query>`)), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_BAD_REQUEST')
    t.regex(error.message, words)
  },
  title: (given) => `${given} is a bad request`,
})
const HOST = "<streamhost jid='a' host='b' port='1'/>"
test('an offer without a sid', refuses, parseBytestreamOffer, `>${HOST}`, /sid/)
test('an offer with an empty sid', refuses, parseBytestreamOffer, `sid=''>${HOST}`, /sid/)
test('an offer without a streamhost', refuses, parseBytestreamOffer, "sid='a'>", /streamhost/)
test('an offer without a usable streamhost', refuses, parseBytestreamOffer, "sid='a'><streamhost/>", /streamhost/)
test('an offer in a mode nobody knows', refuses, parseBytestreamOffer, `sid='a' mode='sctp'>${HOST}`, /mode/)
test('an activation without a sid', refuses, parseActivate, '><activate>a@b</activate>', /sid/)
test('an activation without the element', refuses, parseActivate, "sid='a'>", /activate/)
test('an activation of nobody', refuses, parseActivate, "sid='a'><activate/>", /activate/)
test('an activation of two', refuses, parseActivate, "sid='a'><activate>a@b</activate><activate>a@c</activate>", /more than one/)

test('an answer that does not say which streamhost was used is no answer', (t) => {
  t.is(parseStreamhostUsed(parseElement(`<query xmlns='${XMLNS}'/>`)), undefined)
  t.is(parseStreamhostUsed(parseElement(`<query xmlns='${XMLNS}'><streamhost-used/></query>`)), undefined)
})

test('the JID to activate comes as it was written, spaces and all: whoever hashes it decides', (t) => {
  t.is(parseActivate(parseElement(`<query xmlns='${XMLNS}' sid='a'><activate>\n a@b/C </activate></query>`)).targetJid, '\n a@b/C ')
})

test('any element is read, or refused with a code', (t) => {
  fc.assert(
    fc.property(elements, (element) => {
      for (const parse of [parseStreamhosts, parseBytestreamOffer, parseStreamhostUsed, parseActivate]) {
        try {
          parse(element)
        } catch (error) {
          t.true(error instanceof BytestreamError, String(error))
        }
      }
    }),
    { numRuns: 1_000 },
  )
  t.pass()
})
