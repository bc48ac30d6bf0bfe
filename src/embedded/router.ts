import { type Clock, formatJid, type Jid, type Logger, parseJid, type StanzaErrorEntry } from '../core/index.ts'
import type { IqRouter, XmlStream } from '../session/index.ts'
import { attribute, buildErrorReply, type Element } from '../xep/index.ts'
import type { Accounts } from './accounts.ts'
import type { Account, ClientSession } from './client-session.ts'
import { badRequest, serviceUnavailable } from './delivery.ts'
import type { EmbeddedLimits } from './limits.ts'
import { tryJid } from './names.ts'
import { available, PresenceService } from './presence.ts'
import { answerAsAccount, answerAsServer } from './queries.ts'

/** Types of presence that nobody hears of when they reach nobody. */
const QUIET: readonly unknown[] = ['unavailable', 'unsubscribe', 'unsubscribed', 'subscribed', 'probe']

export interface RouterInit {
  readonly domain: string
  /** Addresses a component may connect for. */
  readonly components: readonly string[]
  readonly limits: EmbeddedLimits
  /** Called with every stanza whose form and addresses are sound, before it is routed. */
  readonly onStanza: (stanza: Element) => void
}

/**
 * Takes a stanza to whoever it is for: a connected resource, an account, the server itself, a component. What cannot
 * be delivered comes back as an error, and an error never does.
 *
 * @see RFC 6120 §8, §10; RFC 6121 §8
 */
export class Router {
  readonly #logger: Logger
  readonly #accounts: Accounts
  readonly #domain: string
  readonly #components: Map<string, XmlStream | undefined>
  readonly #onStanza: (stanza: Element) => void
  readonly #asServer: IqRouter
  readonly #asAccount: IqRouter
  readonly #presence: PresenceService
  #answered: Promise<unknown> = Promise.resolve()

  constructor(logger: Logger, clock: Clock, accounts: Accounts, { domain, components, limits, onStanza }: RouterInit) {
    this.#logger = logger
    this.#accounts = accounts
    this.#onStanza = onStanza
    this.#domain = domain
    this.#components = new Map(components.map((jid) => [jid, undefined]))
    this.#presence = new PresenceService(
      limits,
      (stanza) => this.#deliver(stanza),
      (stanza, reason, text) => this.#bounce(stanza, reason, text),
    )
    this.#asServer = answerAsServer(logger, clock, domain, () => this.#items())
    this.#asAccount = answerAsAccount(logger, accounts, this.#presence)
  }

  /** Whether a component is configured, and connected. */
  componentState(jid: string): 'unknown' | 'absent' | 'connected' {
    if (!this.#components.has(jid)) return 'unknown'
    return this.#components.get(jid) ? 'connected' : 'absent'
  }

  /** @returns to be called when the component has gone */
  connect(jid: string, stream: XmlStream): () => void {
    this.#components.set(jid, stream)
    return () => {
      if (this.#components.get(jid) === stream) this.#components.set(jid, undefined)
    }
  }

  /** Adds a resource. One by the same name is replaced: its client is more likely gone than another one (RFC 6120 §7.7.2.2). */
  open(session: ClientSession): void {
    const older = session.account.sessions.get(session.resource)
    if (older) {
      this.close(older)
      older.replace()
    }
    session.account.sessions.set(session.resource, session)
  }

  /** Removes a resource, and tells whoever saw it available. */
  close(session: ClientSession): void {
    const { sessions } = session.account
    if (sessions.get(session.resource) !== session) return
    sessions.delete(session.resource)
    this.#presence.leave(session)
  }

  /** A stanza of a client; `from` is stamped already. */
  fromClient(session: ClientSession, stanza: Element): void {
    const to = this.#address(stanza)
    if (to === 'malformed') return
    this.#onStanza(stanza)
    if (stanza.name === 'presence') {
      this.#presence.fromClient(session, stanza, to)
    } else if (to) {
      this.#deliver(stanza)
    } else if (stanza.name === 'iq') {
      this.#answer(this.#asAccount, stanza)
    } else {
      stanza.attrs['to'] = session.account.jid // RFC 6120 §10.3.1
      this.#deliver(stanza)
    }
  }

  /** A stanza of a component, with `from` and `to`; `from` is one of its addresses. */
  fromComponent(stanza: Element): void {
    if (this.#address(stanza) === 'malformed') return
    this.#onStanza(stanza)
    this.#deliver(stanza)
  }

  /** Prepares `to`, where there is one. A stanza whose form or address is wrong goes back. */
  #address(stanza: Element): Jid | undefined | 'malformed' {
    const to = attribute(stanza, 'to')
    if (stanza.name === 'iq' && !isSoundIq(stanza)) {
      this.#bounce(stanza, badRequest, 'an IQ has an id, one of four types, and a child element if it asks (RFC 6120 §8.2.3)')
      return 'malformed'
    }
    if (to === undefined) return undefined
    const address = tryJid(to)
    if (!address) {
      this.#bounce(stanza, { type: 'modify', condition: 'jid-malformed' })
      return 'malformed'
    }
    stanza.attrs['to'] = formatJid(address)
    return address
  }

  /** By now `to` is there, and sound. */
  #deliver(stanza: Element): void {
    const to = parseJid(attribute(stanza, 'to') ?? this.#domain)
    if (to.domain !== this.#domain) {
      this.#toComponent(stanza, to.domain)
    } else if (!to.local) {
      if (stanza.name === 'iq' && !to.resource) this.#answer(this.#asServer, stanza)
      else if (stanza.name !== 'presence') this.#bounce(stanza, serviceUnavailable)
    } else {
      const account = this.#accounts.get(to.local)
      if (stanza.name === 'presence') this.#presence.toAccount(stanza, account, to.resource)
      else if (!account)
        this.#bounce(stanza, serviceUnavailable) // RFC 6121 §8.5.1
      else if (stanza.name === 'iq') this.#iqToAccount(stanza, account, to.resource)
      else this.#messageToAccount(stanza, account, to.resource)
    }
  }

  /** There is no federation: any other domain is one that nobody finds (RFC 6120 §10.4). */
  #toComponent(stanza: Element, domain: string): void {
    const component = this.#components.get(domain)
    if (component) component.send(stanza)
    else if (this.#components.has(domain)) this.#bounce(stanza, { type: 'wait', condition: 'remote-server-timeout' })
    else this.#bounce(stanza, { type: 'cancel', condition: 'remote-server-not-found' })
  }

  /** RFC 6121 §8.5.2.1.3, §8.5.3. */
  #iqToAccount(stanza: Element, account: Account, resource: string): void {
    const session = account.sessions.get(resource)
    if (!resource) this.#answer(this.#asAccount, stanza)
    else if (session) session.send(stanza)
    else this.#bounce(stanza, serviceUnavailable)
  }

  /** RFC 6121 §8.5.2, §8.5.3; nothing is kept for later. */
  #messageToAccount(stanza: Element, account: Account, resource: string): void {
    const type = attribute(stanza, 'type') ?? 'normal'
    const session = account.sessions.get(resource)
    if (session) {
      session.send(stanza)
    } else if (resource && type !== 'chat') {
      if (type !== 'headline') this.#bounce(stanza, serviceUnavailable)
    } else {
      const open = type === 'groupchat' || type === 'error' ? [] : available(account).filter(({ priority }) => priority >= 0)
      const highest = Math.max(...open.map(({ priority }) => priority))
      const receivers = type === 'headline' ? open : open.filter(({ priority }) => priority === highest)
      for (const receiver of receivers) receiver.send(stanza)
      if (receivers.length === 0 && type !== 'headline') this.#bounce(stanza, serviceUnavailable)
    }
  }

  /** Answers go out in the order of their questions (RFC 6120 §10.1). */
  #answer(iqs: IqRouter, stanza: Element): void {
    const answer = iqs.answer(stanza)
    this.#answered = this.#answered
      .then(() => answer)
      .then((reply) => reply && this.#deliver(reply))
      .catch((error: unknown) => this.#logger.error({ err: error }, 'an answer could not be delivered'))
  }

  #bounce(stanza: Element, reason: StanzaErrorEntry, text?: string): void {
    const type = attribute(stanza, 'type')
    if (type === 'error' || (stanza.name === 'iq' && type === 'result') || (stanza.name === 'presence' && QUIET.includes(type))) return
    this.#deliver(buildErrorReply(stanza, reason, text))
  }

  #items(): { jid: string }[] {
    return [...this.#components].filter(([, stream]) => stream).map(([jid]) => ({ jid }))
  }
}

/** RFC 6120 §8.2.3. */
function isSoundIq(stanza: Element): boolean {
  const type = attribute(stanza, 'type') ?? ''
  const children = stanza.getChildElements().length
  if (!attribute(stanza, 'id')) return false
  if (type === 'get' || type === 'set') return children === 1
  return type === 'error' || (type === 'result' && children <= 1)
}
