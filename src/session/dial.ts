import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { abortError, BytestreamError, type Clock, orAbort, startDeadline, throwIfAborted, toBytestreamError } from '../core/index.ts'
import { secure, type Trust } from '../tls/index.ts'
import type { NameResolver } from './name-resolver.ts'
import type { ServerAddress } from './server-addresses.ts'

/** For a connection, and again for TLS over it, before the next address is tried. */
const STEP_MS_MAX = 5_000
/** Addresses of one server that are tried. */
const ADDRESSES_MAX = 8

export interface DialComponents {
  readonly clock: Clock
  readonly resolver: NameResolver
  readonly trust: Trust
}

export interface DialInit {
  /** Who the server has to be. */
  readonly domain: string
  /** In the order to try. */
  readonly servers: readonly ServerAddress[]
  /** What the user calls the server, for an error. */
  readonly where: string
  readonly signal: AbortSignal
}

/**
 * Connects to the first server that can be reached, at the first of its addresses; with direct TLS, to the first that
 * has the right certificate, too (RFC 6120 §3.2.1, XEP-0368 §3).
 *
 * @returns a socket that is the caller's: a `TLSSocket` where TLS is direct
 * @throws BytestreamError `ERR_UNREACHABLE`, `ERR_TLS`, `ERR_ABORTED`; what was tried, and why each failed
 */
export async function dial(components: DialComponents, { domain, servers, where, signal }: DialInit): Promise<Socket> {
  const failures: { readonly at: string; readonly error: BytestreamError }[] = []
  for (const server of servers) {
    const at = `${isIP(server.host) === 6 ? `[${server.host}]` : server.host}:${server.port}`
    const fail = (error: unknown) => {
      throwIfAborted(signal)
      failures.push({ at, error: toBytestreamError(error, 'ERR_UNREACHABLE') })
    }
    for (const address of (await addressesOf(server, components.resolver, signal).catch(fail)) ?? []) {
      const socket = await reach(components, server, { address, domain, signal }).catch(fail)
      if (socket) return socket
    }
  }
  // Who has a server with a bad certificate can mend that.
  const isTrouble = failures.some(({ error }) => error.code === 'ERR_TLS')
  const reasons = failures.map(({ at, error }) => (where.includes(at) ? error.message : `${at}: ${error.message}`))
  throw new BytestreamError(
    isTrouble ? 'ERR_TLS' : 'ERR_UNREACHABLE',
    `${where} cannot be ${isTrouble ? 'trusted' : 'reached'}: ${reasons.join('; ')}`,
    { cause: failures[0]?.error },
  )
}

async function addressesOf({ host }: ServerAddress, resolver: NameResolver, signal: AbortSignal): Promise<readonly string[]> {
  if (isIP(host)) return [host]
  const addresses = await orAbort(
    resolver.addresses(host, signal).catch(({ code, message }: NodeJS.ErrnoException) => {
      throw new BytestreamError(
        'ERR_UNREACHABLE',
        code === 'ENOTFOUND' ? 'there is no host of that name' : `its address is not known (${message})`,
      )
    }),
    signal,
  )
  return addresses.slice(0, ADDRESSES_MAX)
}

async function reach(
  { clock, trust }: DialComponents,
  { port, isDirectTls }: ServerAddress,
  { address, domain, signal: outer }: { address: string; domain: string; signal: AbortSignal },
): Promise<Socket> {
  const inTime = async <T>(what: string, step: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    using deadline = startDeadline(clock, STEP_MS_MAX, 'ERR_UNREACHABLE', `${what} takes longer than ${STEP_MS_MAX / 1000} s`, outer)
    return await step(deadline.signal)
  }
  // Stanzas are small and come in bursts: none waits for the acknowledgement of the one before.
  const socket = connect({ port, host: address, noDelay: true })
  await inTime(`connecting to ${address}`, (signal) => connected(socket, signal))
  return isDirectTls
    ? await inTime(`TLS with ${address}`, (signal) => secure(socket, { domain, trust, alpn: 'xmpp-client', signal }))
    : socket
}

async function connected(socket: Socket, signal: AbortSignal): Promise<void> {
  try {
    await once(socket, 'connect', { signal })
  } catch (error) {
    socket.on('error', () => {}).destroy()
    throw signal.aborted ? abortError(signal) : error
  }
}
