import { BytestreamError, type ErrorCode } from '../core/index.ts'
import { type ConnectRequest, decodeConnectRequest, encodeConnectReply } from './connect.ts'
import { METHOD, REPLY, type Reply } from './constants.ts'
import { decodeGreeting, encodeMethodChoice } from './greeting.ts'

/** The REP field for an error; any other error is a general failure. */
const replies: Partial<Record<ErrorCode, Reply>> = {
  ERR_SOCKS5_COMMAND: REPLY.commandNotSupported,
  ERR_SOCKS5_ADDRESS_TYPE: REPLY.addressTypeNotSupported,
  ERR_SOCKS5_DST_ADDR: REPLY.notAllowed,
  ERR_PLACES_TAKEN: REPLY.notAllowed,
}

/** What a handshake asks of whoever owns the socket, in this order. */
export interface ServerHandshakeStep {
  /** To be sent, each in a write of its own. */
  readonly replies: readonly Buffer[]
  /** The request is complete: answer it with {@link ServerHandshake.accept} or {@link ServerHandshake.refuse}. */
  readonly request?: ConnectRequest
  /** Octets that came behind the request: the beginning of the bytestream. */
  readonly early?: Buffer
  /** The peer is wrong: send the replies, then close. */
  readonly error?: BytestreamError
}

const NOTHING = Buffer.alloc(0)

type State = 'greeting' | 'request' | 'answering' | 'over'

/**
 * The streamhost's side of the SOCKS5 handshake as a state machine over octets, in any fragments. It holds at most
 * the one incomplete message, never more than 257 octets.
 *
 * @see RFC 1928 §3-§6, XEP-0065 §10.2
 */
export class ServerHandshake {
  #state: State = 'greeting'
  #pending: Buffer = NOTHING
  #address: Buffer | undefined

  /** Takes the next octets. Once a request or an error was returned, there is nothing more to push. */
  push(octets: Buffer): ServerHandshakeStep {
    if (this.#state === 'answering' || this.#state === 'over') {
      throw new TypeError('this handshake takes no more octets')
    }
    this.#pending = this.#pending.length === 0 ? octets : Buffer.concat([this.#pending, octets])
    const sent: Buffer[] = []
    try {
      if (this.#state === 'greeting' && !this.#greet(sent)) return { replies: sent }
      const decoded = decodeConnectRequest(this.#pending)
      if (decoded === undefined) {
        this.#keep()
        return { replies: sent }
      }
      this.#state = 'answering'
      this.#address = decoded.value.address
      const early = this.#pending.subarray(decoded.bytes)
      this.#pending = NOTHING
      return { replies: sent, request: decoded.value, early }
    } catch (error) {
      if (!(error instanceof BytestreamError)) throw error
      // Before the method was chosen, a refusal has no form the peer could read.
      if (this.#state === 'request') sent.push(encodeConnectReply(replies[error.code] ?? REPLY.generalFailure))
      this.#state = 'over'
      this.#pending = NOTHING
      return { replies: sent, error }
    }
  }

  #greet(sent: Buffer[]): boolean {
    const greeting = decodeGreeting(this.#pending)
    if (greeting === undefined) {
      this.#keep()
      return false
    }
    if (!greeting.value.includes(METHOD.noAuthentication)) {
      sent.push(encodeMethodChoice(METHOD.noneAcceptable))
      throw new BytestreamError('ERR_SOCKS5_METHOD', 'the peer offers no method without authentication')
    }
    sent.push(encodeMethodChoice(METHOD.noAuthentication))
    this.#pending = this.#pending.subarray(greeting.bytes)
    this.#state = 'request'
    return true
  }

  /** A copy: what was read may be a small part of a large buffer. */
  #keep(): void {
    this.#pending = this.#pending.length === 0 ? NOTHING : Buffer.from(this.#pending)
  }

  /** The reply that lets the peer in. */
  accept(): Buffer {
    return this.#answer(REPLY.succeeded)
  }

  /** The reply that turns the peer away; close after it. */
  refuse(code: ErrorCode): Buffer {
    return this.#answer(replies[code] ?? REPLY.generalFailure)
  }

  #answer(reply: Reply): Buffer {
    if (this.#state !== 'answering') throw new TypeError('there is no request to answer')
    this.#state = 'over'
    return encodeConnectReply(reply, this.#address)
  }
}
