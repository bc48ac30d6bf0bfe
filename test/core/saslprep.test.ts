import test from 'ava'
import { BytestreamError, saslprep } from '../../src/core/index.ts'

const prepares = test.macro({
  exec: (t, given: string, expected: string) => t.is(saslprep(given), expected),
  title: (given) => `${given} (RFC 4013 §3)`,
})
test('a soft hyphen is mapped to nothing', prepares, 'I\u00adX', 'IX')
test('ASCII stays as it is', prepares, 'user', 'user')
test('case is kept', prepares, 'USER', 'USER')
test('the output is NFKC', prepares, '\u00aa', 'a')
test('the output is NFKC, also for a number', prepares, '\u2168', 'IX')
test('a space beyond ASCII becomes the one of ASCII', prepares, 'a\u00a0b\u3000c', 'a b c')

const refuses = test.macro({
  exec: (t, given: string) => t.is(t.throws(() => saslprep(given), { instanceOf: BytestreamError }).code, 'ERR_JID_MALFORMED'),
  title: (given) => `${given} is refused (RFC 4013 §3)`,
})
test('a control character', refuses, '\u0007')
test('text of both directions', refuses, '\u0627\u0031')
