import { BytestreamError, type ErrorCode, type Logger, toBytestreamError } from '../core/index.ts'
import { attribute, buildErrorReply, buildIqResult, type Element, type IqRequest, parseIqRequest } from '../xep/index.ts'

/**
 * Answers one kind of question with a payload, or with nothing. A BytestreamError it throws becomes the stanza error
 * of its code, with its message as the text, so that message is written for the other side.
 */
export type IqHandler = (request: IqRequest) => Element | undefined | Promise<Element | undefined>

/** An error that is told together with the part of the question it is about. */
export class PartialRefusal extends BytestreamError {
  readonly payload: Element

  constructor(code: ErrorCode, message: string, payload: Element) {
    super(code, message)
    this.payload = payload
  }
}

const keyOf = (type: 'get' | 'set', xmlns: string, name: string) => `${type} {${xmlns}}${name}`

/** Who answers which IQ. Every IQ of type get or set gets exactly one reply (RFC 6120 §8.2.3). */
export class IqRouter {
  readonly #handlers = new Map<string, IqHandler>()
  readonly #logger: Logger
  #refuseCut: ((from: string) => BytestreamError) | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** @throws TypeError when that question has its handler already */
  handle(type: 'get' | 'set', xmlns: string, name: string, handler: IqHandler): void {
    const key = keyOf(type, xmlns, name)
    if (this.#handlers.has(key)) throw new TypeError(`two handlers for ${key}`)
    this.#handlers.set(key, handler)
  }

  /** Has a question of type set that was over the limits of stanzas, of which nothing is left to say what it was, refused so. */
  refuseCut(refusal: (from: string) => BytestreamError): void {
    this.#refuseCut = refusal
  }

  /** @param isCut it came without its content @returns the reply to send, or `undefined` for a result or an error, which are never answered */
  async answer(stanza: Element, isCut = false): Promise<Element | undefined> {
    const type = attribute(stanza, 'type')
    if (type === 'result' || type === 'error') return undefined
    try {
      if (isCut && type === 'set' && this.#refuseCut) throw this.#refuseCut(attribute(stanza, 'from') ?? '')
      const request = parseIqRequest(stanza)
      const { payload } = request
      const handler = this.#handlers.get(keyOf(request.type, payload.getNS() ?? '', payload.getName()))
      if (!handler) throw new BytestreamError('ERR_SERVICE_UNAVAILABLE', '')
      return buildIqResult(stanza, await handler(request))
    } catch (thrown) {
      if (thrown instanceof BytestreamError) {
        const payload = thrown instanceof PartialRefusal ? thrown.payload : undefined
        return buildErrorReply(stanza, thrown.stanzaError, thrown.message, payload)
      }
      this.#logger.error({ err: thrown, from: attribute(stanza, 'from') }, 'answering an IQ failed')
      return buildErrorReply(stanza, toBytestreamError(thrown).stanzaError)
    }
  }
}
