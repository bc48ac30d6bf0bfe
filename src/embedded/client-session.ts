import type { XmlStream } from '../session/index.ts'
import type { Element } from '../xep/index.ts'
import type { Roster } from './roster.ts'

/** One account, from the configuration; what happens to it lives as long as the server. */
export interface Account {
  readonly local: string
  /** Its bare JID. */
  readonly jid: string
  readonly roster: Roster
  /** By resource. */
  readonly sessions: Map<string, ClientSession>
}

/** One connected resource of an account (RFC 6120 §7), and what the server has to remember for it. */
export class ClientSession {
  /** Full. */
  readonly jid: string
  readonly account: Account
  readonly resource: string
  readonly #stream: XmlStream
  /** The last presence it broadcast; while there is none it is connected, but not available (RFC 6121 §4.2). */
  presence: Element | undefined
  /** -128 to 127. */
  priority = 0
  /** Whether it asked for its roster, and hears of changes (RFC 6121 §2.2). */
  isInterested = false
  /** Who got directed presence, and will be told when it goes (RFC 6121 §4.6). */
  readonly directed = new Set<string>()

  constructor(account: Account, resource: string, stream: XmlStream) {
    this.account = account
    this.resource = resource
    this.jid = `${account.jid}/${resource}`
    this.#stream = stream
  }

  get isAvailable(): boolean {
    return this.presence !== undefined
  }

  send(stanza: Element): void {
    this.#stream.send(stanza)
  }

  /** Another connection took its resource (RFC 6120 §7.7.2.2). */
  replace(): void {
    this.#stream.fail({ condition: 'conflict', text: `another connection took over ${this.jid}` })
  }
}
