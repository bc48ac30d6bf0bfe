import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

type Interfaces = ReturnType<typeof networkInterfaces>

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

const familyOf = (address: string) => (({ 4: 'ipv4', 6: 'ipv6' }) as const)[isIP(address)]

/** @returns whether an address is one of a private network, a carrier's included, or of a link */
export function isPrivateAddress(address: string): boolean {
  const [plain = ''] = address.split('%') // Without the zone.
  const family = familyOf(plain)
  return family !== undefined && privateNetworks.check(plain, family)
}

/**
 * @returns why an address that somebody else names will hardly be reached from here, or `undefined`: it is of a private network
 *   this machine is no part of, or of a family it has no address of. Routes may lead there all the same, so it is worth a try.
 */
export function whyOutOfReach(host: string, interfaces: Interfaces = networkInterfaces()): string | undefined {
  const [plain = ''] = host.split('%')
  const family = familyOf(plain)
  if (!family) return undefined
  const own = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => address.family.toLowerCase() === family)
  const networks = new BlockList()
  for (const { cidr } of own) {
    const [address, prefix] = cidr?.split('/') ?? []
    if (address && prefix) networks.addSubnet(address, Number(prefix), family)
  }
  if (networks.check(plain, family)) return undefined
  if (isPrivateAddress(plain)) return 'it is of a private network this machine is not in'
  // Behind a NAT a private one leads anywhere, which there hardly is for IPv6.
  const leadsOut = own.some(({ address, internal }) => !internal && (family === 'ipv4' || !isPrivateAddress(address)))
  return leadsOut ? undefined : `this machine has no ${family === 'ipv4' ? 'IPv4' : 'IPv6'} address that leads there`
}
