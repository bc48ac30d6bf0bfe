import { lookup } from 'node:dns/promises'
import { BlockList, isIPv6 } from 'node:net'
import { toBytestreamError } from '../core/index.ts'

function blocks(...subnets: readonly (readonly [network: string, prefix: number])[]): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, isIPv6(network) ? 'ipv6' : 'ipv4')
  return list
}

const loopback = blocks(['127.0.0.0', 8], ['::1', 128])
/** RFC 1918, RFC 3927, RFC 6598, RFC 4193, RFC 4291 §2.5.6. */
const local = blocks(
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
  ['fc00::', 7],
  ['fe80::', 10],
)

/** From where an address can be reached: this machine, this network, anywhere. */
export type Scope = 'loopback' | 'private' | 'public'

const scopes: readonly Scope[] = ['loopback', 'private', 'public']

export function scopeOf(address: string): Scope {
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  if (loopback.check(address, family)) return 'loopback'
  return local.check(address, family) ? 'private' : 'public'
}

/** The widest scope of several addresses; `undefined` of none. */
export function widestScope(addresses: readonly string[]): Scope | undefined {
  return scopes.toReversed().find((scope) => addresses.some((address) => scopeOf(address) === scope))
}

export function isNarrower(one: Scope, other: Scope): boolean {
  return scopes.indexOf(one) < scopes.indexOf(other)
}

/**
 * Addresses of a host as every program of this machine sees them: A, AAAA, and its own file of hosts.
 *
 * @throws BytestreamError `ERR_UNREACHABLE` when there is none
 */
export async function resolveHost(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (thrown) {
    throw toBytestreamError(thrown, 'ERR_UNREACHABLE')
  }
}
