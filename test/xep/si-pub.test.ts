import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { buildSiPub, parseElement, parseSiPub, type SiPub, writeXml } from '../../src/xep/index.ts'
import { isReadOrRefused, means } from '../helpers/elements.ts'
import { defined } from '../helpers/fixtures.ts'

const PROFILE = 'http://jabber.org/protocol/si/profile/file-transfer'
const file = `<file xmlns='${PROFILE}' name='NDA.pdf' size='138819' date='2004-01-28T10:07Z'>
  <desc>All Shakespearean characters must sign and return this NDA ASAP</desc></file>`
const pub = (
  inside: string,
  attributes = `from='bard@shakespeare.lit' id='publish-0123' mime-type='application/pdf' profile='${PROFILE}'`,
) => `<sipub xmlns='http://jabber.org/protocol/sipub' ${attributes}>${inside}</sipub>`
const read = (text: string, sender?: string) => defined(parseSiPub(parseElement(text), sender))

const nda: SiPub = {
  from: 'bard@shakespeare.lit',
  id: 'publish-0123',
  mimeType: 'application/pdf',
  file: {
    name: 'NDA.pdf',
    size: 138_819,
    date: '2004-01-28T10:07Z',
    description: 'All Shakespearean characters must sign and return this NDA ASAP',
    hashes: [],
  },
}

test('a published file is XEP-0137 example 2', (t) => {
  means(t, buildSiPub(nda), pub(file))
  t.deepEqual(read(pub(file)), nda)
})

test('inside a message it need not say whose it is (XEP-0137 example 4), and what it says counts before that', (t) => {
  const nobodys = pub(file, `id='publish-0123' profile='${PROFILE}'`)
  t.is(read(nobodys, 'romeo@montague.net/pda').from, 'romeo@montague.net/pda')
  t.is(read(nobodys).from, undefined)
  t.is(read(pub(file), 'romeo@montague.net/pda').from, 'bard@shakespeare.lit')
})

const refuses = test.macro({
  exec(t, text: string, code: string) {
    t.throws(() => read(text), { instanceOf: BytestreamError, code })
  },
  title: (given) => `${given} is refused`,
})
test('a published file without an id', refuses, pub(file, `profile='${PROFILE}'`), 'ERR_BAD_REQUEST')
test('one of whoever has no JID', refuses, pub(file, `id='a' from='a@' profile='${PROFILE}'`), 'ERR_JID_MALFORMED')
test('one without a profile', refuses, pub(file, "id='a'"), 'ERR_BAD_PROFILE')
test('one of another profile', refuses, pub("<tree xmlns='urn:x'/>", "id='a' profile='urn:x'"), 'ERR_BAD_PROFILE')
test('one without what its profile says', refuses, pub('', `id='a' profile='${PROFILE}'`), 'ERR_BAD_PROFILE')
test('a file without a size', refuses, pub(`<file xmlns='${PROFILE}' name='a'/>`), 'ERR_BAD_PROFILE')
test('another element', refuses, pub(file).replaceAll('sipub', 'si'), 'ERR_BAD_PROFILE')

test('what is built is read back as it was', (t) => {
  const words = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
  const word = fc.option(words, { nil: undefined })
  const hashes = fc.constantFrom([], [{ algo: 'sha-256', value: Buffer.alloc(32, 1) }])
  const pubs = fc.record({
    from: fc.constantFrom(undefined, 'a@b/c', 'b'),
    id: words,
    mimeType: word,
    file: fc.record({ name: words, size: fc.maxSafeNat(), description: word, hashes }),
  })
  fc.assert(
    fc.property(pubs, (given) => {
      t.deepEqual(read(writeXml(buildSiPub(given))), defined(given))
    }),
  )
})

test('anything is read or refused', (t) => {
  isReadOrRefused(buildSiPub(nda), (element) => parseSiPub(element, 'a@b'))
  t.pass()
})
