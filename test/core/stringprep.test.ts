import test from 'ava'
import { BytestreamError } from '../../src/core/index.ts'
import { saslprep } from '../../src/core/stringprep.ts'

const prepares = test.macro({
  exec(t, password: string, expected: string) {
    t.is(saslprep(password), expected)
  },
  title: (given) => `a password ${given} (RFC 4013 §3)`,
})
test('loses its soft hyphen', prepares, 'I\u00adX', 'IX')
test('of ASCII stays as it is', prepares, 'user', 'user')
test('keeps its case', prepares, 'USER', 'USER')
test('with an ordinal indicator has a letter', prepares, '\u00aa', 'a')
test('with a Roman numeral has letters', prepares, '\u2168', 'IX')
test('may have spaces of any kind, which are one kind', prepares, 'a \u00a0\u3000b', 'a   b')

const refuses = test.macro({
  exec(t, password: string) {
    const error = t.throws(() => saslprep(password), { instanceOf: BytestreamError })
    t.false(error.message.includes(password))
  },
  title: (given) => `a password with ${given} is refused, and not shown (RFC 4013 §3)`,
})
test('a control character', refuses, '\u0007')
test('digits behind Arabic', refuses, '\u06271')
