import { BytestreamError } from '../core/index.ts'
import { METHOD, VERSION } from './constants.ts'

/** A decoded message and how many octets of the input it took. */
export interface Decoded<T> {
  readonly value: T
  readonly bytes: number
}

function expectVersion(bytes: Uint8Array, message: string): void {
  if (bytes.length > 0 && bytes[0] !== VERSION) {
    throw new BytestreamError('ERR_SOCKS5_MALFORMED', `${message}: version ${bytes[0]}, not ${VERSION}`)
  }
}

/** VER, NMETHODS, METHODS: offers no authentication, the one method XEP-0065 needs. */
export function encodeGreeting(): Buffer {
  return Buffer.from([VERSION, 1, METHOD.noAuthentication])
}

/**
 * Reads a client's greeting from the front of `bytes`, which may still be arriving.
 *
 * @returns the methods it offers, or `undefined` while octets are missing
 * @throws BytestreamError `ERR_SOCKS5_MALFORMED` for another version, or no method at all
 * @see RFC 1928 §3
 */
export function decodeGreeting(bytes: Uint8Array): Decoded<readonly number[]> | undefined {
  expectVersion(bytes, 'greeting')
  const count = bytes[1]
  if (count === undefined) return undefined
  if (count === 0) throw new BytestreamError('ERR_SOCKS5_MALFORMED', 'greeting: offers no method')
  if (bytes.length < 2 + count) return undefined
  return { value: [...bytes.subarray(2, 2 + count)], bytes: 2 + count }
}

/** VER, METHOD: the streamhost's choice. */
export function encodeMethodChoice(method: number): Buffer {
  return Buffer.from([VERSION, method])
}

/**
 * Reads a server's choice of a method.
 *
 * @throws BytestreamError `ERR_SOCKS5_MALFORMED` for another version, `ERR_SOCKS5_METHOD` for another method than none
 * @see RFC 1928 §3
 */
export function decodeMethodChoice(bytes: Uint8Array): Decoded<number> | undefined {
  expectVersion(bytes, 'method choice')
  const method = bytes[1]
  if (method === undefined) return undefined
  if (method === METHOD.noneAcceptable) {
    throw new BytestreamError('ERR_SOCKS5_METHOD', 'the streamhost accepts no connection without authentication')
  }
  if (method !== METHOD.noAuthentication) {
    throw new BytestreamError('ERR_SOCKS5_METHOD', `the streamhost wants authentication method ${method}; bytestreams use none`)
  }
  return { value: method, bytes: 2 }
}
