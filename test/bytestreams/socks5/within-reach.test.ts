import type { NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import test from 'ava'
import { whyOutOfReach } from '../../../src/bytestreams/socks5/within-reach.ts'

/** Interfaces with these networks. */
function interfaces(...cidrs: string[]): ReturnType<typeof networkInterfaces> {
  const eth0 = cidrs.map((cidr) => {
    const [address = ''] = cidr.split('/')
    return { address, cidr, family: cidr.includes(':') ? 'IPv6' : 'IPv4', internal: cidr.startsWith('127.') } as NetworkInterfaceInfo
  })
  return { eth0 }
}

const home = interfaces('127.0.0.1/8', '192.168.7.2/24', 'fd65:7::2/64', 'fe80::2/64')
const PRIVATE = 'it is of a private network this machine is not in'

for (const [host, why] of [
  ['192.168.7.9', undefined],
  ['192.168.7.2', undefined],
  ['192.168.8.9', PRIVATE],
  ['10.0.0.1', PRIVATE],
  ['172.16.0.1', PRIVATE],
  ['172.15.0.1', undefined],
  ['100.64.0.1', PRIVATE],
  ['169.254.1.1', PRIVATE],
  ['203.0.113.1', undefined],
  ['127.0.0.1', undefined],
  ['fd65:7::9', undefined],
  ['fd65:8::9', PRIVATE],
  ['FD65:0007:0:0::9', undefined],
  ['fe80::9%eth0', undefined],
  ['2001:db8::1', 'this machine has no IPv6 address that leads there'],
  ['proxy.example.org', undefined],
] as const) {
  test(`at home, ${host} is ${why === undefined ? 'worth waiting for' : `out of reach: ${why}`}`, (t) => {
    t.is(whyOutOfReach(host, home), why)
  })
}

test('with an address of the whole network, of either family, the whole network is within reach', (t) => {
  t.is(whyOutOfReach('2001:db8::1', interfaces('2001:db8:7::2/64')), undefined)
  t.is(whyOutOfReach('203.0.113.1', interfaces('2001:db8:7::2/64')), 'this machine has no IPv4 address that leads there')
  t.is(whyOutOfReach('203.0.113.1', interfaces('198.51.100.2/24')), undefined)
})

test('without a network, this machine alone is within reach', (t) => {
  const alone = interfaces('127.0.0.1/8')
  t.is(whyOutOfReach('127.0.0.1', alone), undefined)
  t.is(whyOutOfReach('203.0.113.1', alone), 'this machine has no IPv4 address that leads there')
})
