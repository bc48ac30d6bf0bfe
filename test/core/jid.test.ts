import test from 'ava'
import fc from 'fast-check'
import { BytestreamError, bareJid, domainOf, formatJid, parseJid, prepareJid, resourceOf } from '../../src/core/index.ts'

// The right-hand sides are what RFC 3454's tables say, and agree with Python's stringprep module over Unicode 3.2.
const prepares = test.macro({
  exec(t, jid: string, expected: string) {
    t.is(prepareJid(jid), expected)
    t.is(prepareJid(expected), expected, 'prepared again it stays the same')
  },
  title: (given, jid, expected) => `${given}: ${JSON.stringify(jid)} is ${JSON.stringify(expected)}`,
})
test('a full JID', prepares, 'target@example.org/bar', 'target@example.org/bar')
test('a bare JID', prepares, 'target@example.org', 'target@example.org')
test('a domain', prepares, 'proxy.example.com', 'proxy.example.com')
test('a component with a resource', prepares, 'proxy.example.com/a/b@c', 'proxy.example.com/a/b@c')
test('local part and domain lose their case, the resource does not', prepares, 'ROMEO@Example.NET/Orchard', 'romeo@example.net/Orchard')
test('only the first slash parts the resource', prepares, 'a@example.com/b/c', 'a@example.com/b/c')
test('an at sign in the resource is part of it', prepares, 'example.com/a@b', 'example.com/a@b')
test('a resource keeps its spaces', prepares, 'a@example.com/ my  desk ', 'a@example.com/ my  desk ')
test('a final dot of the domain is not part of it (RFC 6122 §2.2)', prepares, 'a@example.com./b', 'a@example.com/b')
test('an IPv4 address', prepares, 'a@192.0.2.1', 'a@192.0.2.1')
test('an IPv6 address', prepares, 'a@[2001:DB8::1]/r', 'a@[2001:db8::1]/r')
test('an underscore, which no DNS name has but some hosts do', prepares, 'a@my_server', 'a@my_server')
test(
  'a sharp s is two letters in the local part, one in the resource',
  prepares,
  'STRASSE.ß@example.com/Straße',
  'strasse.ss@example.com/Straße',
)
test('a final sigma is a sigma in the local part', prepares, 'Σίσυφος@example.com/Σίσυφος', 'σίσυφοσ@example.com/Σίσυφος')
test('a Turkish capital I keeps its dot as a mark of its own', prepares, 'İ@example.com', 'i̇@example.com')
test('a Kelvin sign is a k, and no K in the resource is lowered', prepares, '\u212a@example.com/\u212a', 'k@example.com/K')
test('an Ångström sign is composed', prepares, 'x@example.com/\u212b', 'x@example.com/Å')
test('decomposed letters are composed', prepares, 'a\u0308@example.com/a\u0308', 'ä@example.com/ä')
test('marks are put in order before they are composed', prepares, 'x@example.com/\u1e9b\u0323', 'x@example.com/ṩ')
test('full-width letters are letters', prepares, 'ＲＯＭＥＯ@ｅｘａｍｐｌｅ.com/Ｒ', 'romeo@example.com/R')
test('a ligature is taken apart', prepares, 'ﬁx@example.com/ﬁ', 'fix@example.com/fi')
test('mathematical letters are letters', prepares, '\u{1d400}@example.com/\u{1d400}', 'a@example.com/A')
test('a soft hyphen and a zero-width joiner vanish', prepares, 'ro\u00adme\u200do@example.com/d\u00ade', 'romeo@example.com/de')
test('a superscript is a digit in the resource', prepares, 'x@example.com/m²', 'x@example.com/m2')
test('capital Deseret is lowered to Deseret', prepares, '\u{10400}@example.com/\u{10400}', '\u{10428}@example.com/\u{10400}')
test('Hebrew stands alone', prepares, 'אבג@example.com/אבג', 'אבג@example.com/אבג')
test('Arabic presentation forms become letters', prepares, 'x@example.com/\ufedf\ufe8e', 'x@example.com/\u0644\u0627')
test('Hangul is composed', prepares, 'x@example.com/\u1112\u1161\u11ab', 'x@example.com/한')
test('a CJK compatibility ideograph becomes the unified one', prepares, 'x@example.com/\uf900', 'x@example.com/豈')
test('an emoji younger than Unicode 3.2 passes', prepares, '😀@example.com/😀', '😀@example.com/😀')
test('a letter younger than Unicode 3.2 keeps its case', prepares, 'Ⱥ@example.com', 'Ⱥ@example.com')
test('a sign younger than Unicode 3.2 is not taken apart', prepares, 'x@example.com/\u{1f130}', 'x@example.com/\u{1f130}')
test('a domain beyond ASCII stays Unicode', prepares, 'a@BÜCHER.example', 'a@bücher.example')
test('1023 octets are not too many for each part (RFC 6122 §2.1)', (t) => {
  const longest = `${'a'.repeat(1023)}@${'b'.repeat(1023)}/${'c'.repeat(1023)}`
  t.is(prepareJid(longest), longest)
})

const refuses = test.macro({
  exec(t, jid: string) {
    const error = t.throws(() => parseJid(jid), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_JID_MALFORMED')
    t.true(error.message.length < 200)
  },
  title: (given) => `${given} is malformed`,
})
test('an empty text', refuses, '')
test('an empty local part', refuses, '@example.com')
test('an empty domain', refuses, 'a@')
test('an empty domain before a resource', refuses, 'a@/b')
test('nothing but a resource', refuses, '/b')
test('an empty resource', refuses, 'a@example.com/')
test('a local part that vanishes', refuses, '\u00ad@example.com')
test('a resource that vanishes', refuses, 'a@example.com/\u200d')
test('a domain that vanishes', refuses, 'a@\u00ad')
test('two at signs', refuses, 'a@b@example.com')
test('a full-width at sign, which becomes one', refuses, 'a＠b@example.com')
test('a full-width slash in the domain, which becomes one', refuses, 'example.com／b')
test('a space in the local part', refuses, 'a b@example.com')
test('a space in the domain', refuses, 'a@exam ple.com')
test('a quotation mark in the local part', refuses, 'a"b@example.com')
test('an ampersand in the local part', refuses, 'a&b@example.com')
test('a colon in the local part', refuses, 'a:b@example.com')
test('a colon in the domain', refuses, 'a@example.com:5222')
test('an angle bracket in the local part', refuses, 'a<b@example.com')
test('a control character in the resource', refuses, 'a@example.com/b\u0007')
test('a newline in the domain', refuses, 'a@example.com\n')
test('a newline behind the resource', refuses, 'a@example.com/b\n')
test('a no-break space in the resource', refuses, 'a@example.com/\u1680')
test('a lone surrogate', refuses, 'a@example.com/\ud800')
test('a private-use character', refuses, 'a@example.com/\ue000')
test('a non-character', refuses, 'a@example.com/\ufdd0')
test('a replacement character', refuses, 'a@example.com/\ufffd')
test('a tag character', refuses, 'a@example.com/\u{e0041}')
test('a right-to-left override', refuses, 'a@example.com/\u202e')
test('Hebrew among Latin', refuses, 'אa@example.com')
test('Hebrew that ends in a digit', refuses, 'א1@example.com')
test('an empty label', refuses, 'a@example..com')
test('a domain that begins with a dot', refuses, 'a@.example.com')
test('a domain that is a dot', refuses, 'a@.')
test('a broken address literal', refuses, 'a@[2001:db8::1')
test('a zone in an address literal', refuses, 'a@[fe80::1%eth0]')
test('1024 octets in the local part', refuses, `${'a'.repeat(1024)}@example.com`)
test('1024 octets in the domain', refuses, `a@${'b'.repeat(1024)}`)
test('1024 octets in the resource, of fewer characters', refuses, `a@example.com/${'ä'.repeat(512)}`)
test('text so long that preparing it would take time', refuses, `a@example.com/${'\u00ad'.repeat(100_000)}`)

test('the parts of a JID are told apart', (t) => {
  t.deepEqual(parseJid('Romeo@Example.NET/Orchard'), { local: 'romeo', domain: 'example.net', resource: 'Orchard' })
  t.deepEqual(parseJid('example.net'), { local: '', domain: 'example.net', resource: '' })
  t.deepEqual(parseJid('example.net/x'), { local: '', domain: 'example.net', resource: 'x' })
})

const taken = test.macro({
  exec(t, jid: string, bare: string, domain: string, resource: string) {
    t.is(bareJid(jid), bare)
    t.is(domainOf(jid), domain)
    t.is(resourceOf(jid), resource)
  },
  title: (_, jid) => `a prepared JID is taken apart as text: ${jid}`,
})
test(taken, 'a@example.com/b/c@d', 'a@example.com', 'example.com', 'b/c@d')
test(taken, 'a@example.com', 'a@example.com', 'example.com', '')
test(taken, 'example.com/b@c', 'example.com', 'example.com', 'b@c')
test(taken, 'example.com', 'example.com', 'example.com', '')

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ unit: fc.constantFrom(...'aB@/.:_-[] ßΣİא1\u0301\u00ad\u{1f130}\u{10400}ﬁ＠', '\ud800'), maxLength: 12 }),
)

test('any text is a JID or a coded error, and what is prepared stays as it is', (t) => {
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const parts = parseJid(text)
        t.deepEqual(parseJid(formatJid(parts)), parts)
        t.is(domainOf(formatJid(parts)), parts.domain)
        t.is(resourceOf(formatJid(parts)), parts.resource)
      } catch (error) {
        t.is((error as BytestreamError).code, 'ERR_JID_MALFORMED', String(error))
      }
    }),
    { numRuns: 5_000 },
  )
})
