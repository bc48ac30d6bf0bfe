import type { NetworkInterfaceInfo } from 'node:os'
import test from 'ava'
import { ownAddressTowards, parseGateway } from '../../src/nat/gateway-address.ts'

const TITLES = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'
const route = (destination: string, gateway: string, flags: string) =>
  `eth0\t${destination}\t${gateway}\t${flags}\t0\t0\t0\t00000000\t0\t0\t0`

for (const [what, lines, router] of [
  ['the router of the default route', [route('0007A8C0', '00000000', '0001'), route('00000000', '0107A8C0', '0003')], '192.168.7.1'],
  ['the first of several', [route('00000000', '0107A8C0', '0003'), route('00000000', '0100000A', '0003')], '192.168.7.1'],
  ['none, where the default route leads to a link', [route('00000000', '00000000', '0001')], undefined],
  ['none, where it is down', [route('00000000', '0107A8C0', '0002')], undefined],
  ['none, without a route', [], undefined],
] as const) {
  test(`a table of routes has ${what}`, (t) => {
    t.is(parseGateway([TITLES, ...lines, ''].join('\n')), router)
  })
}

test('where there is no table, there is no router', (t) => {
  t.is(parseGateway(''), undefined)
})

test('the own address towards a router is the one in its network, and none of this machine alone', (t) => {
  const of = (cidr: string, internal = false) =>
    ({ address: cidr.split('/')[0], cidr, family: cidr.includes(':') ? 'IPv6' : 'IPv4', internal }) as NetworkInterfaceInfo
  const interfaces = { lo: [of('127.0.0.1/8', true)], eth0: [of('fd65::2/64'), of('10.0.0.2/8')], eth1: [of('192.168.7.2/24')] }
  t.is(ownAddressTowards('192.168.7.1', interfaces), '192.168.7.2')
  t.is(ownAddressTowards('10.9.9.9', interfaces), '10.0.0.2')
  t.is(ownAddressTowards('192.168.8.1', interfaces), undefined)
  t.is(ownAddressTowards('127.0.0.1', interfaces), undefined)
})
