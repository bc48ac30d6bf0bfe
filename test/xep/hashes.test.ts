import { createHash } from 'node:crypto'
import test from 'ava'
import { BytestreamError } from '../../src/core/index.ts'
import { buildHash, buildHashUsed, hashFeatures, NS, parseElement, parseHashes, xml } from '../../src/xep/index.ts'
import { means } from '../helpers/elements.ts'

const hash = (attributes: string, text = '') => `<hash xmlns='${NS.hashes}' ${attributes}>${text}</hash>`
const read = (inside: string) => parseHashes(parseElement(`<file>${inside}</file>`))
const value = (bytes: number) => Buffer.alloc(bytes, 1)

test('a hash is written as in XEP-0300 §3, and so is one that is to come', (t) => {
  const digest = Buffer.from('2XarmwTlNxDAMkvymloX3S5+VbylNrJt/l5QyPa+YoU=', 'base64')
  means(
    t,
    buildHash({ algo: 'sha-256', value: digest }),
    "<hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>2XarmwTlNxDAMkvymloX3S5+VbylNrJt/l5QyPa+YoU=</hash>",
  )
  means(t, buildHashUsed('sha-256'), "<hash-used xmlns='urn:xmpp:hashes:2' algo='sha-256'/>")
})

test('several hashes of one content are read, each of another function (XEP-0300 §3)', (t) => {
  const both = `<hash xmlns='urn:xmpp:hashes:2' algo='sha-1'>2AfMGH8O7UNPTvUVAM9aK13mpCY=</hash>
    <hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>2XarmwTlNxDAMkvymloX3S5+VbylNrJt/l5QyPa+YoU=</hash>`
  t.deepEqual(
    read(both).hashes.map(({ algo, value: { length } }) => [algo, length]),
    [
      ['sha-1', 20],
      ['sha-256', 32],
    ],
  )
  t.deepEqual(read(both).hashUsed, [])
})

test('a hash without a value is one that is to come (XEP-0234 §5), and each is named once', (t) => {
  const used = (algo: string) => `<hash-used xmlns='${NS.hashes}' algo='${algo}'/>`
  t.deepEqual(read(hash("algo='sha-1'") + hash("algo='sha-256'", ' \n ') + used('sha-1') + used('md5')), {
    hashes: [],
    hashUsed: ['sha-1', 'sha-256', 'md5'],
  })
})

test('white space around a value is for readers', (t) => {
  t.deepEqual(read(hash("algo='md5'", `\n  ${value(16).toString('base64')}\n`)).hashes, [{ algo: 'md5', value: value(16) }])
})

test('other elements are no hashes', (t) => {
  t.deepEqual(read(`<hash algo='md5'>AAAA</hash><hash xmlns='urn:xmpp:hashes:1' algo='md5'>AAAA</hash><file/>text`), {
    hashes: [],
    hashUsed: [],
  })
})

const octets = {
  ...{ md2: 16, md5: 16, 'sha-1': 20, 'sha-224': 28, 'sha-256': 32, 'sha-384': 48, 'sha-512': 64 },
  ...{ 'sha3-256': 32, 'sha3-512': 64, 'blake2b-256': 32, 'blake2b-512': 64 },
}
for (const [algo, length] of Object.entries(octets)) {
  test(`a ${algo} has ${length} octets, and neither fewer nor more`, (t) => {
    const given = (bytes: number) => read(hash(`algo='${algo}'`, value(bytes).toString('base64')))
    t.deepEqual(given(length).hashes, [{ algo, value: value(length) }])
    for (const bytes of [length - 1, length + 1]) t.throws(() => given(bytes), { code: 'ERR_BAD_REQUEST', message: /length/ })
  })
}

test('the lengths are those of the functions themselves', (t) => {
  t.is(createHash('sha1').digest().length, octets['sha-1'])
  for (const algo of ['md5', 'sha3-256', 'sha3-512'] as const) t.is(createHash(algo).digest().length, octets[algo])
  for (const bits of [224, 256, 384, 512] as const) t.is(createHash(`sha${bits}`).digest().length, octets[`sha-${bits}`])
  t.is(createHash('blake2b512').digest().length, octets['blake2b-512'])
})

test('a function nobody here knows has values of any length', (t) => {
  t.deepEqual(read(hash("algo='k12'", 'AAAA')).hashes, [{ algo: 'k12', value: Buffer.alloc(3) }])
})

const refuses = test.macro({
  exec(t, inside: string, words: RegExp) {
    const error = t.throws(() => read(inside), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_BAD_REQUEST')
    t.regex(error.message, words)
  },
  title: (given) => `${given} is refused`,
})
const md5 = value(16).toString('base64')
test('a hash of no function', refuses, hash('', md5), /algo/)
test('a hash of a function without a name', refuses, hash("algo=''", md5), /algo/)
test('a function with too long a name', refuses, hash(`algo='${'x'.repeat(4_097)}'`), /4096/)
test('two hashes of one function', refuses, hash("algo='md5'", md5) + hash("algo='md5'", md5), /one function/)
test('hexadecimal digits (XEP-0300 §3: Base64)', refuses, hash("algo='md5'", value(16).toString('hex')), /length/)
test('white space inside (XEP-0300 §3)', refuses, hash("algo='md5'", `${md5.slice(0, 4)} ${md5.slice(4)}`), /Base64/)
test('padding bits that are not zero (XEP-0300 §3)', refuses, hash("algo='md5'", md5.replace(/.==$/, 'B==')), /Base64/)

test('so many hashes are read and not one more, and those of too many are not looked at', (t) => {
  const many = (count: number) => Array.from({ length: count }, (_, n) => hash(`algo='a${n}'`, 'AAAA')).join('')
  t.is(read(many(16)).hashes.length, 16)
  t.throws(() => read(hash("algo='md5'", '*') + many(16)), { code: 'ERR_BAD_REQUEST', message: /more than 16/ })
  const parent = xml('file', {}, ...Array.from({ length: 17 }, () => buildHashUsed('md5')))
  t.throws(() => parseHashes(parent), { code: 'ERR_BAD_REQUEST', message: /more than 16/ })
})

test('who knows a function shows it, as in XEP-0300 §5; BLAKE2b has another name there (§9.3)', (t) => {
  t.deepEqual(hashFeatures(['sha-256', 'sha3-256', 'blake2b-512']), [
    'urn:xmpp:hashes:2',
    'urn:xmpp:hash-function-text-names:sha-256',
    'urn:xmpp:hash-function-text-names:sha3-256',
    'urn:xmpp:hash-function-text-names:id-blake2b512',
  ])
})
