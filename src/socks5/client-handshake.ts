import { BytestreamError } from '../core/index.ts'
import { decodeConnectReply, encodeConnectRequest } from './connect.ts'
import { REPLY, replyTexts } from './constants.ts'
import type { DstAddr } from './dst-addr.ts'
import { decodeMethodChoice, encodeGreeting } from './greeting.ts'

/** What the handshake asks of whoever owns the socket, in this order. */
export interface ClientHandshakeStep {
  /** To be sent. */
  readonly request?: Buffer
  /** The streamhost let us in; these octets came behind its reply and belong to the bytestream. */
  readonly early?: Buffer
}

/**
 * The connecting side of the SOCKS5 handshake as a state machine over octets, in any fragments.
 *
 * @see RFC 1928 §3-§6, XEP-0065 §5.3.2
 */
export class ClientHandshake {
  readonly #dstAddr: DstAddr
  #state: 'method' | 'reply' | 'over' = 'method'
  #pending: Buffer = Buffer.alloc(0)

  constructor(dstAddr: DstAddr) {
    this.#dstAddr = dstAddr
  }

  /** The first octets to send. */
  start(): Buffer {
    return encodeGreeting()
  }

  /**
   * Takes the next octets from the streamhost. Once `early` was returned, or an error thrown, there is nothing more to
   * push.
   *
   * @throws BytestreamError `ERR_SOCKS5_MALFORMED`, `ERR_SOCKS5_METHOD`, `ERR_SOCKS5_REFUSED` with the reason
   */
  push(octets: Buffer): ClientHandshakeStep {
    if (this.#state === 'over') throw new TypeError('this handshake takes no more octets')
    this.#pending = Buffer.concat([this.#pending, octets])
    try {
      return this.#advance()
    } catch (error) {
      this.#end()
      throw error
    }
  }

  #advance(): ClientHandshakeStep {
    const request = this.#state === 'method' ? this.#chooseMethod() : undefined
    if (this.#state === 'method') return {}
    const reply = decodeConnectReply(this.#pending)
    if (reply === undefined) return request ? { request } : {}
    if (reply.value !== REPLY.succeeded) {
      throw new BytestreamError('ERR_SOCKS5_REFUSED', `the streamhost refused: ${replyTexts[reply.value] ?? `reply ${reply.value}`}`)
    }
    const early = this.#end().subarray(reply.bytes)
    return request ? { request, early } : { early }
  }

  /** @returns the request that follows the choice, or `undefined` while that has not come */
  #chooseMethod(): Buffer | undefined {
    const choice = decodeMethodChoice(this.#pending)
    if (choice === undefined) return undefined
    this.#pending = this.#pending.subarray(choice.bytes)
    this.#state = 'reply'
    return encodeConnectRequest(this.#dstAddr)
  }

  /** @returns the octets that were not taken yet */
  #end(): Buffer {
    const rest = this.#pending
    this.#state = 'over'
    this.#pending = Buffer.alloc(0)
    return rest
  }
}
