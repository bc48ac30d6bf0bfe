import { BlockList } from 'node:net'
import { networkInterfaces } from 'node:os'
import { familyOf, isPrivateAddress } from '../../nat/index.ts'

type Interfaces = ReturnType<typeof networkInterfaces>

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
