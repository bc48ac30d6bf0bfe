import { EventEmitter, once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { BytestreamError, type Clock, formatJid, type Logger, silentLogger, systemClock } from '../core/index.ts'
import { Identity, type IdentityInit } from '../tls/index.ts'
import { attribute, type Element } from '../xep/index.ts'
import { Accounts } from './accounts.ts'
import { Admission } from './admission.ts'
import { ClientStream } from './client-stream.ts'
import { ComponentStream } from './component-stream.ts'
import { type EmbeddedLimits, embeddedLimits } from './limits.ts'
import { tryJid } from './names.ts'
import { Router } from './router.ts'
import type { ServerParts, ServerStream } from './server-stream.ts'

export interface EmbeddedServerComponents {
  readonly logger?: Logger
  readonly clock?: Clock
}

export interface ListenAddress {
  /** `*`: every address of this machine. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

export interface EmbeddedServerInit {
  /** The domain of the accounts. */
  readonly domain: string
  readonly accounts: readonly { readonly local: string; readonly password: string }[]
  readonly components: readonly { readonly jid: string; readonly secret: string }[]
  readonly clientListen: ListenAddress
  readonly componentListen: ListenAddress
  /** Offered to clients by STARTTLS, and required of those that are not on this machine. Without it nobody is offered TLS. */
  readonly tls?: IdentityInit | undefined
  /** What is left out is as {@link embeddedLimits} has it. */
  readonly limits?: Partial<EmbeddedLimits>
}

/** Facts. */
export interface EmbeddedServerEvents {
  /** A client has its resource. */
  bound: [{ jid: string }]
  componentConnected: [{ jid: string }]
  componentDisconnected: [{ jid: string }]
  /** A stanza came in, and is about to be routed; `to` is empty where it names nobody. Look at the element, do not change it. */
  stanza: [{ from: string; to: string; element: Element }]
}

const KEEP_ALIVE_MS = 60_000

/**
 * Just enough of an XMPP server for one box: clients and components over TCP, everything in memory, no federation, no
 * messages kept for later. Accounts come from the configuration; nobody can register.
 *
 * @see RFC 6120, RFC 6121, XEP-0114
 */
export class EmbeddedServer extends EventEmitter<EmbeddedServerEvents> {
  readonly #init: EmbeddedServerInit
  readonly #parts: ServerParts
  readonly #servers: Server[] = []
  readonly #streams = new Set<ServerStream>()
  #closing: Promise<void> | undefined

  /** @throws BytestreamError `ERR_CONFIG` for a domain, account, component or certificate that cannot be */
  constructor({ logger = silentLogger, clock = systemClock }: EmbeddedServerComponents, init: EmbeddedServerInit) {
    super()
    this.#init = init
    const limits = { ...embeddedLimits, ...init.limits }
    const domain = domainFrom(init.domain, 'the domain of the embedded server')
    const accounts = new Accounts(domain)
    for (const { local, password } of init.accounts) accounts.add(local, password, limits.rosterItemsMax)
    const secrets = secretsFrom(init.components, domain)
    const onStanza = (element: Element) =>
      void this.emit('stanza', { from: attribute(element, 'from') ?? '', to: attribute(element, 'to') ?? '', element })
    const router = new Router(logger, clock, accounts, { domain, components: [...secrets.keys()], limits, onStanza })
    const admission = new Admission(clock, limits)
    const tell: ServerParts['tell'] = (fact, jid) => void this.emit(fact, { jid })
    const identity = init.tls && new Identity(init.tls)
    this.#parts = { domain, logger, clock, limits, accounts, admission, router, identity, secrets, tell }
  }

  /**
   * Accepts connections. May be called once.
   *
   * @returns the addresses it listens on
   * @throws BytestreamError `ERR_LISTEN`; then nothing is listened on
   */
  async listen(): Promise<{ client: ListenAddress; component: ListenAddress }> {
    if (this.#servers.length > 0 || this.#closing !== undefined) throw new TypeError('an embedded server listens once')
    try {
      const client = await this.#listen(this.#init.clientListen, (socket) => new ClientStream(this.#parts, socket))
      const component = await this.#listen(this.#init.componentListen, (socket) => new ComponentStream(this.#parts, socket))
      return { client, component }
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Of the certificate clients are shown (SHA-256, in pairs of digits), where there is one. */
  get fingerprint(): string | undefined {
    return this.#parts.identity?.fingerprint
  }

  /** Ends every stream with `system-shutdown` (RFC 6120 §4.9.3.20), and waits until all sockets are gone. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    const closed = this.#servers.filter((server) => server.listening).map((server) => new Promise((resolve) => server.close(resolve)))
    for (const stream of this.#streams) stream.fail({ condition: 'system-shutdown', text: '' })
    await Promise.all(closed)
  }

  async #listen({ host, port }: ListenAddress, accept: (socket: Socket) => ServerStream): Promise<ListenAddress> {
    const server = createServer((socket) => {
      socket.setKeepAlive(true, KEEP_ALIVE_MS)
      const stream = accept(socket)
      this.#streams.add(stream)
      socket.once('close', () => this.#streams.delete(stream))
    })
    this.#servers.push(server)
    // Without a host Node takes every address of both families, or of the one there is.
    server.listen(port, host === '*' ? undefined : host)
    try {
      await once(server, 'listening')
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new BytestreamError('ERR_LISTEN', `the embedded server cannot listen on ${host}:${port}: ${reason}`, { cause: error })
    }
    server.on('error', (error) => this.#parts.logger.warn({ err: error }, 'the embedded server could not accept a connection'))
    const address = server.address() as AddressInfo
    return { host: address.address, port: address.port }
  }
}

function domainFrom(text: string, what: string): string {
  const jid = tryJid(text)
  if (!jid || jid.local || jid.resource) throw new BytestreamError('ERR_CONFIG', `${what} is "${text}", expected a domain`)
  return formatJid(jid)
}

function secretsFrom(components: EmbeddedServerInit['components'], domain: string): Map<string, string> {
  const secrets = new Map<string, string>()
  for (const { jid, secret } of components) {
    const address = domainFrom(jid, 'the address of a component')
    if (address === domain || secrets.has(address)) throw new BytestreamError('ERR_CONFIG', `the component address "${jid}" is taken`)
    if (!secret) throw new BytestreamError('ERR_CONFIG', `the component "${jid}" has an empty secret`)
    secrets.set(address, secret)
  }
  return secrets
}
