import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import {
  type Amp,
  type AmpTerm,
  ampRule,
  buildAmp,
  buildAmpError,
  buildMessage,
  parseAmp,
  parseElement,
  parseStanzaError,
  readAmpRules,
  writeXml,
  xml,
} from '../../src/xep/index.ts'
import { isReadOrRefused, means } from '../helpers/elements.ts'
import { defined } from '../helpers/fixtures.ts'

const NEW_YEAR_MS = Date.UTC(2004, 0, 1)
const expire = { condition: 'expire-at', action: 'drop', value: '2004-01-01T00:00:00Z' } as const
const stored = { condition: 'deliver', action: 'alert', value: 'stored' } as const
const amp = (inside: string, attributes = '') => `<amp xmlns='http://jabber.org/protocol/amp' ${attributes}>${inside}</amp>`
const rule = ({ condition, action, value }: { condition: string; action: string; value: string }) =>
  `<rule condition='${condition}' action='${action}' value='${value}'/>`
const read = (text: string) => defined(parseAmp(parseElement(`<message id='a'>${text}</message>`)))

test('rules are XEP-0079 examples 5 and 6', (t) => {
  means(t, buildAmp({ rules: [expire] }), amp(rule(expire)))
  means(t, buildAmp({ rules: [expire], isPerHop: true }), amp(rule(expire), "per-hop='true'"))
  t.deepEqual(read(amp(rule(expire))), { rules: [expire], isPerHop: false })
  t.deepEqual(read(amp(rule(expire), "per-hop='true'")), { rules: [expire], isPerHop: true })
})

test('what came of a message is XEP-0079 example 7', (t) => {
  const notice: Amp = { rules: [stored], status: 'alert', from: 'bernardo@hamlet.lit/elsinore', to: 'francisco@hamlet.lit' }
  const text = amp(rule(stored), "status='alert' from='bernardo@hamlet.lit/elsinore' to='francisco@hamlet.lit'")
  means(t, buildAmp(notice), text)
  t.deepEqual(read(text), { ...notice, isPerHop: false })
})

test('rules of which one was met are refused as in XEP-0079 example 8', (t) => {
  const failed = { ...stored, action: 'error' }
  const error = buildAmpError('failed-rules', [failed])
  means(
    t,
    error,
    `<error type='modify'><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
      <failed-rules xmlns='http://jabber.org/protocol/amp#errors'>${rule(failed)}</failed-rules></error>`,
  )
  const { condition, stanzaError } = parseStanzaError(xml('message', { type: 'error' }, error))
  t.is(condition, 'undefined-condition')
  t.deepEqual(stanzaError.application, ['failed-rules', 'http://jabber.org/protocol/amp#errors'])
})

for (const [refusal, condition] of [
  ['unsupported-actions', 'bad-request'],
  ['unsupported-conditions', 'bad-request'],
  ['invalid-rules', 'not-acceptable'],
] as const) {
  test(`${refusal} are told as in XEP-0079 §6.2`, (t) => {
    means(
      t,
      buildAmpError(refusal, [expire]),
      `<error type='modify'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
        <${refusal} xmlns='http://jabber.org/protocol/amp'>${rule(expire)}</${refusal}></error>`,
    )
  })
}

test('a message without rules has none', (t) => {
  t.is(read(''), undefined)
  t.is(read(amp('')), undefined)
  t.is(read("<amp xmlns='urn:x'><rule/></amp>"), undefined)
})

for (const name of ['condition', 'action', 'value']) {
  test(`a rule without its ${name}, or with an empty one, is refused (XEP-0079 §4.2)`, (t) => {
    const lacks = { instanceOf: BytestreamError, code: 'ERR_BAD_REQUEST', message: new RegExp(name) }
    t.throws(() => read(amp(rule({ ...expire, [name]: '' }))), lacks)
    t.throws(() => read(amp(rule(expire).replace(new RegExp(` ${name}='[^']*'`), ''))), lacks)
  })
}

test('sixteen rules are read, and not one more', (t) => {
  t.is(read(amp(rule(expire).repeat(16)))?.rules.length, 16)
  t.throws(() => read(amp(rule(expire).repeat(17))), { instanceOf: BytestreamError, code: 'ERR_BAD_REQUEST', message: /16/ })
})

test('rules say when, and what is done then, in their order', (t) => {
  t.deepEqual(readAmpRules([expire, stored]), {
    terms: [
      { condition: 'expire-at', action: 'drop', atMs: NEW_YEAR_MS },
      { condition: 'deliver', action: 'alert', delivery: 'stored' },
    ],
  })
})

for (const [refusal, value] of [
  ['unsupported-actions', { ...expire, action: 'delay' }],
  ['unsupported-conditions', { condition: 'match-resource', action: 'drop', value: 'exact' }],
  ['unsupported-conditions', { ...expire, condition: 'toString' }],
  ['invalid-rules', { ...expire, value: 'tomorrow' }],
  ['invalid-rules', { ...expire, value: '2004-01-01T00:00:00+01:00' }], // §3.3.2: UTC
  ['invalid-rules', { ...stored, value: 'twice' }],
] as const) {
  test(`${JSON.stringify(value)} is of the ${refusal}`, (t) => {
    t.deepEqual(readAmpRules([expire, value, stored]), { refusal, rules: [value] })
  })
}

test('of several reasons to refuse the actions come first, then the conditions', (t) => {
  const [action, condition, invalid] = [
    { ...expire, action: 'delay' },
    { ...expire, condition: 'never' },
    { ...expire, value: 'never' },
  ]
  t.deepEqual(readAmpRules([invalid, condition, action, action]), { refusal: 'unsupported-actions', rules: [action, action] })
  t.deepEqual(readAmpRules([invalid, condition]), { refusal: 'unsupported-conditions', rules: [condition] })
})

test('what is built is read back as it was', (t) => {
  const words = fc.string({ minLength: 1, maxLength: 10, unit: 'grapheme' })
  const word = fc.option(words, { nil: undefined })
  const rules = fc.array(fc.record({ condition: words, action: words, value: words }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(fc.record({ rules, isPerHop: fc.boolean(), status: word, from: word, to: word }), (given) => {
      t.deepEqual(read(writeXml(buildAmp(given))), defined(given))
    }),
  )
})

test('what is written of a term is understood as that', (t) => {
  const action = fc.constantFrom('alert', 'drop', 'error', 'notify')
  const terms = fc.oneof(
    fc.record({ condition: fc.constant('expire-at'), action, atMs: fc.integer({ min: 0, max: 253_402_300_799 }).map((s) => s * 1000) }),
    fc.record({ condition: fc.constant('deliver'), action, delivery: fc.constantFrom('direct', 'forward', 'gateway', 'none', 'stored') }),
  ) as fc.Arbitrary<AmpTerm>
  fc.assert(
    fc.property(fc.array(terms), (given) => {
      t.deepEqual(readAmpRules(given.map(ampRule)), { terms: given })
    }),
  )
})

test('anything is read or refused', (t) => {
  isReadOrRefused(buildMessage({ id: 'a' }, buildAmp({ rules: [expire, stored] })), (element) => {
    const given = parseAmp(element)
    if (given) readAmpRules(given.rules)
  })
  t.pass()
})
