import { isUtf8 } from 'node:buffer'
import { isPassword, ScramServer } from '../session/index.ts'
import { attribute, buildSaslFailure, buildSaslStep, type Element, NS } from '../xep/index.ts'
import type { Accounts } from './accounts.ts'
import type { Account } from './client-session.ts'

/** What one message of the client leads to; a failure is one of RFC 6120 §6.5. */
type Step = { readonly challenge: string } | { readonly account: Account; readonly data?: string } | { readonly failure: string }

/** A mechanism under way: takes the client's messages in turn. */
type Mechanism = (message: string) => Step

/** What to send, and whose login that was, where it succeeded. */
export interface SaslReply {
  readonly element: Element
  readonly account?: Account
  readonly hasFailed: boolean
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/**
 * The server's side of SASL in one stream: SCRAM-SHA-1 for everybody, PLAIN only where nobody can listen: over TLS, and
 * for peers on this machine.
 *
 * @see RFC 6120 §6, RFC 4616, RFC 5802
 */
export class SaslServer {
  readonly #accounts: Accounts
  readonly #isSafe: boolean
  #current: Mechanism | undefined

  constructor(accounts: Accounts, isSafe: boolean) {
    this.#accounts = accounts
    this.#isSafe = isSafe
  }

  /** In the order of preference. */
  get mechanisms(): readonly string[] {
    return this.#isSafe ? ['SCRAM-SHA-1', 'PLAIN'] : ['SCRAM-SHA-1']
  }

  /** @returns `undefined` for an element that is no part of SASL */
  receive(element: Element): SaslReply | undefined {
    if (element.getNS() !== NS.sasl) return undefined
    const step = this.#step(element)
    if (step === undefined) return undefined
    if ('challenge' in step) return { element: buildSaslStep('challenge', step.challenge), hasFailed: false }
    this.#current = undefined
    if ('failure' in step) return { element: buildSaslFailure(step.failure), hasFailed: true }
    return { element: buildSaslStep('success', step.data), account: step.account, hasFailed: false }
  }

  #step(element: Element): Step | undefined {
    switch (element.getName()) {
      case 'auth':
        return this.#begin(attribute(element, 'mechanism') ?? '', element.text())
      case 'response':
        return this.#current ? this.#go(this.#current, element.text()) : { failure: 'malformed-request' }
      case 'abort':
        return { failure: 'aborted' }
      default:
        return undefined
    }
  }

  #begin(name: string, initial: string): Step {
    if (name === 'PLAIN' && !this.#isSafe) return { failure: 'encryption-required' }
    if (!this.mechanisms.includes(name)) return { failure: 'invalid-mechanism' }
    this.#current = name === 'PLAIN' ? (message) => this.#plain(message) : this.#scram()
    // RFC 6120 §6.4.2: without an initial response the server begins, here with nothing to say; "=" is an empty one.
    return initial === '' ? { challenge: '' } : this.#go(this.#current, initial === '=' ? '' : initial)
  }

  #go(mechanism: Mechanism, encoded: string): Step {
    if (!BASE64.test(encoded)) return { failure: 'incorrect-encoding' }
    const message = Buffer.from(encoded, 'base64')
    return isUtf8(message) ? mechanism(message.toString()) : { failure: 'malformed-request' }
  }

  /** `authzid NUL authcid NUL password` (RFC 4616 §2). */
  #plain(message: string): Step {
    const [authzid = '', username = '', password, ...others] = message.split('\0')
    if (!username || !password || others.length > 0) return { failure: 'malformed-request' }
    const isRight = isPassword(password, this.#accounts.credentialOf(username))
    return isRight ? this.#conclude(username, authzid) : { failure: 'not-authorized' }
  }

  #scram(): Mechanism {
    const scram = new ScramServer((username) => this.#accounts.credentialOf(username))
    let isBegun = false
    return (message) => {
      if (!isBegun) {
        isBegun = true
        const challenge = scram.first(message)
        return challenge === undefined ? { failure: 'malformed-request' } : { challenge }
      }
      const outcome = scram.final(message)
      if (outcome === 'malformed') return { failure: 'malformed-request' }
      if (outcome === 'refused') return { failure: 'not-authorized' }
      return this.#conclude(outcome.username, outcome.authzid, outcome.data)
    }
  }

  /** RFC 6120 §6.3.8: an account acts as itself; what it wants to act as is told only to who may. */
  #conclude(username: string, authzid: string, data?: string): Step {
    const account = this.#accounts.find(username)
    if (!account) return { failure: 'not-authorized' }
    if (authzid && authzid !== account.jid) return { failure: 'invalid-authzid' }
    return data === undefined ? { account } : { account, data }
  }
}
