import test from 'ava'
import fc from 'fast-check'
import { escapeLocal, parseJid, unescapeLocal } from '../../src/core/index.ts'

/** XEP-0106 §5.1, §4.3 and §5.5, what is typed and what goes over the wire. */
const examples: readonly (readonly [typed: string, local: string])[] = [
  ['space cadet', 'space\\20cadet'],
  ['call me "ishmael"', 'call\\20me\\20\\22ishmael\\22'],
  ['at&t guy', 'at\\26t\\20guy'],
  ["d'artagnan", 'd\\27artagnan'],
  ['/.fanboy', '\\2f.fanboy'],
  ['::foo::', '\\3a\\3afoo\\3a\\3a'],
  ['<foo>', '\\3cfoo\\3e'],
  ['user@host', 'user\\40host'],
  ['c:\\net', 'c\\3a\\net'],
  ['c:\\\\net', 'c\\3a\\\\net'],
  ['c:\\cool stuff', 'c\\3a\\cool\\20stuff'],
  ['c:\\5commas', 'c\\3a\\5c5commas'],
  ['\\2plus\\2is\\4', '\\2plus\\2is\\4'],
  ['foo\\bar', 'foo\\bar'],
  ['foob\\41r', 'foob\\41r'],
  ['\\3and\\2is\\5cool', '\\5c3and\\2is\\5c5cool'],
  ['builds/nightly', 'builds\\2fnightly'],
]

for (const [typed, local] of examples) {
  test(`${typed} is ${local} (XEP-0106)`, (t) => {
    t.is(escapeLocal(typed), local)
    t.is(unescapeLocal(local), typed)
  })
}

test('only lowercase escapes are escapes (XEP-0106 §3)', (t) => {
  t.is(unescapeLocal('builds\\2Fnightly'), 'builds\\2Fnightly')
  t.is(escapeLocal('builds\\2Fnightly'), 'builds\\2Fnightly')
})

const texts = fc.string({ unit: fc.constantFrom(...' "&\'/:<>@\\023abcef5x'), maxLength: 20 })

test('whatever is escaped comes back as it was, and no two become one', (t) => {
  t.notThrows(() => fc.assert(fc.property(texts, (text) => unescapeLocal(escapeLocal(text)) === text)))
  t.notThrows(() => fc.assert(fc.property(texts, texts, (one, other) => one === other || escapeLocal(one) !== escapeLocal(other))))
})

test('what is escaped is a local part', (t) => {
  const isLocal = (text: string) => text === '' || parseJid(`${escapeLocal(text)}@example.com`).local === escapeLocal(text)
  t.notThrows(() => fc.assert(fc.property(texts, isLocal)))
})
