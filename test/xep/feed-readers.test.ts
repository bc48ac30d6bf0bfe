import test from 'ava'
import fc from 'fast-check'
import { buildFeedReaders, FEED_READERS_MAX, NS, parseElement, parseFeedReaders } from '../../src/xep/index.ts'
import { isReadOrRefused, means, sent } from '../helpers/elements.ts'

const node = 'builds/nightly'

test('who may read is asked, and answered, with the node and the accounts', (t) => {
  means(
    t,
    buildFeedReaders({ node, accounts: ['wall7@example.org'] }),
    `<readers xmlns='${NS.feeds}' node='${node}'><account jid='wall7@example.org'/></readers>`,
  )
})

test('both are read back as they were', (t) => {
  const account = fc.stringMatching(/^[a-z0-9]{1,20}@[a-z]{1,20}\.example$/)
  const readers = fc.record({
    node: fc.string({ minLength: 1, unit: 'grapheme' }),
    accounts: fc.array(account, { maxLength: FEED_READERS_MAX }),
  })
  fc.assert(fc.property(readers, (each) => t.deepEqual(parseFeedReaders(sent(buildFeedReaders(each))), each)))
})

test('what lacks something, is no JID, or asks about too many is refused', (t) => {
  t.throws(() => parseFeedReaders(parseElement(`<readers xmlns='${NS.feeds}'/>`)), { code: 'ERR_BAD_REQUEST' })
  const accounts = Array.from({ length: FEED_READERS_MAX + 1 }, (_, at) => `a${at}@x`)
  t.throws(() => parseFeedReaders(sent(buildFeedReaders({ node, accounts }))), { code: 'ERR_BAD_REQUEST' })
  t.throws(() => parseFeedReaders(buildFeedReaders({ node, accounts: ['@'] })), { code: 'ERR_JID_MALFORMED' })
  isReadOrRefused(buildFeedReaders({ node, accounts: ['a@x'] }), parseFeedReaders)
})
