import test from 'ava'
import { isNarrower, scopeOf, widestScope } from '../../src/check/scope.ts'

test('an address is of this machine, of this network, or of everybody (RFC 1918, 3927, 4193, 4291, 6598)', (t) => {
  for (const [address, scope] of [
    ['127.0.0.1', 'loopback'],
    ['127.255.0.1', 'loopback'],
    ['::1', 'loopback'],
    ['10.1.2.3', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['169.254.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd00::1', 'private'],
    ['fe80::1', 'private'],
    ['172.32.0.1', 'public'],
    ['100.128.0.1', 'public'],
    ['192.0.2.1', 'public'],
    ['2001:db8::1', 'public'],
  ] as const) {
    t.is(scopeOf(address), scope, address)
  }
})

test('the widest scope counts, of no address none', (t) => {
  t.is(widestScope(['127.0.0.1', '192.168.1.1']), 'private')
  t.is(widestScope(['2001:db8::1', '192.168.1.1']), 'public')
  t.is(widestScope([]), undefined)
})

test('a scope is narrower than a wider one, and not than itself', (t) => {
  t.true(isNarrower('loopback', 'private'))
  t.true(isNarrower('private', 'public'))
  t.false(isNarrower('public', 'public'))
  t.false(isNarrower('public', 'loopback'))
})
