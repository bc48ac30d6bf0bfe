import { lookup, Resolver } from 'node:dns/promises'
import type { SrvRecord } from './srv.ts'

/** Who answers questions about names. */
export interface NameResolver {
  /** The SRV records of a name; none where the name, or such a record of it, does not exist. Rejects when nobody knows. */
  srv(name: string, signal: AbortSignal): Promise<readonly SrvRecord[]>
  /** The addresses of a host, those to be tried first in front. */
  addresses(host: string, signal: AbortSignal): Promise<readonly string[]>
}

/** DNS says that there is nothing. */
const NOTHING = ['ENOTFOUND', 'ENODATA']

/** Asks DNS for services, and the system, which knows more than DNS, for hosts. */
export const systemResolver: NameResolver = {
  srv: (name, signal) => querySrv(new Resolver(), name, signal),
  addresses: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
}

/** @param resolver of this question only: it is cancelled with it */
export async function querySrv(resolver: Resolver, name: string, signal: AbortSignal): Promise<readonly SrvRecord[]> {
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return await resolver.resolveSrv(name)
  } catch (error) {
    if (NOTHING.includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}
