import { randomBytes } from 'node:crypto'
import { abortError, BytestreamError, type Clock, tryPrepareJid } from '../core/index.ts'
import { attribute, buildIq, type Element, parseStanzaError } from '../xep/index.ts'

/** A question to another entity. */
export interface Question {
  readonly type: 'get' | 'set'
  /** Where it goes; the account's own server where it is left out. */
  readonly to?: string | undefined
  /** As which address a component asks; its own where it is left out. */
  readonly from?: string | undefined
  readonly payload: Element
}

/** How long an answer is waited for. */
export interface QuestionOptions {
  /** Milliseconds to wait for the answer. */
  readonly answerMsMax?: number
  readonly signal?: AbortSignal | undefined
  /** Hears the result before any stanza behind it is looked at; what it throws is thrown. */
  readonly onResult?: ((payload: Element | undefined) => void) | undefined
}

interface Outstanding {
  readonly to: string | undefined
  readonly hear: (payload: Element | undefined) => void
  readonly reject: (error: BytestreamError) => void
}

const ANSWER_MS_MAX = 30_000
const OUTSTANDING_MAX = 10_000

/** The questions this session has asked and not yet heard about. An answer counts only from where the question went. */
export class IqRequests {
  readonly #clock: Clock
  readonly #outstanding = new Map<string, Outstanding>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#outstanding.size
  }

  /**
   * Asks, and waits.
   *
   * @param send writes the stanza
   * @returns the payload of the result, if it has one
   * @throws StanzaError as the other side answered; BytestreamError `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_SESSION_CLOSED`
   */
  ask(
    question: Question,
    { answerMsMax = ANSWER_MS_MAX, signal, onResult }: QuestionOptions,
    send: (stanza: Element) => void,
  ): Promise<Element | undefined> {
    const { type, from, to, payload } = question
    if (this.#outstanding.size >= OUTSTANDING_MAX) {
      return Promise.reject(new BytestreamError('ERR_INTERNAL', `more than ${OUTSTANDING_MAX} questions are waiting for an answer`))
    }
    if (signal?.aborted) return Promise.reject(abortError(signal))
    const id = randomBytes(9).toString('base64url')
    let cancel = () => {}
    let onAbort = () => {}
    // The first that happens counts: an answer that came before the abort, in the same turn of the event loop, has come.
    const answer = new Promise<Element | undefined>((resolve, reject) => {
      const hear = (payload: Element | undefined) => {
        try {
          onResult?.(payload)
          resolve(payload)
        } catch (error) {
          reject(error)
        }
      }
      this.#outstanding.set(id, { to, hear, reject })
      onAbort = () => reject(abortError(signal as AbortSignal))
      signal?.addEventListener('abort', onAbort, { once: true })
      cancel = this.#clock.after(answerMsMax, () => {
        reject(new BytestreamError('ERR_TIMEOUT', `${to ?? 'the server'} did not answer within ${answerMsMax / 1000} s`))
      })
      send(buildIq({ type, id, from, to }, payload))
    })
    return answer.finally(() => {
      cancel()
      signal?.removeEventListener('abort', onAbort)
      this.#outstanding.delete(id)
    })
  }

  /**
   * Takes an IQ of type result or error.
   *
   * @param isOurs tells whether an address is the account's own or its server's, which answer questions without a `to`
   * @returns whether it was the answer to a question
   */
  settle(stanza: Element, isOurs: (from: string) => boolean): boolean {
    const id = attribute(stanza, 'id') ?? ''
    const from = attribute(stanza, 'from') ?? ''
    const outstanding = this.#outstanding.get(id)
    if (!outstanding) return false
    if (!isAnswerFrom(from, outstanding.to, isOurs)) return false
    this.#outstanding.delete(id)
    if (attribute(stanza, 'type') === 'error') outstanding.reject(parseStanzaError(stanza))
    else outstanding.hear(stanza.getChildElements()[0])
    return true
  }

  /** Fails every outstanding question: the connection they went over is gone. */
  failAll(error: BytestreamError): void {
    for (const { reject } of this.#outstanding.values()) reject(error)
    this.#outstanding.clear()
  }
}

/** Whether an answer from `from`, empty where it names nobody, is one to a question to `to`. */
function isAnswerFrom(from: string, to: string | undefined, isOurs: (jid: string) => boolean): boolean {
  if (to === undefined) return from === '' || isOurs(from)
  // Servers know the prepared form of the address that was asked, and answer under it.
  if (from === '') return isOurs(tryPrepareJid(to))
  return from === to || tryPrepareJid(from) === tryPrepareJid(to)
}
