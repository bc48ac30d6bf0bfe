import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { AccessList, defaultRules } from '../../src/policy/index.ts'

const lets = test.macro({
  exec(t, rules: readonly string[], allowed: readonly string[], refused: readonly string[]) {
    const access = new AccessList(rules)
    for (const jid of allowed) t.true(access.mayUse(jid), jid)
    for (const jid of refused) t.false(access.mayUse(jid), jid)
  },
  title: (given) => `a rule that is ${given}`,
})

test(
  'a domain lets in its accounts and itself, and nobody of its subdomains or its parent',
  lets,
  ['example.org'],
  ['romeo@example.org', 'romeo@example.org/orchard', 'example.org', 'example.org/admin', 'example.org/x@evil.net/y'],
  [
    'romeo@sub.example.org',
    'sub.example.org',
    'romeo@example.org.evil.net',
    'romeo@org',
    'org',
    'romeo@notexample.org',
    'romeo@evil.net/example.org',
    'romeo@evil.net/x@example.org',
    '',
  ],
)
test(
  'a bare JID lets in that account with all its resources',
  lets,
  ['romeo@example.org'],
  ['romeo@example.org', 'romeo@example.org/orchard', 'romeo@example.org/a/b@c'],
  ['juliet@example.org', 'example.org', 'romeo@sub.example.org', 'romeo@example.org@evil.net', 'evil.net/romeo@example.org'],
)
test(
  'a full JID lets in that resource only',
  lets,
  ['romeo@example.org/orchard'],
  ['romeo@example.org/orchard'],
  ['romeo@example.org', 'romeo@example.org/Orchard', 'romeo@example.org/orchard2', 'juliet@example.org/orchard'],
)
test('* lets everybody in', lets, ['*'], ['romeo@example.org/orchard', 'evil.net', ''], [])
test('a star within a name is a name', lets, ['*@example.org'], ['*@example.org/x'], ['romeo@example.org'])
test(
  'in upper case, or a domain with a final dot, means the prepared one',
  lets,
  ['Example.ORG.', 'Romeo@Example.net/Orchard'],
  ['juliet@example.org/balcony', 'romeo@example.net/Orchard'],
  ['romeo@example.net/orchard'],
)
test(
  'one of several is enough',
  lets,
  ['example.org', 'romeo@example.net'],
  ['juliet@example.org', 'romeo@example.net/x'],
  ['juliet@example.net'],
)
test('missing lets nobody in', lets, [], [], ['romeo@example.org', 'example.org', ''])

test(
  'prepared is compared with the prepared JID, whatever a server writes',
  lets,
  ['romeo@example.org', 'juliet@example.org/fin', 'example.net'],
  ['ROMEO@example.org/x', 'juliet@EXAMPLE.org/\ufb01n', 'anybody@Example.NET/x', 'ﬀ@example.net'],
  ['Juliet@example.org/FIN', 'romeo@sub.Example.org'],
)
test(
  'compared with what has no prepared form lets nobody in',
  lets,
  ['example.org'],
  [],
  ['a b@example.net', 'example.net/example.org\u2028'],
)

test(
  'compared with a JID whose resource alone has no prepared form is compared with the rest',
  lets,
  ['romeo@example.org'],
  ['Romeo@example.org/\u0007'],
  ['juliet@example.org/\u0007', 'Romeo\u0007@example.org'],
)

const denies = test.macro({
  exec(t, allow: readonly string[], deny: readonly string[], allowed: readonly string[], refused: readonly string[]) {
    const access = new AccessList(allow, deny)
    for (const jid of allowed) t.true(access.mayUse(jid), jid)
    for (const jid of refused) t.false(access.mayUse(jid), jid)
  },
  title: (given) => `a rule that denies ${given}`,
})
test(
  'beats those that allow, however exact they are',
  denies,
  ['*', 'example.net', 'romeo@example.net/orchard'],
  ['example.net'],
  ['romeo@example.org', 'romeo@sub.example.net'],
  ['romeo@example.net', 'romeo@example.net/orchard', 'example.net'],
)
test(
  'an account means all its resources, however they and it are written',
  denies,
  ['example.org'],
  ['romeo@example.org'],
  ['juliet@example.org/balcony', 'romeo2@example.org'],
  [
    'romeo@example.org',
    'ROMEO@Example.org/x',
    'romeo@example.org/juliet@example.org',
    'Romeo@example.org/\u0007',
    'ｒomeo@example.org/\u2028',
  ],
)
test('a resource means that one', denies, ['example.org'], ['romeo@example.org/x'], ['romeo@example.org/y'], ['romeo@example.org/x'])
test('everybody leaves nobody', denies, ['*', 'example.org'], ['*'], [], ['romeo@example.org', 'example.net'])
test('allows nobody by that', denies, [], ['romeo@example.org'], [], ['romeo@example.org', 'juliet@example.org'])

test('rules are replaced all at once, or not at all', (t) => {
  const access = new AccessList(['example.org'], ['romeo@example.org'])
  for (const [allow, deny] of [
    [['*'], ['@']],
    [['@'], []],
  ] as const) {
    t.is(t.throws(() => access.replace(allow, deny), { instanceOf: BytestreamError }).code, 'ERR_CONFIG')
    t.false(access.mayUse('romeo@example.org'))
    t.true(access.mayUse('juliet@example.org'))
    t.false(access.mayUse('anybody@example.net'))
  }
  access.replace(['*'], ['juliet@example.org'])
  t.true(access.mayUse('romeo@example.org'))
  t.false(access.mayUse('juliet@example.org'))
  access.replace(['example.net'])
  t.true(access.mayUse('juliet@example.net'))
  t.false(access.mayUse('romeo@example.org'))
})

for (const rule of ['', ' ', '@example.org', 'romeo@', 'romeo@example.org/', '*.example.org', 'a b@example.org']) {
  test(`"${rule}" is no rule, and is said to be none`, (t) => {
    const error = t.throws(() => new AccessList(['example.org', rule]), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_CONFIG')
    t.true(error.message.includes(`"${rule}"`))
  })
}

test('no JID of another domain gets in by what stands in its resource', (t) => {
  const access = new AccessList(['example.org', 'romeo@example.net'])
  fc.assert(
    fc.property(fc.string(), fc.constantFrom('example.org', '@example.org', 'romeo@example.net', '/'), (text, tail) => {
      t.false(access.mayUse(`evil.net/${text}${tail}`))
      t.false(access.mayUse(`juliet@evil.net/${text}${tail}`))
    }),
  )
})

test('unless told otherwise, the domain a component is plugged into', (t) => {
  t.deepEqual(defaultRules('proxy.example.org'), ['example.org'])
  t.deepEqual(defaultRules('proxy.localhost'), ['localhost'])
  t.deepEqual(defaultRules('proxy'), [], 'a name of one label is plugged into nothing')
})
