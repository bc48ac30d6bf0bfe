import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { BytestreamError, type Clock, orAbort, startDeadline, throwIfAborted } from '../core/index.ts'
import type { NameResolver } from './name-resolver.ts'
import { isDenied, type SrvRecord, sortSrv } from './srv.ts'

/** Where a server may be. */
export interface ServerAddress {
  /** A name or an address. */
  readonly host: string
  readonly port: number
  /** TLS from the first octet (XEP-0368), instead of by STARTTLS. */
  readonly isDirectTls: boolean
}

const PORT = 5222
const PORT_MAX = 65_535
const PORT_DIRECT_TLS = 5223
/** For the SRV records of a domain; then it goes on as if there were none. */
const SRV_MS_MAX = 5_000
/** Servers of one domain that are tried. */
const SERVERS_MAX = 16

/**
 * What the user said: `xmpp://HOST[:PORT]`, or `xmpps://HOST[:PORT]` for direct TLS.
 *
 * @throws BytestreamError `ERR_CONFIG` for anything else
 */
export function parseService(service: string): ServerAddress {
  const [, scheme, literal, name, digits] = /^(xmpps?):\/\/(?:\[([0-9a-f:.%]+)\]|([^\s:[\]/]+))(?::(\d{1,5}))?$/i.exec(service) ?? []
  const host = literal ?? name
  if (!scheme || !host)
    throw new BytestreamError('ERR_CONFIG', `"${service}" is no service: expected xmpp://HOST:PORT or xmpps://HOST:PORT`)
  const isDirectTls = scheme.toLowerCase() === 'xmpps'
  const port = Number(digits ?? (isDirectTls ? PORT_DIRECT_TLS : PORT))
  if (port < 1 || port > PORT_MAX) throw new BytestreamError('ERR_CONFIG', `"${service}" is no service: there is no port ${port}`)
  return { host, port, isDirectTls }
}

/** RFC 6761 §6.3: localhost is this machine, and DNS is not asked for it. */
const isLocal = (domain: string) => isIP(domain) !== 0 || /^(?:.+\.)?localhost$/.test(domain)

/**
 * Where the server of a domain is, in the order to try: the SRV records for STARTTLS and direct TLS together (XEP-0368
 * §3); without any, the domain itself (RFC 6120 §3.2.2).
 *
 * @throws BytestreamError `ERR_UNREACHABLE` when DNS says that there is no such service
 */
export async function findServers(
  { clock, resolver, random = Math.random }: { clock: Clock; resolver: NameResolver; random?: () => number },
  domain: string,
  signal: AbortSignal,
): Promise<ServerAddress[]> {
  const ascii = domainToASCII(domain) || domain
  const fallback = [{ host: isIP(domain) ? domain : ascii, port: PORT, isDirectTls: false }]
  if (isLocal(domain)) return fallback

  using deadline = startDeadline(clock, SRV_MS_MAX, 'ERR_TIMEOUT', 'DNS does not answer', signal)
  const ask = async (service: string, isDirectTls: boolean) => {
    const records = await orAbort(resolver.srv(`_${service}._tcp.${ascii}`, deadline.signal), deadline.signal)
    return records.map((record: SrvRecord) => ({ ...record, isDirectTls }))
  }
  // RFC 6120 §3.2.1: no answer is as good as none, and whom it leads to is checked in any case.
  const [direct, starttls] = await Promise.all([ask('xmpps-client', true), ask('xmpp-client', false)].map((asked) => asked.catch(() => [])))
  throwIfAborted(signal)
  const found = sortSrv([...(direct ?? []), ...(starttls ?? [])], random)
  if (found.length > 0) return found.slice(0, SERVERS_MAX).map(({ name, port, isDirectTls }) => ({ host: name, port, isDirectTls }))
  if (isDenied(starttls ?? [])) throw new BytestreamError('ERR_UNREACHABLE', `${domain} says in DNS that it has no XMPP server for clients`)
  return fallback
}
