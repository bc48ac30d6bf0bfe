// Goal: a pattern means what AMQP has it mean, whatever stands in it.
// Method: cases by hand, then random ones against a twin that tries every way.

import test from 'ava'
import fc from 'fast-check'
import { checkPatterns, checkRoutingKey, isAnyMeant, isKeyMeant } from '../../../src/pubsub/rules/routing-keys.ts'

const meant: readonly (readonly [pattern: string, key: string | undefined, isMeant: boolean])[] = [
  ['builds.nightly', 'builds.nightly', true],
  ['builds.nightly', 'builds', false],
  ['builds', 'builds.nightly', false],
  ['builds.*', 'builds.nightly', true],
  ['builds.*', 'builds', false],
  ['builds.*', 'builds.nightly.arm', false],
  ['builds.#', 'builds', true],
  ['builds.#', 'builds.nightly.arm', true],
  ['#.arm', 'arm', true],
  ['#.arm', 'arm.x', false],
  ['*.*.arm', 'builds.nightly.arm', true],
  ['#.a.#.b', 'a.x.a.c.b', true],
  ['#.a.#.b', 'x.b.a', false],
  ['#', undefined, true],
  ['#.#', undefined, true],
  ['*', undefined, false],
  ['a', undefined, false],
  ['a*', 'ab', false],
  ['a..b', 'a..b', true],
  ['*', '', true],
]
for (const [pattern, key, isMeant] of meant) {
  test(`${pattern} ${isMeant ? 'means' : 'does not mean'} ${key ?? 'what has no key'}`, (t) => {
    t.is(isKeyMeant(pattern, key), isMeant)
  })
}

const naive = (pattern: readonly string[], words: readonly string[]): boolean => {
  const [first, ...rest] = pattern
  if (first === undefined) return words.length === 0
  if (first === '#') return naive(rest, words) || (words.length > 0 && naive(pattern, words.slice(1)))
  return words.length > 0 && (first === '*' || first === words[0]) && naive(rest, words.slice(1))
}

test('any pattern means any key as one that tries every way has it', (t) => {
  const word = fc.constantFrom('a', 'b', '')
  const pattern = fc.array(fc.oneof(word, fc.constantFrom('*', '#')), { minLength: 1, maxLength: 8 })
  const key = fc.array(word, { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(pattern, key, (wanted, words) => isKeyMeant(wanted.join('.'), words.join('.')) === naive(wanted, words)),
    { numRuns: 5000 },
  )
  t.pass()
})

test('a pattern of nothing but # is quick, however many words there are', (t) => {
  const pattern = Array.from({ length: 64 }, () => '#.a').join('.')
  t.false(isKeyMeant(pattern, Array.from({ length: 128 }, () => 'b').join('.')))
})

test('where there are no patterns every key is meant; else one pattern is enough', (t) => {
  t.deepEqual(
    [isAnyMeant(undefined, 'a'), isAnyMeant([], undefined), isAnyMeant(['b', 'a'], 'a'), isAnyMeant(['b'], 'a')],
    [true, true, true, false],
  )
})

test('a routing key has 1 to 255 octets', (t) => {
  t.notThrows(() => checkRoutingKey('é'.repeat(127)))
  for (const key of ['', 'é'.repeat(128)]) t.throws(() => checkRoutingKey(key), { code: 'ERR_NOT_ACCEPTABLE' })
})

test('patterns are kept once each, in order, and so many', (t) => {
  t.deepEqual(checkPatterns(['b', 'a', 'b'], 2), ['a', 'b'])
  for (const patterns of [['a', 'b', 'c'], [''], ['a b'], ['x'.repeat(256)]]) {
    t.throws(() => checkPatterns(patterns, 2), { code: 'ERR_PUBSUB_INVALID_OPTIONS' })
  }
})
