import type { Socket } from 'node:net'
import { BytestreamError, formatJid } from '../core/index.ts'
import { strangerStanzaLimits } from '../session/index.ts'
import {
  attribute,
  buildBind,
  buildErrorReply,
  buildIqResult,
  buildLegacySession,
  buildMechanisms,
  buildProceed,
  buildStartTls,
  buildStreamFeatures,
  clientStreamHeader,
  type Element,
  NS,
  parseIqRequest,
} from '../xep/index.ts'
import { type Account, ClientSession } from './client-session.ts'
import { newId, tryJid } from './names.ts'
import { SaslServer } from './sasl.ts'
import { type Fault, type ServerParts, ServerStream } from './server-stream.ts'

const isLoopback = (address = '') => address === '::1' || address.replace(/^::ffff:/, '').startsWith('127.')

/**
 * The server's side of a client's stream: header, TLS, SASL, resource binding, then stanzas. Each step takes what it
 * expects and nothing else, so a stanza before its time ends the stream.
 *
 * @see RFC 6120 §4-§7
 */
export class ClientStream extends ServerStream {
  readonly #isLocal: boolean
  #sasl: SaslServer
  #failures = 0
  #account: Account | undefined
  #session: ClientSession | undefined

  constructor(parts: ServerParts, socket: Socket) {
    super(parts, socket, NS.client, strangerStanzaLimits)
    this.#isLocal = isLoopback(socket.remoteAddress)
    this.#sasl = new SaslServer(parts.accounts, this.#isLocal)
  }

  protected override leave(): void {
    if (this.#session) this.parts.router.close(this.#session)
  }

  protected override openingTag(header: Element | undefined): string {
    const claimed = tryJid(header && attribute(header, 'from'))
    return clientStreamHeader({ from: this.parts.domain, id: newId(), to: claimed && formatJid({ ...claimed, resource: '' }) })
  }

  /** RFC 6120 §4.7.2, §4.7.5. */
  protected override begin(header: Element): Fault {
    this.stream.send(this.openingTag(header))
    const to = attribute(header, 'to')
    const host = tryJid(to)
    if (!/^[1-9]\d{0,3}\.\d{1,4}$/.test(attribute(header, 'version') ?? ''))
      return { condition: 'unsupported-version', text: 'the version is 1.0' }
    if (!to) return { condition: 'improper-addressing', text: 'a stream header has a to' }
    if (!host || formatJid(host) !== this.parts.domain) return { condition: 'host-unknown', text: `only ${this.parts.domain} is here` }
    this.stream.send(buildStreamFeatures(this.#features()))
    return undefined
  }

  #features(): Element[] {
    if (this.#account) return [buildBind(), buildLegacySession()]
    const login = this.#mustEncrypt ? [] : [buildMechanisms(this.#sasl.mechanisms)]
    return this.#mayEncrypt ? [buildStartTls(this.#mustEncrypt), ...login] : login
  }

  get #mayEncrypt(): boolean {
    return this.parts.identity !== undefined && !this.stream.isSecure && !this.#account
  }

  /** Whoever is not on this machine may be listened to. */
  get #mustEncrypt(): boolean {
    return this.#mayEncrypt && !this.#isLocal
  }

  protected override negotiate(element: Element): Fault | 'stanza' {
    if (this.#session) return 'stanza'
    if (this.#account) return this.#bind(this.#account, element)
    const { identity, accounts } = this.parts
    if (identity && this.#mayEncrypt && element.is('starttls', NS.tls)) {
      this.#sasl = new SaslServer(accounts, true)
      this.stream.secure(identity.context, buildProceed())
      return undefined
    }
    return this.#mustEncrypt ? { condition: 'policy-violation', text: 'encrypt first (STARTTLS)' } : this.#authenticate(element)
  }

  #authenticate(element: Element): Fault {
    const reply = this.#sasl.receive(element)
    if (!reply) return { condition: 'not-authorized', text: 'log in first' }
    this.stream.send(reply.element)
    if (reply.hasFailed) this.#failures += 1
    if (this.#failures >= this.parts.limits.loginAttemptsMax) return { condition: 'policy-violation', text: 'too many attempts to log in' }
    this.#account = reply.account
    if (reply.account) this.stream.restart()
    return undefined
  }

  #bind(account: Account, iq: Element): Fault {
    const bind = iq.is('iq', NS.client) && attribute(iq, 'type') === 'set' ? iq.getChild('bind', NS.bind) : undefined
    if (!bind) return { condition: 'not-authorized', text: 'bind a resource first' }
    try {
      parseIqRequest(iq)
      const session = new ClientSession(account, this.#resource(account, bind.getChildText('resource') ?? ''), this.stream)
      this.admitted()
      this.parts.router.open(session)
      this.#session = session
      this.stream.send(buildIqResult(iq, buildBind(session.jid)))
      this.parts.tell('bound', session.jid)
    } catch (error) {
      if (!(error instanceof BytestreamError)) throw error
      this.stream.send(buildErrorReply(iq, error.stanzaError, error.message))
    }
    return undefined
  }

  /** @throws BytestreamError `ERR_BAD_REQUEST` for what cannot be a resource, `ERR_LIMIT_ACCOUNT` for one too many */
  #resource(account: Account, wanted: string): string {
    const { resourcesPerAccountMax } = this.parts.limits
    const resource = wanted ? tryJid(`${account.jid}/${wanted}`)?.resource : newId()
    if (!resource) throw new BytestreamError('ERR_BAD_REQUEST', 'that cannot be a resource') // RFC 6120 §7.7.2.1
    if (!account.sessions.has(resource) && account.sessions.size >= resourcesPerAccountMax) {
      throw new BytestreamError('ERR_LIMIT_ACCOUNT', `an account has at most ${resourcesPerAccountMax} resources connected`)
    }
    return resource
  }

  /** RFC 6120 §8.1.2.1: a client that says who it is must say the truth; the server stamps it either way. */
  protected override receive(stanza: Element): Fault {
    const session = this.#session as ClientSession
    const from = attribute(stanza, 'from')
    const claimed = tryJid(from)
    const isTrue = claimed && [session.jid, session.account.jid].includes(formatJid(claimed))
    if (from !== undefined && !isTrue) return { condition: 'invalid-from', text: `this stream is ${session.jid}` }
    stanza.attrs['from'] = session.jid
    this.parts.router.fromClient(session, stanza)
    return undefined
  }
}
