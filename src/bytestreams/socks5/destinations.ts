import { type LookupAddress, type LookupOptions, lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { BytestreamError } from '../../core/index.ts'

/** Where somebody else would have us connect. */
export interface Destination {
  /** As it was named: an IP address or a DNS name. */
  readonly host: string
  readonly port: number
  /** The IP address to which the connection goes; of a name, one of those it has. */
  readonly address: string
}

/** Whether to connect where a peer says. It is asked about each address, right before. */
export type MayConnect = (destination: Destination) => boolean

/** What an address in these ranges reaches is meant for this machine, its link, or those who run it, and not for strangers to point at. */
const closedIpv4: readonly [address: string, prefix: number][] = [
  ['0.0.0.0', 8], // this host (RFC 1122 §3.2.1.3): Linux takes it for loopback
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local, and the metadata of most clouds: 169.254.169.254
  ['192.0.0.0', 24], // protocol assignments (RFC 6890), and the metadata of Oracle's cloud
  ['100.100.100.200', 32], // metadata of Alibaba's cloud
  ['168.63.129.16', 32], // the virtual host of Azure
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast
]
const closedIpv6: readonly [address: string, prefix: number][] = [
  ['::', 128], // unspecified
  ['::1', 128], // loopback
  ['fe80::', 10], // link-local
  ['ff00::', 8], // multicast
  ['fd00:ec2::254', 128], // metadata of Amazon's cloud
  ['fd20:ce::254', 128], // metadata of Google's cloud
]

const closed = closedAddresses()

/** Behind each prefix an IPv6 address may carry one of IPv4: mapped, compatible, NAT64 (RFC 6052 §2.1), 6to4 (RFC 3056 §2). */
function closedAddresses(): BlockList {
  const list = new BlockList()
  for (const [address, prefix] of closedIpv4) {
    list.addSubnet(address, prefix, 'ipv4')
    const hex = Buffer.from(address.split('.').map(Number)).toString('hex')
    const groups = `${hex.slice(0, 4)}:${hex.slice(4)}`
    for (const carrier of ['::ffff:', '::', '64:ff9b::']) list.addSubnet(`${carrier}${groups}`, 96 + prefix, 'ipv6')
    list.addSubnet(`2002:${groups}::`, 16 + prefix, 'ipv6')
  }
  for (const [address, prefix] of closedIpv6) list.addSubnet(address, prefix, 'ipv6')
  return list
}

/** The default of {@link MayConnect}: neither loopback, link-local, multicast and unspecified addresses, nor where clouds tell secrets. */
export function isOpenDestination({ address }: Pick<Destination, 'address'>): boolean {
  const [plain = ''] = address.split('%') // Without the zone.
  const family = isIP(plain)
  return family !== 0 && !closed.check(plain, family === 4 ? 'ipv4' : 'ipv6')
}

const refused = ({ host, port, address }: Destination) =>
  new BytestreamError(
    'ERR_DESTINATION',
    `${host}:${port} is not a place to connect to for others${address === host ? '' : `: it is ${address}`}`,
  )

/**
 * @param mayConnect decides about the address of a host that is one, and about each of those a name has
 * @returns `lookup` for `net.connect`: what it tells are addresses that may be connected to
 * @throws BytestreamError `ERR_DESTINATION` when the host is an address that may not
 */
export function guardedLookup({ host, port }: Omit<Destination, 'address'>, mayConnect: MayConnect): LookupFunction {
  if (isIP(host)) {
    const destination = { host, port, address: host }
    if (!mayConnect(destination)) throw refused(destination)
  }
  return (name, options: LookupOptions, callback) => {
    lookup(name, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error) return callback(error, options.all ? [] : '')
      const [first, ...others] = found.filter(({ address }) => mayConnect({ host, port, address }))
      if (!first) return callback(refused({ host, port, address: found[0]?.address ?? '' }), options.all ? [] : '')
      if (options.all) return callback(null, [first, ...others])
      return callback(null, first.address, first.family)
    })
  }
}
