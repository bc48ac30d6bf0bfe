import test from 'ava'
import { BytestreamError } from '../../src/core/index.ts'
import { type JingleTransport, NS, parseElement, parseJingle } from '../../src/xep/index.ts'
import { defined, readExamples } from '../helpers/fixtures.ts'

function transportOf(text: string): JingleTransport | undefined {
  return defined(parseJingle(parseElement(text)).contents[0]?.transport)
}
const example = (number: number) => transportOf(readExamples('xep-0260').get(number)?.getChild('jingle')?.toString() ?? '')
const sid = 'vj3hs98y'

test('what is offered is XEP-0260 example 1', (t) => {
  const jid = 'romeo@montague.lit/orchard'
  t.deepEqual(example(1), {
    kind: 'socks5',
    sid,
    dstAddr: '972b7bf47291ca609517f67f86b5081086052dad',
    mode: 'tcp',
    candidates: [
      { cid: 'hft54dqy', host: '192.168.4.1', jid, port: 5086, priority: 8257636, type: 'direct' },
      { cid: 'hutr46fe', host: '24.24.24.1', jid, port: 5087, priority: 8258636, type: 'direct' },
      { cid: 'xmdh4b7i', host: '123.456.7.8', jid: 'streamer.shakespeare.lit', port: 7625, priority: 7878787, type: 'proxy' },
    ],
  })
})

test('what is offered in return is XEP-0260 example 3: no mode, and a DST.ADDR of its own', (t) => {
  const transport = example(3)
  t.like(transport, { kind: 'socks5', sid, dstAddr: '1a12fb7bc625e55f3ed5b29a53dbe0e4aa7d80ba' })
  if (transport?.kind !== 'socks5') return t.fail()
  t.false('mode' in transport)
  t.deepEqual(
    transport.candidates.map(({ type }) => type),
    ['direct', 'direct', 'assisted', 'proxy'],
  )
})

const none = { kind: 'socks5', sid, candidates: [] } as const
test('what came of it is XEP-0260 examples 5, 7, 11 and 12', (t) => {
  t.deepEqual(example(5), { ...none, info: { used: 'hr65dqyd' } })
  t.deepEqual(example(7), { ...none, info: { error: 'candidate' } })
  t.deepEqual(example(11), { ...none, info: { activated: 'xmdh4b7i' } })
  t.deepEqual(example(12), { ...none, info: { error: 'proxy' } })
})

const step = (inside: string, attributes = `sid='${sid}'`) =>
  `<jingle xmlns='${NS.jingle}' action='transport-info' sid='a'><content creator='initiator' name='n'><transport xmlns='${NS.jingleSocks5}' ${attributes}>${inside}</transport></content></jingle>`
const candidate = (facts: Record<string, string | undefined> = {}) => {
  const attributes = { cid: 'c', host: 'h', jid: 'j', port: '1', priority: '5', type: 'proxy', ...facts }
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined)
  return `<candidate ${given.map(([name, value]) => `${name}='${value}'`).join(' ')}/>`
}
const read = (inside: string) => {
  const transport = transportOf(step(inside))
  return transport?.kind === 'socks5' ? transport.candidates : []
}

test('a candidate that does not say is direct (XEP-0260 §9), at the port of SOCKS5 (XEP-0065 §9.2)', (t) => {
  t.like(read(candidate({ type: undefined, port: undefined }))[0], { type: 'direct', port: 1080 })
})

for (const [what, facts] of [
  ['no cid', { cid: undefined }],
  ['no host', { host: '' }],
  ['no JID', { jid: undefined }],
  ['no priority', { priority: undefined }],
  ['a priority that is no number', { priority: 'high' }],
  ['a priority below nought', { priority: '-1' }],
  ['port 0', { port: '0' }],
  ['port 65536', { port: '65536' }],
  ['a port that is no number', { port: 'http' }],
  ['a type nobody knows', { type: 'pigeon' }],
] as const) {
  test(`a candidate with ${what} is left out, and the others are not`, (t) => {
    t.deepEqual(
      read(candidate({ cid: 'before' }) + candidate(facts) + candidate({ cid: 'after' })).map(({ cid }) => cid),
      ['before', 'after'],
    )
  })
}

test('candidates of another namespace, and children of candidates, are passed over', (t) => {
  const odd = `<candidate xmlns='urn:x' cid='c'/><candidate cid='d' host='h' jid='j' port='1' priority='5'><fast xmlns='urn:x'/></candidate>`
  t.deepEqual(
    read(odd).map(({ cid }) => cid),
    ['d'],
  )
})

const refuses = test.macro({
  exec(t, text: string, words: RegExp) {
    const error = t.throws(() => parseJingle(parseElement(text)), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_BAD_REQUEST')
    t.regex(error.message, words)
  },
  title: (given) => `${given} is refused`,
})
const long = 'x'.repeat(4_097)
test('a transport without a sid', refuses, step('', ''), /sid/)
test('a sid that is too long', refuses, step('', `sid='${long}'`), /4096/)
test('a mode nobody knows', refuses, step('', "sid='a' mode='sctp'"), /mode/)
test('a DST.ADDR that is too long', refuses, step('', `sid='a' dstaddr='${long}'`), /4096/)
test('two candidates of one cid', refuses, step(candidate() + candidate({ host: 'other' })), /one cid/)
for (const name of ['cid', 'host', 'jid']) {
  test(`a candidate whose ${name} is too long`, refuses, step(candidate({ [name]: long })), /4096/)
}
test('a candidate that was used and has no name', refuses, step('<candidate-used/>'), /cid/)
test('a candidate that was activated and has no name', refuses, step("<activated cid=''/>"), /cid/)
test('success and failure at once', refuses, step("<candidate-used cid='c'/><candidate-error/>"), /more than one/)
test('two successes', refuses, step("<candidate-used cid='c'/><candidate-used cid='d'/>"), /more than one/)

test('so many candidates are read and not one more, and those of too many are not looked at', (t) => {
  const many = (count: number, facts = {}) => Array.from({ length: count }, (_, n) => candidate({ cid: `${n}`, ...facts })).join('')
  t.is(read(many(64)).length, 64)
  t.throws(() => read(many(65, { host: long })), { code: 'ERR_BAD_REQUEST', message: /more than 64/ })
})
