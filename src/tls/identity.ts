import { createPrivateKey } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { BytestreamError } from '../core/index.ts'
import { fingerprintOf, readCertificates } from './certificates.ts'
import { VERSION_MIN } from './trust.ts'
import { toAscii } from './verdict.ts'

/** What a server shows for itself: its certificate, with those between it and an authority behind it, and its key. Both in PEM. */
export interface IdentityInit {
  readonly cert: string
  readonly key: string
}

const MS_OF_DAY = 86_400_000
/** A clock may be late. */
const DAYS_BEFORE = 1
const DAYS_AFTER = 3650

/** A certificate with its key, checked to belong together. */
export class Identity {
  readonly context: SecureContext
  /** SHA-256 of the certificate, in pairs of digits. */
  readonly fingerprint: string

  /** @throws BytestreamError `ERR_CONFIG` when one of them is none, or they do not belong together */
  constructor({ cert, key }: IdentityInit) {
    const chain = readCertificates(cert)
    let isPair: boolean | undefined
    try {
      isPair = chain[0]?.checkPrivateKey(createPrivateKey(key))
    } catch (cause) {
      throw new BytestreamError('ERR_CONFIG', `the private key is not readable: ${(cause as Error).message}`, { cause })
    }
    if (!isPair) throw new BytestreamError('ERR_CONFIG', 'certificate and private key do not belong together')
    this.fingerprint = fingerprintOf(chain)
    this.context = createSecureContext({ cert, key, minVersion: VERSION_MIN })
  }
}

/** Makes a certificate for a domain, which vouches for itself. */
export async function makeIdentity(domain: string): Promise<IdentityInit> {
  const { generate } = await import('selfsigned')
  const name = toAscii(domain)
  const { cert, private: key } = await generate([{ name: 'commonName', value: name.slice(0, 64) }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - DAYS_BEFORE * MS_OF_DAY),
    notAfterDate: new Date(Date.now() + DAYS_AFTER * MS_OF_DAY),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
    ],
  })
  return { cert: `${cert}\n`, key }
}
