import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { JingleCandidate, JingleCandidateType, StreamhostAddress } from '../../xep/index.ts'

/** XEP-0260 §2.2: the suggested preferences. */
const typePreference: Readonly<Record<JingleCandidateType, number>> = { direct: 126, assisted: 120, tunnel: 110, proxy: 10 }

/**
 * The local preference of the first candidate of its type. It is none that others begin with (0, 2^15, 2^16-1): who wins a
 * draw is understood in two ways, so that there had better be none.
 */
const LOCAL_PREFERENCE = 49_152

/** A streamhost of ours, before it has a name and a priority. */
export interface Offerable {
  readonly type: JingleCandidateType
  readonly streamhost: StreamhostAddress
}

/** @returns a streamhost by its address, however that is written */
export function placeOf({ host, port }: Pick<StreamhostAddress, 'host' | 'port'>): string {
  const name = host.toLowerCase()
  return `${isIP(name) === 6 ? new URL(`http://[${name.split('%')[0]}]`).hostname : name}:${port}`
}

/**
 * Gives streamhosts their names and priorities: by type, then in the order in which they come. No two candidates, of
 * either side, have the same priority.
 *
 * @param offered what the initiator has offered, for the responder: "the responder MUST NOT offer as a candidate any
 *   host/port combination that has already been offered by the initiator"
 * @see XEP-0260 §2.2
 */
export function nameCandidates(streamhosts: readonly Offerable[], offered: readonly JingleCandidate[] = []): JingleCandidate[] {
  const places = new Set(offered.map(placeOf))
  const priorities = new Set(offered.map(({ priority }) => priority))
  return streamhosts.flatMap(({ type, streamhost: { jid, host, port } }) => {
    const place = placeOf({ host, port })
    if (places.has(place)) return []
    places.add(place)
    let priority = 2 ** 16 * typePreference[type] + LOCAL_PREFERENCE
    while (priorities.has(priority)) priority -= 1
    priorities.add(priority)
    return [{ cid: randomBytes(8).toString('hex'), host, jid, port, priority, type }]
  })
}

/** Interfaces that carry their packets through another network. */
const TUNNEL = /^(?:tun|tap|utun|wg|ppp|gre|gretap|sit|ip6tnl|ip6gre|teredo|6to4|tailscale|ipsec|vti|he-ipv6)(?:[0-9._-]|$)|^zt[0-9a-z]{8}/i

/**
 * @returns `tunnel` for an address of an interface that is one, and for those of Teredo (2001::/32) and 6to4 (2002::/16)
 * @see XEP-0260 §2.1
 */
export function typeOfOwnAddress(
  address: string,
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): 'direct' | 'tunnel' {
  const [first = '', second = ''] = address.split(':')
  const isTransition = isIP(address) === 6 && (first === '2002' || (first === '2001' && /^0{0,4}$/.test(second)))
  if (isTransition) return 'tunnel'
  const owner = Object.entries(interfaces).find(([, addresses]) => addresses?.some((own) => own.address === address))
  return owner && TUNNEL.test(owner[0]) ? 'tunnel' : 'direct'
}
