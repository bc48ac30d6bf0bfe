import test from 'ava'
import fc from 'fast-check'
import {
  buildDeadLetterOrder,
  buildDeadLetters,
  buildFeedQueue,
  buildFeedQueueRequest,
  buildHint,
  NS,
  parseDeadLetterOrder,
  parseDeadLetters,
  parseElement,
  parseFeedQueue,
  parseFeedQueueRequest,
} from '../../src/xep/index.ts'
import { isReadOrRefused, means, sent } from '../helpers/elements.ts'

const plain = (value: unknown) => JSON.parse(JSON.stringify(value))
const node = 'builds/nightly'
const publishedMs = Date.UTC(2026, 10, 22, 5)
const account = 'wall7@example.org'
const subscriber = { account, waiting: 3, handed: 1, oldestMs: publishedMs }
const letter = {
  ...{ id: '7', account, kind: 'published' as const, itemId: '9559976B', publishedMs, diedMs: publishedMs + 1000 },
  ...{ attempts: 16, reason: 'not-acknowledged' },
}

test('what waits, and what is dead, is asked for by the page', (t) => {
  means(t, buildFeedQueueRequest({ about: 'queue', node }), `<queue xmlns='${NS.feeds}' node='${node}'/>`)
  for (const about of ['queue', 'dead'] as const) {
    const request = { about, node, page: { max: 10, after: '6' } }
    t.deepEqual(plain(parseFeedQueueRequest(sent(buildFeedQueueRequest(request)))), request)
  }
})

test('of each subscriber it is told how much waits, of each dead letter what it is and why it is dead', (t) => {
  means(
    t,
    buildFeedQueue({ node, entries: [subscriber], page: { first: 'a', last: 'a', count: 1 } }),
    `<queue xmlns='${NS.feeds}' node='${node}'>
      <subscriber account='${account}' waiting='3' handed='1' oldest='2026-11-22T05:00:00Z'/>
      <set xmlns='${NS.resultSets}'><first>a</first><last>a</last><count>1</count></set>
    </queue>`,
  )
  means(
    t,
    buildDeadLetters({ node, entries: [letter] }),
    `<dead xmlns='${NS.feeds}' node='${node}'>
      <letter id='7' account='${account}' kind='published' item='9559976B' published='2026-11-22T05:00:00Z'
              died='2026-11-22T05:00:01Z' attempts='16' reason='not-acknowledged'/>
    </dead>`,
  )
})

const text = fc.string({ minLength: 1, unit: 'grapheme' })
const times = fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000)
const subscribers = fc.record({ account: text, waiting: fc.nat(), handed: fc.nat(), oldestMs: fc.option(times, { nil: undefined }) })
const letters = fc.record({
  ...{ id: text, account: text, kind: fc.constantFrom('published' as const, 'retracted' as const), itemId: text },
  ...{ publishedMs: times, diedMs: times, attempts: fc.nat(), reason: text },
})

test('what is answered is read back as it was', (t) => {
  const of = <Entry>(entries: fc.Arbitrary<Entry>) => fc.record({ node: text, entries: fc.array(entries) })
  fc.assert(fc.property(of(subscribers), (part) => t.deepEqual(plain(parseFeedQueue(sent(buildFeedQueue(part)))), plain(part))))
  fc.assert(fc.property(of(letters), (part) => t.deepEqual(plain(parseDeadLetters(sent(buildDeadLetters(part)))), plain(part))))
})

test('a dead letter is delivered again, or dropped', (t) => {
  means(t, buildDeadLetterOrder({ order: 'again', node: 'a', id: '7' }), `<again xmlns='${NS.feeds}' node='a' id='7'/>`)
  for (const order of ['again', 'drop'] as const) {
    t.deepEqual(parseDeadLetterOrder(sent(buildDeadLetterOrder({ order, node, id: '7' }))), { order, node, id: '7' })
  }
})

test('what lacks something is refused', (t) => {
  t.throws(() => parseFeedQueueRequest(parseElement(`<queue xmlns='${NS.feeds}'/>`)), { code: 'ERR_BAD_REQUEST' })
  t.throws(() => parseDeadLetterOrder(parseElement(`<again xmlns='${NS.feeds}' node='a'/>`)), { code: 'ERR_BAD_REQUEST' })
  isReadOrRefused(buildFeedQueue({ node, entries: [subscriber] }), parseFeedQueue)
  isReadOrRefused(buildDeadLetters({ node, entries: [letter] }), parseDeadLetters)
  isReadOrRefused(buildFeedQueueRequest({ about: 'dead', node, page: { max: 1 } }), parseFeedQueueRequest)
})

test('a hint is an element of its own (XEP-0334 §4)', (t) => {
  means(t, buildHint('no-store'), "<no-store xmlns='urn:xmpp:hints'/>")
})
