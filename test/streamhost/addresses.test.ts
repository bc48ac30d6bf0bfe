import { isIPv6 } from 'node:net'
import test from 'ava'
import fc from 'fast-check'
import { normaliseAddress, sourceOf } from '../../src/streamhost/addresses.ts'

const table: readonly (readonly [address: string, source: string])[] = [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8::', '2001:db8:0:0::/64'],
  ['2001::3:4:5:6:7', '2001:0:0:3::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['::3:4:5:6:7:8', '0:0:3:4::/64'],
  ['::192.0.2.1', '0:0:0:0::/64'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ['64::3:4:5:6:192.0.2.1', '64:0:3:4::/64'],
  ['64:ff9b:1:2:3:4:192.0.2.1', '64:ff9b:1:2::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['fe80::2:3:4:5:6:7%eth0.100', 'fe80:0:2:3::/64'],
  ['fe80::a:b:c:d%2', 'fe80:0:0:0::/64'],
]

for (const [address, source] of table) {
  test(`${address} is counted as ${source}`, (t) => {
    t.is(sourceOf(address), source)
  })
}

test('an IPv4 address loses the form it has on an IPv6 socket, any other address stays as it is', (t) => {
  t.is(normaliseAddress('::ffff:192.0.2.1'), '192.0.2.1')
  for (const address of ['192.0.2.1', '2001:db8::1', '::ffff', '::1', 'fe80::1%eth0', '']) t.is(normaliseAddress(address), address)
})

/** Groups, the longest or any other run of zeros left out, in any place. */
const addresses = fc
  .tuple(
    fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 }),
    fc.nat({ max: 7 }),
    fc.nat({ max: 7 }),
  )
  .map(([groups, from, length]) => {
    const digits = groups.map((group) => group.toString(16))
    const isShort = length > 0 && from + length <= 8 && groups.slice(from, from + length).every((group) => group === 0)
    const text = isShort ? `${digits.slice(0, from).join(':')}::${digits.slice(from + length).join(':')}` : digits.join(':')
    return { text, source: `${digits.slice(0, 4).join(':')}::/64` }
  })

test('wherever zeros are left out, the first four groups are the source', (t) => {
  fc.assert(
    fc.property(addresses, ({ text, source }) => {
      t.true(isIPv6(text))
      t.is(sourceOf(text), source)
    }),
    { numRuns: 1_000 },
  )
})
