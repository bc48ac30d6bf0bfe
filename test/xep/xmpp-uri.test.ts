import test from 'ava'
import fc from 'fast-check'
import { BytestreamError, formatJid, tryPrepareJid } from '../../src/core/index.ts'
import { buildJingleUri, parseJingleUri, parseNodeUri } from '../../src/xep/index.ts'

for (const [text, jid, id] of [
  ['xmpp:files.montague.net?jingle;id=9559976B-3FBF-4E7E-B457-2DAA225972BB', 'files.montague.net', '9559976B-3FBF-4E7E-B457-2DAA225972BB'], // XEP-0358 §2.3
  ['xmpp:ci@example.org/builds?jingle;id=a', 'ci@example.org/builds', 'a'],
  [
    'xmpp:nasty%23%24%25%28%29%2A%2B%2C-.%3B%3D%3F%5B%5C%5D%5E_%60%7B%7C%7D~node@example.com?jingle;id=%26%3B%3D',
    'nasty#$%()*+,-.;=?[\\]^_`{|}~node@example.com',
    '&;=',
  ],
  [
    'xmpp:node@example.com/repulsive%20%21%23%22%24%25%26%27%28%29%2F%40resource?jingle;id=a',
    'node@example.com/repulsive !#"$%&\'()/@resource',
    'a',
  ],
  ['xmpp:ji%C5%99i@%C4%8Dechy.example/v%20Praze?jingle;id=%F0%9F%93%81', 'jiři@čechy.example/v Praze', '📁'], // RFC 5122 §2.7.2
  ['xmpp:[::1]?jingle;id=a', '[::1]', 'a'],
] as const) {
  test(`${text} is a link both ways`, (t) => {
    t.is(buildJingleUri({ jid, id }), text)
    t.deepEqual(parseJingleUri(text), { jid, id })
  })
}

for (const [text, jid, id] of [
  ['XMPP:a@b?jingle;id=c', 'a@b', 'c'],
  ['xmpp:A@B/C?jingle;id=D', 'a@b/C', 'D'],
  ['xmpp://guest@example.com/support@example.com/Help?jingle;id=c', 'support@example.com/Help', 'c'],
  ['xmpp:a@b?jingle;size=7;id=c;id=d#part', 'a@b', 'c'],
  ['xmpp:a@b?jingle;id=c=d', 'a@b', 'c=d'],
  ['xmpp:jiři@čechy.example?jingle;id=📁', 'jiři@čechy.example', '📁'],
  ['xmpp:@b/?jingle;id=c', 'b', 'c'],
  ['xmpp:a@b/c/d@e?jingle;id=f', 'a@b/c/d@e', 'f'],
] as const) {
  test(`${text} is read, though we would write it otherwise`, (t) => {
    t.deepEqual(parseJingleUri(text), { jid, id })
  })
}

const refuses = test.macro({
  exec(t, text: string, words: RegExp, code: 'ERR_CONFIG' | 'ERR_JID_MALFORMED' = 'ERR_CONFIG') {
    t.throws(() => parseJingleUri(text), { instanceOf: BytestreamError, code, message: words })
  },
  title: (_, text: string) => `${text.slice(0, 60)} is no link to a file on offer`,
})
test(refuses, '', /no xmpp: link/)
test(refuses, 'a@b', /no xmpp: link/)
test(refuses, 'https://example.org/?jingle;id=a', /no xmpp: link/)
test(refuses, ' xmpp:a@b?jingle;id=a', /no xmpp: link/)
test(refuses, 'xmpp:a@b', /an address alone/)
test(refuses, 'xmpp:a@b?', /an address alone/)
test(refuses, 'xmpp:a@b?message;body=hello', /"message"/)
test(refuses, 'xmpp:a@b?Jingle;id=a', /"Jingle"/)
test(refuses, 'xmpp:a@b?jingle', /lacks the id/)
test(refuses, 'xmpp:a@b?jingle;id=', /lacks the id/)
test(refuses, 'xmpp:a@b?jingle;ID=a', /lacks the id/)
test(refuses, 'xmpp:a@b?jingle;id=%', /UTF-8/)
test(refuses, 'xmpp:a@b?jingle;id=%ff', /UTF-8/)
test(refuses, 'xmpp:%c3@b?jingle;id=a', /UTF-8/)
test(refuses, `xmpp:a@b?jingle;id=${'a'.repeat(4097)}`, /4096/)
test(refuses, `xmpp:a@b?jingle;id=${'%41'.repeat(6000)}`, /16384/)
// Decoded at once, the first would be a resource of "a".
test(refuses, 'xmpp:a%2Fb@c?jingle;id=d', /the address/)
test(refuses, 'xmpp:a%40b@c?jingle;id=d', /the address/)
test(refuses, 'xmpp:a@b%2Fc?jingle;id=d', /the address/)
test(refuses, 'xmpp:?jingle;id=a', /empty/, 'ERR_JID_MALFORMED')
test(refuses, 'xmpp://a@b?jingle;id=a', /domain|empty/, 'ERR_JID_MALFORMED')
test(refuses, 'xmpp:a@b c?jingle;id=a', /domain/, 'ERR_JID_MALFORMED')

test('a link is to somebody', (t) => {
  t.throws(() => buildJingleUri({ jid: 'a@', id: 'b' }), { instanceOf: BytestreamError, code: 'ERR_JID_MALFORMED' })
})

test('any JID and any id come back as they were, over ASCII alone', (t) => {
  const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 })
  const jids = fc
    .record({
      local: fc.oneof(fc.constant(''), part),
      domain: fc.constantFrom('b', 'ü.example', '[::1]'),
      resource: fc.oneof(fc.constant(''), part),
    })
    .map((jid) => tryPrepareJid(formatJid(jid)))
    .filter((jid) => {
      try {
        return buildJingleUri({ jid, id: 'a' }) !== '' && tryPrepareJid(jid) === jid
      } catch {
        return false // No JID.
      }
    })
  fc.assert(
    fc.property(jids, fc.string({ unit: 'grapheme', minLength: 1 }), (jid, id) => {
      const text = buildJingleUri({ jid, id })
      t.regex(text, /^[\x21-\x7e]+$/)
      t.deepEqual(parseJingleUri(text), { jid, id })
    }),
  )
})

test('any text is read or refused', (t) => {
  const pieces = fc.constantFrom(
    'xmpp:',
    '//',
    '/',
    '@',
    '?',
    'jingle',
    ';',
    'id=',
    '#',
    '%',
    '%41',
    '%2f',
    '%ff',
    'a',
    'b.c',
    '[',
    '\n',
    '\ud800',
  )
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces).map((all) => `xmpp:${all.join('')}`),
  )
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const uri = parseJingleUri(text)
        t.deepEqual(parseJingleUri(buildJingleUri(uri)).jid, uri.jid)
      } catch (error) {
        if (!(error instanceof BytestreamError)) throw error
      }
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

for (const [text, jid, node] of [
  ['xmpp:pubsub.shakespeare.lit?;node=princely_musings', 'pubsub.shakespeare.lit', 'princely_musings'], // XEP-0060 §4.6.2
  ['xmpp:pubsub.shakespeare.lit?pubsub;action=subscribe;node=princely_musings', 'pubsub.shakespeare.lit', 'princely_musings'], // §12.22
  ['xmpp:Feeds.Example.org?;node=builds%2FNightly;item=3', 'feeds.example.org', 'builds/Nightly'],
  [
    'xmpp:ci@example.org?;node=https%3A%2F%2Fwww.npmjs.com%2Fpackage%2Fstreamhost%23feeds',
    'ci@example.org',
    'https://www.npmjs.com/package/streamhost#feeds',
  ],
] as const) {
  test(`${text} is a link to a node`, (t) => {
    t.deepEqual(parseNodeUri(text), { jid, node })
  })
}

for (const [text, words] of [
  ['builds/nightly', /no xmpp: link/],
  ['xmpp:feeds.example.org', /no link to a feed/],
  ['xmpp:feeds.example.org?;node=', /no link to a feed/],
  ['xmpp:feeds.example.org?;item=a', /no link to a feed/],
  ['xmpp:feeds.example.org?message;node=a', /no link to a feed/],
  ['xmpp:ci@example.org?jingle;id=a', /no link to a feed/],
  ['xmpp:feeds.example.org?;node=%', /UTF-8/],
  [`xmpp:feeds.example.org?;node=${'a'.repeat(4097)}`, /more than/],
] as const) {
  test(`${text.slice(0, 60)} is no link to a node`, (t) => {
    t.throws(() => parseNodeUri(text), { instanceOf: BytestreamError, code: 'ERR_CONFIG', message: words })
  })
}
