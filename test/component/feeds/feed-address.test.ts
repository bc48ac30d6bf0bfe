import test from 'ava'
import fc from 'fast-check'
import { feedAddress, nodeOfAddress } from '../../../src/component/feeds/feed-address.ts'

const DOMAIN = 'feeds.example.org'

test('a feed has the address of its name, escaped', (t) => {
  t.is(feedAddress('nightly', DOMAIN), 'nightly@feeds.example.org')
  t.is(feedAddress('builds/nightly', DOMAIN), 'builds\\2fnightly@feeds.example.org')
  t.is(nodeOfAddress('builds\\2fnightly@feeds.example.org'), 'builds/nightly')
  t.is(nodeOfAddress('nightly@feeds.example.org/anything'), 'nightly')
})

for (const [name, why] of [
  ['Nightly', 'a capital letter'],
  ['', 'nothing'],
  [' nightly', 'a space at its beginning'],
  ['nightly ', 'a space at its end'],
  ['n'.repeat(1024), 'more octets than a local part'],
  ['/'.repeat(342), 'more octets than a local part once it is escaped'],
  ['night\u200bly', 'a character that is left out'],
] as const) {
  test(`a name with ${why} has no address`, (t) => {
    t.is(feedAddress(name, DOMAIN), undefined)
  })
}

test('the longest names that have one', (t) => {
  t.truthy(feedAddress('n'.repeat(1023), DOMAIN))
  t.truthy(feedAddress('/'.repeat(341), DOMAIN))
})

for (const jid of [
  'feeds.example.org',
  'feeds.example.org/x',
  '\\5cfoo@feeds.example.org',
  'Nightly@feeds.example.org',
  '\\20a@feeds.example.org',
]) {
  test(`${jid} is the address of no feed`, (t) => {
    t.is(nodeOfAddress(jid), undefined)
  })
}

test('each name has one address, and each address one name', (t) => {
  const names = fc.string({ unit: fc.constantFrom(...' "&\'/:<>@\\023abcef5xAé'), maxLength: 12 })
  const run = fc.property(names, (name) => {
    const address = feedAddress(name, DOMAIN)
    return address === undefined || nodeOfAddress(address) === name
  })
  t.notThrows(() => fc.assert(run))
  const locals = fc.string({ unit: fc.constantFrom(...'\\023abcef5x'), minLength: 1, maxLength: 12 })
  const back = fc.property(locals, (local) => {
    const node = nodeOfAddress(`${local}@${DOMAIN}`)
    return node === undefined || feedAddress(node, DOMAIN) === `${local}@${DOMAIN}`
  })
  t.notThrows(() => fc.assert(back))
})
