import * as tls from 'node:tls'
import { readCertificates } from './certificates.ts'

/** Which certificates a client takes for good. */
export interface TrustInit {
  /** Certificates in PEM, one or more: authorities, or the server's own. They are trusted besides those this machine trusts. */
  readonly ca?: string | undefined
  /** Takes any certificate. Then a password is only proven (SCRAM), never sent. Default false. */
  readonly insecure?: boolean | undefined
}

/** RFC 7590 §3.1, RFC 8996: what is older is broken. */
export const VERSION_MIN = 'TLSv1.2'

/** Newer than Node 20, which tells the list it was built with only, without the file NODE_EXTRA_CA_CERTS names. */
type NewerTls = { readonly getCACertificates?: (kind: 'default') => string[] }

const machineAuthorities = (): readonly string[] => (tls as NewerTls).getCACertificates?.('default') ?? tls.rootCertificates

/** What one account trusts. Nothing of it is shared with the rest of the process. */
export class Trust {
  readonly isInsecure: boolean
  /** Whether somebody said what to trust: then nothing but TLS will do. */
  readonly isExplicit: boolean
  readonly #given: readonly string[] | undefined
  #context: tls.SecureContext | undefined

  /** @throws BytestreamError `ERR_CONFIG` when `ca` holds no certificate */
  constructor({ ca, insecure = false }: TrustInit) {
    this.isInsecure = insecure
    this.isExplicit = ca !== undefined
    this.#given = ca === undefined ? undefined : readCertificates(ca).map(String)
  }

  /** Made once it is needed: OpenSSL takes 15 ms to read what the machine trusts. */
  get context(): tls.SecureContext {
    // Node takes what it is given instead of what the machine trusts; what was named is trusted whoever vouches for it.
    this.#context ??= tls.createSecureContext({
      minVersion: VERSION_MIN,
      ...(this.#given && { ca: [...machineAuthorities(), ...this.#given], allowPartialTrustChain: true }),
    })
    return this.#context
  }
}
