import { BlockList, isIP } from 'node:net'

/** Addresses that mean something else in every network that uses them (RFC 1918, 6598, 3927, 4193, 4291 §2.5.6). */
const privateNetworks = new BlockList()
for (const [address, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
] as const)
  privateNetworks.addSubnet(address, prefix, 'ipv4')
for (const [address, prefix] of [
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  privateNetworks.addSubnet(address, prefix, 'ipv6')

/** @returns the family of an address, `undefined` for what is none */
export const familyOf = (address: string) => (({ 4: 'ipv4', 6: 'ipv6' }) as const)[isIP(address)]

/** @returns whether an address is one of a private network, a carrier's included, or of a link */
export function isPrivateAddress(address: string): boolean {
  const [plain = ''] = address.split('%') // Without the zone.
  const family = familyOf(plain)
  return family !== undefined && privateNetworks.check(plain, family)
}
