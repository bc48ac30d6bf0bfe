import { ScramClient, type ScramHash } from './scram-client.ts'

export interface Credentials {
  readonly username: string
  readonly password: string
}

/** One attempt to log in, as `@xmpp/sasl` wants it: its strings hold one octet a character. */
interface Mechanism {
  readonly name: string
  readonly clientFirst: true
  /** The next message to the server. */
  response(): string
  /** Takes a message from the server. */
  challenge(octets: string): void | Promise<void>
  /** Takes what the server said with its success; throws `ERR_AUTHENTICATION` when that is not good enough. */
  succeed(octets: string): void
}

/** The mechanisms we can log in with, the best first. */
export const MECHANISMS = ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'] as const
export type MechanismName = (typeof MECHANISMS)[number]

/** Whoever listens, or pretends to be the server, learns no password. */
export const isSafeInTheClear = (name: string) => name === 'SCRAM-SHA-256' || name === 'SCRAM-SHA-1'

const toOctets = (text: string) => Buffer.from(text).toString('latin1')
const fromOctets = (octets: string) => Buffer.from(octets, 'latin1').toString()

/** @throws BytestreamError `ERR_AUTHENTICATION` for a name that no login allows */
export function startMechanism(name: MechanismName, credentials: Credentials): Mechanism {
  return name === 'PLAIN' ? plain(credentials) : scram(name, name === 'SCRAM-SHA-256' ? 'sha256' : 'sha1', credentials)
}

/** Only to a server whose certificate was checked: see {@link buildEntity}. RFC 4616 §2, RFC 6120 §13.8.3 */
function plain({ username, password }: Credentials): Mechanism {
  return {
    name: 'PLAIN',
    clientFirst: true,
    response: () => toOctets(`\0${username}\0${password}`),
    challenge: () => {},
    succeed: () => {},
  }
}

function scram(name: string, hash: ScramHash, credentials: Credentials): Mechanism {
  const client = new ScramClient(hash, credentials)
  let next = client.first()
  return {
    name,
    clientFirst: true,
    response: () => toOctets(next),
    async challenge(octets) {
      next = await client.respond(fromOctets(octets))
    },
    succeed(octets) {
      // The server may have proven itself in a last challenge (RFC 4422 §3.3).
      if (!client.isVerified) client.verify(fromOctets(octets))
    },
  }
}
