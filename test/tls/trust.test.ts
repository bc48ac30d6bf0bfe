import { rootCertificates } from 'node:tls'
import test from 'ava'
import { BytestreamError } from '../../src/core/index.ts'
import { readCertificates, Trust } from '../../src/tls/index.ts'
import { startAuthority } from '../helpers/certificates.ts'

const [one, two] = [await startAuthority('one.test'), await startAuthority('two.test')]

test('certificates are read in their order, whatever stands between them', (t) => {
  const read = readCertificates(`# one\r\n${one.cert.replaceAll('\n', '\r\n')}key:\n${two.key}\n${two.cert}`)
  t.deepEqual(
    read.map(({ subject }) => subject),
    ['CN=one.test', 'CN=two.test'],
  )
})

const refuses = test.macro({
  exec(t, pem: string, reason: RegExp) {
    for (const use of [() => readCertificates(pem), () => new Trust({ ca: pem })]) {
      const error = t.throws(use, { instanceOf: BytestreamError })
      t.is(error.code, 'ERR_CONFIG')
      t.regex(error.message, reason)
    }
  },
  title: (given) => `${given} is no certificate`,
})
test('an empty text', refuses, '', /^there is no certificate in it/)
test('a key', refuses, one.key, /^there is no certificate in it/)
test('a damaged one', refuses, `${one.cert}${two.cert.replace('MII', 'XII')}`, /^certificate 2 in it is damaged: /)

test('what somebody named is told apart from what the machine trusts by itself', (t) => {
  t.true(rootCertificates.length > 0)
  t.false(new Trust({}).isExplicit)
  t.true(new Trust({ ca: one.cert }).isExplicit)
  t.false(new Trust({}).isInsecure)
  t.true(new Trust({ insecure: true }).isInsecure)
})
