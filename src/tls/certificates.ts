import { X509Certificate } from 'node:crypto'
import { BytestreamError } from '../core/index.ts'

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * The certificates of a text in PEM (RFC 7468 §5), in its order; what stands around them is not looked at.
 *
 * @throws BytestreamError `ERR_CONFIG` when there is none, or one is not readable
 */
export function readCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(BLOCK) ?? []
  if (blocks.length === 0)
    throw new BytestreamError('ERR_CONFIG', 'there is no certificate in it: expected PEM, -----BEGIN CERTIFICATE-----')
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block)
    } catch (cause) {
      throw new BytestreamError('ERR_CONFIG', `certificate ${index + 1} in it is damaged: ${(cause as Error).message}`, { cause })
    }
  })
}

/** What people compare to know a certificate: SHA-256, in pairs of digits. */
export const fingerprintOf = ([first]: readonly X509Certificate[]) => first?.fingerprint256 ?? ''
