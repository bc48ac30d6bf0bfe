import test from 'ava'
import fc from 'fast-check'
import { BytestreamError, type ErrorCode, errorCodes, type StanzaErrorEntry } from '../../src/core/index.ts'
import {
  buildErrorReply,
  buildIq,
  buildIqResult,
  buildPing,
  buildStanzaError,
  parseElement,
  parseIqRequest,
  parseStanzaError,
  xml,
} from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const request = parseElement("<iq from='requester@example.com/foo' id='uj2c15z9' to='streamer.example.com' type='get'><a/></iq>")

/** The error of a code, answered to `iq`, beside the XML of a specification. */
const answers = test.macro({
  exec(t, code: ErrorCode, iq: string, expected: string) {
    means(t, buildErrorReply(parseElement(iq), new BytestreamError(code, '').stanzaError), expected)
  },
  title: (given, code) => `${code} is answered with ${given}`,
})
const asked = "<iq from='requester@example.com/foo' id='uj2c15z9' to='streamer.example.com' type='get'/>"
const offered = "<iq from='requester@example.com/foo' id='hu3vax16' to='target@example.org/bar' type='set'/>"
const initiated = "<iq type='set' id='offer1' from='sender@jabber.org/resource'/>"
test(
  'XEP-0065 example 7',
  answers,
  'ERR_FORBIDDEN',
  asked,
  `<iq from='streamer.example.com' id='uj2c15z9' to='requester@example.com/foo' type='error'>
     <error type='auth'><forbidden xmlns='${STANZAS}'/></error>
   </iq>`,
)
// The specification's own example has from and to the wrong way round.
test(
  'XEP-0065 example 8',
  answers,
  'ERR_NOT_A_STREAMHOST',
  asked,
  `<iq from='streamer.example.com' id='uj2c15z9' to='requester@example.com/foo' type='error'>
     <error type='cancel'><not-allowed xmlns='${STANZAS}'/></error>
   </iq>`,
)
test(
  'XEP-0065 example 10',
  answers,
  'ERR_NOT_ACCEPTABLE',
  offered,
  `<iq from='target@example.org/bar' id='hu3vax16' to='requester@example.com/foo' type='error'>
     <error type='modify'><not-acceptable xmlns='${STANZAS}'/></error>
   </iq>`,
)
test(
  'XEP-0065 example 13',
  answers,
  'ERR_NO_STREAMHOST',
  offered,
  `<iq from='target@example.org/bar' id='hu3vax16' to='requester@example.com/foo' type='error'>
     <error type='cancel'><item-not-found xmlns='${STANZAS}'/></error>
   </iq>`,
)
// RFC 6120 §8.3.2 has no code attribute any more.
test(
  'XEP-0095 example 6',
  answers,
  'ERR_NO_VALID_STREAMS',
  initiated,
  `<iq type='error' to='sender@jabber.org/resource' id='offer1'>
     <error type='cancel'><bad-request xmlns='${STANZAS}'/><no-valid-streams xmlns='http://jabber.org/protocol/si'/></error>
   </iq>`,
)
test(
  'XEP-0095 example 7',
  answers,
  'ERR_BAD_PROFILE',
  initiated,
  `<iq type='error' to='sender@jabber.org/resource' id='offer1'>
     <error type='cancel'><bad-request xmlns='${STANZAS}'/><bad-profile xmlns='http://jabber.org/protocol/si'/></error>
   </iq>`,
)

test('ERR_DECLINED with its text is answered with XEP-0095 example 8', (t) => {
  const reply = buildErrorReply(parseElement(initiated), new BytestreamError('ERR_DECLINED', '').stanzaError, 'Offer Declined')
  means(
    t,
    reply,
    `<iq type='error' to='sender@jabber.org/resource' id='offer1'>
       <error type='cancel'>
         <forbidden xmlns='${STANZAS}'/>
         <text xmlns='${STANZAS}' xml:lang='en'>Offer Declined</text>
       </error>
     </iq>`,
  )
})

test('a text comes between the condition and the application-specific one (RFC 6120 §8.3.2)', (t) => {
  const error = buildStanzaError({ type: 'cancel', condition: 'bad-request', application: ['bad-profile', 'urn:x'] }, 'why')
  t.deepEqual(
    error.getChildElements().map(({ name }) => name),
    ['bad-request', 'text', 'bad-profile'],
  )
})

test('an error answers in kind, and to whoever asked (RFC 6120 §8.3.1)', (t) => {
  for (const name of ['iq', 'message', 'presence']) {
    const reply = buildErrorReply(xml(name, { id: 'a', from: 'b@c/d', to: 'e' }), { type: 'wait', condition: 'conflict' })
    means(t, reply, `<${name} type='error' id='a' from='e' to='b@c/d'><error type='wait'><conflict xmlns='${STANZAS}'/></error></${name}>`)
  }
})

test('a result goes back to whoever asked, with the same id, empty or not (RFC 6120 §8.2.3)', (t) => {
  means(t, buildIqResult(request), "<iq from='streamer.example.com' id='uj2c15z9' to='requester@example.com/foo' type='result'/>")
  means(
    t,
    buildIqResult(request, buildPing()),
    "<iq from='streamer.example.com' id='uj2c15z9' to='requester@example.com/foo' type='result'><ping xmlns='urn:xmpp:ping'/></iq>",
  )
})

test('every error of ours is read back as it was', (t) => {
  for (const code of errorCodes) {
    for (const text of ['', 'Because of <this> & that.']) {
      const { stanzaError } = new BytestreamError(code, '')
      const error = parseStanzaError(sent(buildErrorReply(request, stanzaError, text)))
      t.deepEqual(error.stanzaError, stanzaError)
      t.is(error.text, text)
      t.true(error.message.startsWith('streamer.example.com answered '))
    }
  }
})

const reads = test.macro({
  exec(t, error: string, entry: StanzaErrorEntry, text?: string) {
    const read = parseStanzaError(parseElement(`<iq type='error' from='a'>${error}</iq>`))
    t.deepEqual(read.stanzaError, entry)
    t.is(read.text, text ?? '')
  },
  title: (given) => `an error ${given} is read for what it is worth`,
})
const unknown = { type: 'cancel', condition: 'undefined-condition' } as const
test('of which nothing is said', reads, '', unknown)
test('that is empty', reads, '<error/>', unknown)
test('of a type nobody knows', reads, `<error type='fatal'><conflict xmlns='${STANZAS}'/></error>`, {
  type: 'cancel',
  condition: 'conflict',
})
test('with a code only, as before XMPP', reads, "<error code='404'>Not Found</error>", unknown)
test('with two conditions', reads, `<error type='wait'><conflict xmlns='${STANZAS}'/><forbidden xmlns='${STANZAS}'/></error>`, {
  type: 'wait',
  condition: 'conflict',
})
test('that has an application-specific condition only', reads, "<error type='cancel'><x xmlns='urn:x'/><y xmlns='urn:y'/></error>", {
  ...unknown,
  application: ['x', 'urn:x'],
})
test(
  'behind the payload it answers, with a text in another prefix',
  reads,
  `<query xmlns='jabber:x'/><error type='modify'><s:text xmlns:s='${STANZAS}'>why</s:text><gone xmlns='${STANZAS}'>xmpp:b</gone></error>`,
  { type: 'modify', condition: 'gone', uri: 'xmpp:b' },
  'why',
)

test('an error of nobody is one of the server', (t) => {
  t.true(parseStanzaError(parseElement('<iq/>')).message.startsWith('the server answered undefined-condition'))
})

test('what asks is read back as it was', (t) => {
  const texts = fc.string({ minLength: 1, unit: 'grapheme' })
  fc.assert(
    fc.property(fc.constantFrom('get' as const, 'set' as const), texts, texts, texts, (type, id, from, to) => {
      const { payload, ...envelope } = parseIqRequest(sent(buildIq({ type, id, from, to }, buildPing())))
      t.deepEqual(envelope, { type, id, from, to })
      means(t, payload, "<ping xmlns='urn:xmpp:ping'/>")
    }),
  )
})

test('a question without addresses is one between a client and its server', (t) => {
  t.like(parseIqRequest(sent(buildIq({ type: 'get', id: 'a' }, buildPing()))), { from: '', to: '' })
})

const refuses = test.macro({
  exec(t, iq: string) {
    const error = t.throws(() => parseIqRequest(parseElement(iq)), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_BAD_REQUEST')
  },
  title: (given) => `${given} is a bad request (RFC 6120 §8.2.3)`,
})
test('an IQ without a type', refuses, "<iq id='a'><b/></iq>")
test('an IQ of a type nobody knows', refuses, "<iq id='a' type='put'><b/></iq>")
test('an IQ without an id', refuses, "<iq type='get'><b/></iq>")
test('an IQ with an empty id', refuses, "<iq type='get' id=''><b/></iq>")
test('an IQ without a payload', refuses, "<iq type='get' id='a'>text</iq>")
test('an IQ with two payloads', refuses, "<iq type='set' id='a'><b/><c/></iq>")

test('white space around the payload is no matter (Psi)', (t) => {
  t.is(parseIqRequest(parseElement("<iq type='set' id='a'>\n\t<b/>\n</iq>")).payload.name, 'b')
})

test('any element is read, or refused with a code, and can be answered', (t) => {
  fc.assert(
    fc.property(elements, (element) => {
      parseStanzaError(element)
      buildIqResult(element)
      buildErrorReply(element, { type: 'cancel', condition: 'bad-request' })
      try {
        parseIqRequest(element)
      } catch (error) {
        t.true(error instanceof BytestreamError, String(error))
      }
    }),
    { numRuns: 1_000 },
  )
  t.pass()
})
