export { readCertificates } from './certificates.ts'
export { Identity, type IdentityInit, makeIdentity } from './identity.ts'
export { secure, type TlsFacts } from './secure.ts'
export { Trust, type TrustInit } from './trust.ts'
