import { isIPv6 } from 'node:net'

/** Where to listen. `*` stands for every address of both families. Port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Where a listener was bound to; the port is never 0. */
export type BoundAddress = ListenAddress

/** The address without the form that IPv4 has on an IPv6 socket. */
export function normaliseAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

/** Address and port as one word, the same whichever family the socket is of. */
export const formatAddress = (address: string, port: number | undefined): string => `${normaliseAddress(address)}:${port}`

/**
 * Who a limit counts: an IPv4 address, or the first 64 bits of an IPv6 address, of which one subscriber has all the
 * rest.
 */
export function sourceOf(address: string): string {
  const plain = normaliseAddress(address)
  if (!isIPv6(plain)) return plain
  const [head = '', tail = ''] = (plain.split('%')[0] ?? '').split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0)
  while (plain.includes('::') && groups.length < 8 - after) groups.push('0')
  return `${[...groups, ...tail.split(':')].slice(0, 4).join(':')}::/64`
}
