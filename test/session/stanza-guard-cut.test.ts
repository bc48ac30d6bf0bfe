// Goal: on a stream of a server, whose stanzas are those of strangers, a stanza over a limit costs its content and nothing else.

import test from 'ava'
import fc from 'fast-check'
import { StanzaGuard, type StanzaLimits } from '../../src/session/index.ts'
import { StreamViolation } from '../../src/session/stream-violation.ts'
import { cut, cuts, oneByOne } from '../helpers/fragments.ts'

const LIMITS: StanzaLimits = { stanzaBytesMax: 40, stanzaDepthMax: 3, mayCut: true }
const TAG = "<iq id='1' to='a>b'>"
const LEFT = "<iq id='1' to='a>b'/>"

function read(fragments: readonly Uint8Array[], limits = LIMITS): { pieces: string[]; cuts: number } {
  let count = 0
  const guard = new StanzaGuard(limits, () => {
    count += 1
  })
  return { pieces: fragments.flatMap((fragment) => [...guard.read(fragment)]), cuts: count }
}

const tooBig = `${TAG}${'x'.repeat(100)}</iq>`
const tooDeep = `${TAG}${'<a>'.repeat(3)}${'</a>'.repeat(3)}</iq>`
const both = `${TAG}${'<a>'.repeat(50)}${'x'.repeat(100)}${'</a>'.repeat(50)}</iq>`

for (const [what, stanza, left] of [
  ['too big', tooBig, [LEFT]],
  ['too deep', tooDeep, [LEFT]],
  ['too deep and too big', both, [LEFT]],
  ['too big with CDATA and tags in it', `${TAG}<![CDATA[</iq>${']'.repeat(30)}]]><b c='/iq>'/></iq>`, [LEFT]],
  ['too big in its opening tag already', `<iq id='${'1'.repeat(100)}'><a/></iq>`, []],
  ['too big and nothing but a tag', `<iq id='${'1'.repeat(100)}'/>`, []],
] as const) {
  test(`of a stanza that is ${what}, its opening tag is left at most, and what follows is whole, wherever it is cut up`, (t) => {
    const octets = Buffer.from(`<s>${stanza}<b>c</b>${stanza}</s>`)
    const expected = { pieces: ['<s>', ...left, '<b>c</b>', ...left, '</s>'], cuts: 2 }
    t.deepEqual(read([octets]), expected)
    t.deepEqual(read(oneByOne(octets)), expected)
    for (let at = 0; at <= octets.length; at += 1) t.deepEqual(read(cut(octets, [at])), expected)
  })
}

test('a stanza at both limits is whole', (t) => {
  const stanza = `<a><b><c/>${'d'.repeat(22)}</b></a>`
  t.is(stanza.length, 40)
  t.deepEqual(read([Buffer.from(`<s>${stanza}`)]), { pieces: ['<s>', stanza], cuts: 0 })
})

test('many stanzas, some over a limit, in any fragments', (t) => {
  const stanza = fc.record({ depth: fc.integer({ min: 0, max: 6 }), text: fc.integer({ min: 0, max: 60 }) })
  fc.assert(
    fc.property(fc.array(stanza, { maxLength: 20 }), cuts, (stanzas, offsets) => {
      const texts = stanzas.map(({ depth, text }) => `<m>${'<a>'.repeat(depth)}${'x'.repeat(text)}${'</a>'.repeat(depth)}</m>`)
      const isOver = (at: number) => (texts[at]?.length ?? 0) > 40 || (stanzas[at]?.depth ?? 0) > 2
      const { pieces, cuts: count } = read(cut(Buffer.from(`<s>${texts.join('')}`), offsets))
      t.deepEqual(pieces, ['<s>', ...texts.map((text, at) => (isOver(at) ? '<m/>' : text))])
      t.is(count, texts.filter((_text, at) => isOver(at)).length)
    }),
  )
})

test('a stanza that never ends is not held', (t) => {
  const guard = new StanzaGuard(LIMITS)
  const chunk = Buffer.alloc(2 ** 20, 'x')
  t.deepEqual([...guard.read(Buffer.from(`<s>${TAG}`))], ['<s>'])
  const before = process.memoryUsage().arrayBuffers
  for (let count = 0; count < 64; count += 1) t.deepEqual([...guard.read(chunk)], [])
  t.true(process.memoryUsage().arrayBuffers - before < 8 * 2 ** 20)
  t.true(guard.isHolding)
  t.deepEqual([...guard.read(Buffer.from('</iq><b/>'))], [LEFT, '<b/>'])
  t.false(guard.isHolding)
})

const refuses = test.macro({
  exec(t, text: string, condition: string) {
    const error = t.throws(() => read([Buffer.from(text)]), { instanceOf: StreamViolation })
    t.is(error.condition, condition)
  },
  title: (given) => `${given} ends the stream all the same`,
})
test('a header that is too big', refuses, `<s a='${'b'.repeat(100)}'>`, 'policy-violation')
test('a comment in a stanza that is too big', refuses, `<s>${TAG}${'x'.repeat(100)}<!-- -->`, 'restricted-xml')
test('a broken tag in a stanza that is too deep', refuses, `<s>${TAG}${'<a>'.repeat(9)}<a b>`, 'not-well-formed')
test('what is left has to be UTF-8', (t) => {
  const octets = Buffer.from(`<s><m a='\xe4'>${'x'.repeat(100)}</m>`, 'latin1')
  t.is(t.throws(() => read([octets]), { instanceOf: StreamViolation }).condition, 'unsupported-encoding')
})

test('a restart forgets that a stanza was cut', (t) => {
  const guard = new StanzaGuard(LIMITS)
  t.deepEqual([...guard.read(Buffer.from(`<s>${TAG}${'x'.repeat(100)}`))], ['<s>'])
  guard.restart()
  t.deepEqual([...guard.read(Buffer.from('<s><a>b</a>'))], ['<s>', '<a>b</a>'])
})
