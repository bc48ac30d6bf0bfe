export { fingerprintOf, readCertificates } from './certificates.ts'
export { secure, type TlsFacts } from './secure.ts'
export { Trust, type TrustInit } from './trust.ts'
