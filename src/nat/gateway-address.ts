import { readFile } from 'node:fs/promises'
import { BlockList } from 'node:net'
import { networkInterfaces } from 'node:os'

/** Where Linux tells its routes over IPv4. */
const ROUTES = '/proc/net/route'
/** Of a route: it is up, and leads to a router (RTF_UP, RTF_GATEWAY). */
const VIA_ROUTER = 0x0003

/**
 * @param table as Linux writes it: a line of titles, then interface, destination, router, flags … of each route, addresses as
 *   numbers of the machine's byte order, which is little-endian wherever Node runs
 * @returns the router of the first default route, or `undefined`
 */
export function parseGateway(table: string): string | undefined {
  for (const line of table.split('\n').slice(1)) {
    const [, destination, gateway, flags = '0'] = line.split(/\s+/)
    if (destination !== '00000000' || !gateway || (Number.parseInt(flags, 16) & VIA_ROUTER) !== VIA_ROUTER) continue
    return [...Buffer.from(gateway, 'hex').reverse()].join('.')
  }
  return undefined
}

/** @returns the IPv4 address of the router that leads out of here, or `undefined` where there is none, or nobody tells */
export async function findGateway(): Promise<string | undefined> {
  const table = await readFile(ROUTES, 'latin1').catch(() => '')
  return parseGateway(table)
}

/** @returns the IPv4 address of this machine in the network of a router, or `undefined` */
export function ownAddressTowards(
  router: string,
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): string | undefined {
  for (const { address, cidr, family, internal } of Object.values(interfaces).flatMap((addresses) => addresses ?? [])) {
    if (internal || family !== 'IPv4' || !cidr) continue
    const network = new BlockList()
    network.addSubnet(address, Number(cidr.split('/')[1]), 'ipv4')
    if (network.check(router, 'ipv4')) return address
  }
  return undefined
}
