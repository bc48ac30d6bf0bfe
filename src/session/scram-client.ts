import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { BytestreamError, saslprep } from '../core/index.ts'

const derive = promisify(pbkdf2)

/** RFC 5802 §5.1: fewer would make the password easy to guess for whoever pretends to be the server. */
const ITERATIONS_MIN = 4096
/** A server that asks for more wants to keep us busy. */
const ITERATIONS_MAX = 1_000_000
const NONCE_BYTES = 18

export type ScramHash = 'sha1' | 'sha256'

export interface ScramInit {
  readonly username: string
  readonly password: string
}

/**
 * The client's side of SCRAM as a state machine over messages: {@link first}, {@link respond}, {@link verify}. No channel
 * binding, no other identity than the user's own.
 *
 * @see RFC 5802 §3, §5, §7; RFC 7677
 */
export class ScramClient {
  readonly #hash: ScramHash
  readonly #nonce: string
  readonly #init: ScramInit
  readonly #bare: string
  #serverSignature: Buffer | undefined
  #isVerified = false

  /**
   * @param nonce for tests, that need the one of the specification
   * @throws BytestreamError `ERR_AUTHENTICATION` for a name that SASLprep forbids
   */
  constructor(hash: ScramHash, init: ScramInit, nonce = randomBytes(NONCE_BYTES).toString('base64')) {
    this.#hash = hash
    this.#init = init
    this.#nonce = nonce
    this.#bare = `n=${prepare(init.username).replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
  }

  /** Whether the server has proven that it knows the password too. */
  get isVerified(): boolean {
    return this.#isVerified
  }

  first(): string {
    return `n,,${this.#bare}`
  }

  /**
   * Answers the server's first message, or checks its last where that comes as a challenge.
   *
   * @throws BytestreamError `ERR_AUTHENTICATION` for a challenge no honest server sends
   */
  async respond(challenge: string): Promise<string> {
    if (this.#serverSignature) {
      this.verify(challenge)
      return ''
    }
    const [, nonce = '', saltText = '', digits] =
      /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=([1-9]\d{0,9})(?:,.*)?$/s.exec(challenge) ?? []
    const iterations = Number(digits)
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce) throw refusal('its challenge is not an answer to what we sent')
    if (iterations < ITERATIONS_MIN || iterations > ITERATIONS_MAX) throw refusal(`it asks for ${iterations} iterations`)

    const octets = { sha1: 20, sha256: 32 }[this.#hash]
    const saltedPassword = await derive(prepare(this.#init.password), Buffer.from(saltText, 'base64'), iterations, octets, this.#hash)
    const withoutProof = `c=${Buffer.from('n,,').toString('base64')},r=${nonce}`
    const authMessage = `${this.#bare},${challenge},${withoutProof}`
    const clientKey = this.#hmac(saltedPassword, 'Client Key')
    const signature = this.#hmac(createHash(this.#hash).update(clientKey).digest(), authMessage)
    this.#serverSignature = this.#hmac(this.#hmac(saltedPassword, 'Server Key'), authMessage)
    const proof = Buffer.from(clientKey.map((octet, index) => octet ^ (signature[index] ?? 0)))
    return `${withoutProof},p=${proof.toString('base64')}`
  }

  /** @throws BytestreamError `ERR_AUTHENTICATION` when the server does not prove that it knows the password */
  verify(final: string): void {
    const [, text = ''] = /^v=([A-Za-z0-9+/=]+)(?:,.*)?$/s.exec(final) ?? []
    const signature = Buffer.from(text, 'base64')
    const expected = this.#serverSignature
    if (!expected || signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      throw refusal('it does not know the password itself')
    }
    this.#isVerified = true
  }

  #hmac(key: Buffer, text: string): Buffer {
    return createHmac(this.#hash, key).update(text).digest()
  }
}

const refusal = (why: string) => new BytestreamError('ERR_AUTHENTICATION', `the server is not to be trusted: ${why}`)

function prepare(text: string): string {
  try {
    return saslprep(text)
  } catch (cause) {
    throw new BytestreamError('ERR_AUTHENTICATION', 'the name or the password has characters that no login allows', { cause })
  }
}
