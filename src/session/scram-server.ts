import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import { BytestreamError, saslprep } from '../core/index.ts'

/** What a server keeps of a password (RFC 5802 §3): enough to check a proof, not to make one. */
export interface Credential {
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** RFC 5802 §5.1 asks for at least 4096. */
const ITERATIONS = 4096
const KEY_BYTES = 20

const hmac = (key: Buffer, text: string) => createHmac('sha1', key).update(text).digest()
const hash = (octets: Buffer) => createHash('sha1').update(octets).digest()

/** @returns `undefined` for a password SASLprep forbids, which nobody can have */
export function deriveCredential(password: string, salt: Buffer = randomBytes(16)): Credential | undefined {
  try {
    const saltedPassword = pbkdf2Sync(saslprep(password), salt, ITERATIONS, KEY_BYTES, 'sha1')
    return { salt, storedKey: hash(hmac(saltedPassword, 'Client Key')), serverKey: hmac(saltedPassword, 'Server Key') }
  } catch (error) {
    if (error instanceof BytestreamError) return undefined
    throw error
  }
}

/** Whether `password` is the one behind `credential`, in a time that does not tell. */
export function isPassword(password: string, { salt, storedKey }: Credential): boolean {
  const derived = deriveCredential(password, salt)
  return derived !== undefined && timingSafeEqual(derived.storedKey, storedKey)
}

/** What the client's first message says (RFC 5802 §7). */
type ClientFirst = NonNullable<ReturnType<typeof parseClientFirst>>

/** `=2C` and `=3D` stand for a comma and an equals sign; `=` stands for nothing else (RFC 5802 §5.1). */
function unescapeName(name: string): string | undefined {
  return /=(?!2C|3D)/.test(name) ? undefined : name.replace(/=2C/g, ',').replace(/=3D/g, '=')
}

function parseClientFirst(message: string) {
  // No channel binding (n), or none that this server offers (y): p= asks for what was not offered (RFC 5802 §6).
  const [, gs2Header, escapedAuthzid = '', bare, escapedName = '', nonce] =
    /^([ny],(?:a=([^,]+))?,)(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]*)*)$/.exec(message) ?? []
  const username = unescapeName(escapedName)
  const authzid = unescapeName(escapedAuthzid)
  if (!gs2Header || !bare || !nonce || !username || authzid === undefined) return undefined
  return { gs2Header, authzid, username, nonce, bare }
}

/**
 * The server's side of SCRAM-SHA-1 as a state machine over messages: {@link first}, then {@link final}.
 *
 * @see RFC 5802 §3, §5, §7
 */
export class ScramServer {
  readonly #credentialOf: (username: string) => Credential
  readonly #serverNonce: string
  #first: ClientFirst | undefined
  #credential: Credential | undefined
  #serverFirst = ''

  /** @param credentialOf gives something for every name, so that the exchange does not tell which exist */
  constructor(credentialOf: (username: string) => Credential, serverNonce = randomBytes(18).toString('base64')) {
    this.#credentialOf = credentialOf
    this.#serverNonce = serverNonce
  }

  /** @returns the server's first message, or `undefined` for a malformed one of the client's */
  first(message: string): string | undefined {
    this.#first = parseClientFirst(message)
    if (!this.#first) return undefined
    this.#credential = this.#credentialOf(this.#first.username)
    this.#serverFirst = `r=${this.#first.nonce}${this.#serverNonce},s=${this.#credential.salt.toString('base64')},i=${ITERATIONS}`
    return this.#serverFirst
  }

  /** @returns who it is, whom it wants to act as (empty: itself), and the server's signature; or why there is none to give */
  final(message: string): { readonly username: string; readonly authzid: string; readonly data: string } | 'malformed' | 'refused' {
    const [, withoutProof, binding, nonce, proofText = ''] =
      /^(c=([^,]+),r=([^,]+)(?:,[A-Za-z]=[^,]*)*),p=([A-Za-z0-9+/]{27}=)$/.exec(message) ?? []
    if (!this.#first || !this.#credential || withoutProof === undefined) return 'malformed'
    const isSameExchange =
      binding === Buffer.from(this.#first.gs2Header).toString('base64') && nonce === `${this.#first.nonce}${this.#serverNonce}`
    const authMessage = `${this.#first.bare},${this.#serverFirst},${withoutProof}`
    const signature = hmac(this.#credential.storedKey, authMessage)
    const clientKey = Buffer.from(proofText, 'base64').map((octet, index) => octet ^ (signature[index] ?? 0))
    const isProof = timingSafeEqual(hash(Buffer.from(clientKey)), this.#credential.storedKey)
    if (!isSameExchange || !isProof) return 'refused'
    const { username, authzid } = this.#first
    return { username, authzid, data: `v=${hmac(this.#credential.serverKey, authMessage).toString('base64')}` }
  }
}
