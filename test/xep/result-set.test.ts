import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import {
  buildPage,
  buildPageRequest,
  NS,
  type Page,
  type PageRequest,
  parseElement,
  parsePage,
  parsePageRequest,
  xml,
} from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'

const set = (inside: string) => `<set xmlns='http://jabber.org/protocol/rsm'>${inside}</set>`
const around = (...texts: string[]) => parseElement(`<query xmlns='jabber:iq:search'><nick>Pete</nick>${texts.join('')}</query>`)
const plain = (page: Page | PageRequest | undefined) => JSON.parse(JSON.stringify(page ?? null))

const isAskedFor = test.macro({
  exec(t, inside: string, page: PageRequest) {
    means(t, buildPageRequest(page), set(inside))
    t.deepEqual(plain(parsePageRequest(around(set(inside)))), page)
  },
  title: (given) => `${given} is asked for as XEP-0059 shows it`,
})
test('a limit (§2.1)', isAskedFor, '<max>10</max>', { max: 10 })
test('the next page (§2.2)', isAskedFor, '<max>10</max><after>peterpan@neverland.lit</after>', { max: 10, after: 'peterpan@neverland.lit' })
test('the page before (§2.3)', isAskedFor, '<max>10</max><before>peter@pixyland.org</before>', { max: 10, before: 'peter@pixyland.org' })
test('the last page (§2.5)', isAskedFor, '<max>10</max><before/>', { max: 10, before: '' })
test('a page by its position (§2.6)', isAskedFor, '<max>10</max><index>371</index>', { max: 10, index: 371 })
test('the count (§2.7)', isAskedFor, '<max>0</max>', { max: 0 })

const isAnswered = test.macro({
  exec(t, inside: string, page: Page) {
    means(t, buildPage(page), set(inside))
    t.deepEqual(plain(parsePage(around(set(inside)))), page)
  },
  title: (given) => `${given} is answered as XEP-0059 shows it`,
})
test('a page (§2.2)', isAnswered, "<first index='10'>peter@pixyland.org</first><last>peter@rabbit.lit</last><count>800</count>", {
  ...{ first: 'peter@pixyland.org', index: 10, last: 'peter@rabbit.lit', count: 800 },
})
test('an empty page (§2.2)', isAnswered, '<count>790</count>', { count: 790 })
test('a page of which no position is known', isAnswered, '<first>a</first><last>a</last>', { first: 'a', last: 'a' })

test('without a word of pages there is none', (t) => {
  t.is(parsePageRequest(around()), undefined)
  t.is(parsePage(around("<set xmlns='urn:x'/>")), undefined)
})

for (const [what, inside] of [
  ['a limit that is no number', '<max>ten</max>'],
  ['a limit below none', '<max>-1</max>'],
  ['an empty limit', '<max/>'],
  ['a position that is no number', '<index>1e3</index>'],
  ['two directions', '<after>a</after><before>b</before>'],
  ['a position and a direction', '<index>1</index><after>b</after>'],
  ['an id without an end', `<after>${'a'.repeat(4097)}</after>`],
] as const) {
  test(`${what} is a bad request`, (t) => {
    t.throws(() => parsePageRequest(around(set(inside))), { instanceOf: BytestreamError, code: 'ERR_BAD_REQUEST' })
  })
}

test('two pages at once are a bad request', (t) => {
  t.throws(() => parsePageRequest(around(set(''), set(''))), { instanceOf: BytestreamError, code: 'ERR_BAD_REQUEST' })
})

test('of an answer, numbers that are none count as not said', (t) => {
  t.deepEqual(plain(parsePage(around(set("<first index='x'>a</first><count>many</count>")))), { first: 'a' })
})

const id = fc.string({ minLength: 1, unit: 'grapheme' })
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
test('what is built is read back as it was', (t) => {
  const pages = fc.record({ first: id, last: id, index: maybe(fc.nat()), count: maybe(fc.nat()) })
  const requests = fc.record({ max: maybe(fc.nat()), after: maybe(id) })
  fc.assert(
    fc.property(pages, requests, (page, request) => {
      t.deepEqual(parsePage(sent(xml('query', { xmlns: 'a' }, buildPage(page)))), page)
      t.deepEqual(plain(parsePageRequest(sent(xml('query', { xmlns: 'a' }, buildPageRequest(request))))), plain(request))
    }),
  )
})

test('any element is read, or refused with a code', (t) => {
  fc.assert(
    fc.property(elements, (element) => {
      element.name = 'set'
      element.attrs['xmlns'] = NS.resultSets
      const query = xml('query', {}, element)
      parsePage(query)
      try {
        parsePageRequest(query)
      } catch (error) {
        t.true(error instanceof BytestreamError, String(error))
      }
    }),
    { numRuns: 1_000 },
  )
  t.pass()
})
